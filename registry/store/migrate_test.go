package store

import (
	"path/filepath"
	"testing"

	"ashyq-kiosk/registry/store/storetest"
)

// A database of the first schema is brought up to date, with the doors that are in it.
func TestMigration(t *testing.T) {
	for name, address := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "registry.db") },
		"postgres": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, at := t.Context(), address(t)
			old, words, err := connect(at)
			must(t, err)
			if _, err := old.schemaVersion(ctx); err != nil { // makes the table
				t.Fatal(err)
			}
			first, err := migrations.ReadFile("migrations/001.sql")
			must(t, err)
			for _, statement := range []string{
				words.Replace(string(first)), `UPDATE schema_version SET version = 1`,
			} {
				_, err := old.write.ExecContext(ctx, statement)
				must(t, err)
			}
			must(t, old.AddKiosk(ctx, "door", "shop", SecretOf("bearer")))
			must(t, old.Close())

			s := open(t, at)
			_, err = s.KioskOf(ctx, SecretOf("bearer"), "1.0", t0)
			must(t, err)
			if got := state(t, s); got.Name != "door" || got.Ring != "all" || got.Zone != "green" || got.Running != "1.0" || got.Enrolled || got.Revoked || got.Copied {
				t.Errorf("the door of before: %+v", got)
			}
			token(t, s, "door", "1")
			c, _, err := enrol(t, s, "1", "key", board, "a", 1)
			must(t, err)
			good(t, s, "enrolled", c)
			must(t, s.Close())
		})
	}
}
