package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// Hall is how many people are in a venue.
type Hall struct {
	Capacity int64 `json:"capacity"` // people; 0: not limited, and nobody counts them
	Inside   int64 `json:"inside"`   // as reported
	Reserved int64 `json:"reserved"` // places that doors may give away and have not reported yet
	Empties  int64 `json:"empties"`  // when everybody has left, minutes after midnight; -1: never
}

// Places takes a door's request for places. A venue that has no capacity costs one look. Errors:
// ErrLate, ErrLedgerEnded.
func (s *Store) Places(
	ctx context.Context, door int64, q api.PlacesRequest, now time.Time,
) (a api.PlacesAnswer, err error) {
	const doing = "give a door places"
	place, entry, had, err := s.placeOf(ctx, door)
	if err != nil {
		return a, fmt.Errorf("%s: %w", doing, err)
	}
	settled := false
	err = s.look(ctx, func(tx *sql.Tx) error {
		h, err := loadHall(ctx, tx, place, now)
		if err != nil || h == nil || had != 0 && had != place {
			settled = err == nil && h == nil && had == 0
			return err
		}
		a, err = h.settle(door, entry, q, now)
		settled = err != nil || !h.dirty()
		return err
	})
	if err == nil && !settled {
		err = s.change(ctx, func(tx *sql.Tx) (err error) {
			a, err = settle(ctx, tx, door, place, entry, q, now)
			return err
		})
	}
	if err != nil {
		return api.PlacesAnswer{}, fmt.Errorf("%s: %w", doing, err)
	}
	return a, nil
}

// placeOf is a door's venue, and the one where it has a share; 0: it has neither.
func (s *Store) placeOf(ctx context.Context, door int64) (place int64, entry bool, had int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT COALESCE(place, 0), way = 'entry', COALESCE(shares.venue, 0)
		FROM doors LEFT JOIN shares ON shares.door = doors.id AND gone IS NULL WHERE doors.id = $1`, door).Scan(&place, &entry, &had)
	return place, entry, had, notFound(err)
}

func settle(
	ctx context.Context, tx *sql.Tx, door, place int64, entry bool, q api.PlacesRequest, now time.Time,
) (a api.PlacesAnswer, err error) {
	h, err := lockHall(ctx, tx, place, now)
	if err != nil {
		return a, err
	}
	if h == nil || h.shares[door] == nil { // it had a capacity, or the door has come from elsewhere
		if err := endShare(ctx, tx, door, now); err != nil || h == nil {
			return a, err
		}
	}
	if a, err = h.settle(door, entry, q, now); err != nil {
		return a, err
	}
	return a, h.keep(ctx, tx, place)
}

// leaveShare notes that a door was revoked or enrols again. Whoever has its share may be cut off
// and go on with it, so its places stay reserved for as long as they may be used.
func leaveShare(ctx context.Context, tx *sql.Tx, door int64, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE shares SET gone = $2 WHERE door = $1 AND gone IS NULL`, door, now.Unix())
	return err
}

