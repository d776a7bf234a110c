package doorkeys

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// registry answers a door as the real one does, and counts.
type registry struct {
	b     *box
	mu    sync.Mutex // guards the rest
	lists []uint32
	fails func() error
	spoil func([]byte) []byte
	asked []time.Time
}

func (g *registry) set(how func(*registry)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	how(g)
}

func (g *registry) DoorKeys(context.Context) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, time.Now())
	if g.fails != nil {
		if err := g.fails(); err != nil {
			return nil, err
		}
	}
	envelope := seal(g.b.t, g.b.door, sample(time.Now().UTC().Truncate(time.Second), g.lists...))
	if g.spoil != nil {
		envelope = g.spoil(envelope)
	}
	return envelope, nil
}

// running starts a door's task in a bubble of synctest, where time passes by itself.
func running(t *testing.T, g *registry, spread float64) (r *Ring, stop func()) {
	ring := OpenRing(g.b.dir, registryPublic(), g.b.door, time.Now, slog.New(slog.DiscardHandler))
	task := NewTask(ring, g, slog.New(slog.DiscardHandler))
	task.spread = spread
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- task.Run(ctx) }()
	return ring, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestTaskKeepsDaysAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &registry{b: newBox(t), lists: []uint32{1}}
		r, stop := running(t, g, 0.5)
		defer stop()
		for range 24 * 20 {
			time.Sleep(time.Hour)
			synctest.Wait()
			if left := int(r.PlaceKeys().LastDay()) - int(pass.DayOf(time.Now())); left < Ahead-1 {
				t.Fatalf("at %v there are keys of %d days ahead", time.Now(), left)
			}
		}
		if n := len(g.asked); n < 8 || n > 14 {
			t.Errorf("a door asked %d times in 20 days", n)
		}
	})
}

func TestTaskFetchesWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &registry{b: newBox(t), lists: []uint32{1}}
		r, stop := running(t, g, 0.5)
		defer stop()
		synctest.Wait()
		has(t, r, map[uint32]bool{1: true}) // at once: it had nothing
		time.Sleep(time.Hour)
		g.set(func(g *registry) { g.lists = []uint32{1, 2} })
		for range 100 {
			r.Need() // as everybody who stands at the door does
			time.Sleep(needSpread / 100)
		}
		synctest.Wait()
		has(t, r, map[uint32]bool{1: true, 2: true})
		if len(g.asked) != 2 {
			t.Errorf("asked %d times", len(g.asked))
		}
		// What the registry does not have, a door does not ask for again and again.
		for range 24 * 60 {
			r.Need()
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if n := len(g.asked); n < 80 || n > 120 {
			t.Errorf("asked %d times in a day for a key that does not come", n)
		}
	})
}

func TestTurnoverIsFetchedBefore(t *testing.T) {
	for _, spread := range []float64{0, 0.3, 0.999} {
		synctest.Test(t, func(t *testing.T) {
			g := &registry{b: newBox(t), lists: []uint32{1}}
			r, stop := running(t, g, spread)
			defer stop()
			time.Sleep(time.Hour)
			synctest.Wait()
			before := len(g.asked)
			g.set(func(g *registry) { g.lists = []uint32{1, 2} })
			heard, since := time.Now(), time.Now().Add(29*time.Minute)
			for range 29 * 60 / 25 {
				r.Announced(2, since) // with each manifest
				time.Sleep(25 * time.Second)
			}
			synctest.Wait()
			has(t, r, map[uint32]bool{2: true})
			if len(g.asked) != before+1 {
				t.Fatalf("asked %d times for one turnover", len(g.asked)-before)
			}
			at, want := g.asked[before].Sub(heard), time.Duration(spread*float64(26*time.Minute))
			if at < want-time.Second || at > want+time.Second {
				t.Errorf("fetched %v after the announcement, want %v", at, want)
			}
		})
	}
}

// An announcement that is taken back, or that nothing follows, ends.
func TestTurnoverThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &registry{b: newBox(t), lists: []uint32{1}}
		r, stop := running(t, g, 0.1)
		defer stop()
		time.Sleep(time.Hour)
		since := time.Now().Add(29 * time.Minute)
		r.Announced(2, since)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		asked := len(g.asked)
		time.Sleep(12 * time.Hour)
		synctest.Wait()
		if len(g.asked) != asked {
			t.Errorf("still asks: %d times", len(g.asked)-asked)
		}
		r.Announced(3, time.Now().Add(29*time.Minute))
		r.Announced(0, time.Time{})
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(g.asked) != asked {
			t.Error("asks for a turnover that was taken back")
		}
	})
}

func TestTaskOutlastsTheRegistry(t *testing.T) {
	for name, spoil := range map[string]func(*registry){
		"an unplugged cable": func(g *registry) { g.fails = func() error { return errors.New("no route") } },
		"a web page":         func(g *registry) { g.spoil = func([]byte) []byte { return []byte("<!doctype html>") } },
		"nothing":            func(g *registry) { g.spoil = func([]byte) []byte { return nil } },
		"another door's": func(g *registry) {
			g.spoil = func([]byte) []byte { return seal(g.b.t, newDoor(g.b.t), sample(time.Now(), 1)) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &registry{b: newBox(t), lists: []uint32{1}}
				spoil(g)
				r, stop := running(t, g, 0.5)
				defer stop()
				time.Sleep(time.Hour)
				synctest.Wait()
				if n := len(g.asked); n < 60 || n > 150 {
					t.Errorf("asked %d times in an hour", n)
				}
				g.set(func(g *registry) { g.fails, g.spoil = nil, nil })
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				has(t, r, map[uint32]bool{1: true})
			})
		})
	}
}

// Ten thousand doors that start together after a power cut, or hear of one turnover, are spread.
func TestDoorsDoNotComeAtOnce(t *testing.T) {
	const doors = 10_000
	b := newBox(t)
	ring := b.open()
	b.put(ring, sample(t0, 1), true)
	spread := func(what string, within time.Duration, prepare func()) {
		prepare()
		var at []time.Time
		for range doors {
			task := NewTask(ring, nil, slog.New(slog.DiscardHandler))
			task.started = b.now
			at = append(at, task.due())
		}
		slices.SortFunc(at, time.Time.Compare)
		most, from := 0, 0
		for i := range at {
			for at[i].Sub(at[from]) > within/100 {
				from++
			}
			most = max(most, i-from+1)
		}
		if first, last := at[0].Sub(b.now), at[doors-1].Sub(b.now); first < 0 || last > within || last < within*9/10 {
			t.Errorf("%s: from %v to %v, want up to %v", what, first, last, within)
		}
		if most > 3*doors/100 {
			t.Errorf("%s: %d doors come in a hundredth of the time", what, most)
		}
	}
	spread("start", startSpread, func() {})
	spread("turnover in two minutes", needSpread, func() { ring.Announced(3, b.now.Add(2*time.Minute)) })
}
