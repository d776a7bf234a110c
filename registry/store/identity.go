package store

import (
	"bytes"
	"context"
	"database/sql"
	"time"
)

// identity is a door's row: who it is, and what it has to show.
type identity struct {
	Door
	device           sql.NullString
	cert, next, old  []byte
	until, nextUntil sql.NullInt64
	replaced         sql.NullInt64
	revoked, copied  sql.NullInt64
	seen             sql.NullInt64
	running          sql.NullString
	approved         sql.NullInt64

	venue, zone, way, config sql.NullString // as the door said
	configSince              sql.NullInt64
}

const doorColumns = `id, name, venue, zone, way, ring, device, cert, cert_until, next_cert, next_until, old_cert, replaced, revoked, copied, seen, running, approved,
	said_venue, said_zone, said_way, config, config_since`

// lockDoor reads the row and keeps others from changing it until the transaction ends.
func lockDoor(ctx context.Context, tx *sql.Tx, id int64) (*identity, error) {
	return findDoor(ctx, tx, `UPDATE doors SET name = name WHERE id = $1 RETURNING `+doorColumns, id)
}

func findDoor(ctx context.Context, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, query string, key any) (*identity, error) {
	d := &identity{}
	err := db.QueryRowContext(ctx, query, key).Scan(&d.ID, &d.Name, &d.Venue, &d.Zone, &d.Way, &d.Ring, &d.device, &d.cert, &d.until, &d.next,
		&d.nextUntil, &d.old, &d.replaced, &d.revoked, &d.copied, &d.seen, &d.running, &d.approved,
		&d.venue, &d.zone, &d.way, &d.config, &d.configSince)
	if err != nil {
		return nil, notFound(err)
	}
	return d, nil
}

// lingers is how long a replaced certificate is still accepted: a late request that was sent with
// it must not make an honest card look copied.
const lingers = time.Minute

// judge says why the door is rejected, if it is, and whether its next certificate has arrived.
func (d *identity) judge(c Certificate, device string, now time.Time) (arrived bool, err error) {
	switch {
	case d.revoked.Valid:
		return false, ErrRevoked
	case d.cert == nil:
		return false, ErrNotFound // not enrolled yet, or after the backup that this database was restored from
	case d.device.String != device:
		return false, ErrCopied
	case bytes.Equal(d.cert, c.Print[:]):
		return false, nil
	case bytes.Equal(d.old, c.Print[:]) && now.Sub(moment(d.replaced)) < lingers:
		return false, nil
	case bytes.Equal(d.next, c.Print[:]):
		return true, nil
	case c.Until.Unix() > max(d.until.Int64, d.nextUntil.Int64):
		// It is newer than any this database knows, so the database came from a backup. The device
		// is right.
		return true, nil
	}
	return false, ErrCopied // the next certificate was in use already: there are two cards
}

// admit judges and stores the result.
func (d *identity) admit(ctx context.Context, tx *sql.Tx, c Certificate, device string,
	now time.Time) (refused, err error) {
	arrived, refused := d.judge(c, device, now)
	if refused == ErrCopied {
		if gone, err := d.wasReplaced(ctx, tx, device); gone || err != nil {
			return ErrRevoked, err
		}
	}
	switch {
	case refused == ErrCopied:
		return refused, d.noteCopied(ctx, tx, now)
	case refused != nil || !arrived:
		return refused, nil
	}
	_, err = tx.ExecContext(ctx, `UPDATE doors SET old_cert = cert, replaced = $4, cert = $2, cert_until = $3, next_cert = NULL,
		next_until = NULL WHERE id = $1`, d.ID, c.Print[:], c.Until.Unix(), now.Unix())
	return nil, err
}

func (d *identity) noteCopied(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE doors SET copied = COALESCE(copied, $2), strays = strays + 1 WHERE id = $1`,
		d.ID, now.Unix())
	return err
}

func (d *identity) giveNext(ctx context.Context, tx *sql.Tx, c Certificate) error {
	_, err := tx.ExecContext(ctx, `UPDATE doors SET next_cert = $2, next_until = $3 WHERE id = $1`, d.ID, c.Print[:],
		c.Until.Unix())
	return err
}

// noteReplaced revokes the device that has been this door, now that another one is.
func (d *identity) noteReplaced(ctx context.Context, tx *sql.Tx, device string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM replacements WHERE door = $1 AND device = $2`, d.ID,
		device); err != nil {
		return err
	}
	if !d.device.Valid || d.device.String == device {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO replacements (door, device, at) VALUES ($1, $2, $3)
		ON CONFLICT (door, device) DO UPDATE SET at = excluded.at`, d.ID, d.device.String, now.Unix())
	return err
}

// wasReplaced tells whether a device has been this door before.
func (d *identity) wasReplaced(ctx context.Context, tx *sql.Tx, device string) (gone bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM replacements WHERE door = $1 AND device = $2)`, d.ID,
		device).Scan(&gone)
	return gone, err
}
