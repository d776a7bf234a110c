package replica_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/replica"
)

var _ kiosk.Outlet = (*replica.Reporter)(nil)

// nobody is an empty outbox, and a registry that counts who says hello.
type nobody struct {
	hellos atomic.Int64
	down   atomic.Bool
}

func (*nobody) Queue(string, []byte) error    { return errors.New("nobody was counted") }
func (*nobody) Next() (string, []byte, error) { return "", nil, nil }
func (*nobody) Done(string) error             { return nil }
func (*nobody) SendCounts(context.Context, []byte) error {
	return errors.New("there is nothing to send")
}
func (n *nobody) Hello(context.Context) error {
	if n.down.Load() {
		return errors.New("no route to host")
	}
	n.hellos.Add(1)
	return nil
}

// A door where nobody comes is heard of at the start and every five minutes, and soon after the
// registry is back.
func TestHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := &nobody{}
		done := make(chan struct{})
		go func() { defer close(done); _ = replica.NewReporter(n, n, slog.New(slog.DiscardHandler)).Run(ctx) }()
		after := func(d time.Duration, from, to int64) {
			t.Helper()
			before := n.hellos.Load()
			time.Sleep(d)
			synctest.Wait()
			if said := n.hellos.Load() - before; said < from || said > to {
				t.Errorf("%d times in %v, want %d to %d", said, d, from, to)
			}
		}
		after(time.Second, 1, 1)
		after(time.Hour, 10, 12)
		n.down.Store(true)
		after(time.Hour, 0, 0)
		n.down.Store(false)
		after(5*time.Minute, 1, 2)
		cancel()
		<-done
	})
}

// card is an outbox whose card may refuse writes: at once, or after it has written, as where the
// power to sync is missing.
type card struct {
	*cache.Cache
	mu      sync.Mutex
	refuse  bool // guarded by mu
	written bool // guarded by mu; a refused report is there all the same
}

func (c *card) set(refuse, written bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse, c.written = refuse, written
}

func (c *card) Queue(id string, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse && !c.written {
		return errors.New("read-only file system")
	}
	if err := c.Cache.Queue(id, body); err != nil {
		return err
	}
	if c.refuse {
		return errors.New("sync: input/output error")
	}
	return nil
}

// office is a registry that adds up reports, each ID once.
type office struct {
	mu    sync.Mutex
	seen  map[string]bool
	total map[string]uint64
	twice int // deliveries of a report that was there
	last  api.Counts
}

func newOffice() *office { return &office{seen: map[string]bool{}, total: map[string]uint64{}} }

func (*office) Hello(context.Context) error { return nil }

func (o *office) SendCounts(_ context.Context, body []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var report api.Counts
	if err := json.Unmarshal(body, &report); err != nil {
		return err
	}
	if o.seen[report.ID] {
		o.twice++
		return nil
	}
	o.seen[report.ID], o.last = true, report
	for name, n := range report.Count {
		o.total[name] += n
	}
	return nil
}

// counting runs do with a reporter on a real cache, and what it sends to.
func counting(t *testing.T, do func(t *testing.T, c *card, o *office)) {
	path := filepath.Join(t.TempDir(), "cache.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := cache.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		do(t, &card{Cache: store}, newOffice())
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// running runs a reporter until stop is called.
func running(t *testing.T, outbox replica.Outbox, sink replica.Sink) (r *replica.Reporter, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	r = replica.NewReporter(outbox, sink, slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Run(ctx) }()
	synctest.Wait()
	return r, func() { cancel(); <-done }
}

var (
	welcome = kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green}
	refused = kiosk.Verdict{Signal: kiosk.CodeRefused}
)

func (o *office) expect(t *testing.T, reports int, want map[string]uint64) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) != reports || !maps.Equal(o.total, want) {
		t.Errorf("%d reports say %v, want %d that say %v", len(o.seen), o.total, reports, want)
	}
}

// Verdicts become one report in five minutes; what the door shows of itself, and time without
// anybody, becomes none.
func TestCounts(t *testing.T) {
	counting(t, func(t *testing.T, c *card, o *office) {
		r, stop := running(t, c, o)
		time.Sleep(time.Hour)
		for _, s := range []kiosk.Signal{kiosk.Idle, kiosk.Working, kiosk.OutOfOrder} {
			r.Show(kiosk.Verdict{Signal: s})
		}
		time.Sleep(time.Hour)
		o.expect(t, 0, map[string]uint64{})

		time.Sleep(time.Second) // past the round
		began := time.Now()
		r.Show(welcome)
		time.Sleep(time.Minute)
		r.Show(refused)
		r.Show(welcome)
		time.Sleep(7 * time.Minute)
		want := map[string]uint64{"admitted/green": 2, "code-refused/none": 1}
		o.expect(t, 1, want)
		if !o.last.From.Equal(began) || !o.last.To.Equal(began.Add(5*time.Minute-time.Second)) {
			t.Errorf("the report is from %v to %v, want the time from %v to the next round", o.last.From, o.last.To, began)
		}
		time.Sleep(time.Hour)
		o.expect(t, 1, want)
		stop()
		o.expect(t, 1, want)
	})
}

