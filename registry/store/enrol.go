package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Why a door is rejected.
var (
	ErrTokenExpired = errors.New("the door's one-time code has expired")
	ErrTokenUsed    = errors.New("the door's one-time code was used with another key")
	ErrRevoked      = errors.New("the door was revoked")
	ErrCopied       = errors.New("a second device shows this door's identity")
)

// Door is what a door is told about itself.
type Door struct {
	ID                      int64
	Place                   int64 // its venue's id; 0: of no venue that is known here
	Name, Venue, Zone, Ring string
	Way                     string // kiosk.Way; empty: entry
}

// Certificate is one that the registry issued to a door.
type Certificate struct {
	Door  int64
	Print Secret // SHA-256 of it
	Until time.Time
}

// Enrollee is who shows a one-time token.
type Enrollee struct {
	Device  string // the board, as in api.HeaderDevice
	Key     Secret // of its public key
	SealKey []byte // X25519, to which its keys are sealed
}

// PutTokens gives each door a one-time token, which replaces an earlier one, and creates missing
// doors. It does all of that or nothing.
func (s *Store) PutTokens(ctx context.Context, doors []Door, tokens []Secret, expires time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for i, d := range doors {
			var id int64
			err := tx.QueryRowContext(ctx, `INSERT INTO doors (name, venue, zone, ring, place, way)
				VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (name) DO UPDATE SET place = excluded.place, venue = excluded.venue, zone = excluded.zone,
				ring = excluded.ring,
					way = excluded.way RETURNING id`,
				d.Name, d.Venue, d.Zone, d.Ring, sql.NullInt64{Int64: d.Place, Valid: d.Place != 0},
				cmp.Or(d.Way, "entry")).Scan(&id)
			if err != nil {
				return err
			}
			if err := putToken(ctx, tx, id, tokens[i], expires); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store doors' one-time codes: %w", err)
	}
	return nil
}

