package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/registry/store"
)

// TestBackupInMassChange makes a backup after each step of a mass change: while it is collected, and
// while its outcomes are stored. The list of a registry that is restored from it says of everybody
// what their records say.
func TestBackupInMassChange(t *testing.T) {
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			var free []string // for restored ones
			for range 20 {
				free = append(free, address(t))
			}
			synctest.Test(t, func(t *testing.T) {
				c := newCountry(t, at, 1, 60)
				for _, s := range c.people {
					c.result(s, 1, store.Positive)
				}
				c.settle()
				c.withdraw()
				before, collecting, storing := c.publisher.manifest.Version, 0, 0
				for more := true; more; free = free[1:] {
					more = c.step()
					if c.publisher.manifest.Version == before {
						collecting++
					} else if more {
						storing++
					}
					c.restored(free[0])
				}
				if collecting < 3 || storing < 3 {
					t.Errorf("%d backups while it was collected, %d while it was stored", collecting, storing)
				}
			})
		})
	}
}

// restored restores a backup of this moment into another database, and compares what the registry
// over that one publishes with the model.
func (c *country) restored(address string) {
	c.Helper()
	db, err := store.Open(c.Context(), address)
	c.must(err)
	to, err := db.Restore(c.Context())
	c.must(err)
	c.must(c.opt.Store.Dump(c.Context(), func(line any) error {
		if table, begins := line.(store.DumpedTable); begins {
			return to.Table(c.Context(), table)
		}
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		var row []any
		read := json.NewDecoder(bytes.NewReader(text))
		read.UseNumber()
		if err := read.Decode(&row); err != nil {
			return err
		}
		return to.Row(c.Context(), row)
	}))
	_, err = to.Commit(c.Context(), now(), now(), nil)
	c.must(errors.Join(err, db.Close()))

	r := &rig{TB: c.TB, file: address, authority: c.authority, bundles: c.bundles}
	r.start()
	r.idle()
	defer func() { r.stop() }()
	again := &country{rig: r, db: r.behind(), passes: c.passes}
	for _, s := range c.people {
		same := *s
		again.people = append(again.people, &same)
	}
	again.settle()
}
