package main

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/csvfile"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

type loadCmd struct {
	People loadPeopleCmd `cmd:"" help:"People out of the population register: columns iin and name, and optionally phone and region."`
	Venues loadVenuesCmd `cmd:"" help:"Venues: columns bin, name, kind and region, and optionally zone, address, capacity, phone, entrances and exits."`
}

// loadFlags are common to the tables.
type loadFlags struct {
	dataFlag
	databaseFlag
	Refused string `placeholder:"FILE" help:"CSV file for the rows that were not taken: line, field, reason. (they are only counted)"`
	File    string `arg:"" name:"file" type:"existingfile" help:"CSV in UTF-8, its first line names the columns, in English, Russian or Kazakh. An interrupted load of the same file goes on where it stopped."`
}

type loadPeopleCmd struct {
	loadFlags
	Codes string `placeholder:"FILE" help:"CSV file for a one-time code for each of them, to activate a phone: iin, code, expires. It holds secrets. More are added to it; of two codes of one person the later is valid."`
}

type loadVenuesCmd struct {
	loadFlags
}

// loadAtOnce is how many rows one transaction stores: a laboratory that writes meanwhile waits
// that long.
const loadAtOnce = 5000

// codesLast is how long the one-time codes are valid, as those of the administrator's page.
const codesLast = 7 * 24 * time.Hour

// Run loads people while the registry runs.
func (c *loadPeopleCmd) Run(ctx context.Context, stdout io.Writer) error {
	columns := csvfile.Columns{Needed: []string{"iin", "name"}, Optional: []string{"phone", "region"}}
	return c.load(ctx, stdout, columns, func(l *loading) error {
		codes, err := openTable(c.Codes, true, "iin", "code", "expires")
		if err != nil {
			return fmt.Errorf("--codes: %w", err)
		}
		var people []store.Resident
		err = l.rows(ctx, func(row map[string]string) (field, reason string) {
			p, field, reason := l.resident(row)
			if reason == "" {
				people = append(people, p)
			}
			return field, reason
		}, func(rows int) error {
			err := l.giveCodes(ctx, codes, people)
			if err == nil {
				err = l.db.LoadPeople(ctx, l.file, people, rows)
			}
			people = people[:0]
			return err
		})
		return errors.Join(err, codes.close())
	})
}

// resident checks a row; a reason says why it cannot be used.
func (l *loading) resident(row map[string]string) (p store.Resident, field, reason string) {
	if reason := csvfile.CheckIIN(row["iin"]); reason != "" {
		return p, "iin", reason
	}
	iin, err := store.ParseIIN(row["iin"])
	if err != nil {
		return p, "iin", "the check digit is wrong: a digit was mistyped"
	}
	number, ok := csvfile.Phone(row["phone"])
	p = store.Resident{IIN: iin, Name: names.Compose(row["name"]), Phone: number, Region: row["region"]}
	switch {
	case p.Name == "":
		return p, "name", csvfile.Missing
	case len(p.Name) > 200 || names.Check(p.Name) != nil:
		return p, "name", "longer than 200 bytes, or with invisible characters"
	case !ok:
		return p, "phone", "write it like +77010000000"
	case p.Region != "" && !slices.ContainsFunc(l.regions, func(r store.Region) bool { return r.Code == p.Region }):
		return p, "region", "unknown: write a code like KZ-75"
	}
	return p, "", ""
}

// Run loads venues while the registry runs.
func (c *loadVenuesCmd) Run(ctx context.Context, stdout io.Writer) error {
	return c.load(ctx, stdout, server.VenueColumns, func(l *loading) error {
		venueRows := server.NewVenueRows(l.regions)
		var venues []store.Venue
		return l.rows(ctx, func(row map[string]string) (field, reason string) {
			v, field, reason := venueRows.Read(row)
			if reason == "" {
				venues = append(venues, v)
			}
			return field, reason
		}, func(rows int) error {
			part := store.VenueImport{Venues: venues, Keep: server.KeepVenue(l.reader.Columns())}
			err := l.db.LoadVenues(ctx, l.file, part, rows)
			venues = venues[:0]
			return err
		})
	})
}

// loading is a load under way.
type loading struct {
	db      *store.Store
	file    store.File
	reader  *csvfile.Reader
	done    int // rows of earlier runs
	regions []store.Region
	told    *progress
	refused *table
	wrong   int // rows
}

