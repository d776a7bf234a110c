package store

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
)

// Why a phone gets no pass.
var (
	ErrCodeExpired = errors.New("the one-time code has expired")
	ErrCodeUsed    = errors.New("the one-time code was used on another phone")
	ErrKeyUsed     = errors.New("the phone's key belongs to another pass")
)

// Credential is a pass as the registry remembers it. What a phone shows of it is made for a day and
// not kept.
type Credential struct {
	Index uint64
	Phone ed25519.PublicKey  // the key that no code shows; nil: printed
	Since statuslist.Edition // the first that holds the index; zero: none does yet, so the pass is held back
	Name  string             // what the phone says of itself
}

// PutCode gives the citizen a one-time code, which replaces an earlier one. It registers new
// citizens.
func (s *Store) PutCode(ctx context.Context, iin IIN, code Secret, expires time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		citizen, err := touch(ctx, tx, iin)
		if err != nil {
			return err
		}
		return putCode(ctx, tx, citizen, code, expires)
	})
	if err != nil {
		return fmt.Errorf("store a one-time code: %w", err)
	}
	return nil
}

func putCode(ctx context.Context, tx *sql.Tx, citizen int64, code Secret, expires time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO codes (hash, citizen, expires) VALUES ($1, $2, $3)
		ON CONFLICT (citizen) DO UPDATE SET hash = excluded.hash, expires = excluded.expires, credential = NULL`,
		code[:], citizen, expires.Unix())
	return err
}

// HasCode tells whether a one-time code is a citizen's, used or not. It writes nothing.
func (s *Store) HasCode(ctx context.Context, code Secret) (known bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM codes WHERE hash = $1)`, code[:]).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("look a one-time code up: %w", err)
	}
	return known, nil
}

// Activate exchanges a one-time code for a pass of that phone. The answer may be lost, so the same
// phone may ask again with the same code. Errors: ErrNotFound, ErrCodeExpired, ErrCodeUsed,
// ErrKeyUsed.
func (s *Store) Activate(ctx context.Context, code Secret, want Credential, now time.Time) (Credential, error) {
	got := want
	err := s.change(ctx, func(tx *sql.Tx) error {
		var citizen, expires int64
		var used sql.NullInt64
		// An UPDATE that changes nothing locks the row in either database, so the second of two
		// phones waits.
		err := tx.QueryRowContext(ctx, `UPDATE codes SET expires = expires WHERE hash = $1
			RETURNING citizen, expires, credential`,
			code[:]).Scan(&citizen, &expires, &used)
		switch {
		case err != nil:
			return notFound(err)
		case used.Valid:
			got, err = activated(ctx, tx, used.Int64, want.Phone)
			return err
		case now.Unix() >= expires:
			return ErrCodeExpired
		}
		id, index, err := addPhone(ctx, tx, citizen, want, now)
		if err != nil {
			return err
		}
		got.Index = index
		_, err = tx.ExecContext(ctx, `UPDATE codes SET credential = $2 WHERE hash = $1`, code[:], id)
		return err
	})
	if err != nil {
		return Credential{}, fmt.Errorf("activate a phone: %w", err)
	}
	return got, nil
}

func activated(ctx context.Context, tx *sql.Tx, id int64, phone ed25519.PublicKey) (Credential, error) {
	var index int64
	var since nullEdition
	var known []byte
	var revoked bool
	err := tx.QueryRowContext(ctx, `SELECT idx, phone, epoch, version, revoked IS NOT NULL FROM credentials
		WHERE id = $1`,
		id).Scan(&index, &known, &since.epoch, &since.version, &revoked)
	if err != nil {
		return Credential{}, err
	}
	if revoked || !bytes.Equal(known, phone) {
		return Credential{}, ErrCodeUsed
	}
	return Credential{Index: uint64(index), Phone: phone, Since: since.edition()}, nil
}

// SinceOf returns Credential.Since of the pass at that index.
func (s *Store) SinceOf(ctx context.Context, index uint64) (statuslist.Edition, error) {
	var since nullEdition
	err := s.read.QueryRowContext(ctx, `SELECT epoch, version FROM credentials WHERE idx = $1`,
		int64(index)).Scan(&since.epoch, &since.version)
	if err != nil {
		return statuslist.Edition{}, fmt.Errorf("ask whether the list holds an index: %w", notFound(err))
	}
	return since.edition(), nil
}

// nullEdition is an edition out of the database.
type nullEdition struct{ epoch, version sql.NullInt64 }

func (n nullEdition) edition() statuslist.Edition {
	return statuslist.Edition{Epoch: uint32(n.epoch.Int64), Version: uint64(n.version.Int64)}
}

// Print issues a credential without a phone and revokes the citizen's earlier printed ones.
func (s *Store) Print(ctx context.Context, iin IIN, want Credential, now time.Time) (Credential, error) {
	got := want
	err := s.change(ctx, func(tx *sql.Tx) error {
		citizen, err := touch(ctx, tx, iin)
		if err != nil {
			return err
		}
		_, got.Index, err = addCredential(ctx, tx, citizen, want, now)
		return err
	})
	if err != nil {
		return Credential{}, fmt.Errorf("issue a printed pass: %w", err)
	}
	return got, nil
}

// maxPhones is how many phones one person may have. The one that was not used for longest makes
// room.
const maxPhones = 3

// addPhone adds a phone's pass. A phone that asks with another code of the same person keeps the
// pass that it has: the answer to the first code was lost.
func addPhone(ctx context.Context, tx *sql.Tx, citizen int64, want Credential,
	now time.Time) (id int64, index uint64, err error) {
	var holder int64
	var revoked bool
	err = tx.QueryRowContext(ctx, `SELECT id, idx, citizen, revoked IS NOT NULL FROM credentials WHERE phone = $1`,
		[]byte(want.Phone)).Scan(&id, &index, &holder, &revoked)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return addCredential(ctx, tx, citizen, want, now)
	case err == nil && (revoked || holder != citizen):
		return 0, 0, ErrKeyUsed
	}
	return id, index, err
}

