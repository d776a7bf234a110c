package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// A backup is one gzip stream of JSON lines:
//
//	{"ashyq_registry_backup": 1, ...}      head, see backupHead
//	{"file": NAME, "text": TEXT}           each key of the data directory
//	{"table": NAME, "columns": [...]}      each table of the database, followed by
//	[...]                                  its rows, as store.DumpedTable describes them
//	{"end": true, "rows": N}               so that a torn file is noticed
//
// It fits SQLite and PostgreSQL alike. Bundles of updates are not in it: they are signed files that
// the administrator has.

// backupFormat is the number of this format.
const backupFormat = 1

type backupHead struct {
	Format  int       `json:"ashyq_registry_backup"`
	Schema  int       `json:"schema"`  // of the database
	Program string    `json:"program"` // version that wrote it
	Moment  time.Time `json:"moment"`  // all that was stored by then is in it
}

type backupFile struct {
	File string `json:"file"`
	Text string `json:"text"`
}

type backupEnd struct {
	End  bool `json:"end"`
	Rows int  `json:"rows"`
}

// backupLine is any line but a row.
type backupLine struct {
	backupHead
	backupFile
	store.DumpedTable
	backupEnd
}

// keyFiles are all files of a data directory that a backup holds. The last one makes a registry
// complete.
var keyFiles = []string{caKeyFile, caFile, adminFile, issuerFile, registryFile}

type backupCmd struct {
	dataFlag
	databaseFlag
	File string `arg:"" name:"file" help:"File to write, readable only for its owner; - writes to standard output, for instance into age or ssh. Whoever has it is the registry."`
}

// Run writes a backup. A file appears under its name when it is complete and on disk.
func (c *backupCmd) Run(ctx context.Context, stdout io.Writer) error {
	dir := &dataDir{name: c.Data}
	if !dir.has(registryFile) {
		return fmt.Errorf("%q holds no registry\nhint: name its data directory with --data", c.Data)
	}
	if c.File == "-" {
		return c.write(ctx, dir, stdout, &progress{out: os.Stderr})
	}
	file, err := renameio.NewPendingFile(c.File, renameio.WithStaticPermissions(0o600))
	if err != nil {
		return fmt.Errorf("make the backup %q: %w\nhint: its folder has to be there, and yours to write in", c.File, err)
	}
	told := &progress{out: stdout}
	err = c.write(ctx, dir, file, told)
	if err == nil {
		err = file.CloseAtomicallyReplace()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("make the backup %q: %w", c.File, err), file.Cleanup())
	}
	fmt.Fprintf(stdout, "backup of %s in %s\nit holds all keys: keep it from others, and off this machine\n",
		counted(told.rows, "row"), c.File)
	return nil
}

func (c *backupCmd) write(ctx context.Context, dir *dataDir, w io.Writer, told *progress) error {
	db, err := dir.open(ctx, c.Database)
	if err != nil && c.Database == "" && unix.Access(dir.name, unix.W_OK) == unix.EROFS {
		return fmt.Errorf("%w\nhint: its disk is read-only: copy %q to another disk, and name the copy with --data", err, dir.name)
	}
	if err != nil {
		return err
	}
	compressed := gzip.NewWriter(w)
	lines := json.NewEncoder(compressed)
	write := func() error {
		if _, err := db.Published(ctx); errors.Is(err, store.ErrNotFound) {
			return errors.New("this database holds no registry that ever ran\n" +
				"hint: name the right one with --database, or start this one once with serve")
		} else if err != nil {
			return err
		}
		head := backupHead{backupFormat, store.Schema(), version, time.Now().UTC().Truncate(time.Second)}
		if err := lines.Encode(head); err != nil {
			return err
		}
		for _, name := range keyFiles {
			text, err := os.ReadFile(dir.path(name))
			if err != nil {
				return err
			}
			if err := lines.Encode(backupFile{name, string(text)}); err != nil {
				return err
			}
		}
		err := db.Dump(ctx, func(line any) error {
			if _, row := line.([]any); row {
				told.row()
			}
			return lines.Encode(line)
		})
		if err != nil {
			return err
		}
		if err := lines.Encode(backupEnd{true, told.rows}); err != nil {
			return err
		}
		return compressed.Close()
	}
	return errors.Join(write(), db.Close())
}

// progress counts rows and says every two seconds how many.
type progress struct {
	out  io.Writer
	rows int
	said time.Time
}

func (p *progress) row() {
	p.rows++
	if p.rows%1000 != 0 {
		return
	}
	switch now := time.Now(); {
	case p.said.IsZero():
		p.said = now
	case now.Sub(p.said) >= progressStep:
		p.said = now
		fmt.Fprintf(p.out, "%d rows\n", p.rows)
	}
}

