package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// seenStep is the precision of a door's last contact. It saves a write with each request.
const seenStep = 30 * time.Second

// AddCounts adds a door's report to the hour of from. The same report again changes nothing.
func (s *Store) AddCounts(ctx context.Context, door int64, report string, from time.Time, count map[string]uint64, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		added, err := changed(tx.ExecContext(ctx, `INSERT INTO reports (door, id, came) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			door, report, now.Unix()))
		if err != nil || !added {
			return err
		}
		hour := from.Truncate(time.Hour).Unix()
		for name, n := range count {
			_, err := tx.ExecContext(ctx, `INSERT INTO counts (door, hour, name, n) VALUES ($1, $2, $3, $4)
				ON CONFLICT (door, hour, name) DO UPDATE SET n = counts.n + excluded.n`, door, hour, name, int64(n))
			if err != nil {
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