// addCredential adds one at a random unused index. A printed one replaces the printed ones before
// it. It locks the citizen first, as the publisher does.
func addCredential(ctx context.Context, tx *sql.Tx, citizen int64, want Credential,
	now time.Time) (id int64, index uint64, err error) {
	if _, err := tx.ExecContext(ctx, `UPDATE citizens SET due = 0, touched = touched + 1 WHERE id = $1`,
		citizen); err != nil {
		return 0, 0, err
	}
	var suspended sql.NullInt64 // also of revoked ones: to remove the phones ends no suspension
	err = tx.QueryRowContext(ctx, `SELECT MIN(suspended) FROM credentials WHERE citizen = $1`,
		citizen).Scan(&suspended)
	if err != nil {
		return 0, 0, err
	}
	if err := makeRoom(ctx, tx, citizen, want.Phone == nil, now); err != nil {
		return 0, 0, err
	}
	var sections int64
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM sections`).Scan(&sections); err != nil {
		return 0, 0, err
	}
	if sections == 0 {
		return 0, 0, errors.New("nothing is published yet")
	}
	for {
		if index, err = freeIndex(ctx, tx, sections*statuslist.SectionSize); err != nil {
			return 0, 0, err
		}
		err = tx.QueryRowContext(ctx, `INSERT INTO credentials (citizen, idx, phone, added, name, suspended)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (idx) DO NOTHING RETURNING id`,
			citizen, int64(index), []byte(want.Phone), now.Unix(), want.Name, suspended).Scan(&id)
		if !errors.Is(err, sql.ErrNoRows) { // else another transaction has just taken it
			return id, index, err
		}
	}
}

// draws is how many indexes are looked up at once. Where seven eighths of them are used (the
// publisher adds a section then), one of 5,000 such looks finds no free one.
const draws = 64

// freeIndex draws indexes below capacity until one is unused. All unused ones are equally likely.
func freeIndex(ctx context.Context, tx *sql.Tx, capacity int64) (uint64, error) {
	for range 16 {
		drawn, list := make([]int64, draws), new(strings.Builder)
		for i := range drawn {
			pick, err := rand.Int(rand.Reader, big.NewInt(capacity))
			if err != nil {
				return 0, err
			}
			drawn[i] = pick.Int64()
			fmt.Fprintf(list, ",%d", drawn[i])
		}
		used := map[int64]bool{}
		err := rows(ctx, tx, func(found *sql.Rows) error {
			var index int64
			err := found.Scan(&index)
			used[index] = true
			return err
		}, `SELECT idx FROM credentials WHERE idx IN (`+list.String()[1:]+`)`)
		if err != nil {
			return 0, err
		}
		for _, index := range drawn {
			if !used[index] {
				return uint64(index), nil
			}
		}
	}
	return 0, fmt.Errorf("%d draws of %d indexes found no free one", 16*draws, capacity)
}

func makeRoom(ctx context.Context, tx *sql.Tx, citizen int64, printed bool, now time.Time) error {
	if printed {
		_, err := tx.ExecContext(ctx, `UPDATE credentials SET revoked = $2 WHERE citizen = $1 AND revoked IS NULL
			AND phone IS NULL`,
			citizen, now.Unix())
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE credentials SET revoked = $2 WHERE id IN (
		SELECT id FROM credentials WHERE citizen = $1 AND revoked IS NULL AND phone IS NOT NULL
		ORDER BY COALESCE(used, added) DESC, id DESC LIMIT 1000 OFFSET $3)`, citizen, now.Unix(), maxPhones-1)
	return err
}

// Revoke makes all of the citizen's credentials and codes worthless.
func (s *Store) Revoke(ctx context.Context, iin IIN, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		var citizen int64
		err := tx.QueryRowContext(ctx, `UPDATE citizens SET due = 0, touched = touched + 1 WHERE iin = $1 RETURNING id`,
			string(iin)).Scan(&citizen)
		if err != nil {
			return notFound(err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM codes WHERE citizen = $1`, citizen); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE signins SET code = NULL WHERE citizen = $1`, citizen); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE credentials SET revoked = $2 WHERE citizen = $1 AND revoked IS NULL`,
			citizen, now.Unix())
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke credentials: %w", err)
	}
	return nil
}

// Suspend keeps all of the citizen's passes from being used until Resume, those that are issued
// meanwhile, too.
func (s *Store) Suspend(ctx context.Context, iin IIN, now time.Time) error {
	return s.setPasses(ctx, "suspend passes", iin, `suspended = COALESCE(suspended, $2)`, now.Unix())
}

// Resume ends a suspension.
func (s *Store) Resume(ctx context.Context, iin IIN) error {
	return s.setPasses(ctx, "resume passes", iin, `suspended = NULL`)
}

// setPasses changes all of a citizen's passes. Nobody with this number is ErrNotFound.
func (s *Store) setPasses(ctx context.Context, doing string, iin IIN, set string, value ...any) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		var citizen int64
		err := tx.QueryRowContext(ctx, `UPDATE citizens SET due = 0, touched = touched + 1 WHERE iin = $1 RETURNING id`,
			string(iin)).Scan(&citizen)
		if err != nil {
			return notFound(err)
		}
		// The revoked ones, too: addCredential looks at them.
		_, err = tx.ExecContext(ctx, `UPDATE credentials SET `+set+` WHERE citizen = $1`, append([]any{citizen}, value...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
