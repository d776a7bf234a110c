package cache

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/kiosk/uptime"
)

// bound is a cache on a machine whose own clock is a little fast or slow, and beside it the true
// time.
type bound struct {
	path    string
	cache   *Cache
	true    time.Time
	reading uptime.Reading
	ppm     int64 // how fast the machine's own clock is

	version uint64
	came    map[uint64]*manifest // by version; a power cut may bring an older one back
	run     time.Duration        // since the daemon was started
}

// manifest is what came, the time with power since then, and how much of it power cuts may lose.
type manifest struct {
	asOf          time.Time
	powered, lost time.Duration
}

func (b *bound) open(t *rapid.T) {
	var err error
	if b.cache, err = Open(b.path); err != nil || b.cache.SetAside != nil {
		t.Fatal(err, b.cache.SetAside)
	}
	b.cache.Running = func() uptime.Reading { return b.reading }
	b.cache.db.NoSync = true // what is tested is what is written, not its durability
	b.run = 0
	if err := b.cache.KeepTime(); err != nil { // the daemon's first look
		t.Fatal(err)
	}
}

// pass is time during which the machine has power.
func (b *bound) pass(d time.Duration) {
	b.true = b.true.Add(d)
	b.reading.For += d + d*time.Duration(b.ppm)/1e6
	for _, m := range b.came {
		m.powered += d
	}
}

// work is time during which the daemon runs, too, and looks at the clock each second, or less often
// on a busy board.
func (b *bound) work(t *rapid.T) {
	for left := duration(t, 2*time.Hour); left > 0; left -= 30 * time.Second {
		b.pass(30 * time.Second)
		b.run += 30 * time.Second
		if err := b.cache.KeepTime(); err != nil {
			t.Fatal(err)
		}
	}
}

func duration(t *rapid.T, most time.Duration) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(most/time.Second)).Draw(t, "seconds")) * time.Second
}

// manifest brings the next version: from the registry itself, or from a stick of some age.
func (b *bound) manifest(t *rapid.T) {
	asOf := b.true
	heard := rapid.Bool().Draw(t, "heard")
	if !heard {
		asOf = asOf.Add(-duration(t, 30*time.Hour))
	}
	state, err := b.cache.State()
	if err != nil {
		t.Fatal(err)
	}
	if asOf = asOf.Truncate(time.Second); asOf.Before(state.AsOf) {
		return // the replica refuses it
	}
	if heard {
		b.cache.Heard(asOf)
	}
	b.version++
	u := genUpdate(1)
	u.Version, u.AsOf = b.version, asOf
	if state.Version == 0 {
		u.Sections = genWhole(1).Sections
		err = errors.Join(err, stage(b.cache, 1))
	}
	if err := errors.Join(err, b.cache.Apply(u)); err != nil {
		t.Fatal(err)
	}
	b.came[b.version] = &manifest{asOf: asOf}
}

// restart is one of the daemon; the machine stays on.
func (b *bound) restart(t *rapid.T) {
	if err := b.cache.Close(); err != nil {
		t.Fatal(err)
	}
	b.pass(duration(t, 2*time.Hour))
	b.open(t)
}

// cut loses what is not on the card: of each run at most half, or 10 s, and a quarter of an hour at
// most; and the time to the next look.
func (b *bound) cut(t *rapid.T) {
	if err := b.cache.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, m := range b.came {
		m.lost += min(max(b.run/2, 10*time.Second), writeEvery) + 31*time.Second
	}
	boot := duration(t, time.Minute)
	b.true = b.true.Add(duration(t, 100*time.Hour) + boot) // at first without power
	b.reading.Boot[0]++
	b.reading.For = boot
	b.open(t)
}

func (b *bound) check(t *rapid.T) {
	state, err := b.cache.State()
	if err != nil || state.Version == 0 {
		return // the first manifest is lost
	}
	got := b.cache.NotBefore()
	if got.After(b.true) {
		t.Fatalf("it is %v, and the cache says that it is not before %v", b.true, got)
	}
	m := b.came[state.Version]
	sure := m.powered - m.powered/500 - m.lost - time.Second // the two clocks' errors
	if age := got.Sub(m.asOf); age < sure {
		t.Fatalf("the list's age counts as %v; with power %v have passed, of which cuts may lose %v", age, m.powered, m.lost)
	}
}

// TestNotBefore: whatever restarts and power cuts come, the list is never younger than the time
// with power since its manifest, and never older than it is.
func TestNotBefore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		b := &bound{
			came: map[uint64]*manifest{}, path: filepath.Join(dir, "cache.db"),
			true: genUpdate(1).AsOf, ppm: rapid.Int64Range(-200, 200).Draw(t, "ppm"),
			reading: uptime.Reading{Boot: [16]byte{1}},
		}
		if err := os.RemoveAll(b.path); err != nil {
			t.Fatal(err)
		}
		b.open(t)
		defer func() { _ = b.cache.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"work": b.work, "work on": b.work, "manifest": b.manifest, "restart": b.restart, "cut": b.cut, "": b.check,
		})
	})
}

