package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/ratchet"
)

// The keys of places that PlaceKeys gives: a phone holds credentials of today and the next 30 days,
// a door may still see yesterday's, and a paper pass is good to the end of the sixth month after
// this one.
const (
	placeDays   = 33
	placeMonths = 7
)

// aheadFor is how long the clock has to go on before a ratchet follows it over several steps.
const aheadFor = 24 * time.Hour

// PlaceKeys are the index keys of yesterday and the 32 days from today on, and the paper keys of
// this month and the next six. They are made at the first call, and all registries over one
// database have the same. The keys of earlier days and months are gone for good.
//
// The clock decides what is earlier, and it may be wrong. A ratchet follows it over one step at
// once. When it says that several steps have passed, because nothing ran for days or because the
// clock is wrong, the keys of its days are derived without forgetting any, and the ratchet follows
// only after the clock has gone on from there for a day. When it goes back, nothing is done: then
// the keys begin with the first day that is not forgotten.
func (s *Store) PlaceKeys(ctx context.Context, now time.Time) (doorkeys.PlaceKeys, error) {
	day, month := int64(pass.DayOf(now))-1, int64(pass.MonthOf(now))
	days, firstDay, err := s.stepKeys(ctx, "day", day, placeDays, now)
	if err != nil {
		return doorkeys.PlaceKeys{}, fmt.Errorf("derive the index keys: %w", err)
	}
	months, firstMonth, err := s.stepKeys(ctx, "month", month, placeMonths, now)
	if err != nil {
		return doorkeys.PlaceKeys{}, fmt.Errorf("derive the paper keys: %w", err)
	}
	return doorkeys.PlaceKeys{FirstDay: pass.Day(firstDay), Days: days, FirstMonth: pass.Month(firstMonth), Months: months}, nil
}

// stepKeys are the keys of n steps from want on, without those that are forgotten, and the first
// one's step.
func (s *Store) stepKeys(
	ctx context.Context, kind string, want int64, n int, now time.Time,
) ([]pass.PlaceKey, int64, error) {
	r, err := readRatchet(ctx, s.read, kind)
	if err != nil {
		return nil, 0, err
	}
	if r == nil || r.move(want, now) {
		err = s.change(ctx, func(tx *sql.Tx) (err error) {
			r, err = moveRatchet(ctx, tx, kind, want, now)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
	}
	first := max(want, r.at)
	left := n - int(min(first-want, int64(n)))
	if left == 0 {
		return nil, 0, fmt.Errorf("the clock says %s, and all keys of that time are forgotten\nhint: is the clock of this machine right?",
			now.Format(time.RFC3339))
	}
	keys := make([]pass.PlaceKey, left)
	for i, key := range r.state.After(int(first - r.at)).Keys(left) {
		keys[i] = key
	}
	return keys, first, nil
}

// ratchetRow is a ratchet in the database.
type ratchetRow struct {
	at    int64
	state ratchet.State
	ahead sql.NullInt64
}

// move moves a ratchet on as far as the clock is believed, and tells whether anything has changed.
func (r *ratchetRow) move(want int64, now time.Time) (changed bool) {
	before := *r
	switch steps := want - r.at; {
	case steps <= 0:
		r.ahead = sql.NullInt64{}
	case steps == 1, r.ahead.Valid && within(now.Unix()-r.ahead.Int64, aheadFor, 2*aheadFor):
		r.at, r.state, r.ahead = want, r.state.After(int(steps)), sql.NullInt64{}
	case !r.ahead.Valid || !within(now.Unix()-r.ahead.Int64, 0, 2*aheadFor): // from here the clock has to go on
		r.ahead = sql.NullInt64{Int64: now.Unix(), Valid: true}
	}
	return *r != before
}

func within(seconds int64, from, to time.Duration) bool {
	return seconds >= int64(from/time.Second) && seconds <= int64(to/time.Second)
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readRatchet returns nil where there is no such ratchet yet.
func readRatchet(ctx context.Context, from querier, kind string) (*ratchetRow, error) {
	return scanRatchet(from.QueryRowContext(ctx, `SELECT at, state, ahead FROM ratchets WHERE kind = $1`, kind))
}

func scanRatchet(row *sql.Row) (*ratchetRow, error) {
	var r ratchetRow
	var state []byte
	switch err := row.Scan(&r.at, &state, &r.ahead); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case len(state) != ratchet.StateSize:
		return nil, fmt.Errorf("the ratchet's state has %d bytes, want %d", len(state), ratchet.StateSize)
	}
	r.state = ratchet.State(state)
	return &r, nil
}

// moveRatchet makes the ratchet if it is missing, and moves it on.
func moveRatchet(ctx context.Context, tx *sql.Tx, kind string, want int64, now time.Time) (*ratchetRow, error) {
	first := ratchet.New()
	if _, err := tx.ExecContext(ctx, `INSERT INTO ratchets (kind, at, state) VALUES ($1, $2, $3) ON CONFLICT (kind) DO NOTHING`,
		kind, want, first[:]); err != nil {
		return nil, err
	}
	// An UPDATE that changes nothing locks the row in either database.
	r, err := scanRatchet(tx.QueryRowContext(ctx, `UPDATE ratchets SET at = at WHERE kind = $1 RETURNING at, state, ahead`, kind))
	if err != nil || !r.move(want, now) {
		return r, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE ratchets SET at = $2, state = $3, ahead = $4 WHERE kind = $1`, kind, r.at, r.state[:], r.ahead)
	return r, err
}
