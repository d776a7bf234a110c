package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// What the database keeps of one door's counts.
const (
	keepCounts    = 30 * 24 * time.Hour // as long as server accepts them: a repeated report is not counted twice
	reportsHourly = 60                  // a door sends twelve, and one more at each stop
)

// ErrTooManyReports says that a door sent more reports of one hour than a door has.
var ErrTooManyReports = errors.New("too many reports of one hour")

// Report is what a door counted. The names have to be of a closed set (api.IsCount).
type Report struct {
	Door  int64
	ID    string    // the same again changes nothing
	From  time.Time // it counts in this hour
	Count map[string]uint64
}

// AddCounts adds a door's report to the hour of from, as AddReports does.
func (s *Store) AddCounts(
	ctx context.Context, door int64, report string, from time.Time, count map[string]uint64, now time.Time,
) error {
	return s.AddReports(ctx, []Report{{door, report, from, count}}, now)
}

// AddReports adds reports to their hours, all or, where it fails, none. Errors: ErrTooManyReports.
func (s *Store) AddReports(ctx context.Context, reports []Report, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if err := dropCounts(ctx, tx, now); err != nil {
			return err
		}
		for _, r := range reports {
			if err := r.add(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store counts: %w", err)
	}
	return nil
}

func (r Report) add(ctx context.Context, tx *sql.Tx) error {
	hour := r.From.Truncate(time.Hour).Unix()
	added, err := changed(tx.ExecContext(ctx, `INSERT INTO reports (door, id, hour) VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING`, r.Door, r.ID, hour))
	if err != nil || !added {
		return err
	}
	if err := checkReports(ctx, tx, r.Door, hour); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(r.Count)) // two reports lock the same rows in the same order
	var values []any
	for _, name := range names {
		values = append(values, r.Door, hour, name, int64(r.Count[name]))
	}
	err = insert(ctx, tx, `counts (door, hour, name, n)`, 4, values,
		` ON CONFLICT (door, hour, name) DO UPDATE SET n = counts.n + excluded.n`)
	if err != nil {
		return err
	}
	return addTallies(ctx, tx, r.Door, hour, names, r.Count)
}

// checkReports locks the door: reports at the same moment do not get around the limit.
func checkReports(ctx context.Context, tx *sql.Tx, door, hour int64) error {
	if _, err := lockDoor(ctx, tx, door); err != nil {
		return err
	}
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM reports WHERE hour = $1 AND door = $2`, hour, door).Scan(&n)
	if err == nil && n > reportsHourly {
		err = ErrTooManyReports
	}
	return err
}

// dropCounts deletes what is too old.
func dropCounts(ctx context.Context, tx *sql.Tx, now time.Time) error {
	oldest := now.Add(-keepCounts - time.Hour).Unix() // an hour counts from its first second
	for _, table := range []string{"counts", "venue_counts", "region_counts", "kind_counts", "reports", "checks"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE hour < $1`, oldest); err != nil {
			return err
		}
	}
	return nil
}

// AddCheck counts what the staff of a venue have decided without a door. The name has to be of a
// closed set (api.IsCount).
func (s *Store) AddCheck(ctx context.Context, venue int64, name string, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO checks (venue, hour, name, n) VALUES ($1, $2, $3, 1)
			ON CONFLICT (venue, hour, name) DO UPDATE SET n = checks.n + 1`, venue, now.Truncate(time.Hour).Unix(), name)
		if err != nil {
			return err
		}
		return dropCounts(ctx, tx, now)
	})
	if err != nil {
		return fmt.Errorf("count a check: %w", err)
	}
	return nil
}

// Checks are those that the staff of a venue made since a time, by name.
func (s *Store) Checks(ctx context.Context, venue int64, since time.Time) (found map[string]uint64, err error) {
	err = s.look(ctx, func(tx *sql.Tx) error {
		found, err = staffChecks(ctx, tx, venue, since.Unix())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read a venue's checks: %w", err)
	}
	return found, nil
}

func staffChecks(ctx context.Context, tx *sql.Tx, venue, since int64) (map[string]uint64, error) {
	found := map[string]uint64{}
	return found, rows(ctx, tx, func(row *sql.Rows) error {
		var name string
		var n int64
		err := row.Scan(&name, &n)
		found[name] = uint64(n)
		return err
	}, `SELECT name, CAST(SUM(n) AS BIGINT) FROM checks WHERE venue = $1 AND hour >= $2 GROUP BY name`, venue, since)
}
