package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// The roles of accounts.
const (
	National = "national" // everything
	Regional = "regional" // venues and doors of a region
	Owner    = "owner"    // doors, counts and people inside of the venues of an organisation, in a region or everywhere
	Staff    = "staff"    // one venue, for hours
)

// ErrExpired says that an account's time is over.
var ErrExpired = errors.New("the account has expired")

// Account is somebody who works with the registry. What does not belong to its role is empty.
type Account struct {
	ID      int64     `json:"id"` // 0: the holder of admin.key
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Region  string    `json:"region,omitempty"` // code
	BIN     string    `json:"bin,omitempty"`
	Venue   int64     `json:"venue,omitempty"` // id
	Created time.Time `json:"created,omitzero"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
	Revoked time.Time `json:"revoked,omitzero"`
}

// Reaches tells whether a venue belongs to what the account works with.
func (a Account) Reaches(v Venue) bool {
	switch a.Role {
	case National:
		return true
	case Regional:
		return a.Region == v.Region
	case Owner:
		return a.BIN == v.BIN && (a.Region == "" || a.Region == v.Region)
	case Staff:
		return a.Venue == v.ID
	}
	return false
}

// AddAccount creates an account and returns its id. A name may be used again when the account of
// that name is revoked or expired; names of staff are the venue's own. Errors: ErrExists;
// ErrNotFound where the region or the venue is unknown.
func (s *Store) AddAccount(ctx context.Context, a Account, key Secret, now time.Time) (id int64, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		if a.Region != "" {
			if err := knownRegion(ctx, tx, a.Region); err != nil {
				return err
			}
		}
		if a.Venue != 0 {
			err := tx.QueryRowContext(ctx, `SELECT id FROM venues WHERE id = $1`, a.Venue).Scan(&id)
			if err != nil {
				return fmt.Errorf("venue %d: %w", a.Venue, notFound(err))
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE accounts SET revoked = expires
			WHERE name = $1 AND revoked IS NULL AND expires <= $2`, a.Name, now.Unix())
		if err != nil {
			return err
		}
		venue := sql.NullInt64{Int64: a.Venue, Valid: a.Venue != 0}
		err = tx.QueryRowContext(ctx, `INSERT INTO accounts (name, role, region, bin, venue, key, created, expires)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id`,
			a.Name, a.Role, known(a.Region), known(a.BIN), venue, key[:], now.Unix(), unix(a.Expires)).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrExists
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("add an account: %w", err)
	}
	return id, nil
}

const accountColumns = `id, name, role, COALESCE(region, ''), COALESCE(bin, ''), COALESCE(venue, 0),
	created, expires, revoked`

func scanAccount(row interface{ Scan(...any) error }) (a Account, err error) {
	var created, expires, revoked sql.NullInt64
	err = row.Scan(&a.ID, &a.Name, &a.Role, &a.Region, &a.BIN, &a.Venue, &created, &expires, &revoked)
	a.Created, a.Expires, a.Revoked = moment(created), moment(expires), moment(revoked)
	return a, err
}

// AccountOf finds the account of a key. Errors: ErrNotFound, ErrKeyRevoked, ErrExpired.
func (s *Store) AccountOf(ctx context.Context, key Secret, now time.Time) (Account, error) {
	a, err := scanAccount(s.read.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts WHERE key = $1`, key[:]))
	switch {
	case err != nil:
		err = notFound(err)
	case !a.Expires.IsZero() && !a.Expires.After(now):
		err = ErrExpired
	case !a.Revoked.IsZero():
		err = ErrKeyRevoked
	}
	if err != nil {
		return Account{}, fmt.Errorf("look an account up: %w", err)
	}
	return a, nil
}

// AccountBy finds an account by its id. Errors: ErrNotFound.
func (s *Store) AccountBy(ctx context.Context, id int64) (Account, error) {
	a, err := scanAccount(s.read.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts WHERE id = $1`, id))
	if err != nil {
		return Account{}, fmt.Errorf("look an account up: %w", notFound(err))
	}
	return a, nil
}

// AccountsOf says which accounts are listed: those whose key still works, and those that ended
// after a time.
type AccountsOf struct {
	To     Account // an owner sees the staff of the own venues, a regional one that of the region's and its owners
	Role   string  // empty: all
	Ended  time.Time
	Before int64 // only accounts that are older than the one with this id; 0: all
	Limit  int
}

// Accounts lists accounts, the newest first.
func (s *Store) Accounts(ctx context.Context, of AccountsOf) ([]Account, error) {
	list := []Account{}
	err := s.look(ctx, func(tx *sql.Tx) error {
		return rows(ctx, tx, func(found *sql.Rows) error {
			a, err := scanAccount(found)
			list = append(list, a)
			return err
		}, `SELECT `+accountColumns+` FROM accounts
			WHERE ($1 = 'national' OR $1 = 'regional' AND role = 'owner' AND region = $3
				OR role = 'staff' AND venue IN (SELECT id FROM venues WHERE (bin = $2 OR $2 = '') AND (venues.region = $3 OR $3 = '')))
				AND (revoked IS NULL OR revoked > $4) AND (expires IS NULL OR expires > $4) AND ($6 = '' OR role = $6) AND ($7 = 0 OR id < $7)
				ORDER BY id DESC LIMIT $5`,
			of.To.Role, of.To.BIN, of.To.Region, of.Ended.Unix(), of.Limit, of.Role, of.Before)
	})
	if err != nil {
		return nil, fmt.Errorf("list the accounts: %w", err)
	}
	return list, nil
}

// RevokeAccount makes an account's key worthless for ever. Errors: ErrNotFound.
func (s *Store) RevokeAccount(ctx context.Context, id int64, now time.Time) error {
	found, err := changed(s.write.ExecContext(ctx, `UPDATE accounts SET revoked = COALESCE(revoked, $2) WHERE id = $1`,
		id, now.Unix()))
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("revoke an account: %w", err)
	}
	return nil
}
