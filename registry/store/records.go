package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
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
// nothing; the same number with different content is ErrConflict. A record beyond the source's
// limit waits for the administrator. Errors: also ErrSuspended, ErrKeyRevoked, ErrTooManyWait.
func (s *Store) AddResult(ctx context.Context, source int64, iin IIN, sample string, r Record, now time.Time) (waits bool, err error) {
	err = s.change(ctx, func(tx *sql.Tx) (err error) {
		waits, err = addRecord(ctx, tx, source, newRecord{iin, sample, r, now.Unix()})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store a result: %w", err)
	}
	return waits, nil
}

// AddContact stores a contact. The same one again changes nothing. For the rest it is as AddResult.
func (s *Store) AddContact(ctx context.Context, source int64, iin IIN, since, now time.Time) (waits bool, err error) {
	err = s.change(ctx, func(tx *sql.Tx) (err error) {
		name := fmt.Sprintf("%s/%d", iin, since.Unix())
		waits, err = addRecord(ctx, tx, source, newRecord{iin, name, Record{Contact, since}, now.Unix()})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store a contact: %w", err)
	}
	return waits, nil
}

// touch finds or creates the citizen and makes the publisher look at it.
func touch(ctx context.Context, tx *sql.Tx, iin IIN) (citizen int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO citizens (iin, due) VALUES ($1, 0)
		ON CONFLICT (iin) DO UPDATE SET due = 0, touched = citizens.touched + 1 RETURNING id`, string(iin)).Scan(&citizen)
	return citizen, err
}

// Person is what is known about the holder of one credential.
type Person struct {
	Revoked bool
	Held    statuslist.Status // as in Entry
	Records []Record
}

// PersonAt finds the holder of a pass by its index and the edition that first held it. If it was never
// issued, or if that was lost when a backup was restored, it is ErrNotFound.
func (s *Store) PersonAt(ctx context.Context, index uint64, since statuslist.Edition) (Person, error) {
	var p Person
	err := s.look(ctx, func(tx *sql.Tx) error {
		var citizen int64
		err := tx.QueryRowContext(ctx, `SELECT citizen, revoked IS NOT NULL, `+heldStatus+`
			FROM credentials LEFT JOIN held ON held.idx = credentials.idx WHERE credentials.idx = $1 AND epoch = $2 AND version = $3`,
			int64(index), int64(since.Epoch), int64(since.Version)).Scan(&citizen, &p.Revoked, &p.Held)
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
