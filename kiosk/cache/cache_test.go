package cache

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/lookuptest"
	"ashyq-kiosk/kiosk/statuslist"
)

func TestLookupContract(t *testing.T) {
	lookuptest.Test(t, func(t *testing.T, entries map[uint64]statuslist.Status) kiosk.Lookup {
		c := mustOpen(t, testPath(t))
		if entries == nil {
			return c
		}
		u := Update{Version: 1, AsOf: lookuptest.AsOf, List: lookuptest.List}
		for id := range uint64(lookuptest.Sections) {
			s := statuslist.NewSection()
			for index, st := range entries {
				if index/statuslist.SectionSize == id {
					s.Set(uint32(index%statuslist.SectionSize), st)
				}
			}
			if err := c.Stage(uint32(id), 1, [32]byte{1}, s); err != nil {
				t.Fatal(err)
			}
			u.Sections = append(u.Sections, SectionUpdate{Version: 1, Staged: true, Blob: [32]byte{1}})
		}
		if err := c.Apply(u); err != nil {
			t.Fatal(err)
		}
		return c
	})
}

func TestFreshFile(t *testing.T) {
	path := testPath(t)
	c := mustOpen(t, path)
	mustBe(t, c, 0)
	if rules, err := c.Rules(); rules != nil || err != nil {
		t.Errorf("Rules = %q, %v, want none", rules, err)
	}
	if keys, err := c.Keys(); keys != nil || err != nil {
		t.Errorf("Keys = %q, %v, want none", keys, err)
	}
	if seen, err := c.SeenTime(); !seen.IsZero() || err != nil {
		t.Errorf("SeenTime = %v, %v, want none", seen, err)
	}
	if err := c.Refresh(time.Unix(1_772_000_000, 0)); !errors.Is(err, kiosk.ErrNoData) {
		t.Errorf("Refresh: %v, want ErrNoData", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file has mode %v, %v, want -rw-------", info.Mode(), err)
	}
	mustClose(t, c)
	if _, err := c.Status(t.Context(), kiosk.Person{}); err == nil {
		t.Error("Status of a closed cache gives no error")
	}
}

// TestRefused says what the operator can do, and leaves the file alone: it is not the file that is
// wrong.
func TestRefused(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	c := mustOpen(t, path)
	mustLoad(t, c, 1)
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "\nhint: stop the service") {
		t.Errorf("Open of a file that is in use: %v, want a hint", err)
	}
	mustBe(t, c, 1)
	mustClose(t, c)
	mustBe(t, mustOpen(t, path), 1)

	if _, err := Open(path + "/cache.db"); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("Open without a directory: %v, want the system's error", err)
	}
	if _, err := Open(t.TempDir()); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("Open of a directory: %v, want the system's error", err)
	}
}

func TestBadArguments(t *testing.T) {
	c := mustOpen(t, testPath(t))
	mustLoad(t, c, 1)
	beyond := time.Unix(1<<40, 0)
	for name, do := range map[string]func() error{
		"report without id":   func() error { return c.Queue("", nil) },
		"report with long id": func() error { return c.Queue(strings.Repeat("x", 1<<16), nil) },
		"time beyond 9999":    func() error { return c.NoteTime(beyond) },
		"refresh beyond 9999": func() error { return c.Refresh(beyond) },
		"version 0":           func() error { u := genUpdate(2); u.Version = 0; return c.Apply(u) },
		"no list":             func() error { u := genUpdate(2); u.List = ""; return c.Apply(u) },
		"no sections":         func() error { u := genUpdate(2); u.Sections = nil; return c.Apply(u) },
		"section version 0":   func() error { u := genUpdate(2); u.Sections[1].Version = 0; return c.Apply(u) },
		"update beyond 9999":  func() error { u := genUpdate(2); u.AsOf = beyond; return c.Apply(u) },
	} {
		if do() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	mustBe(t, c, 1)
}

// TestWriteEvery takes the time on by steps, and looks at what a power cut leaves.
func TestWriteEvery(t *testing.T) {
	path := testPath(t)
	c := mustOpen(t, path)
	mustLoad(t, c, 1)
	start := genUpdate(1).AsOf
	if err := c.NoteTime(start); err != nil {
		t.Fatal(err)
	}
	onCard := start
	for _, step := range []struct {
		after   time.Duration
		written bool
	}{
		{writeEvery - time.Second, false}, {writeEvery, true}, {writeEvery + time.Second, false}, {time.Second, false},
		{2*writeEvery - time.Second, false}, {2 * writeEvery, true}, {9 * writeEvery, true},
	} {
		now := start.Add(step.after)
		if err := errors.Join(c.Refresh(now), c.NoteTime(now)); err != nil {
			t.Fatal(err)
		}
		newest := now
		if step.written {
			onCard = now
		} else if newest.Before(onCard) {
			newest = onCard
		}
		checkTimes(t, c, newest)
		if err := c.db.Close(); err != nil {
			t.Fatal(err)
		}
		c = mustOpen(t, path)
		checkTimes(t, c, onCard)
	}
}

func checkTimes(t *testing.T, c *Cache, want time.Time) {
	t.Helper()
	state, err := c.State()
	seen, seenErr := c.SeenTime()
	if err != nil || seenErr != nil || !state.AsOf.Equal(want) || !seen.Equal(want) {
		t.Errorf("as of %v, %v, and seen %v, %v, want %v", state.AsOf, err, seen, seenErr, want)
	}
}
