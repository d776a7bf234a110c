package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// VenueDoor is a door of a venue.
type VenueDoor struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Entrance  string    `json:"entrance,omitempty"` // as the venue calls it
	Way       string    `json:"way"`                // kiosk.Way
	Enrolled  bool      `json:"enrolled,omitempty"` // a device is this door
	Revoked   bool      `json:"revoked,omitempty"`
	Copied    bool      `json:"copied,omitempty"`
	Seen      time.Time `json:"seen,omitzero"`
	CodeUntil time.Time `json:"code_until,omitzero"` // a code that nobody has used is valid until then
	Replaced  time.Time `json:"replaced,omitzero"`   // when another device took its place last
	Troubles  []string  `json:"troubles,omitempty"`  // api.Trouble

	place int64
}

const venueDoorColumns = `doors.id, name, entrance, way, cert IS NOT NULL AND revoked IS NULL,
	revoked IS NOT NULL, copied IS NOT NULL, seen,
	(SELECT expires FROM enrolments WHERE door = doors.id AND key IS NULL AND expires > $1),
	(SELECT MAX(at) FROM replacements WHERE door = doors.id), troubles, COALESCE(place, 0)`

func scanVenueDoor(row interface{ Scan(...any) error }) (d VenueDoor, err error) {
	var seen, code, replaced sql.NullInt64
	var troubles string
	err = row.Scan(&d.ID, &d.Name, &d.Entrance, &d.Way, &d.Enrolled, &d.Revoked, &d.Copied, &seen, &code,
		&replaced, &troubles, &d.place)
	d.Seen, d.CodeUntil, d.Replaced, d.Troubles = moment(seen), moment(code), moment(replaced), strings.Fields(troubles)
	return d, err
}

// VenueDoors lists the doors of a venue: entries first, by name.
func (s *Store) VenueDoors(ctx context.Context, venue int64, now time.Time) (list []VenueDoor, err error) {
	err = s.look(ctx, func(tx *sql.Tx) error {
		list, err = doorsOfVenue(ctx, tx, venue, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the doors of a venue: %w", err)
	}
	return list, nil
}

func doorsOfVenue(ctx context.Context, tx *sql.Tx, venue int64, now time.Time) ([]VenueDoor, error) {
	list := []VenueDoor{}
	err := rows(ctx, tx, func(found *sql.Rows) error {
		d, err := scanVenueDoor(found)
		list = append(list, d)
		return err
	}, `SELECT `+venueDoorColumns+` FROM doors WHERE place = $2 ORDER BY way, name`, now.Unix(), venue)
	return list, err
}

// DoorOf finds a door by its name, and the id of its venue, 0 for a door without a venue. Errors:
// ErrNotFound.
func (s *Store) DoorOf(ctx context.Context, name string, now time.Time) (d VenueDoor, place int64, err error) {
	d, err = scanVenueDoor(s.read.QueryRowContext(ctx, `SELECT `+venueDoorColumns+` FROM doors WHERE name = $2`,
		now.Unix(), name))
	if err != nil {
		return d, 0, fmt.Errorf("look a door up by its name: %w", notFound(err))
	}
	return d, d.place, nil
}

// PutEntrances makes the missing doors of venues, one for each entrance and exit, and gives a code
// to each door that waits for its first device: where none is valid, or with again in any case.
// code makes one for a door's name. It does all of that or nothing, and returns the venues' doors.
// Errors: ErrExists.
func (s *Store) PutEntrances(
	ctx context.Context, venues []Venue, again bool, code func(name string) Secret, expires, now time.Time,
) (doors [][]VenueDoor, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		doors = nil
		for _, v := range venues {
			list, err := putEntrances(ctx, tx, v, now)
			if err != nil {
				return err
			}
			for i, d := range list {
				if d.Enrolled || d.Revoked || !again && !d.CodeUntil.IsZero() {
					continue
				}
				if err := putToken(ctx, tx, d.ID, code(d.Name), expires); err != nil {
					return err
				}
				list[i].CodeUntil = expires
			}
			doors = append(doors, list)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make the doors of venues: %w", err)
	}
	return doors, nil
}

// putEntrances makes the missing doors of one venue and lists all.
func putEntrances(ctx context.Context, tx *sql.Tx, v Venue, now time.Time) ([]VenueDoor, error) {
	// Who makes the same doors at the same time waits here.
	if _, err := tx.ExecContext(ctx, `UPDATE venues SET name = name WHERE id = $1`, v.ID); err != nil {
		return nil, err
	}
	before, err := doorsOfVenue(ctx, tx, v.ID, now)
	if err != nil {
		return nil, err
	}
	has := map[[2]string]bool{}
	for _, d := range before {
		has[[2]string{d.Way, d.Entrance}] = true
	}
	entrances := v.Entrances
	if len(entrances) == 0 {
		entrances = []string{""}
	}
	for way, names := range map[string][]string{"entry": entrances, "exit": v.Exits} {
		for _, entrance := range names {
			if has[[2]string{way, entrance}] {
				continue
			}
			if err := putEntrance(ctx, tx, v, way, entrance); err != nil {
				return nil, err
			}
		}
	}
	return doorsOfVenue(ctx, tx, v.ID, now)
}

// putEntrance makes one door. Where the venue has its name from another one, its BIN tells them
// apart.
func putEntrance(ctx context.Context, tx *sql.Tx, v Venue, way, entrance string) error {
	for _, name := range []string{v.Name, v.Name + " (" + v.BIN + ")"} {
		if entrance != "" {
			name += ", " + entrance
		}
		made, err := changed(tx.ExecContext(ctx, `INSERT INTO doors (name, venue, zone, ring, place, way, entrance)
			VALUES ($1, $2, $3, 'all', $4, $5, $6) ON CONFLICT (name) DO NOTHING`, name, v.Kind, v.Zone, v.ID,
			way, entrance))
		if made || err != nil {
			return err
		}
	}
	return fmt.Errorf("the door %q of venue %q: %w", entrance, v.Name, ErrExists)
}

// Replace gives a door a code for the device that will take its place. Until that one enrols,
// nothing changes for the old one. Where within is not empty, the door's venue has to be in this
// region. Errors: ErrNotFound, also for a door elsewhere.
func (s *Store) Replace(ctx context.Context, name, within string, token Secret, expires time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		var id int64
		err := tx.QueryRowContext(ctx, `SELECT id FROM doors WHERE name = $1
			AND ($2 = '' OR place IN (SELECT id FROM venues WHERE region = $2))`, name, within).Scan(&id)
		if err != nil {
			return notFound(err)
		}
		return putToken(ctx, tx, id, token, expires)
	})
	if err != nil {
		return fmt.Errorf("replace a door's device: %w", err)
	}
	return nil
}

// putToken gives a door a one-time token, which replaces an earlier one.
func putToken(ctx context.Context, tx *sql.Tx, door int64, token Secret, expires time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO enrolments (hash, door, expires) VALUES ($1, $2, $3)
		ON CONFLICT (door) DO UPDATE SET hash = excluded.hash, expires = excluded.expires, key = NULL,
			twice = NULL`, token[:], door, expires.Unix())
	return err
}
