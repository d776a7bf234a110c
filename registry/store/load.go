package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
)

// File names a file that is loaded, by the SHA-256 of its bytes. The rows that were taken are
// counted in the transaction that stores them, so that an interrupted load goes on where it
// stopped.
type File [32]byte

// Loaded is how many rows of the file were taken.
func (s *Store) Loaded(ctx context.Context, file File) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT rows FROM loads WHERE file = $1`, file[:]).Scan(&n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("ask how far a file was loaded: %w", err)
	}
	return n, nil
}

func noteLoaded(ctx context.Context, tx *sql.Tx, file File, rows int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO loads (file, rows) VALUES ($1, $2) ON CONFLICT (file) DO UPDATE SET rows = excluded.rows`,
		file[:], rows)
	return err
}

// Analyze lets the database look at what it holds, after much has come in at once: without that,
// PostgreSQL plans its queries for an empty one.
func (s *Store) Analyze(ctx context.Context) error {
	if _, err := s.write.ExecContext(ctx, `ANALYZE`); err != nil {
		return fmt.Errorf("analyze the database: %w", err)
	}
	return nil
}

// Resident is a person out of the population register.
type Resident struct {
	IIN    IIN
	Name   string
	Phone  string // E.164; empty: not known
	Region string // code; empty: not known
}

// LoadPeople adds people, and changes name, phone and region of known ones. Of two rows about the
// same person the last one counts. rows is how many rows of the file are done with them.
func (s *Store) LoadPeople(ctx context.Context, file File, people []Resident, rows int) error {
	byIIN := map[IIN]Resident{}
	for _, p := range people {
		byIIN[p.IIN] = p
	}
	err := s.change(ctx, func(tx *sql.Tx) error {
		change := map[group]int{}
		for some := range slices.Chunk(slices.Sorted(maps.Keys(byIIN)), insertAtOnce) {
			if err := putPeople(ctx, tx, some, byIIN, change); err != nil {
				return err
			}
		}
		if err := noteLoaded(ctx, tx, file, rows); err != nil {
			return err
		}
		return addPeople(ctx, tx, change)
	})
	if err != nil {
		return fmt.Errorf("load people: %w", err)
	}
	return nil
}

// putPeople adds some people, changes the others, and notes which groups people leave and join.
func putPeople(ctx context.Context, tx *sql.Tx, iins []IIN, people map[IIN]Resident, change map[group]int) error {
	values, known := residents(iins, people), map[IIN]bool{}
	for _, iin := range iins {
		known[iin] = true
	}
	const into = `INSERT INTO citizens (iin, name, phone, region) VALUES `
	err := rows(ctx, tx, func(found *sql.Rows) error {
		var iin IIN
		err := found.Scan(&iin)
		delete(known, iin)
		change[group{people[iin].Region, statuslist.Valid}]++
		return err
	}, into+places(len(iins), 4)+` ON CONFLICT (iin) DO NOTHING RETURNING iin`, values...)
	if err != nil || len(known) == 0 {
		return err
	}
	old := slices.Sorted(maps.Keys(known))
	locked := make([]any, len(old))
	for i, iin := range old {
		locked[i] = string(iin)
	}
	err = rows(ctx, tx, func(found *sql.Rows) error {
		var iin IIN
		var was group
		err := found.Scan(&iin, &was.region, &was.status)
		change[was]--
		change[group{people[iin].Region, was.status}]++
		return err
	}, `UPDATE citizens SET touched = touched + 1 WHERE iin IN `+places(1, len(old))+`
		RETURNING iin, COALESCE(region, ''), status`, locked...)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, into+places(len(old), 4)+` ON CONFLICT (iin) DO UPDATE
		SET name = excluded.name, phone = excluded.phone, region = excluded.region`, residents(old, people)...)
	return err
}

// residents are people as rows of the table.
func residents(iins []IIN, people map[IIN]Resident) []any {
	values := make([]any, 0, 4*len(iins))
	for _, iin := range iins {
		p := people[iin]
		values = append(values, string(iin), p.Name, known(p.Phone), known(p.Region))
	}
	return values
}

// known is a text as the database has it; the empty one is NULL.
func known(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

// insertAtOnce is how many rows one statement writes: more values than SQLite takes, 32,766, are
// never asked for.
const insertAtOnce = 500

// insert writes rows of so many values each, many at once.
func insert(ctx context.Context, tx *sql.Tx, into string, width int, values []any, after string) error {
	var statement string
	for rows := 0; len(values) > 0; {
		n := min(len(values)/width, insertAtOnce)
		if n != rows {
			rows, statement = n, "INSERT INTO "+into+" VALUES "+places(n, width)+after
		}
		if _, err := tx.ExecContext(ctx, statement, values[:n*width]...); err != nil {
			return err
		}
		values = values[n*width:]
	}
	return nil
}

// places is ($1, $2), ($3, $4) for 2 rows of 2 values.
func places(rows, width int) string {
	var out strings.Builder
	for i := range rows * width {
		switch {
		case i == 0:
			out.WriteString("($")
		case i%width == 0:
			out.WriteString("), ($")
		default:
			out.WriteString(", $")
		}
		out.WriteString(strconv.Itoa(i + 1))
	}
	return out.String() + ")"
}

// idsOf finds the ids of people by their IIN.
func idsOf(ctx context.Context, tx *sql.Tx, iins []any) (map[IIN]int64, error) {
	ids := map[IIN]int64{}
	for some := range slices.Chunk(iins, insertAtOnce) {
		err := rows(ctx, tx, func(found *sql.Rows) error {
			var iin IIN
			var id int64
			err := found.Scan(&iin, &id)
			ids[iin] = id
			return err
		}, `SELECT iin, id FROM citizens WHERE iin IN `+places(1, len(some)), some...)
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// NewCode is a one-time code for one person.
type NewCode struct {
	IIN  IIN
	Code Secret
}

// PutCodes is PutCode for many people at once.
func (s *Store) PutCodes(ctx context.Context, codes []NewCode, expires time.Time) error {
	people, values := make([]any, 0, len(codes)), make([]any, 0, 2*len(codes))
	for _, c := range codes {
		people = append(people, string(c.IIN))
	}
	err := s.change(ctx, func(tx *sql.Tx) error {
		fresh := 0
		for some := range slices.Chunk(people, insertAtOnce) {
			added, err := tx.ExecContext(ctx, `INSERT INTO citizens (iin) VALUES `+places(len(some), 1)+` ON CONFLICT (iin) DO NOTHING`, some...)
			if err != nil {
				return err
			}
			n, err := added.RowsAffected()
			if err != nil {
				return err
			}
			fresh += int(n)
		}
		ids, err := idsOf(ctx, tx, people)
		if err != nil {
			return err
		}
		for _, c := range codes {
			values = append(values, c.Code[:], ids[c.IIN], expires.Unix())
		}
		err = insert(ctx, tx, `codes (hash, citizen, expires)`, 3, values,
			` ON CONFLICT (citizen) DO UPDATE SET hash = excluded.hash, expires = excluded.expires, credential = NULL`)
		if err != nil {
			return err
		}
		return newPeople(ctx, tx, fresh)
	})
	if err != nil {
		return fmt.Errorf("store one-time codes: %w", err)
	}
	return nil
}