// load opens everything, runs, and says what came of it.
func (c *loadFlags) load(ctx context.Context, stdout io.Writer, columns csvfile.Columns,
	run func(*loading) error) error {
	dir := &dataDir{name: c.Data}
	if !dir.has(registryFile) {
		return fmt.Errorf("%q holds no registry\nhint: ashyq-registry init makes one", c.Data)
	}
	in, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return fmt.Errorf("read %q: %w", c.File, err)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	l := &loading{file: store.File(sum.Sum(nil)), told: &progress{out: stdout}}
	if l.reader, err = csvfile.OpenTable(in, columns); err != nil {
		return usageOf(c.File, err)
	}
	if l.db, err = dir.open(ctx, c.Database); err != nil {
		return err
	}
	err = l.run(ctx, c, run)
	if err = errors.Join(err, l.db.Close()); err != nil && !strings.Contains(err.Error(), "\nhint: ") {
		err = fmt.Errorf("%w\nhint: run the same command again: it goes on behind the rows that are stored", err)
	}
	if err != nil {
		return fmt.Errorf("load %q: %w", c.File, err)
	}
	fmt.Fprintf(stdout, "%s taken, %d refused", counted(l.told.rows-l.wrong, "row"), l.wrong)
	if l.done > 0 {
		fmt.Fprintf(stdout, "; %s stored by an earlier run", counted(l.done, "row"))
	}
	fmt.Fprintln(stdout)
	return nil
}

// usageOf names the file whose columns cannot be used.
func usageOf(file string, err error) error {
	if refusal, ok := errors.AsType[*csvfile.Refusal](err); ok {
		return usage{fmt.Errorf("%s: %s", file, refusal.Text())}
	}
	return fmt.Errorf("read %q: %w", file, err)
}

func (l *loading) run(ctx context.Context, c *loadFlags, run func(*loading) error) error {
	regions, err := l.db.Regions(ctx)
	if err != nil {
		return err
	}
	if len(regions) == 0 {
		return errors.New("the registry has no regions yet\nhint: start it once: ashyq-registry serve makes them")
	}
	l.regions = regions
	if l.done, err = l.db.Loaded(ctx, l.file); err != nil {
		return err
	}
	if l.refused, err = openTable(c.Refused, l.done > 0, "line", "field", "reason"); err != nil {
		return fmt.Errorf("--refused: %w", err)
	}
	if err = run(l); err == nil {
		err = l.db.Analyze(ctx)
	}
	return errors.Join(err, l.refused.close())
}

// rows hands each row to take, which may refuse it, and lets store have them at once. store learns
// how many rows of the file are done with.
func (l *loading) rows(
	ctx context.Context, take func(map[string]string) (field, reason string), store func(rows int) error,
) error {
	read := 0
	for ctx.Err() == nil {
		row, err := l.reader.Fields()
		if err == io.EOF {
			return store(read)
		}
		refusal, wrong := errors.AsType[*csvfile.Refusal](err)
		if err != nil && !wrong {
			return err
		}
		if read++; read <= l.done {
			continue
		}
		l.told.row()
		if !wrong {
			if field, reason := take(row); reason != "" {
				refusal = l.reader.Refuse(field, reason)
			}
		}
		if refusal != nil {
			l.wrong++
			if err := l.refused.add(strconv.Itoa(refusal.Line), refusal.Field, refusal.Text()); err != nil {
				return err
			}
		}
		if read%loadAtOnce == 0 {
			if err := store(read); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// table is a CSV file that is written beside a load, and goes on where an interrupted one stopped.
type table struct {
	file *os.File // nil: nobody wants it
	out  *csv.Writer
}

// openTable makes the file anew, or with more adds to it. What is no such table it leaves alone.
// The file is readable only for its owner.
func openTable(name string, more bool, columns ...string) (*table, error) {
	if name == "" {
		return &table{}, nil
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	head := strings.Join(columns, ",") + "\n"
	found, err := io.ReadAll(io.LimitReader(file, int64(len(head))))
	if err == nil && len(found) > 0 && string(found) != head {
		err = fmt.Errorf("%q is something else\nhint: name another file", name)
	}
	if err == nil && !more {
		found, err = nil, file.Truncate(0)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekEnd)
	}
	if err == nil && len(found) == 0 {
		_, err = file.WriteString(head)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &table{file: file, out: csv.NewWriter(file)}, nil
}

func (t *table) add(fields ...string) error {
	if t.file == nil {
		return nil
	}
	return t.out.Write(fields)
}

// sync has everything on disk.
func (t *table) sync() error {
	if t.file == nil {
		return nil
	}
	t.out.Flush()
	return errors.Join(t.out.Error(), t.file.Sync())
}

func (t *table) close() error {
	if t.file == nil {
		return nil
	}
	return errors.Join(t.sync(), t.file.Close())
}

// giveCodes makes a one-time code for each. The file has them before the database, so that none is
// valid and unknown; of two codes of one person in it, the later is valid.
func (l *loading) giveCodes(ctx context.Context, to *table, people []store.Resident) error {
	if to.file == nil {
		return nil
	}
	expires := time.Now().Add(codesLast).UTC().Truncate(time.Second)
	var codes []store.NewCode
	for _, p := range people {
		code := server.NewCode()
		codes = append(codes, store.NewCode{IIN: p.IIN, Code: store.SecretOf(code)})
		if err := to.add(string(p.IIN), code, expires.Format(time.RFC3339)); err != nil {
			return err
		}
	}
	if err := to.sync(); err != nil {
		return err
	}
	return l.db.PutCodes(ctx, codes, expires)
}
