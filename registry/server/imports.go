package server

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/csvfile"
	"ashyq-kiosk/registry/store"
)

// fileOf says which columns the files of a kind of source have. Other kinds upload no files.
var fileOf = map[string]csvfile.Kind{Laboratory: csvfile.Laboratory, PCRPortal: csvfile.Portal, Covid19Centre: csvfile.Centre}

// imports are the files that this registry is reading. Each has a goroutine, which reads the file,
// enters its rows in batches, and notes after each batch how far it got.
type imports struct {
	ctx  context.Context // ends with the registry
	stop context.CancelFunc
	all  sync.WaitGroup

	mu   sync.Mutex
	busy map[int64]bool // guarded by mu: sources with a file on its way; it may fill 64 MB of the disk
}

// claim reserves the one place that a source has.
func (i *imports) claim(source int64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	taken := i.busy[source]
	i.busy[source] = true
	return !taken
}

func (i *imports) release(source int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.busy, source)
}

// lifeless is after how long without a sign an import counts as interrupted. A batch takes a
// second.
const lifeless = time.Minute

// startImports marks what an earlier run of this registry left behind. Where others use the same
// database, they may still be at work.
func startImports(ctx context.Context, db *store.Store) (*imports, error) {
	since := now().Add(time.Second)
	if db.Shared() {
		since = now().Add(-lifeless)
	}
	if err := db.InterruptImports(ctx, since); err != nil {
		return nil, err
	}
	i := &imports{busy: map[int64]bool{}}
	i.ctx, i.stop = context.WithCancel(context.Background())
	return i, nil
}

// end stops the goroutines and waits for them.
func (i *imports) end() {
	i.stop()
	i.all.Wait()
}

// imported takes a file: it is read to its end first, so that what happens to the browser after
// that does not matter, and then entered.
func (s *Server) imported(r *http.Request, source store.Source) (any, error) {
	person, err := Signed{Person: names.Compose(r.URL.Query().Get("person"))}.by(source.Name)
	if err != nil {
		return nil, err
	}
	if !s.imports.claim(source.ID) {
		return nil, refusedFile(store.ErrRunning)
	}
	i, file, err := s.startImport(r, source, person)
	if err != nil {
		s.imports.release(source.ID)
		return nil, err
	}
	answer := accepted{i.Import} // as it begins; from here on the goroutine owns i
	s.imports.all.Go(func() {
		s.runImport(i)
		if err := file.Close(); err != nil {
			s.opt.Log.Warn("close an uploaded file", "error", err)
		}
	})
	return answer, nil
}

func (s *Server) startImport(r *http.Request, source store.Source, person string) (*importing, *os.File, error) {
	file, size, err := spool(patient(r))
	if err != nil {
		return nil, nil, err
	}
	rows, err := csvfile.Open(file, fileOf[source.Kind])
	var id int64
	if err == nil {
		id, err = s.opt.Store.StartImport(r.Context(), source.ID, person, size, now())
	}
	if err != nil {
		return nil, nil, errors.Join(refusedFile(err), file.Close())
	}
	i := store.Import{ID: id, Person: person, State: store.Running, Started: now(), Alive: now(), Size: size}
	return &importing{Import: i, server: s, source: source, rows: rows}, file, nil
}

// refusedFile is the answer to a file that cannot be used. It may name a column, and where the
// first line is a person's, that is the IIN or the name: the log gets the reason alone.
func refusedFile(err error) error {
	const why = "the file cannot be used: "
	if refusal, ok := errors.AsType[*csvfile.Refusal](err); ok {
		answer := badRequest(why+refusal.Text(), "the first line names the columns; nothing was entered")
		return unlogged{answer, why + refusal.Reason}
	}
	if errors.Is(err, store.ErrRunning) {
		return &failure{http.StatusConflict, "another file of this source is being read", "wait until it is finished, and send this one again", err}
	}
	return err
}

// spool keeps an uploaded file without a name on disk, so that it is gone whatever happens.
func spool(body io.Reader) (*os.File, int64, error) {
	file, err := os.CreateTemp("", "ashyq-import-*")
	if err != nil {
		return nil, 0, fmt.Errorf("keep an uploaded file: %w", err)
	}
	err = os.Remove(file.Name())
	var size int64
	if err == nil {
		size, err = io.Copy(file, body)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err == nil {
		return file, size, nil
	}
	err = errors.Join(err, file.Close())
	if _, ok := errors.AsType[*http.MaxBytesError](err); !ok && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded)) {
		err = &failure{http.StatusBadRequest, "the file did not arrive whole", "send it again; nothing was entered", err}
	}
	return nil, 0, err
}

// importing is one import at work.
type importing struct {
	store.Import
	server  *Server
	source  store.Source
	rows    *csvfile.Reader
	batch   []EntryRequest
	lines   []int // of the batch
	refused []store.RowRefusal
}

func (s *Server) runImport(i *importing) {
	err := i.run(s.imports.ctx)
	s.imports.release(i.source.ID) // before its end is noted: who sees that may send the next file
	log := s.opt.Log.With("import", i.ID, "lines", i.Line, "entered", i.Entered, "refused", i.Refused)
	switch {
	case err != nil && s.imports.ctx.Err() != nil:
		i.State = store.Interrupted
	case err != nil:
		i.State, i.Reason = store.Failed, asFailure(err).text
		log = log.With("error", err)
	default:
		i.State = store.Finished
	}
	// The registry is ending: what is left to note is one row.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.imports.ctx), 5*time.Second)
	defer cancel()
	if err := s.opt.Store.NoteImport(ctx, i.Import, i.refused, now()); err != nil {
		log = log.With("note", err)
	}
	log.LogAttrs(ctx, slog.LevelInfo, "import", slog.String("state", i.State))
}