// What was counted last is queued at the end, also what the door shows after the reporter has
// stopped.
func TestLastCountsAreQueued(t *testing.T) {
	counting(t, func(t *testing.T, c *card, o *office) {
		r, stop := running(t, c, nil)
		r.Show(welcome)
		stop()
		r.Show(welcome)
		r.Show(refused)

		_, stop = running(t, c, o) // after a restart
		stop()
		o.expect(t, 3, map[string]uint64{"admitted/green": 2, "code-refused/none": 1})
	})
}

// While the card refuses writes nothing is lost, and whatever it has really written nothing counts
// twice.
func TestCountsOnARefusingCard(t *testing.T) {
	for _, written := range []bool{false, true} {
		t.Run(fmt.Sprintf("written %v", written), func(t *testing.T) {
			counting(t, func(t *testing.T, c *card, o *office) {
				r, stop := running(t, c, o)
				c.set(true, written)
				for range 3 {
					r.Show(welcome)
					time.Sleep(6 * time.Minute)
				}
				c.set(false, false)
				time.Sleep(6 * time.Minute)
				// The report that was refused first keeps what was in it; the rest came together
				// once it was taken.
				o.expect(t, 2, map[string]uint64{"admitted/green": 3})
				if written != (o.twice > 0) {
					t.Errorf("%d reports came twice", o.twice)
				}

				c.set(true, written)
				r.Show(refused)
				time.Sleep(6 * time.Minute)
				c.set(false, false)
				stop()
				_, stop = running(t, c, o)
				stop()
				o.expect(t, 3, map[string]uint64{"admitted/green": 3, "code-refused/none": 1})
			})
		})
	}
}

// slowCard takes a minute for each write.
type slowCard struct{ *card }

func (c slowCard) Queue(id string, body []byte) error {
	time.Sleep(time.Minute)
	return c.card.Queue(id, body)
}

// A slow card holds up no verdict, and from many goroutines none is lost.
func TestShowDoesNotWaitForTheCard(t *testing.T) {
	counting(t, func(t *testing.T, c *card, o *office) {
		r, stop := running(t, slowCard{c}, o)
		r.Show(welcome)
		time.Sleep(5*time.Minute + time.Second) // the write has begun
		began := time.Now()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 100 {
					r.Show(welcome)
				}
			})
		}
		all.Wait()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the door waited %v for the card", waited)
		}
		stop()
		_, stop = running(t, c, o)
		stop()
		o.expect(t, 2, map[string]uint64{"admitted/green": 401})
	})
}

// Whatever a door counts has a name that the registry takes.
func TestNamesOfCounts(t *testing.T) {
	counting(t, func(t *testing.T, c *card, o *office) {
		r, stop := running(t, c, nil)
		for _, signal := range kiosk.Signals {
			for _, colour := range append([]kiosk.Colour{kiosk.NoColour}, kiosk.Colours...) {
				r.Show(kiosk.Verdict{Signal: signal, Colour: colour})
			}
		}
		stop()
		_, stop = running(t, c, o)
		stop()
		for name := range o.total {
			if !api.IsCount(name) {
				t.Errorf("the registry does not know %q", name)
			}
		}
		if len(o.total) != 40 {
			t.Errorf("%d names, want 8 signals in 5 colours", len(o.total))
		}
	})
	for _, name := range []string{"", "idle/none", "admitted", "admitted/", "admitted/pink",
		"admitted/green/", "x/green"} {
		if api.IsCount(name) {
			t.Errorf("%q is taken", name)
		}
	}
}

// The reports of different runs have different IDs.
func TestReportsHaveIDs(t *testing.T) {
	counting(t, func(t *testing.T, c *card, o *office) {
		for range 3 {
			r, stop := running(t, c, o)
			r.Show(welcome)
			stop()
		}
		_, stop := running(t, c, o)
		stop()
		ids := slices.Collect(maps.Keys(o.seen))
		if len(ids) != 3 || slices.Contains(ids, "") {
			t.Errorf("IDs %q, want three", ids)
		}
	})
}
