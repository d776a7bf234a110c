package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/kiosk/task"
	"ashyq-kiosk/kiosk/uptime"
)

const wrongTick = 1024 * 7 * 24 * time.Hour // a GPS receiver's error when its weeks overflow

// clockDoor is a door's clock over a real cache. The test sets the machine's clock and brings the
// registry's manifest.
type clockDoor struct {
	*testing.T
	dir    string
	always bool
	settle func() // nil: time is real
	word   string // where somebody says that the time is signed; the machine's own clock is then real

	store  *cache.Cache
	stop   func()
	boot   byte      // the machine's starts so far
	booted time.Time // the last one

	mu     sync.Mutex // guards the rest
	skew   time.Duration
	synced error
	fault  error
	told   bool
}

func newClockDoor(t *testing.T, always bool) *clockDoor {
	d := &clockDoor{T: t, dir: t.TempDir(), always: always, settle: synctest.Wait, booted: time.Now()}
	d.start()
	t.Cleanup(func() { d.stop() })
	return d
}

// newRealClockDoor makes one outside of a bubble.
func newRealClockDoor(t *testing.T) *clockDoor {
	d := &clockDoor{T: t, dir: t.TempDir(), booted: time.Now()}
	d.start()
	t.Cleanup(func() { d.stop() })
	return d
}

func (d *clockDoor) start() {
	d.Helper()
	cfg := &config.Config{StateDir: d.dir, Clock: config.Clock{Always: d.always}}
	var err error
	if d.store, err = cache.OpenState(cfg.StateDir, "", slog.New(slog.DiscardHandler)); err != nil {
		d.Fatal(err)
	}
	boot, booted := d.boot, d.booted
	if d.word == "" {
		d.store.Running = func() uptime.Reading { return uptime.Reading{Boot: [16]byte{boot}, For: time.Since(booted)} }
	}
	clock := newClock(cfg, d.store, func(err error) { d.locked(func() { d.fault, d.told = err, true }) },
		slog.New(slog.DiscardHandler))
	clock.Now = func() (now time.Time) { d.locked(func() { now = time.Now().Add(d.skew) }); return }
	word := cmp.Or(d.word, filepath.Join(d.dir, "nobody"))
	clock.Attested = attested(word, d.store, d.store.Running, slog.New(slog.DiscardHandler))
	if clock.Synced != nil {
		clock.Synced = func() (err error) { d.locked(func() { err = d.synced }); return }
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- clock.Run(ctx) }()
	d.stop = func() {
		cancel()
		if err := errors.Join(<-done, d.store.Close()); err != nil {
			d.Error(err)
		}
	}
	d.wait(2 * time.Second)
}

// powerCut starts the machine again with another clock.
func (d *clockDoor) powerCut(skew time.Duration) {
	d.Helper()
	d.boot, d.booted = d.boot+1, time.Now()
	d.restart(skew)
}

// restart starts the daemon again.
func (d *clockDoor) restart(skew time.Duration) {
	d.Helper()
	d.stop()
	d.set(skew)
	d.start()
}

// kill ends the daemon without a chance to write.
func (d *clockDoor) kill() {
	d.Helper()
	path := filepath.Join(d.dir, "cache.db")
	onCard, err := os.ReadFile(path)
	if err != nil {
		d.Fatal(err)
	}
	d.stop()
	if err := os.WriteFile(path, onCard, 0o600); err != nil {
		d.Fatal(err)
	}
}

func (d *clockDoor) state() cache.State {
	d.Helper()
	state, err := d.store.State()
	if err != nil {
		d.Fatal(err)
	}
	return state
}

func (d *clockDoor) locked(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	do()
}

func (d *clockDoor) set(skew time.Duration) { d.locked(func() { d.skew = skew }) }

func (d *clockDoor) wait(span time.Duration) {
	time.Sleep(span) // fake in a bubble
	if d.settle != nil {
		d.settle()
	}
}

