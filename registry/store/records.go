package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Kind is what a record says about a citizen.
type Kind string

// The kinds of records.
const (
	Positive Kind = "positive" // PCR result
	Negative Kind = "negative" // PCR result
	Contact  Kind = "contact"  // of a confirmed case
)

// Record is one statement of one source about one citizen.
type Record struct {
	Kind Kind
	At   time.Time // sample taken, or contact since
}

// AddResult stores a PCR result under the laboratory's own number. The same result again changes
// nothing; the same number with different content is ErrConflict.
func (s *Store) AddResult(ctx context.Context, source int64, iin IIN, sample string, r Record, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		citizen, err := touch(ctx, tx, iin)
		if err != nil {
			return err
		}
		return addRecord(ctx, tx, source, sample, citizen, r, now)
	})
	if err != nil {
		return fmt.Errorf("store a result: %w", err)
	}
	return nil
}

// AddContact stores a contact. The same one again changes nothing.
func (s *Store) AddContact(ctx context.Context, source int64, iin IIN, since, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		citizen, err := touch(ctx, tx, iin)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%d/%d", citizen, since.Unix())
		return addRecord(ctx, tx, source, name, citizen, Record{Contact, since}, now)
	})
	if err != nil {
		return fmt.Errorf("store a contact: %w", err)
	}
	return nil
}

// touch finds or creates the citizen and makes the publisher look at it.
func touch(ctx context.Context, tx *sql.Tx, iin IIN) (citizen int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO citizens (iin, due) VALUES ($1, 0)
		ON CONFLICT (iin) DO UPDATE SET due = 0, touched = citizens.touched + 1 RETURNING id`, string(iin)).Scan(&citizen)
	return citizen, err
}

func addRecord(ctx context.Context, tx *sql.Tx, source int64, sample string, citizen int64, r Record, now time.Time) error {
	added, err := changed(tx.ExecContext(ctx, `INSERT INTO records (source, sample, citizen, kind, at)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, source, sample, citizen, string(r.Kind), r.At.Unix()))
	if err != nil {
		return err
	}
	if added {
		_, err := tx.ExecContext(ctx, `UPDATE sources SET records = records + 1, last = $2 WHERE id = $1`, source, now.Unix())
		return err
	}
	var same bool
	err = tx.QueryRowContext(ctx, `SELECT citizen = $3 AND kind = $4 AND at = $5 FROM records WHERE source = $1 AND sample = $2`,
		source, sample, citizen, string(r.Kind), r.At.Unix()).Scan(&same)
	if err == nil && !same {
		return ErrConflict
	}
	return err
}

// Person is what is known about the holder of one credential.
type Person struct {
	Revoked bool
	Records []Record
}

// PersonAt finds the holder of an index. An index that was never issued is ErrNotFound.
func (s *Store) PersonAt(ctx context.Context, index uint64) (Person, error) {
	var p Person
	err := s.look(ctx, func(tx *sql.Tx) error {
		var citizen int64
		err := tx.QueryRowContext(ctx, `SELECT citizen, revoked IS NOT NULL FROM credentials WHERE idx = $1`,
			int64(index)).Scan(&citizen, &p.Revoked)
		if err != nil {
			return notFound(err)
		}
		return rows(ctx, tx, func(found *sql.Rows) error {
			var kind string
			var at int64
			err := found.Scan(&kind, &at)
			p.Records = append(p.Records, Record{Kind(kind), time.Unix(at, 0).UTC()})
			return err
		}, `SELECT kind, at FROM records WHERE citizen = $1`, citizen)
	})
	if err != nil {
		return Person{}, fmt.Errorf("look an index up: %w", err)
	}
	return p, nil
}