type restoreCmd struct {
	dataFlag
	databaseFlag
	Published string `placeholder:"DIR" type:"existingdir" help:"Newer list at hand, as offline-snapshot writes it or a stick carries it. Until all sources have sent again, the stricter colour of it and of the backup counts."`
	ListKey   string `placeholder:"KEY" env:"ASHYQ_LIST_KEY" help:"With --published: the key with which that list is sealed, as the command list-keys prints it, where the backup is older than that key."`
	File      string `arg:"" name:"file" type:"existingfile" help:"The backup."`
}

// Run restores a backup. The registry's key is written last: an interrupted restore leaves nothing
// that serves.
func (c *restoreCmd) Run(ctx context.Context, stdout io.Writer) error {
	dir, err := lock(c.Data)
	if err != nil {
		return err
	}
	defer dir.unlock()
	if dir.has(registryFile) {
		return fmt.Errorf("%q already holds a registry\n"+
			"hint: name an empty directory; to replace this registry, move its directory away", c.Data)
	}
	r := &restore{restoreCmd: c, dir: dir, told: &progress{out: stdout}}
	if err := r.run(ctx, stdout); err != nil {
		return fmt.Errorf("restore %q: %w", c.File, err)
	}
	return nil
}

// restore is a restore under way.
type restore struct {
	*restoreCmd
	dir  *dataDir
	told *progress
	head backupHead
	keys map[string]string
}

// restoringFile is the SQLite file until it is complete.
const restoringFile = databaseFile + ".restoring"

func (r *restore) run(ctx context.Context, stdout io.Writer) error {
	address := r.Database
	if address == "" {
		if r.dir.has(databaseFile) {
			return fmt.Errorf("%q has a database but no %s\n"+
				"hint: an earlier restore ended between the two: remove the database and restore again", r.Data, registryFile)
		}
		if err := r.removePart(); err != nil {
			return err
		}
		address = r.dir.path(restoringFile)
	}
	db, err := store.Open(ctx, address)
	if err != nil {
		return err
	}
	edition, err := r.fill(ctx, db)
	if err == nil {
		err = db.Analyze(ctx)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		if r.Database == "" {
			err = errors.Join(err, r.removePart())
		}
		return err
	}
	if r.Database == "" {
		if err := os.Rename(r.dir.path(restoringFile), r.dir.path(databaseFile)); err != nil {
			return err
		}
	}
	for _, name := range keyFiles {
		if err := r.dir.write(name, []byte(r.keys[name])); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, `restored %s of %s as version %v
next: start it with serve; doors follow it, and show the age of the backup.
Ask every laboratory, portal and centre to send again what it has sent since then. When all have, confirm it on
the page /admin: until then nobody can vouch for anything newer than the backup.
`, counted(r.told.rows, "row"), r.head.Moment.Format(time.RFC3339), edition)
	return nil
}

// removePart removes what an interrupted restore has left.
func (r *restore) removePart() error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(r.dir.path(restoringFile) + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (r *restore) fill(ctx context.Context, db *store.Store) (edition fmt.Stringer, err error) {
	file, err := os.Open(filepath.Clean(r.File))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	into, err := db.Restore(ctx)
	if errors.Is(err, store.ErrNotEmpty) {
		return nil, fmt.Errorf("%w\nhint: name a new database; for PostgreSQL, createdb makes one", err)
	}
	if err != nil {
		return nil, err
	}
	if err := r.read(ctx, file, into); err != nil {
		return nil, errors.Join(err, into.Abort())
	}
	published, err := r.published(ctx, into)
	if err != nil {
		return nil, errors.Join(err, into.Abort())
	}
	return into.Commit(ctx, r.head.Moment, time.Now(), published)
}

// read takes the file from its head to its end.
func (r *restore) read(ctx context.Context, file io.Reader, into *store.Restoring) error {
	compressed, err := gzip.NewReader(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		return fmt.Errorf("this is no backup of a registry: %w\nhint: name a file that ashyq-registry backup has written", err)
	}
	lines := json.NewDecoder(compressed)
	lines.UseNumber()
	r.keys = map[string]string{}
	for number := 1; ; number++ {
		var raw json.RawMessage
		if err := lines.Decode(&raw); err != nil {
			return fmt.Errorf("line %d: the backup is torn: %w\nhint: nothing was restored; use another copy", number, err)
		}
		end, err := r.line(ctx, raw, number == 1, into)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if end {
			break
		}
	}
	n, err := io.Copy(io.Discard, io.MultiReader(lines.Buffered(), compressed)) // gzip compares its checksum at the end
	if err == nil && n > 1 {
		err = fmt.Errorf("%d bytes after its end", n)
	}
	if err != nil {
		return fmt.Errorf("the backup is damaged: %w\nhint: nothing was restored; use another copy", err)
	}
	return nil
}

func (r *restore) line(
	ctx context.Context, raw json.RawMessage, first bool, into *store.Restoring,
) (end bool, err error) {
	if raw[0] == '[' {
		var row []any
		if err := unmarshalNumbers(raw, &row); err != nil {
			return false, err
		}
		r.told.row()
		return false, into.Row(ctx, row)
	}
	var line backupLine
	if err := json.Unmarshal(raw, &line); err != nil {
		return false, err
	}
	switch {
	case first:
		r.head = line.backupHead
		return false, line.backupHead.check()
	case line.File != "":
		if !slices.Contains(keyFiles, line.File) {
			return false, fmt.Errorf("unknown file %q", line.File)
		}
		r.keys[line.File] = line.Text
	case line.Table != "":
		return false, into.Table(ctx, line.DumpedTable)
	case line.End:
		return true, r.complete(line.Rows)
	}
	return false, nil
}

func (h backupHead) check() error {
	switch {
	case h.Format != backupFormat:
		return fmt.Errorf("this is no backup of a registry, or one of format %d; this program reads format %d", h.Format, backupFormat)
	case h.Schema != store.Schema():
		return fmt.Errorf("the backup has the database schema %d, this program has %d\nhint: restore it with version %s, then upgrade",
			h.Schema, store.Schema(), h.Program)
	case h.Moment.After(time.Now()):
		return fmt.Errorf("the backup is of %s, later than this machine's clock\nhint: set the clock", h.Moment.Format(time.RFC3339))
	}
	return nil
}

func (r *restore) complete(rows int) error {
	if rows != r.told.rows {
		return fmt.Errorf("the backup is damaged: it has %d rows and says %d", r.told.rows, rows)
	}
	for _, name := range keyFiles {
		if r.keys[name] == "" {
			return fmt.Errorf("the backup has no %s", name)
		}
	}
	return nil
}

func unmarshalNumbers(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into)
}

