package store

import (
	"context"
	"database/sql"
	"fmt"
)

// PutRelease makes a bundle the one that the doors of a rollout ring should run. An empty bundle
// takes the release back.
func (s *Store) PutRelease(ctx context.Context, r ReleaseRequest) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if r.Bundle == "" {
			_, err := tx.ExecContext(ctx, `DELETE FROM releases WHERE ring = $1`, r.Ring)
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO releases (ring, bundle, version) VALUES ($1, $2, $3)
			ON CONFLICT (ring) DO UPDATE SET bundle = excluded.bundle, version = excluded.version`, r.Ring, r.Bundle, r.Version)
		return err
	})
	if err != nil {
		return fmt.Errorf("store a release: %w", err)
	}
	return nil
}

// ReleaseFor is what a door should run. Errors: ErrNotFound if its rollout ring has no release.
func (s *Store) ReleaseFor(ctx context.Context, door int64) (ReleaseRequest, error) {
	var r ReleaseRequest
	err := s.read.QueryRowContext(ctx, `SELECT releases.ring, bundle, version FROM releases
		JOIN doors ON doors.ring = releases.ring
		WHERE doors.id = $1`, door).Scan(&r.Ring, &r.Bundle, &r.Version)
	if err != nil {
		return ReleaseRequest{}, fmt.Errorf("look a door's release up: %w", notFound(err))
	}
	return r, nil
}