func (i *importing) run(ctx context.Context) error {
	for {
		row, err := i.rows.Next()
		refusal, isRefusal := errors.AsType[*csvfile.Refusal](err)
		switch {
		case err == nil:
			i.batch = append(i.batch, EntryRequest{IIN: row.IIN, Sample: row.Sample, Kind: row.Kind, At: row.At,
				Laboratory: row.Laboratory, IndexCase: row.Index})
			i.lines = append(i.lines, row.Line)
		case isRefusal && refusal.Fatal():
			return errors.Join(i.enter(ctx), &failure{http.StatusBadRequest, refusal.Reason, "", refusal})
		case isRefusal:
			i.refuse(refusal.Line, refusal.Field, refusal.Reason)
		case err == io.EOF:
			return i.enter(ctx)
		default:
			return err
		}
		if len(i.batch)+len(i.refused) < maxRecords {
			continue
		}
		if err := i.enter(ctx); err != nil {
			return err
		}
	}
}

func (i *importing) refuse(line int, field, reason string) {
	i.refused = append(i.refused, store.RowRefusal{Line: line, Field: field, Reason: reason})
	i.Refused++
}

// enter decides on the batch and notes it.
func (i *importing) enter(ctx context.Context) error {
	outcomes, err := i.server.enter(ctx, i.source, i.batch, Signed{Person: i.Person})
	if err != nil {
		return err
	}
	for n, to := range outcomes {
		switch {
		case to.Err != nil:
			answer := entryAnswer(to)
			reason := answer.Error
			if wrong, ok := errors.AsType[*FieldError](to.Err); ok {
				reason = wrong.Text
			}
			i.refuse(i.lines[n], columnNames[i.source.Kind][answer.Field], reason)
		case to.Waits:
			i.Waits++
		case to.Known:
			i.Known++
		default:
			i.Entered++
		}
	}
	i.Line, i.Done = i.rows.Line(), int64(i.rows.Bytes())
	i.batch, i.lines = i.batch[:0], i.lines[:0]
	if err := i.server.opt.Store.NoteImport(ctx, i.Import, i.refused, now()); err != nil {
		return err
	}
	i.refused = i.refused[:0]
	return nil
}

// columnNames are the names of an EntryRequest's fields in files.
var columnNames = map[string]map[string]string{
	Laboratory:    {"iin": "iin", "sample": "sample", "kind": "result", "at": "taken"},
	PCRPortal:     {"iin": "iin", "sample": "sample", "kind": "result", "at": "taken", "laboratory": "laboratory"},
	Covid19Centre: {"iin": "iin", "sample": "number", "kind": "kind", "at": "date", "index_case": "index"},
}

func (s *Server) importsByMethod(r *http.Request, source store.Source) (any, error) {
	switch r.Method {
	case http.MethodPost:
		return s.imported(r, source)
	case http.MethodGet, http.MethodHead:
		return s.importsOf(r, source)
	}
	return nil, &failure{http.StatusMethodNotAllowed, "wrong method", "use GET or POST", nil}
}

func (s *Server) importsOf(r *http.Request, source store.Source) (any, error) {
	if err := s.opt.Store.InterruptImports(r.Context(), now().Add(-lifeless)); err != nil {
		return nil, err
	}
	list, err := s.opt.Store.Imports(r.Context(), source.ID)
	say := wanted(r)
	for i := range list {
		list[i].Reason = say(list[i].Reason)
	}
	return ImportsAnswer{Imports: list}, err
}

func (s *Server) importOf(r *http.Request, source store.Source) (any, error) {
	if err := s.opt.Store.InterruptImports(r.Context(), now().Add(-lifeless)); err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, store.ErrNotFound
	}
	i, err := s.opt.Store.ImportOf(r.Context(), source.ID, id)
	i.Reason = wanted(r)(i.Reason)
	return i, err
}

// refusedRows is the report as a file that spreadsheets open: with a byte order mark, and with
// semicolons, as they expect them in Kazakhstan.
func (s *Server) refusedRows(r *http.Request, source store.Source) (any, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, store.ErrNotFound
	}
	if _, err := s.opt.Store.ImportOf(r.Context(), source.ID, id); err != nil {
		return nil, err
	}
	say := wanted(r)
	out := bytes.NewBufferString("\ufeff")
	w := csv.NewWriter(out)
	w.Comma, w.UseCRLF = ';', true
	if err := w.Write([]string{say("line"), say("column"), say("reason")}); err != nil {
		return nil, err
	}
	err = s.opt.Store.RefusedRows(r.Context(), source.ID, id, func(row store.RowRefusal) error {
		return w.Write([]string{strconv.Itoa(row.Line), say(row.Field), say(row.Reason)})
	})
	w.Flush()
	if err := errors.Join(err, w.Error()); err != nil {
		return nil, err
	}
	return raw{kind: "text/csv; charset=utf-8", cache: "no-store", data: out.Bytes()}, nil
}

// idle is how long a sender of a file may pause. Who has closed the laptop must not keep the place
// that the source has.
const idle = 30 * time.Second

// patientReader gives a request more time as long as it gets on.
type patientReader struct {
	io.Reader
	extend func(time.Duration) error
}

func (p patientReader) Read(b []byte) (int, error) {
	if err := p.extend(idle); err != nil {
		return 0, err
	}
	return p.Reader.Read(b)
}

// patient lets a file take longer than other requests.
func patient(r *http.Request) io.Reader {
	return patientReader{r.Body, r.Context().Value(extending{}).(func(time.Duration) error)}
}
