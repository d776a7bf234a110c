package store

import (
	"database/sql"
	"sync"
	"testing"
	"time"
)

const lead = 29 * time.Minute

// turn returns the live keys after the publisher has looked at them.
func turn(t *testing.T, s *Store, at time.Time) []ListKey {
	t.Helper()
	keys, err := s.TurnListKey(t.Context(), at, lead)
	must(t, err)
	read, err := s.ListKeys(t.Context())
	must(t, err)
	if len(keys) != len(read) {
		t.Fatalf("got %d keys, and %d are stored", len(keys), len(read))
	}
	for i, k := range keys {
		if k != read[i] {
			t.Errorf("key %d: got %+v, and %+v is stored", i, k, read[i])
		}
	}
	return keys
}

func testListKeys(t *testing.T, s *Store) {
	ctx := t.Context()
	if keys, err := s.ListKeys(ctx); err != nil || len(keys) != 0 {
		t.Errorf("before the first: %v, %v", keys, err)
	}
	first := turn(t, s, t0)
	if len(first) != 1 || int64(first[0].Generation) != t0.Unix() || !first[0].Since.Equal(t0) || first[0].Known || first[0].Key == [32]byte{} {
		t.Fatalf("the first: %+v", first)
	}
	enrolled(t, s, "one", 0)
	if keys := turn(t, s, t0.Add(time.Hour)); len(keys) != 1 || keys[0] != first[0] {
		t.Errorf("a turnover that nobody wants, for a door's first device: %+v", keys)
	}

	at := t0.Add(2 * time.Hour)
	token(t, s, "never", "never")
	must(t, s.RevokeDoor(ctx, "never", at))
	if keys := turn(t, s, at); len(keys) != 1 || keys[0].Known {
		t.Errorf("a turnover for a door that never had a device: %+v", keys)
	}
	must(t, s.RevokeDoor(ctx, "one", at))
	keys := turn(t, s, at)
	if len(keys) != 2 || !keys[0].Known || keys[1].Known || int64(keys[1].Generation) != at.Unix() ||
		!keys[1].Since.Equal(at.Add(lead)) || keys[1].Key == first[0].Key {
		t.Fatalf("after a door was revoked: %+v", keys)
	}
	if again := turn(t, s, at.Add(time.Minute)); again[1] != keys[1] {
		t.Errorf("looking again changed the key: %+v, then %+v", keys, again)
	}

	// A door that is revoked while a turnover is announced may have the next key.
	enrolled(t, s, "two", 0)
	must(t, s.RevokeDoor(ctx, "two", at.Add(time.Minute)))
	if keys = turn(t, s, at.Add(time.Minute)); len(keys) != 2 || !keys[1].Known {
		t.Errorf("a door was revoked while a turnover is announced: %+v", keys)
	}

	// The clock goes back: nobody waits longer than the lead.
	back := at.Add(-24 * time.Hour)
	if keys = turn(t, s, back); !keys[1].Since.Equal(back.Add(lead)) {
		t.Errorf("with the clock set back to %v the next key is used from %v on", back, keys[1].Since)
	}
	wants(t, "a door that is not there", s.RevokeDoor(ctx, "three", at), ErrNotFound)
}

// testListKeysAtOnce makes the first key at eight registries, and revokes a door while the next one
// is made.
func testListKeysAtOnce(t *testing.T, s *Store) {
	ctx := t.Context()
	var together sync.WaitGroup
	for range 8 {
		together.Go(func() {
			if _, err := s.TurnListKey(ctx, t0, lead); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	if keys := turn(t, s, t0); len(keys) != 1 || keys[0].Known {
		t.Fatalf("eight made the first key: %+v", keys)
	}
	enrolled(t, s, "first", 0)
	enrolled(t, s, "second", 0)
	must(t, s.RevokeDoor(ctx, "first", t0))
	had := map[uint32]bool{} // what the second door could read
	together.Go(func() {
		if _, err := s.TurnListKey(ctx, t0, lead); err != nil { // the door may be revoked before anybody could compare
			t.Error(err)
		}
	})
	together.Go(func() {
		if err := s.RevokeDoor(ctx, "second", t0); err != nil {
			t.Error(err)
		}
	})
	together.Go(func() {
		for gone := false; !gone; {
			err := s.look(ctx, func(tx *sql.Tx) error {
				if err := tx.QueryRowContext(ctx, `SELECT revoked IS NOT NULL FROM doors WHERE name = 'second'`).Scan(&gone); err != nil {
					return err
				}
				keys, err := listKeys(ctx, tx)
				for _, k := range keys {
					had[k.Generation] = had[k.Generation] || !gone
				}
				return err
			})
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	together.Wait()
	for _, k := range turn(t, s, t0) {
		if had[k.Generation] && !k.Known {
			t.Errorf("a revoked door had key %d, and nobody knows", k.Generation)
		}
	}
}

// testListKeysReplaced enrols a door a second time: whoever has its old card has the key.
func testListKeysReplaced(t *testing.T, s *Store) {
	turn(t, s, t0)
	enrolled(t, s, "one", 0)
	if keys := turn(t, s, t0); keys[0].Known {
		t.Errorf("after the first device: %+v", keys)
	}
	enrolled(t, s, "one", 0)
	if keys := turn(t, s, t0); len(keys) != 2 || !keys[0].Known || keys[1].Known {
		t.Errorf("after a door was enrolled anew: %+v", keys)
	}
}