// endShare ends the share that a door has in another venue: its places count as people there.
func endShare(ctx context.Context, tx *sql.Tx, door int64, now time.Time) error {
	var venue int64
	err := tx.QueryRowContext(ctx, `SELECT venue FROM shares WHERE door = $1 AND gone IS NULL`, door).Scan(&venue)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	h, err := lockHall(ctx, tx, venue, now)
	if err != nil {
		return err
	}
	if h == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM shares WHERE door = $1 AND gone IS NULL`, door)
		return err
	}
	if s := h.shares[door]; s != nil {
		h.fold(s)
		s.changed, s.remove = true, true
	}
	return h.keep(ctx, tx, venue)
}

// HallOf is how many people are in a venue. It writes nothing.
func (s *Store) HallOf(ctx context.Context, venue int64, now time.Time) (is Hall, err error) {
	err = s.look(ctx, func(tx *sql.Tx) error {
		is, err = hallNow(ctx, tx, venue, now)
		return err
	})
	if err != nil {
		return Hall{}, fmt.Errorf("count the people in a venue: %w", err)
	}
	return is, nil
}

func hallNow(ctx context.Context, tx *sql.Tx, venue int64, now time.Time) (Hall, error) {
	h, err := loadHall(ctx, tx, venue, now)
	if h == nil || err != nil {
		return Hall{}, err
	}
	h.pass(now) // whoever changes the hall next will keep it
	return h.shown(), nil
}

func (h *hall) shown() Hall { return Hall{h.capacity, max(0, h.inside), h.reserved(), h.empties} }

// Seat counts somebody whom the staff let in. In a venue without a capacity nobody counts. Errors:
// ErrFull.
func (s *Store) Seat(ctx context.Context, venue int64, now time.Time) (Hall, error) {
	return s.inHall(ctx, "take a place", venue, now, (*hall).seat)
}

// CorrectHall adds n to the number of people inside: somebody came or went by another way.
func (s *Store) CorrectHall(ctx context.Context, venue, n int64, now time.Time) (Hall, error) {
	return s.inHall(ctx, "correct the number of people", venue, now, func(h *hall) error {
		h.add(max(n, -max(0, h.inside)))
		return nil
	})
}

// SetHall says how many people are inside, because somebody has counted them.
func (s *Store) SetHall(ctx context.Context, venue, n int64, now time.Time) (Hall, error) {
	return s.inHall(ctx, "set the number of people", venue, now, func(h *hall) error {
		h.begin(n)
		return nil
	})
}

// SetEmpties says when everybody has left: minutes after midnight, -1 for never.
func (s *Store) SetEmpties(ctx context.Context, venue, minute int64, now time.Time) (Hall, error) {
	return s.inHall(ctx, "set when a venue is empty", venue, now, func(h *hall) error {
		h.empties, h.emptied, h.changed = minute, now.Unix(), true
		return nil
	})
}

// inHall changes a hall. A venue without a capacity has no hall, and nothing happens.
func (s *Store) inHall(
	ctx context.Context, doing string, venue int64, now time.Time, f func(*hall) error,
) (is Hall, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		is = Hall{}
		h, err := lockHall(ctx, tx, venue, now)
		if err != nil || h == nil {
			return err
		}
		h.pass(now)
		if err := f(h); err != nil {
			return err
		}
		is = h.shown()
		return h.keep(ctx, tx, venue)
	})
	if err != nil {
		return Hall{}, fmt.Errorf("%s: %w", doing, err)
	}
	return is, nil
}

// lockHall keeps others from the hall until the transaction ends. Without a capacity there is no
// hall: nil.
func lockHall(ctx context.Context, tx *sql.Tx, venue int64, now time.Time) (*hall, error) {
	h, err := loadHall(ctx, tx, venue, now)
	if err != nil || h == nil {
		return nil, err
	}
	// An UPDATE that changes nothing locks the row in either database. What was read before it may
	// be old.
	_, err = tx.ExecContext(ctx, `INSERT INTO halls (venue, inside, day, emptied, empties) VALUES ($1, 0, 1, $2, $3)
		ON CONFLICT (venue) DO UPDATE SET venue = excluded.venue`, venue, now.Unix(), emptiesAt)
	if err != nil {
		return nil, err
	}
	return loadHall(ctx, tx, venue, now)
}

func loadHall(ctx context.Context, tx *sql.Tx, venue int64, now time.Time) (*hall, error) {
	h := &hall{shares: map[int64]*share{}}
	err := tx.QueryRowContext(ctx, `SELECT COALESCE(capacity, 0), COALESCE(inside, 0), COALESCE(day, 1), COALESCE(emptied, $2),
		CASE WHEN halls.venue IS NULL THEN $3 ELSE COALESCE(empties, -1) END
		FROM venues LEFT JOIN halls ON halls.venue = venues.id WHERE venues.id = $1`, venue, now.Unix(), int64(emptiesAt)).
		Scan(&h.capacity, &h.inside, &h.day, &h.emptied, &h.empties)
	if errors.Is(err, sql.ErrNoRows) || err == nil && h.capacity == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return h, rows(ctx, tx, func(found *sql.Rows) error {
		s := &share{}
		var gone bool
		err := found.Scan(&s.door, &s.ledger, &s.before, &s.seq, &s.in, &s.out, &s.limit, &s.heard, &s.entry, &gone)
		if gone {
			h.gone = append(h.gone, s)
		} else {
			h.shares[s.door] = s
		}
		return err
	}, `SELECT door, ledger, before, seq, went_in, went_out, most, heard, way = 'entry', gone IS NOT NULL FROM shares JOIN doors ON doors.id = door
		WHERE shares.venue = $1`, venue)
}

func (h *hall) dirty() bool {
	dirty := func(s *share) bool { return s.changed }
	return h.changed || slices.ContainsFunc(h.gone, dirty) || slices.ContainsFunc(slices.Collect(maps.Values(h.shares)), dirty)
}

// keep stores what has changed.
func (h *hall) keep(ctx context.Context, tx *sql.Tx, venue int64) error {
	if h.changed {
		_, err := tx.ExecContext(ctx, `UPDATE halls SET inside = $2, emptied = $3, empties = $4, day = $5 WHERE venue = $1`,
			venue, h.inside, h.emptied, sql.NullInt64{Int64: h.empties, Valid: h.empties >= 0}, h.day)
		if err != nil {
			return err
		}
	}
	for _, s := range h.gone {
		if s.remove {
			if _, err := tx.ExecContext(ctx, `DELETE FROM shares WHERE door = $1 AND ledger = $2`, s.door, s.ledger); err != nil {
				return err
			}
		}
	}
	for door, s := range h.shares {
		if !s.changed {
			continue
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM shares WHERE door = $1 AND gone IS NULL`, door)
		if err == nil && !s.remove {
			_, err = tx.ExecContext(ctx, `INSERT INTO shares (door, venue, ledger, before, seq, went_in, went_out, most, heard)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, door, venue, s.ledger, s.before, s.seq, s.in, s.out, s.limit, s.heard)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
