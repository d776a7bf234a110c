package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrUnapproved says that a door's certificate has expired and that the administrator has not
// approved the next one.
var ErrUnapproved = errors.New("the certificate has expired, and its renewal is not approved")

// approvalLasts is how long an approval waits for the door.
const approvalLasts = 24 * time.Hour

// Approve lets a door that has asked for it renew its expired certificate once. Errors:
// ErrNotFound.
func (s *Store) Approve(ctx context.Context, name string, now time.Time) error {
	done, err := changed(s.write.ExecContext(ctx,
		`UPDATE doors SET approved = $2 WHERE name = $1 AND asked IS NOT NULL AND revoked IS NULL`, name, now.Unix()))
	if err == nil && !done {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("approve a renewal: %w", err)
	}
	return nil
}

// expired notes that a door asks for the next certificate after the end of the last one, and
// reports whether it may have it.
func (d *identity) expired(ctx context.Context, tx *sql.Tx, now time.Time) (refused, err error) {
	if d.approved.Valid && now.Sub(moment(d.approved)) < approvalLasts {
		_, err := tx.ExecContext(ctx, `UPDATE doors SET asked = NULL, approved = NULL WHERE id = $1`, d.ID)
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE doors SET asked = COALESCE(asked, $2), approved = NULL WHERE id = $1`,
		d.ID, now.Unix())
	return ErrUnapproved, err
}