// TestBoundsThatWereWrong: what a registry or a time source with a wrong clock has raised is
// forgotten, now and on the card.
func TestBoundsThatWereWrong(t *testing.T) {
	t.Parallel()
	const years = 20 * 365 * 24 * time.Hour
	asOf := genUpdate(1).AsOf
	right := func(c *Cache, version uint64, live bool) error { // an hour later
		u := genUpdate(1)
		u.Version, u.AsOf = version, asOf.Add(time.Hour)
		if live {
			c.Heard(u.AsOf)
		}
		return c.Apply(u)
	}
	for name, wrong := range map[string]struct {
		raise, mend func(*Cache) error
		latest      time.Time
	}{
		"a registry, corrected": {
			raise:  func(c *Cache) error { return c.Refresh(asOf.Add(years)) },
			mend:   func(c *Cache) error { return right(c, 2, true) },
			latest: asOf.Add(time.Hour),
		},
		"a registry, restored from a backup: that is no correction": {
			raise: func(c *Cache) error { return c.Refresh(asOf.Add(years)) },
			mend: func(c *Cache) error {
				u := genUpdate(1)
				u.Version, u.Epoch, u.Ended, u.AsOf = 2, 7, statuslist.Epochs{{Version: 1}}, asOf.Add(time.Hour)
				u.Sections = genWhole(1).Sections
				if err := stage(c, 1); err != nil {
					return err
				}
				return c.Apply(u)
			},
			latest: asOf.Add(years),
		},
		"a time source, and the registry speaks": {
			raise:  func(c *Cache) error { c.Attest(asOf.Add(years)); return nil },
			mend:   func(c *Cache) error { return right(c, 2, true) },
			latest: asOf.Add(time.Hour),
		},
		"a time source, and a stick comes": {
			raise:  func(c *Cache) error { c.Attest(asOf.Add(years)); return nil },
			mend:   func(c *Cache) error { return right(c, 2, false) },
			latest: asOf.Add(years),
		},
		"a time source, which corrects itself": {
			raise:  func(c *Cache) error { c.Attest(asOf.Add(years)); return nil },
			mend:   func(c *Cache) error { c.Attest(asOf.Add(time.Minute)); return nil },
			latest: asOf.Add(time.Minute),
		},
		"a time source, and unsigned time is forgotten": {
			raise:  func(c *Cache) error { c.Attest(asOf.Add(years)); return nil },
			mend:   func(c *Cache) error { return c.ForgetTime(asOf.Add(years - time.Minute)) },
			latest: asOf.Add(years),
		},
	} {
		path := testPath(t)
		c := mustOpen(t, path)
		mustLoad(t, c, 1)
		still := uptime.Reading{Boot: [16]byte{1}}
		c.Running = func() uptime.Reading { return still }
		if err := errors.Join(wrong.raise(c), c.KeepTime()); err != nil {
			t.Fatal(err)
		}
		if got := c.NotBefore(); !got.Equal(asOf.Add(years)) {
			t.Errorf("%s: raised to %v", name, got)
		}
		if err := errors.Join(wrong.mend(c), c.KeepTime()); err != nil {
			t.Fatal(err)
		}
		if got := c.NotBefore(); !got.Equal(wrong.latest) {
			t.Errorf("%s: %v, want %v", name, got, wrong.latest)
		}
		if err := c.db.Close(); err != nil { // the power fails
			t.Fatal(err)
		}
		c = mustOpen(t, path)
		c.Running = func() uptime.Reading { return uptime.Reading{Boot: [16]byte{2}} }
		if got := c.NotBefore(); !got.Equal(wrong.latest) {
			t.Errorf("%s, after a power cut: %v, want %v", name, got, wrong.latest)
		}
	}
}

// TestShortRuns cuts the power again and again, some seconds after the start: what has passed since
// each start counts, as the first look writes it.
func TestShortRuns(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	c := mustOpen(t, path)
	mustLoad(t, c, 1)
	asOf := genUpdate(1).AsOf
	for run := range 120 {
		c.Running = func() uptime.Reading { return uptime.Reading{Boot: [16]byte{1, byte(run)}, For: 5 * time.Second} }
		if err := c.KeepTime(); err != nil {
			t.Fatal(err)
		}
		if err := c.db.Close(); err != nil {
			t.Fatal(err)
		}
		c = mustOpen(t, path)
	}
	c.Running = func() uptime.Reading { return uptime.Reading{Boot: [16]byte{2}} }
	if age := c.NotBefore().Sub(asOf); age < 9*time.Minute || age > 10*time.Minute {
		t.Errorf("after 120 runs of 5 s and more the list counts as %v old", age)
	}
}
