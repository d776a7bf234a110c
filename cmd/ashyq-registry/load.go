package main

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/csvfile"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

type loadCmd struct {
	People loadPeopleCmd `cmd:"" help:"People out of the population register: columns iin and name, and optionally phone and region."`
	Venues loadVenuesCmd `cmd:"" help:"Venues: columns bin, name, kind and region, and optionally zone, address and capacity."`
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

// loadAtOnce is how many rows one transaction stores: a laboratory that writes meanwhile waits that
// long.
const loadAtOnce = 5000

// codesLast is how long the one-time codes are valid, as those of the administrator's page.
const codesLast = 7 * 24 * time.Hour

// phoneForm is E.164.
var phoneForm = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

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
	p = store.Resident{IIN: iin, Name: names.Compose(row["name"]), Phone: phone(row["phone"]), Region: row["region"]}
	switch {
	case p.Name == "":
		return p, "name", csvfile.Missing
	case len(p.Name) > 200 || names.Check(p.Name) != nil:
		return p, "name", "longer than 200 bytes, or with invisible characters"
	case p.Phone != "" && !phoneForm.MatchString(p.Phone):
		return p, "phone", "write it like +77010000000"
	case p.Region != "" && !l.regions[p.Region]:
		return p, "region", "unknown: write a code like KZ-75"
	}
	return p, "", ""
}

// phone brings a number as people write it into E.164: 8 701 000 00 00 is +77010000000.
func phone(text string) string {
	digits := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(text)
	switch {
	case len(digits) == 11 && digits[0] == '8':
		return "+7" + digits[1:]
	case len(digits) == 11 && digits[0] == '7':
		return "+" + digits
	}
	return digits
}

// Run loads venues while the registry runs.
func (c *loadVenuesCmd) Run(ctx context.Context, stdout io.Writer) error {
	columns := csvfile.Columns{
		Needed: []string{"bin", "name", "kind", "region"}, Optional: []string{"zone", "address", "capacity"},
	}
	return c.load(ctx, stdout, columns, func(l *loading) error {
		var venues []store.Venue
		return l.rows(ctx, func(row map[string]string) (field, reason string) {
			v, field, reason := l.venue(row)
			if reason == "" {
				venues = append(venues, v)
			}
			return field, reason
		}, func(rows int) error {
			err := l.db.LoadVenues(ctx, l.file, venues, rows)
			venues = venues[:0]
			return err
		})
	})
}

func (l *loading) venue(row map[string]string) (v store.Venue, field, reason string) {
	if reason := csvfile.CheckIIN(row["bin"]); reason != "" {
		return v, "bin", strings.ReplaceAll(reason, "IIN", "BIN")
	}
	if _, err := store.ParseBIN(row["bin"]); err != nil {
		return v, "bin", "the check digit is wrong: a digit was mistyped"
	}
	v = store.Venue{
		BIN: row["bin"], Name: names.Compose(row["name"]), Kind: row["kind"], Region: row["region"], Zone: row["zone"],
		Address: names.Compose(row["address"]),
	}
	if v.Zone == "" {
		v.Zone = string(kiosk.GreenZone)
	}
	if _, err := kiosk.ParseVenue(v.Kind); err != nil {
		return v, "kind", err.Error()
	}
	if _, err := kiosk.ParseZone(v.Zone); err != nil {
		return v, "zone", err.Error()
	}
	if text := row["capacity"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > server.MaxCapacity {
			return v, "capacity", fmt.Sprintf("write 0 to %d people", server.MaxCapacity)
		}
		v.Capacity = n
	}
	switch {
	case v.Name == "" || len(v.Name) > 64 || names.Check(v.Name) != nil:
		return v, "name", csvfile.NameForm
	case len(v.Address) > server.MaxAddress || v.Address != "" && names.Check(v.Address) != nil:
		return v, "address", fmt.Sprintf("longer than %d bytes, or with invisible characters", server.MaxAddress)
	case !l.regions[v.Region]:
		return v, "region", "unknown: write a code like KZ-75"
	}
	return v, "", ""
}

// loading is a load under way.
type loading struct {
	db      *store.Store
	file    store.File
	reader  *csvfile.Reader
	done    int // rows of earlier runs
	regions map[string]bool
	told    *progress
	refused *table
	wrong   int // rows
}

// load opens everything, runs, and says what came of it.
func (c *loadFlags) load(ctx context.Context, stdout io.Writer, columns csvfile.Columns, run func(*loading) error) error {
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
	l := &loading{file: store.File(sum.Sum(nil)), told: &progress{out: stdout}, regions: map[string]bool{}}
	if l.reader, err = csvfile.OpenTable(in, columns); err != nil {
		return usageOf(c.File, err)
	}
	if l.db, err = store.Open(ctx, dir.database(c.Database)); err != nil {
		return err
	}
	err = l.run(ctx, c, run)
	if err = errors.Join(err, l.db.Close()); err != nil {
		return fmt.Errorf("load %q: %w\nhint: run the same command again: it goes on behind the rows that are stored",
			c.File, err)
	}
	fmt.Fprintf(stdout, "%d rows taken, %d refused", l.told.rows-l.wrong, l.wrong)
	if l.done > 0 {
		fmt.Fprintf(stdout, "; %d rows were stored by an earlier run", l.done)
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
		return errors.New("the registry has no regions yet; start it once with serve")
	}
	for _, r := range regions {
		l.regions[r.Code] = true
	}
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

// rows hands each row to take, which may refuse it, and lets store have them at once. store learns how
// many rows of the file are done with.
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

// openTable makes the file, or with more adds to it. It is readable only for its owner.
func openTable(name string, more bool, columns ...string) (*table, error) {
	if name == "" {
		return &table{}, nil
	}
	how := os.O_TRUNC
	if more {
		how = 0
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|how, 0o600)
	if err != nil {
		return nil, err
	}
	head := strings.Join(columns, ",") + "\n"
	found, err := io.ReadAll(io.LimitReader(file, int64(len(head))))
	if err == nil && len(found) > 0 && string(found) != head {
		err = fmt.Errorf("%q is something else\nhint: name another file", name)
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
