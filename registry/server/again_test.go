package server

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// positivesLast is another version of the program, in which positive results last so long.
func positivesLast(t testing.TB, lasts time.Duration) {
	t.Helper()
	before := derivations
	t.Cleanup(func() { derivations = before })
	derivations = slices.Clone(before)
	for i := range derivations {
		if derivations[i].kind == store.Positive {
			derivations[i].lasts = always(lasts)
		}
	}
}

// update starts another publisher, of a version of the program in which positive results last so
// long.
func (c *country) update(lasts time.Duration, start func()) {
	c.Helper()
	positivesLast(c.TB, lasts)
	for _, s := range c.people {
		s.settled = false
	}
	start()
}

func (c *country) due() (n int) {
	c.Helper()
	c.must(c.db.QueryRow(`SELECT COUNT(*) FROM citizens WHERE due <= $1`, now().Unix()).Scan(&n))
	return n
}

// ofAllAges gives people positive results of 16, 10 and 2 days ago and of now, and a fifth of them
// no result. The oldest have ended.
func (c *country) ofAllAges() {
	c.Helper()
	for age, pause := range []time.Duration{6 * day, 8 * day, 2 * day, 0} {
		for n, s := range c.people {
			if n%5 == age {
				c.result(s, 0, store.Positive)
			}
		}
		c.settle()
		c.sleep(pause)
	}
	c.settle()
}

func countries(t *testing.T, people int, test func(*testing.T, *country)) {
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			synctest.Test(t, func(t *testing.T) {
				c := newCountry(t, at, 1, people)
				c.ofAllAges()
				test(t, c)
			})
		})
	}
}

// TestDurationChanges starts versions of the program in which positive results last shorter and
// longer than before, also with results that had ended. That is one version of the list each time,
// and none where nothing has changed. A result that comes meanwhile does not wait for it, and nobody
// vouches for the list before it has everything.
func TestDurationChanges(t *testing.T) {
	countries(t, 60, func(t *testing.T, c *country) {
		red := func(want int) {
			t.Helper()
			n := 0
			for _, s := range c.people {
				if c.has(s.passes[0]) == statuslist.Red {
					n++
				}
			}
			if n != want {
				t.Errorf("%d are red, want %d", n, want)
			}
		}
		red(36)
		for _, change := range []struct {
			lasts time.Duration
			red   int
		}{{7 * day, 24}, {21 * day, 48}, {14 * day, 36}} {
			version := c.publisher.manifest.Version
			_, vouched := c.publisher.public.state()
			time.Sleep(time.Minute) // fake
			c.update(change.lasts, c.crash)
			if due := c.due(); due == 0 || due == len(c.people)*4/5 {
				t.Errorf("%d of them are due after the first step", due)
			}
			for c.publisher.again != nil || c.publisher.held != nil {
				if _, looked := c.publisher.public.state(); !looked.Equal(vouched) {
					t.Errorf("vouched for %v in the middle, want %v", looked, vouched)
				}
				c.step()
			}
			c.settle()
			if got := c.publisher.manifest.Version; got != version+1 {
				t.Errorf("for %v: version %d after %d, want one more", change.lasts, got, version)
			}
			red(change.red)
			c.crash()
			if due := c.due(); due != 0 || c.publisher.again != nil {
				t.Errorf("%d are due after another start", due)
			}
		}
		version, ill := c.publisher.manifest.Version, c.people[4] // who had no result
		c.update(7*day, c.crash)
		c.result(ill, 0, store.Positive)
		c.step(ill)
		if got := c.publisher.manifest.Version; got != version+1 || c.publisher.again == nil {
			t.Errorf("news makes version %d after %d", got, version)
		}
		red(37)
		c.settle()
		if got := c.publisher.manifest.Version; got != version+2 {
			t.Errorf("version %d in the end, want %d", got, version+2)
		}
		red(25)
	})
}

// TestKilledWhileDurationChanges ends the publisher after each number of steps, and makes a backup.
func TestKilledWhileDurationChanges(t *testing.T) {
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			var free []string // for restored ones
			for range 12 {
				free = append(free, address(t))
			}
			synctest.Test(t, func(t *testing.T) {
				c := newCountry(t, at, 1, 40)
				c.ofAllAges()
				c.restored(free[0])
				version, again, collecting, storing := c.publisher.manifest.Version, 0, 0, 0
				c.update(7*day, func() {})
				c.restored(free[1]) // of before the update
				for n := 0; ; n++ {
					c.crash()
					more := true
					for range n {
						more = more && c.step()
					}
					if !more {
						break
					}
					switch {
					case c.publisher.again != nil:
						again++
					case c.publisher.manifest.Version == version:
						collecting++
					default:
						storing++
					}
					if n+2 < len(free) {
						c.restored(free[n+2])
					}
				}
				c.settle()
				if got := c.publisher.manifest.Version; got != version+1 {
					t.Errorf("version %d after %d, want one more", got, version)
				}
				if again == 0 || collecting == 0 || storing == 0 {
					t.Errorf("ended %d, %d and %d times", again, collecting, storing)
				}
			})
		})
	}
}

