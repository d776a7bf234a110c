package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Why a source's record is rejected.
var (
	ErrSuspended   = errors.New("the source is suspended")
	ErrKeyRevoked  = errors.New("the source's key was revoked")
	ErrTooManyWait = errors.New("too many records of this source wait for the administrator")
)

// maxWaiting bounds what one key can put into the database. The source learns that a record was not
// taken.
const maxWaiting = 10_000

// Source is who sends records.
type Source struct {
	ID   int64
	Kind string // as in server.SourceRequest
}

// AddSource creates a source, of whose positive results and contacts so many count at once in an
// hour. A taken name is ErrExists.
func (s *Store) AddSource(ctx context.Context, name, kind string, key Secret, hourly int) error {
	added, err := changed(s.write.ExecContext(ctx, `INSERT INTO sources (name, kind, key, hourly) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO NOTHING`, name, kind, key[:], hourly))
	if err == nil && !added {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("add a source: %w", err)
	}
	return nil
}

// SourceOf finds the source of a key. Errors: ErrNotFound, ErrSuspended, ErrKeyRevoked.
func (s *Store) SourceOf(ctx context.Context, key Secret) (Source, error) {
	var src Source
	var suspended, revoked bool
	err := s.read.QueryRowContext(ctx, `SELECT id, kind, suspended IS NOT NULL, revoked IS NOT NULL FROM sources WHERE key = $1`,
		key[:]).Scan(&src.ID, &src.Kind, &suspended, &revoked)
	if err = notFound(err); err == nil {
		err = barred(suspended, revoked)
	}
	if err != nil {
		return Source{}, fmt.Errorf("look a source up: %w", err)
	}
	return src, nil
}

func barred(suspended, revoked bool) error {
	switch {
	case revoked:
		return ErrKeyRevoked
	case suspended:
		return ErrSuspended
	}
	return nil
}

// SuspendSource refuses what a source sends until ResumeSource.
func (s *Store) SuspendSource(ctx context.Context, name string, now time.Time) error {
	return s.setSource(ctx, "suspend a source", `suspended = COALESCE(suspended, $2)`, name, now.Unix())
}

// ResumeSource ends a suspension.
func (s *Store) ResumeSource(ctx context.Context, name string) error {
	return s.setSource(ctx, "resume a source", `suspended = NULL`, name)
}

// RevokeSource makes a source's key worthless for ever. RotateSource gives it another one.
func (s *Store) RevokeSource(ctx context.Context, name string, now time.Time) error {
	return s.setSource(ctx, "revoke a source's key", `revoked = COALESCE(revoked, $2)`, name, now.Unix())
}

// RotateSource replaces a source's key.
func (s *Store) RotateSource(ctx context.Context, name string, key Secret) error {
	return s.setSource(ctx, "replace a source's key", `key = $2, revoked = NULL`, name, key[:])
}

// LimitSource sets how many positive results and contacts count at once in an hour.
func (s *Store) LimitSource(ctx context.Context, name string, hourly int) error {
	return s.setSource(ctx, "limit a source", `hourly = $2`, name, hourly)
}

