package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// migrations are run once each, in the order of their names. After a release a migration is not
// edited; another one follows it.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. Each step and its number are one transaction. Several
// registries may do so at the same time.
func (s *Store) migrate(ctx context.Context, words *strings.Replacer) error {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return fmt.Errorf("list the migrations: %w", err)
	}
	have, err := s.schemaVersion(ctx)
	if err != nil {
		return err
	}
	if have > len(files) {
		return fmt.Errorf("the database has schema %d, this program knows %d: a newer version has opened it; run that version", have, len(files))
	}
	for i, file := range files[have:] {
		text, err := migrations.ReadFile("migrations/" + file.Name())
		if err != nil {
			return fmt.Errorf("read migration %q: %w", file.Name(), err)
		}
		err = s.change(ctx, func(tx *sql.Tx) error {
			mine, err := changed(tx.ExecContext(ctx, `UPDATE schema_version SET version = $1 WHERE version = $2`, have+i+1, have+i))
			if err != nil || !mine { // another registry has made this step
				return err
			}
			_, err = tx.ExecContext(ctx, words.Replace(string(text)))
			return err
		})
		if err != nil {
			return fmt.Errorf("run migration %q: %w", file.Name(), err)
		}
	}
	return nil
}

func (s *Store) schemaVersion(ctx context.Context) (version int, err error) {
	for range 5 {
		if version, err = s.oneSchemaVersion(ctx); !isMadeTwice(err) {
			break
		}
	}
	if err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	return version, nil
}

// isMadeTwice tells that two registries have made the same table at the same moment: PostgreSQL
// refuses that, IF NOT EXISTS or not, as a row, a table or a type that is there twice.
func isMadeTwice(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state) && slices.Contains([]string{"23505", "42P07", "42710"}, state.SQLState())
}

func (s *Store) oneSchemaVersion(ctx context.Context) (version int, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			`CREATE TABLE IF NOT EXISTS schema_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)`,
			`INSERT INTO schema_version (one, version) VALUES (1, 0) ON CONFLICT DO NOTHING`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return tx.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&version)
	})
	return version, err
}
