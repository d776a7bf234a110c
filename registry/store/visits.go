package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
)

// ErrWrongDay says that a door's day is neither today nor a day beside it.
var ErrWrongDay = errors.New("the door's day is not today")

// visitsLast is how long a visit is kept: as long as the longest door.again, and what clocks differ
// by.
const visitsLast = 65 * time.Minute

// visitsDaily is how many visits of a venue are taken in a day.
const visitsDaily = 200_000

// Visits takes in what a door says about its visits, and answers with those of the other entry
// doors of its venue. The hashes are opaque here. Errors: ErrNotFound, ErrWrongDay.
func (s *Store) Visits(ctx context.Context, door int64, q api.VisitsRequest, now time.Time) (a api.VisitsAnswer,
	err error) {
	if today := int64(pass.DayOf(now)); q.Day < today-1 || q.Day > today+1 {
		return a, ErrWrongDay
	}
	in := s.look
	if len(q.Visits) > 0 || len(q.Envelopes) > 0 {
		in = s.change
	}
	err = in(ctx, func(tx *sql.Tx) error {
		v, err := venueOfVisits(ctx, tx, door, q.Day)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(v.doors, func(d visitDoor) bool { return d.id == door }) || len(v.doors) < 2 {
			a = api.VisitsAnswer{Alone: true}
			return nil
		}
		if len(q.Visits) > 0 || len(q.Envelopes) > 0 {
			if err := v.take(ctx, tx, door, q, now); err != nil {
				return err
			}
		}
		a, err = v.answer(ctx, tx, door, q.After, now)
		return err
	})
	if err != nil {
		return api.VisitsAnswer{}, fmt.Errorf("exchange visits: %w", err)
	}
	return a, nil
}

// visitVenue is a venue on a day, with its enrolled entry doors.
type visitVenue struct {
	id, day int64
	doors   []visitDoor
}

type visitDoor struct {
	id      int64
	sealKey []byte
}

