package store

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// Why a phone gets no credentials for days.
var (
	ErrPassRevoked = errors.New("the pass was revoked")
	ErrTopUps      = errors.New("the phone asked too often today")
)

// TopUpsDaily is how often a phone may ask for credentials in a day. It needs to once, and again
// where an answer is lost.
const TopUpsDaily = 20

// Phone is one phone of a person, as the person may see it.
type Phone struct {
	ID    int64     `json:"id"`
	Name  string    `json:"name"` // what it said of itself
	Added time.Time `json:"added"`
	Used  time.Time `json:"used,omitzero"`  // the day of its last top-up
	Until time.Time `json:"until,omitzero"` // the end of the last day that it has a code for
	Own   bool      `json:"own"`            // it asks
}

// TopUp notes that a phone gets credentials for days until last, and gives its pass. It writes
// nothing for a phone that asks too often. Errors: ErrNotFound, ErrPassRevoked, ErrTopUps.
func (s *Store) TopUp(ctx context.Context, phone ed25519.PublicKey, last pass.Day, now time.Time) (Credential, error) {
	got := Credential{Phone: phone}
	err := s.change(ctx, func(tx *sql.Tx) error {
		var index int64
		var since nullEdition
		err := tx.QueryRowContext(ctx, `UPDATE credentials SET used = $2,
			topups = CASE WHEN used = $2 THEN topups + 1 ELSE 1 END,
			last_day = CASE WHEN last_day > $3 THEN last_day ELSE $3 END
			WHERE phone = $1 AND revoked IS NULL AND (used IS NULL OR used <> $2 OR topups < $4)
			RETURNING idx, epoch, version`,
			[]byte(phone), pass.DayOf(now).Start().Unix(), int64(last), TopUpsDaily).Scan(&index, &since.epoch, &since.version)
		if errors.Is(err, sql.ErrNoRows) {
			return noTopUp(ctx, tx, phone)
		}
		got.Index, got.Since = uint64(index), since.edition()
		return err
	})
	if err != nil {
		return Credential{}, fmt.Errorf("top a phone up: %w", err)
	}
	return got, nil
}

func noTopUp(ctx context.Context, tx *sql.Tx, phone ed25519.PublicKey) error {
	var revoked bool
	err := tx.QueryRowContext(ctx, `SELECT revoked IS NOT NULL FROM credentials WHERE phone = $1`,
		[]byte(phone)).Scan(&revoked)
	switch {
	case err != nil:
		return notFound(err)
	case revoked:
		return ErrPassRevoked
	}
	return ErrTopUps
}

// PassOf finds the pass of a phone, revoked or not. Errors: ErrNotFound.
func (s *Store) PassOf(ctx context.Context, phone ed25519.PublicKey) (Credential, error) {
	var index int64
	var since nullEdition
	err := s.read.QueryRowContext(ctx, `SELECT idx, epoch, version FROM credentials WHERE phone = $1`,
		[]byte(phone)).Scan(&index, &since.epoch, &since.version)
	if err != nil {
		return Credential{}, fmt.Errorf("find a phone's pass: %w", notFound(err))
	}
	return Credential{Index: uint64(index), Phone: phone, Since: since.edition()}, nil
}

// PhonesOf lists the phones of a phone's owner that are not revoked, the newest first. Of a phone
// that is revoked itself it is ErrNotFound.
func (s *Store) PhonesOf(ctx context.Context, phone ed25519.PublicKey) ([]Phone, error) {
	phones := []Phone{}
	err := s.look(ctx, func(tx *sql.Tx) error {
		citizen, err := ownerOf(ctx, tx, phone)
		if err != nil {
			return err
		}
		return rows(ctx, tx, func(found *sql.Rows) error {
			var p Phone
			var added int64
			var used, last sql.NullInt64
			err := found.Scan(&p.ID, &p.Name, &added, &used, &last, &p.Own)
			p.Added, p.Used = time.Unix(added, 0).UTC(), moment(used)
			if last.Valid {
				p.Until = pass.Day(last.Int64 + 1).Start()
			}
			phones = append(phones, p)
			return err
		}, `SELECT id, name, added, used, last_day, phone = $2 FROM credentials
			WHERE citizen = $1 AND revoked IS NULL AND phone IS NOT NULL ORDER BY id DESC`, citizen, []byte(phone))
	})
	if err != nil {
		return nil, fmt.Errorf("list a person's phones: %w", err)
	}
	return phones, nil
}

// RevokePhone revokes one phone of a phone's owner: itself, or another one. Errors: ErrNotFound.
func (s *Store) RevokePhone(ctx context.Context, phone ed25519.PublicKey, id int64, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		citizen, err := ownerOf(ctx, tx, phone)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE citizens SET due = 0, touched = touched + 1 WHERE id = $1`, citizen)
		if err != nil {
			return err
		}
		done, err := changed(tx.ExecContext(ctx, `UPDATE credentials SET revoked = $3
			WHERE id = $1 AND citizen = $2 AND phone IS NOT NULL AND revoked IS NULL`, id, citizen, now.Unix()))
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

// OwnHistory is History for the owner of a phone.
func (s *Store) OwnHistory(ctx context.Context, phone ed25519.PublicKey) ([]Kept, error) {
	var history []Kept
	err := s.look(ctx, func(tx *sql.Tx) error {
		citizen, err := ownerOf(ctx, tx, phone)
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

// ownerOf finds the owner of a phone whose pass is not revoked.
func ownerOf(ctx context.Context, tx *sql.Tx, phone ed25519.PublicKey) (citizen int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT citizen FROM credentials WHERE phone = $1 AND revoked IS NULL`,
		[]byte(phone)).Scan(&citizen)
	return citizen, notFound(err)
}

// ErrManyPasses says that a person got many passes in a day.
var ErrManyPasses = errors.New("this person got many passes today")

// passesDaily is how many phones of one person may get a pass in 24 hours, before phones make no
// codes for others any more. Each pass takes an index of the list that all doors hold, and indexes
// are never used again.
const passesDaily = 6

// PutCodeOf gives the owner of a phone a one-time code for another one, as PutCode does. Errors:
// ErrNotFound, ErrManyPasses.
func (s *Store) PutCodeOf(ctx context.Context, phone ed25519.PublicKey, code Secret, expires, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		citizen, err := ownerOf(ctx, tx, phone)
		if err != nil {
			return err
		}
		var passes int
		err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM credentials WHERE citizen = $1 AND phone IS NOT NULL AND added > $2`,
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