// HasToken tells whether a token is a door's, used or not. It writes nothing.
func (s *Store) HasToken(ctx context.Context, token Secret) (known bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM enrolments WHERE hash = $1)`, token[:]).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("look a door's one-time code up: %w", err)
	}
	return known, nil
}

// Enrol exchanges a one-time token for a certificate, which sign makes. The door starts afresh:
// older certificates and warnings no longer count, and a device that had them before is revoked.
// The first answer may be lost, so the same key
// and device may ask again with the same token, which is a renewal. Errors: ErrNotFound,
// ErrTokenExpired, ErrTokenUsed, ErrCopied, and those of sign.
func (s *Store) Enrol(ctx context.Context, token Secret, by Enrollee, now time.Time,
	sign func(Door) (Certificate, error)) error {
	return s.judged(ctx, "enrol a door", func(tx *sql.Tx) (error, error) {
		var id, expires int64
		var used []byte
		// An UPDATE that changes nothing locks the row in either database: the second of two doors
		// has to wait.
		err := tx.QueryRowContext(ctx, `UPDATE enrolments SET expires = expires WHERE hash = $1 RETURNING door, expires, key`,
			token[:]).Scan(&id, &expires, &used)
		switch {
		case err != nil:
			return nil, notFound(err)
		case now.Unix() >= expires:
			return nil, ErrTokenExpired
		case used != nil && !bytes.Equal(used, by.Key[:]):
			_, err := tx.ExecContext(ctx, `UPDATE enrolments SET twice = COALESCE(twice, $2) WHERE hash = $1`,
				token[:], now.Unix())
			return ErrTokenUsed, err
		}
		d, err := lockDoor(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if used != nil && d.device.String != by.Device {
			return ErrCopied, d.noteCopied(ctx, tx, now)
		}
		c, err := sign(d.Door)
		if err != nil {
			return nil, err
		}
		if used != nil {
			return nil, d.giveNext(ctx, tx, c)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE enrolments SET key = $2 WHERE hash = $1`, token[:], by.Key[:]); err != nil {
			return nil, err
		}
		if err := d.noteReplaced(ctx, tx, by.Device, now); err != nil {
			return nil, err
		}
		if err := leaveShare(ctx, tx, id, now); err != nil {
			return nil, err
		}
		if d.device.Valid { // a copy of the card that was this door may be anywhere
			if err := wantTurnover(ctx, tx, now); err != nil {
				return nil, err
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE doors SET device = $2, cert = $3, cert_until = $4, old_cert = NULL, next_cert = NULL,
			next_until = NULL, revoked = NULL, copied = NULL, strays = 0, asked = NULL, approved = NULL,
			said_venue = NULL, said_zone = NULL, said_way = NULL, config = NULL, config_since = NULL, health = NULL,
			health_at = NULL, troubles = '', seal_key = $5
			WHERE id = $1`, id, by.Device, c.Print[:], c.Until.Unix(), by.SealKey)
		return nil, err
	})
}

// Sealing is to whom a door's keys are sealed.
type Sealing struct {
	Region string // of its venue; empty: of no venue that is known here
	Key    []byte // X25519, public; nil: the door is not enrolled
}

// Sealing finds a door's. Errors: ErrNotFound, ErrRevoked.
func (s *Store) Sealing(ctx context.Context, door int64) (to Sealing, err error) {
	var revoked bool
	err = s.read.QueryRowContext(ctx, `SELECT COALESCE(region, ''), seal_key, revoked IS NOT NULL
		FROM doors LEFT JOIN venues ON venues.id = place WHERE doors.id = $1`, door).Scan(&to.Region, &to.Key, &revoked)
	if err = notFound(err); err == nil && revoked {
		err = ErrRevoked
	}
	if err != nil {
		return Sealing{}, fmt.Errorf("look up to whom a door's keys are sealed: %w", err)
	}
	return to, nil
}

// Renew gives a door its next certificate, which sign makes. The previous one is valid until the
// new one is seen. Errors: those of DoorBy and of sign, and ErrUnapproved.
func (s *Store) Renew(ctx context.Context, c Certificate, device string, now time.Time,
	sign func(Door) (Certificate, error)) error {
	return s.judged(ctx, "renew a door's certificate", func(tx *sql.Tx) (error, error) {
		d, err := lockDoor(ctx, tx, c.Door)
		if err != nil {
			return nil, err
		}
		if refused, err := d.admit(ctx, tx, c, device, now); refused != nil || err != nil {
			return refused, err
		}
		if now.After(c.Until) {
			if refused, err := d.expired(ctx, tx, now); refused != nil || err != nil {
				return refused, err
			}
		}
		next, err := sign(d.Door)
		if err != nil {
			return nil, err
		}
		return nil, d.giveNext(ctx, tx, next)
	})
}

// DoorBy finds the door of a certificate. It notes the contact, what the door says of itself, and
// the arrival of a new certificate. Errors: ErrNotFound, ErrRevoked, ErrCopied.
func (s *Store) DoorBy(ctx context.Context, c Certificate, device string, said Said,
	now time.Time) (id int64, err error) {
	const doing = "look a door up by its certificate"
	d, err := findDoor(ctx, s.read, `SELECT `+doorColumns+` FROM doors WHERE id = $1`, c.Door)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	if arrived, err := d.judge(c, device, now); err == nil && !arrived && !d.news(said, now) {
		return c.Door, nil // nothing to write, as almost always
	}
	err = s.judged(ctx, doing, func(tx *sql.Tx) (error, error) {
		d, err := lockDoor(ctx, tx, c.Door)
		if err != nil {
			return nil, err
		}
		if refused, err := d.admit(ctx, tx, c, device, now); refused != nil || err != nil {
			return refused, err
		}
		return nil, d.noteHeard(ctx, tx, said, now)
	})
	return c.Door, err
}

// RevokeDoor makes everything a door could show worthless. Errors: ErrNotFound.
func (s *Store) RevokeDoor(ctx context.Context, name string, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		var id int64
		var enrolled bool
		err := tx.QueryRowContext(ctx, `UPDATE doors SET revoked = COALESCE(revoked, $2) WHERE name = $1
			RETURNING id, device IS NOT NULL`, name, now.Unix()).Scan(&id, &enrolled)
		if err != nil {
			return notFound(err)
		}
		if _, err = tx.ExecContext(ctx, `DELETE FROM enrolments WHERE door = $1`, id); err != nil {
			return err
		}
		if enrolled { // else nobody had the list's keys as this door
			if err := wantTurnover(ctx, tx, now); err != nil {
				return err
			}
		}
		return leaveShare(ctx, tx, id, now)
	})
	if err != nil {
		return fmt.Errorf("revoke a door: %w", err)
	}
	return nil
}

// judged is change for what has to be stored even when a door is rejected: it commits, and then
// returns refused.
func (s *Store) judged(ctx context.Context, doing string, f func(*sql.Tx) (refused, err error)) error {
	var refused error
	err := s.change(ctx, func(tx *sql.Tx) (err error) {
		refused, err = f(tx)
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