// manifest is what the registry signs at this true time.
func (d *clockDoor) manifest(version uint64, at time.Time) {
	d.Helper()
	list := statuslist.NewSection()
	u := cache.Update{
		Version: version, AsOf: at, List: "aq:test",
		Sections: []cache.SectionUpdate{{Version: 1}},
	}
	if version == 1 {
		u.Rules, u.Keys = []byte("{}"), []byte{0x80}
		u.Sections[0].Staged = true
		if err := d.store.Stage(0, 1, u.Sections[0].Blob, list); err != nil {
			d.Fatal(err)
		}
	}
	if err := d.store.Apply(u); err != nil {
		d.Fatal(err)
	}
}

func (d *clockDoor) refresh() {
	d.Helper()
	if err := d.store.Refresh(time.Now()); err != nil {
		d.Fatal(err)
	}
}

func (d *clockDoor) expect(what string, well bool) {
	d.Helper()
	d.locked(func() {
		if !d.told || (d.fault == nil) != well {
			d.Errorf("%s: %v, want well: %v", what, d.fault, well)
		}
	})
}

// TestOneWrongTick: a time server is wrong by 1024 weeks for a moment. The door recovers as soon as
// its registry has signed a manifest, and after an hour without one.
func TestOneWrongTick(t *testing.T) {
	for _, online := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := newClockDoor(t, false)
			d.manifest(1, time.Now())
			d.wait(2 * time.Second)
			d.expect("before", true)
			d.set(wrongTick)
			d.wait(5 * time.Second)
			d.set(0)
			d.wait(5 * time.Second)
			d.expect("right after", false)
			if online {
				d.refresh()
				d.wait(2 * time.Second)
			} else {
				d.wait(time.Hour)
			}
			d.expect("afterwards", true)
			d.powerCut(0)
			d.expect("after a power cut", true)
		})
	}
}

// TestTickThatWasNotMended: the power fails while the clock is wrong.
func TestTickThatWasNotMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newClockDoor(t, true) // an offline door, which trusts its machine's clock
		d.manifest(1, time.Now())
		d.set(wrongTick)
		d.wait(time.Hour)
		d.powerCut(0)
		d.expect("a door that trusts its clock", true)
		info, err := os.Stat(filepath.Join(d.dir, "clock"))
		if err != nil {
			t.Fatal(err)
		}
		if ahead := time.Until(info.ModTime()); ahead > task.Leeway {
			t.Errorf("the next start would begin %v ahead", ahead)
		}
	})
}

// TestOldRealTimeClock: a battery clock says 2000.
func TestOldRealTimeClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, always := range []bool{false, true} {
			d := newClockDoor(t, always)
			d.manifest(1, time.Now())
			d.wait(time.Hour)
			d.powerCut(-25 * 365 * 24 * time.Hour)
			d.expect("an old clock, against a signed time", false)
			d.set(0)
			d.wait(2 * time.Second)
			d.expect("when it was set", true)
			d.stop()
			d.stop = func() {}
		}
	})
}

// TestClockSetBack: a time seen still counts, so nobody makes an old list young by setting a door's
// clock back.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newClockDoor(t, false)
		d.manifest(1, time.Now())
		d.wait(24 * time.Hour)
		d.set(-20 * time.Hour)
		d.wait(30 * time.Minute)
		d.expect("20 h back", false)
	})
}

// TestRegistryThatWasWrong: a manifest 20 years ahead counts until the next one.
func TestRegistryThatWasWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newClockDoor(t, false)
		d.manifest(1, time.Now().Add(wrongTick))
		d.wait(2 * time.Second)
		d.expect("a manifest of the future", false)
		d.manifest(2, time.Now())
		d.wait(2 * time.Second)
		d.expect("the next one", true)
	})
}

// age is how old the list is for a door that trusts its clock.
func (d *clockDoor) age() (age time.Duration, trusted bool) {
	d.Helper()
	state := d.state()
	d.locked(func() { age, trusted = time.Now().Add(d.skew).Sub(state.AsOf), d.told && d.fault == nil })
	return age, trusted
}

