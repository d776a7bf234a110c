package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Source is who sends records.
type Source struct {
	ID   int64
	Kind string // as in server.SourceRequest
}

// AddSource creates a source. A taken name is ErrExists.
func (s *Store) AddSource(ctx context.Context, name, kind string, key Secret) error {
	added, err := changed(s.write.ExecContext(ctx,
		`INSERT INTO sources (name, kind, key) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`, name, kind, key[:]))
	if err == nil && !added {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("add a source: %w", err)
	}
	return nil
}

// SourceOf finds the source of a key.
func (s *Store) SourceOf(ctx context.Context, key Secret) (Source, error) {
	var src Source
	err := s.read.QueryRowContext(ctx, `SELECT id, kind FROM sources WHERE key = $1`, key[:]).Scan(&src.ID, &src.Kind)
	if err != nil {
		return Source{}, fmt.Errorf("look a source up: %w", notFound(err))
	}
	return src, nil
}

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