func venueOfVisits(ctx context.Context, tx *sql.Tx, door, day int64) (*visitVenue, error) {
	var place sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT place FROM doors WHERE id = $1`, door).Scan(&place); err != nil {
		return nil, notFound(err)
	}
	v := &visitVenue{id: place.Int64, day: day}
	err := rows(ctx, tx, func(found *sql.Rows) error {
		var d visitDoor
		err := found.Scan(&d.id, &d.sealKey)
		v.doors = append(v.doors, d)
		return err
	}, `SELECT id, seal_key FROM doors WHERE place = $1 AND way = 'entry' AND revoked IS NULL AND
		seal_key IS NOT NULL ORDER BY id`, place)
	return v, err
}

// take stores envelopes and visits, and forgets what is over.
func (v *visitVenue) take(ctx context.Context, tx *sql.Tx, door int64, q api.VisitsRequest, now time.Time) error {
	var n int64
	_, err := tx.ExecContext(ctx, `INSERT INTO visit_days (venue, day, n) VALUES ($1, $2, 0)
		ON CONFLICT (venue, day) DO NOTHING`, v.id, v.day)
	if err == nil { // the row is locked from here on: numbers become visible in their order
		err = tx.QueryRowContext(ctx, `UPDATE visit_days SET n = n + $3 WHERE venue = $1 AND day = $2
			RETURNING n`, v.id, v.day, len(q.Visits)).Scan(&n)
	}
	if err != nil {
		return err
	}
	if n <= visitsDaily {
		for i, visit := range q.Visits {
			hash, err := base64.RawURLEncoding.DecodeString(visit.Hash)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `INSERT INTO visits (venue, day, n, door, hash, at)
				VALUES ($1, $2, $3, $4, $5, $6)`,
				v.id, v.day, n-int64(len(q.Visits)-1-i), door, hash, min(visit.At, now.Unix()))
			if err != nil {
				return err
			}
		}
	}
	if err := v.keep(ctx, tx, door, q.Envelopes); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM visits WHERE venue = $1 AND at < $2`, v.id,
		now.Add(-visitsLast).Unix()); err != nil {
		return err
	}
	for _, table := range []string{"visit_keys", "visit_days"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE venue = $1 AND day < $2`, v.id,
			int64(pass.DayOf(now))-1); err != nil {
			return err
		}
	}
	return nil
}

// keep stores the envelopes of the door that made the key of the day, and of doors that have it.
// The first one to make it wins.
func (v *visitVenue) keep(ctx context.Context, tx *sql.Tx, door int64, envelopes []api.VisitEnvelope) error {
	had, err := v.envelopes(ctx, tx)
	if err != nil || len(envelopes) == 0 || len(had) > 0 && had[door] == nil {
		return err
	}
	if len(had) == 0 {
		if _, err := tx.ExecContext(ctx, `DELETE FROM visit_keys WHERE venue = $1 AND day = $2`, v.id,
			v.day); err != nil {
			return err
		}
	}
	for _, e := range envelopes {
		i := slices.IndexFunc(v.doors, func(d visitDoor) bool { return d.id == e.Door })
		if i < 0 || had[e.Door] != nil {
			continue
		}
		sealed, err := base64.RawURLEncoding.DecodeString(e.Sealed)
		if err != nil {
			return err
		}
		had[e.Door] = sealed
		_, err = tx.ExecContext(ctx, `INSERT INTO visit_keys (venue, day, door, seal_key, envelope)
			VALUES ($1, $2, $3, $4, $5)`,
			v.id, v.day, e.Door, v.doors[i].sealKey, sealed)
		if err != nil {
			return err
		}
	}
	return nil
}

// envelopes are those of the day. Where one is of a door that has left the venue, was revoked or
// enrolled anew, somebody has the key who must not have it, so it no longer counts: the doors make
// another one.
func (v *visitVenue) envelopes(ctx context.Context, tx *sql.Tx) (map[int64][]byte, error) {
	had, void := map[int64][]byte{}, false
	err := rows(ctx, tx, func(found *sql.Rows) error {
		var id int64
		var sealKey, envelope []byte
		err := found.Scan(&id, &sealKey, &envelope)
		had[id] = envelope
		void = void || !slices.ContainsFunc(v.doors, func(d visitDoor) bool {
			return d.id == id && bytes.Equal(d.sealKey, sealKey)
		})
		return err
	}, `SELECT door, seal_key, envelope FROM visit_keys WHERE venue = $1 AND day = $2`, v.id, v.day)
	if void {
		clear(had)
	}
	return had, err
}

func (v *visitVenue) answer(ctx context.Context, tx *sql.Tx, door, after int64,
	now time.Time) (a api.VisitsAnswer, err error) {
	had, err := v.envelopes(ctx, tx)
	if err != nil {
		return a, err
	}
	a = api.VisitsAnswer{Made: len(had) > 0, Envelope: base64.RawURLEncoding.EncodeToString(had[door]), After: after}
	for _, d := range v.doors {
		if had[d.id] == nil && len(a.Missing) < api.MaxVisitEnvelopes {
			a.Missing = append(a.Missing, api.VisitDoor{Door: d.id, Key: api.FormatKey(d.sealKey)})
		}
	}
	err = rows(ctx, tx, func(found *sql.Rows) error {
		var by int64
		var hash []byte
		var visit api.Visit
		err := found.Scan(&a.After, &by, &hash, &visit.At)
		if visit.Hash = base64.RawURLEncoding.EncodeToString(hash); by != door {
			a.Visits = append(a.Visits, visit)
		}
		return err
	}, `SELECT n, door, hash, at FROM visits WHERE venue = $1 AND day = $2 AND n > $3 AND at >= $4
		ORDER BY n LIMIT `+fmt.Sprint(api.MaxVisits),
		v.id, v.day, after, now.Add(-visitsLast).Unix())
	return a, err
}