// unlessShort is how much of a test there is; -short leaves the rest to make test.
func unlessShort[T any](all, short T) T {
	if testing.Short() {
		return short
	}
	return all
}

// TestListKeptYoung: somebody who has the door's network and its time sets the clock back again and
// again, and each time lets it run steadily until the later time counts as disproved.
func TestListKeptYoung(t *testing.T) {
	t.Parallel()
	long := unlessShort(100*time.Hour, 25*time.Hour)
	synctest.Test(t, func(t *testing.T) {
		d := newClockDoor(t, false)
		issued := time.Now()
		d.manifest(1, issued)
		for skew := time.Duration(0); time.Since(issued) < long; skew -= 85 * time.Minute {
			d.set(skew)
			d.wait(90 * time.Minute)
			if age, trusted := d.age(); trusted && age < time.Since(issued)-20*time.Minute {
				t.Fatalf("a list %v old is taken for %v old", time.Since(issued), age)
			}
		}
	})
}

// TestSignedTimeIsNotForgotten: a time source that signs has said once how late it is. Whoever sets
// the clock ahead, and then back to just before that, cannot have it disproved.
func TestSignedTimeIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newClockDoor(t, false)
		d.manifest(1, time.Now().Add(-60*time.Hour))
		d.store.Attest(time.Now())
		d.set(2 * time.Hour)
		d.wait(2 * time.Second)
		d.set(-100 * time.Second)
		d.wait(2 * time.Second)
		d.expect("later times were seen", false)
		d.wait(61 * time.Minute)
		d.expect("an hour later", true)
		d.set(-50 * time.Hour)
		d.wait(2 * time.Hour)
		d.expect("50 h before the signed time", false)
	})
}

// TestAgeModel: steps of the clock, restarts of the daemon, power cuts and time, in any order. A
// door that trusts its clock takes the list for no younger than the time with power since its
// manifest, without the newest quarter of an hour before each cut. What it shows is that even if it
// does not trust its clock.
func TestAgeModel(t *testing.T) {
	t.Parallel()
	for seed := range unlessShort(uint64(4), 1) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			hours := func(most float64) time.Duration {
				return time.Duration(random.Float64() * most * float64(time.Hour)).Round(time.Second)
			}
			d := newClockDoor(t, seed%3 == 2)
			d.manifest(1, time.Now())
			issued, unpowered, lost, trusts := time.Now(), time.Duration(0), time.Duration(0), 0
			for range 40 {
				ahead, behind := hours(40), hours(40)
				skew := ahead - behind
				switch random.IntN(5) {
				case 0:
					d.powerCut(skew)
				case 1:
					off := hours(30)
					d.kill()
					d.wait(off)
					unpowered += off
					lost += 16 * time.Minute
					d.boot, d.booted = d.boot+1, time.Now()
					d.set(skew)
					d.start()
				case 2:
					d.restart(skew)
				case 3:
					d.set(skew)
				case 4:
					d.set(0)
				}
				d.wait(hours(2.5))
				powered := time.Since(issued) - unpowered
				sure := powered - powered/500 - lost
				notBefore := d.store.NotBefore()
				if shown := notBefore.Sub(d.state().AsOf); shown < sure || notBefore.After(time.Now()) {
					t.Fatalf("seed %d: the list is shown as at least %v old; with power %v have passed, and in all %v",
						seed, shown, powered, time.Since(issued))
				}
				age, trusted := d.age()
				if trusted && age < sure-2*time.Minute {
					t.Fatalf("seed %d: the list is taken for %v old; with power %v have passed", seed, age, powered)
				}
				if trusted {
					trusts++
				}
			}
			d.set(0)
			d.wait(2 * time.Hour)
			d.expect("with the right time", true)
			if trusts == 0 {
				t.Error("the door never trusted its clock")
			}
		})
	}
}