// setSource changes the source of a name, which may be ErrNotFound.
func (s *Store) setSource(ctx context.Context, doing, set, name string, value ...any) error {
	found, err := changed(s.write.ExecContext(ctx, `UPDATE sources SET `+set+` WHERE name = $1`, append([]any{name}, value...)...))
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// newRecord is a record on its way in.
type newRecord struct {
	iin    IIN
	sample string // the source's own number
	Record
	came int64
}

// addRecord locks the source first: records at the same moment do not get around its limit.
func addRecord(ctx context.Context, tx *sql.Tx, source int64, r newRecord) (waits bool, err error) {
	var suspended, revoked bool
	var hourly int
	err = tx.QueryRowContext(ctx, `UPDATE sources SET hourly = hourly WHERE id = $1
		RETURNING hourly, suspended IS NOT NULL, revoked IS NOT NULL`, source).Scan(&hourly, &suspended, &revoked)
	if err = notFound(err); err == nil {
		err = barred(suspended, revoked)
	}
	if err != nil {
		return false, err
	}
	known, waits, err := r.isKnown(ctx, tx, source)
	if known || err != nil {
		return waits, err
	}
	if r.Kind != Negative {
		var lately int
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM records WHERE source = $1 AND came > $2 AND kind <> 'negative'`,
			source, r.came-int64(time.Hour/time.Second)).Scan(&lately)
		if err != nil {
			return false, err
		}
		if lately >= hourly {
			return true, r.putAside(ctx, tx, source)
		}
	}
	return false, r.insert(ctx, tx, source)
}

// isKnown tells whether the source sent this record before, and whether it waits.
func (r newRecord) isKnown(ctx context.Context, tx *sql.Tx, source int64) (known, waits bool, err error) {
	for _, from := range []string{`records JOIN citizens ON citizens.id = records.citizen`, `waiting`} {
		var same bool
		err := tx.QueryRowContext(ctx, `SELECT iin = $3 AND kind = $4 AND at = $5 FROM `+from+` WHERE source = $1 AND sample = $2`,
			source, r.sample, string(r.iin), string(r.Kind), r.At.Unix()).Scan(&same)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err == nil && !same:
			err = ErrConflict
		}
		return true, from == `waiting`, err
	}
	return false, false, nil
}

func (r newRecord) insert(ctx context.Context, tx *sql.Tx, source int64) error {
	citizen, err := touch(ctx, tx, r.iin)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO records (source, sample, citizen, kind, at, came) VALUES ($1, $2, $3, $4, $5, $6)`,
		source, r.sample, citizen, string(r.Kind), r.At.Unix(), r.came)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE sources SET records = records + 1, last = $2 WHERE id = $1`, source, r.came)
	return err
}

func (r newRecord) putAside(ctx context.Context, tx *sql.Tx, source int64) error {
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM waiting WHERE source = $1`, source).Scan(&n); err != nil {
		return err
	}
	if n >= maxWaiting {
		return ErrTooManyWait
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO waiting (source, sample, iin, kind, at, came) VALUES ($1, $2, $3, $4, $5, $6)`,
		source, r.sample, string(r.iin), string(r.Kind), r.At.Unix(), r.came)
	return err
}

// ApproveWaiting lets a source's records up to last count, and tells how many they were. A source
// that is not there is ErrNotFound.
func (s *Store) ApproveWaiting(ctx context.Context, name string, last int64) (n int, err error) {
	n, err = s.decide(ctx, name, last, func(tx *sql.Tx, source int64) error {
		waiting, err := waitingOf(ctx, tx, source, last)
		if err != nil {
			return err
		}
		for _, r := range waiting {
			if err := r.insert(ctx, tx, source); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("approve waiting records: %w", err)
	}
	return n, nil
}

// DiscardWaiting drops a source's records up to last, and tells how many they were. A source that
// is not there is ErrNotFound.
func (s *Store) DiscardWaiting(ctx context.Context, name string, last int64) (n int, err error) {
	n, err = s.decide(ctx, name, last, func(*sql.Tx, int64) error { return nil })
	if err != nil {
		return 0, fmt.Errorf("discard waiting records: %w", err)
	}
	return n, nil
}

// decide locks the source, runs f, and ends the waiting of its records up to last: those that came
// after the administrator has looked go on waiting.
func (s *Store) decide(ctx context.Context, name string, last int64, f func(tx *sql.Tx, source int64) error) (n int, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		var source int64
		err := tx.QueryRowContext(ctx, `UPDATE sources SET hourly = hourly WHERE name = $1 RETURNING id`, name).Scan(&source)
		if err != nil {
			return notFound(err)
		}
		if err := f(tx, source); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `DELETE FROM waiting WHERE source = $1 AND id <= $2`, source, last)
		if err != nil {
			return err
		}
		gone, err := result.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}

// waitingOf lists records in the order in which the publisher locks citizens, so that neither waits
// for the other.
func waitingOf(ctx context.Context, tx *sql.Tx, source, last int64) (waiting []newRecord, err error) {
	err = rows(ctx, tx, func(found *sql.Rows) error {
		var r newRecord
		var at int64
		err := found.Scan(&r.iin, &r.sample, &r.Kind, &at, &r.came)
		r.At = time.Unix(at, 0)
		waiting = append(waiting, r)
		return err
	}, `SELECT waiting.iin, sample, kind, at, came FROM waiting LEFT JOIN citizens ON citizens.iin = waiting.iin
		WHERE source = $1 AND waiting.id <= $2 ORDER BY citizens.id, waiting.iin`, source, last)
	return waiting, err
}