// TestTwoDurationsTakeTurns has registries of two versions of the program take the lease from each
// other, the new one after each number of steps. The list follows the one that publishes, and no
// version comes by itself.
func TestTwoDurationsTakeTurns(t *testing.T) {
	countries(t, 40, func(t *testing.T, c *country) {
		takesOver := func() { c.takeOver(c.another()) }
		settled := func() (version uint64) {
			t.Helper()
			c.settle()
			version = c.publisher.manifest.Version
			for range 5 {
				c.sleep(vouch)
				if c.step() || c.publisher.manifest.Version != version {
					t.Errorf("version %d comes by itself after %d", c.publisher.manifest.Version, version)
				}
			}
			return version
		}
		var version uint64
		for n := range 10 {
			c.update(7*day, takesOver)
			c.result(c.people[1], 1, store.Inconclusive) // news, so this one is derived before all others
			for range n {
				c.step()
			}
			c.update(PositiveLasts, takesOver)
			version = settled()
		}
		c.update(7*day, takesOver)
		if after := settled(); after != version+1 {
			t.Errorf("version %d after %d, want one more", after, version)
		}
	})
}

// TestUpdateWithAnotherDuration stops a registry and starts one of another version of the program
// over the same database, and looks at the list and at the log as others do.
func TestUpdateWithAnotherDuration(t *testing.T) {
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			r := &rig{TB: t, file: address(t), authority: newAuthority(t), bundles: t.TempDir()}
			r.start()
			t.Cleanup(func() { r.stop() })
			db, lab := r.behind(), r.source(Laboratory)
			people := map[time.Duration]phone{} // by the age of their results
			for n, age := range []time.Duration{2 * day, 10 * day, 16 * day} {
				iin := person(n)
				people[age] = r.activate(iin, byte(3+n))
				r.post(PathResults, lab, ResultRequest{IIN: iin, Sample: iin, Result: "positive", Taken: now()}, nil)
			}
			for n, age := range []time.Duration{2 * day, 10 * day, 16 * day} {
				_, err := db.Exec(`UPDATE records SET at = $1 WHERE sample = $2`, now().Add(-age).Unix(), person(n))
				r.must(err)
			}
			r.stop()
			_, err := db.Exec(`UPDATE citizens SET due = 1`) // as if they had been entered then
			r.must(err)
			r.start()
			check := func(lasts time.Duration) (version uint64) {
				t.Helper()
				var m api.Manifest
				for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
					var due bool
					r.must(db.QueryRow(`SELECT EXISTS (SELECT 1 FROM citizens WHERE due <= $1)`, now().Unix()).Scan(&due))
					if m = r.manifestAfter(0, 0); !due {
						break
					}
					if time.Now().After(end) {
						t.Fatal("after a minute people are still due")
					}
				}
				for age, p := range people {
					want := statuslist.Valid
					if age < lasts {
						want = statuslist.Red
					}
					if got := r.section(m, 0).Get(uint32(p.index)); got != want {
						t.Errorf("a positive result of %v ago gives %v where it lasts for %v", age, got, lasts)
					}
				}
				return m.Version
			}
			version := check(PositiveLasts)
			for _, lasts := range []time.Duration{7 * day, 7 * day, 21 * day, 14 * day} {
				changed := uint64(1)
				if derivations[0].lasts[0].lasts == lasts {
					changed = 0
				}
				r.stop()
				r.log.Reset()
				positivesLast(t, lasts)
				r.start()
				if got := check(lasts); got != version+changed {
					t.Errorf("for %v: version %d after %d", lasts, got, version)
				}
				version += changed
				r.stop()
				said := bytes.Count(r.log.Bytes(), []byte(`the list was derived with other durations, so everybody is derived again" people=3`))
				if said != int(changed) {
					t.Errorf("for %v, the log says %d times that everybody is derived again:\n%s", lasts, said, &r.log)
				}
				r.start()
			}
		})
	}
}

// Every part of the colour rule is in its name, and the same rule has the same one.
func TestColourRuleHasAName(t *testing.T) {
	before := derivations
	t.Cleanup(func() { derivations = before })
	first := time.Date(2021, 12, 1, 0, 0, 0, 0, time.UTC)
	rule := func(change func([]derivation)) store.ColourRule {
		derivations = []derivation{
			{store.Positive, statuslist.Red, []lasting{{time.Time{}, 14 * day}, {first, 7 * day}}},
			{store.Contact, statuslist.Yellow, always(14 * day)},
		}
		change(derivations)
		return colourRule()
	}
	same := func([]derivation) {}
	names := map[store.ColourRule]string{rule(same): "as it is"}
	for what, change := range map[string]func([]derivation){
		"kind":       func(d []derivation) { d[1].kind = store.Negative },
		"status":     func(d []derivation) { d[1].status = statuslist.Red },
		"order":      slices.Reverse[[]derivation],
		"length":     func(d []derivation) { d[0].lasts[1].lasts-- },
		"first day":  func(d []derivation) { d[0].lasts[1].from = first.Add(time.Second) },
		"a new one":  func(d []derivation) { d[1].lasts = append(d[1].lasts, lasting{first, 14 * day}) },
		"a day less": func(d []derivation) { d[0].lasts = d[0].lasts[:1] },
		"a row less": func([]derivation) { derivations = derivations[:1] },
	} {
		name := rule(change)
		if other, twice := names[name]; twice {
			t.Errorf("%s: the same name as %s", what, other)
		}
		names[name] = what
	}
	elsewhere := func(d []derivation) { d[0].lasts[1].from = first.In(time.FixedZone("", 5*60*60)) }
	if names[rule(elsewhere)] != "as it is" {
		t.Error("the first day of another time zone has another name")
	}
}
