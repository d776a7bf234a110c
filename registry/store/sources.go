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
	Name string
	Kind string // as in server.SourceRequest
}

// AddSource creates a source of a region, or of the whole country if that is empty. So many of its
// positive results and contacts count at once in an hour, and as many lasting records. A taken name
// is ErrExists, an unknown region ErrNotFound.
func (s *Store) AddSource(ctx context.Context, name, kind, region string, key Secret, hourly int) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if region != "" {
			if err := knownRegion(ctx, tx, region); err != nil {
				return err
			}
		}
		added, err := changed(tx.ExecContext(ctx, `INSERT INTO sources (name, kind, region, key, hourly) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (name) DO NOTHING`, name, kind, known(region), key[:], hourly))
		if err == nil && !added {
			err = ErrExists
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("add a source: %w", err)
	}
	return nil
}

// SourceOf finds the source of a key. Errors: ErrNotFound, ErrSuspended, ErrKeyRevoked.
func (s *Store) SourceOf(ctx context.Context, key Secret) (Source, error) {
	var src Source
	var suspended, revoked bool
	err := s.read.QueryRowContext(ctx, `SELECT id, name, kind, suspended IS NOT NULL, revoked IS NOT NULL FROM sources WHERE key = $1`,
		key[:]).Scan(&src.ID, &src.Name, &src.Kind, &suspended, &revoked)
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

// LimitSource sets how many positive results and contacts count at once in an hour, and how many
// lasting records.
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

// ApproveWaiting lets a source's records up to last count, and tells how many they were. A source
// that is not there is ErrNotFound.
func (s *Store) ApproveWaiting(ctx context.Context, name string, last int64, now time.Time) (n int, err error) {
	n, err = s.decide(ctx, name, last, Approved, InForce, now)
	if err != nil {
		return 0, fmt.Errorf("approve waiting records: %w", err)
	}
	return n, nil
}

// DiscardWaiting drops a source's records up to last, and tells how many they were. A source that
// is not there is ErrNotFound.
func (s *Store) DiscardWaiting(ctx context.Context, name string, last int64, now time.Time) (n int, err error) {
	n, err = s.decide(ctx, name, last, Dropped, Discarded, now)
	if err != nil {
		return 0, fmt.Errorf("discard waiting records: %w", err)
	}
	return n, nil
}

// Administrator is how the log names the holder of the administrator's key.
const Administrator = "administrator"

// decide locks the source and ends the waiting of its records up to last: those that came after the
// administrator has looked go on waiting.
func (s *Store) decide(
	ctx context.Context, name string, last int64, what, state string, now time.Time,
) (n int, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		var source int64
		err := tx.QueryRowContext(ctx, `UPDATE sources SET hourly = hourly WHERE name = $1 RETURNING id`, name).Scan(&source)
		if err != nil {
			return notFound(err)
		}
		waiting, err := waitingOf(ctx, tx, source, last)
		if err != nil {
			return err
		}
		n = len(waiting)
		for _, r := range waiting {
			if _, err := tx.ExecContext(ctx, `UPDATE records SET state = $2 WHERE id = $1`, r.id, state); err != nil {
				return err
			}
			if err := note(ctx, tx, r.id, what, Actor{Person: Administrator}, "", now.Unix()); err != nil {
				return err
			}
			if err := touchCitizen(ctx, tx, r.citizen); err != nil {
				return err
			}
		}
		if state != InForce {
			return nil
		}
		_, err = tx.ExecContext(ctx, `UPDATE sources SET records = records + $2 WHERE id = $1`, source, n)
		return err
	})
	return n, err
}

// waitingOf lists records in the order in which the publisher locks citizens, so that neither waits
// for the other.
func waitingOf(ctx context.Context, tx *sql.Tx, source, last int64) (waiting []row, err error) {
	err = rows(ctx, tx, func(found *sql.Rows) error {
		var r row
		err := found.Scan(&r.id, &r.citizen)
		waiting = append(waiting, r)
		return err
	}, `SELECT id, citizen FROM records WHERE source = $1 AND id <= $2 AND state = 'waiting' ORDER BY citizen, id`, source, last)
	return waiting, err
}
