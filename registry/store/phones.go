package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
)

// Phone is one phone of a person, as the person may see it.
type Phone struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"` // what it said of itself
	Added   time.Time `json:"added"`
	Used    time.Time `json:"used,omitzero"` // the day
	Expires time.Time `json:"expires"`
	Own     bool      `json:"own"` // it asks
}

// PhonesOf lists the phones of a pass's holder that are not revoked, the newest first. A pass that is
// revoked itself is ErrNotFound.
func (s *Store) PhonesOf(ctx context.Context, index uint64, since statuslist.Edition, now time.Time) ([]Phone, error) {
	phones := []Phone{}
	err := s.look(ctx, func(tx *sql.Tx) error {
		citizen, err := ownerOf(ctx, tx, index, since)
		if err != nil {
			return err
		}
		return rows(ctx, tx, func(found *sql.Rows) error {
			var p Phone
			var added, expires int64
			var used sql.NullInt64
			err := found.Scan(&p.ID, &p.Name, &added, &used, &expires, &p.Own)
			p.Added, p.Used, p.Expires = time.Unix(added, 0).UTC(), moment(used), time.Unix(expires, 0).UTC()
			phones = append(phones, p)
			return err
		}, `SELECT id, name, added, used, expires, idx = $2 FROM credentials
			WHERE citizen = $1 AND revoked IS NULL AND holder IS NOT NULL AND expires > $3
			ORDER BY id DESC`, citizen, int64(index), now.Unix())
	})
	if err != nil {
		return nil, fmt.Errorf("list a person's phones: %w", err)
	}
	return phones, nil
}

// RevokePhone revokes one phone of a pass's holder: that of the pass, or another one. Errors:
// ErrNotFound.
func (s *Store) RevokePhone(ctx context.Context, index uint64, since statuslist.Edition, id int64,
	now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		citizen, err := ownerOf(ctx, tx, index, since)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE citizens SET due = 0, touched = touched + 1 WHERE id = $1`, citizen)
		if err != nil {
			return err
		}
		done, err := changed(tx.ExecContext(ctx, `UPDATE credentials SET revoked = $3
			WHERE id = $1 AND citizen = $2 AND holder IS NOT NULL AND revoked IS NULL`, id, citizen, now.Unix()))
		if err == nil && !done {
			err = ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke a phone: %w", err)
	}
	return nil
}

// NoteUsed keeps the day on which a phone's page asked for the status.
func (s *Store) NoteUsed(ctx context.Context, index uint64, day time.Time) error {
	var new bool
	err := s.read.QueryRowContext(ctx, `SELECT COALESCE(used, 0) < $2 FROM credentials WHERE idx = $1`, int64(index),
		day.Unix()).Scan(&new)
	if err == nil && new {
		err = s.change(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE credentials SET used = $2 WHERE idx = $1`, int64(index), day.Unix())
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("note that a phone is used: %w", notFound(err))
	}
	return nil
}

// OwnHistory is History for the holder of a pass.
func (s *Store) OwnHistory(ctx context.Context, index uint64, since statuslist.Edition) ([]Kept, error) {
	var history []Kept
	err := s.look(ctx, func(tx *sql.Tx) error {
		citizen, err := ownerOf(ctx, tx, index, since)
		if err != nil {
			return err
		}
		history, err = kept(ctx, tx, `SELECT id FROM records WHERE citizen = $1 AND state IN ('in force', 'ended')`, citizen)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the own history: %w", err)
	}
	return history, nil
}

// ownerOf finds the holder of a pass that is not revoked.
func ownerOf(ctx context.Context, tx *sql.Tx, index uint64, since statuslist.Edition) (citizen int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT citizen FROM credentials WHERE idx = $1 AND epoch = $2 AND version = $3
		AND revoked IS NULL`,
		int64(index), int64(since.Epoch), int64(since.Version)).Scan(&citizen)
	return citizen, notFound(err)
}

// ErrManyPasses says that a person got many passes in a day.
var ErrManyPasses = errors.New("this person got many passes today")

// passesDaily is how many phones of one person may get a pass in 24 hours, before phones make no codes for
// others any more. Each pass takes an index of the list that all doors hold, and indexes are never used
// again.
const passesDaily = 6

// PutCodeOf gives the holder of a pass a one-time code for another phone, as PutCode does. Errors:
// ErrNotFound, ErrManyPasses.
func (s *Store) PutCodeOf(ctx context.Context, index uint64, since statuslist.Edition, code Secret,
	expires, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		citizen, err := ownerOf(ctx, tx, index, since)
		if err != nil {
			return err
		}
		var passes int
		err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM credentials WHERE citizen = $1 AND holder IS NOT NULL AND added > $2`,
			citizen, now.Add(-24*time.Hour).Unix()).Scan(&passes)
		if err == nil && passes >= passesDaily {
			err = ErrManyPasses
		}
		if err != nil {
			return err
		}
		return putCode(ctx, tx, citizen, code, expires)
	})
	if err != nil {
		return fmt.Errorf("store a one-time code for another phone: %w", err)
	}
	return nil
}
