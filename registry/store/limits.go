package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Limit is a limit that all registries over one database share, and that outlives them: AtOnce
// uses, and one more for every Every.
type Limit struct {
	Name   string
	Every  time.Duration
	AtOnce int
}

// Use uses a limit once, unless it is used up: then it says after how long another use is allowed.
func (s *Store) Use(ctx context.Context, l Limit, now time.Time) (wait time.Duration, err error) {
	err = s.change(ctx, func(tx *sql.Tx) (err error) {
		wait, err = use(ctx, tx, l, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("use the limit %q: %w", l.Name, err)
	}
	return wait, nil
}

func use(ctx context.Context, tx *sql.Tx, l Limit, now time.Time) (wait time.Duration, err error) {
	used, err := changed(tx.ExecContext(ctx, `INSERT INTO limits (name, unused)
		VALUES ($1, CAST($2 AS BIGINT) + CAST($3 AS BIGINT))
		ON CONFLICT (name) DO UPDATE SET unused = excluded.unused +
			CASE WHEN limits.unused - CAST($2 AS BIGINT) BETWEEN 0 AND CAST($4 AS BIGINT)
			THEN limits.unused - CAST($2 AS BIGINT) ELSE 0 END
		WHERE limits.unused - CAST($2 AS BIGINT) NOT BETWEEN CAST($4 AS BIGINT) + 1 AND CAST($5 AS BIGINT)`,
		l.Name, now.UnixMilli(), l.Every.Milliseconds(), l.room(), l.ahead()))
	if used || err != nil {
		return 0, err
	}
	left, err := unused(ctx, tx, l, now)
	return max(time.Duration(left-l.room())*time.Millisecond, time.Millisecond), err
}

// Spare tells whether a limit may be used now, without using it.
func (s *Store) Spare(ctx context.Context, l Limit, now time.Time) (bool, error) {
	left, err := unused(ctx, s.read, l, now)
	if err != nil {
		return false, fmt.Errorf("look at the limit %q: %w", l.Name, err)
	}
	return left <= l.room() || left > l.ahead(), nil
}

// room is how far in the future, in ms, the limit may be unused again so that one more use is
// allowed.
func (l Limit) room() int64 { return int64(l.AtOnce-1) * l.Every.Milliseconds() }

// ahead is what no use brings it to, in ms, even where the registries' clocks differ. Beyond it, a
// clock was wrong, and what it noted does not count: else nobody could sign in until that time.
func (l Limit) ahead() int64 {
	return max(2*int64(l.AtOnce)*l.Every.Milliseconds(), time.Minute.Milliseconds())
}

// unused says in how many ms nothing of the limit will be used.
func unused(ctx context.Context, from querier, l Limit, now time.Time) (ms int64, err error) {
	err = from.QueryRowContext(ctx, `SELECT COALESCE((SELECT unused FROM limits WHERE name = $1), 0)`, l.Name).Scan(&ms)
	return ms - now.UnixMilli(), err
}