// published reads the newer list: all entries that are not blue.
func (r *restore) published(ctx context.Context, into *store.Restoring) (map[uint64]statuslist.Status, error) {
	if r.Published == "" {
		return nil, nil
	}
	m, err := r.newerManifest(ctx)
	if err != nil {
		return nil, err
	}
	key, err := r.listKey(ctx, into, m.Generation)
	if err != nil {
		return nil, err
	}
	list, err := api.ReadList(m, key, func(h api.Hash) ([]byte, error) { return replica.Folder(r.Published).Blob(ctx, h) })
	if errors.Is(err, statuslist.ErrSealed) && r.ListKey != "" {
		err = fmt.Errorf("%w\nhint: is --list-key the key of generation %d?", err, m.Generation)
	}
	if err != nil {
		return nil, fmt.Errorf("read the newer list: %w", err)
	}
	all := map[uint64]statuslist.Status{}
	for id, section := range list {
		for i := range uint32(statuslist.SectionSize) {
			if status := section.Get(i); status != statuslist.Valid {
				all[uint64(id)*statuslist.SectionSize+uint64(i)] = status
			}
		}
	}
	return all, nil
}

func (r *restore) newerManifest(ctx context.Context) (m api.Manifest, err error) {
	seed, err := api.ParseKey(strings.TrimSpace(r.keys[registryFile]))
	if err != nil {
		return m, fmt.Errorf("read a key from the backup: %w", err)
	}
	sealed, err := replica.Folder(r.Published).Manifest(ctx, 0, 0)
	if err != nil {
		return m, fmt.Errorf("read the newer list: %w\nhint: ashyq-registry offline-snapshot writes such a directory", err)
	}
	m, err = api.OpenManifest(sealed, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
	if err != nil {
		return m, fmt.Errorf("read the newer list: %w\nhint: is it of another registry?", err)
	}
	if m.IssuedAt().Before(r.head.Moment) {
		return m, fmt.Errorf("the list in %q is of %s, older than the backup of %s\nhint: leave out --published",
			r.Published, m.IssuedAt().UTC().Format(time.RFC3339), r.head.Moment.Format(time.RFC3339))
	}
	return m, nil
}

// listKey is the key of a generation: the one that was given, or the backup's.
func (r *restore) listKey(ctx context.Context, into *store.Restoring, generation uint32) (statuslist.Key, error) {
	key := statuslist.Key{Generation: generation}
	if r.ListKey != "" {
		secret, err := api.ParseKey(r.ListKey)
		if err != nil {
			return key, fmt.Errorf("--list-key: %w", err)
		}
		key.Secret = [statuslist.KeySize]byte(secret)
		return key, nil
	}
	kept, err := into.ListKeys(ctx)
	if err != nil {
		return key, err
	}
	for _, k := range kept {
		if k.Generation == generation {
			key.Secret = k.Key
			return key, nil
		}
	}
	return key, fmt.Errorf("the list in %q is sealed with the list key of %s, which is newer than the backup\n"+
		"hint: give it with --list-key if you have it (ashyq-registry list-keys prints it while the registry lives), or leave out --published",
		r.Published, time.Unix(int64(generation), 0).UTC().Format(time.RFC3339))
}
