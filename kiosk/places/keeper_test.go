package places_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/places"
)

var _ kiosk.Places = (*places.Keeper)(nil)

// office is a registry that gives what it is told to give.
type office struct {
	mu       sync.Mutex
	capacity int64
	inside   int64
	free     int64 // to whoever wants one now
	share    int64 // kept for later
	dead     bool  // it does not answer
	refuses  string
	asked    []api.PlacesRequest
}

func (o *office) Places(ctx context.Context, q api.PlacesRequest) (api.PlacesAnswer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, q)
	if o.dead {
		o.mu.Unlock()
		<-ctx.Done()
		o.mu.Lock()
		return api.PlacesAnswer{}, ctx.Err()
	}
	if o.refuses != "" {
		code := o.refuses
		o.refuses = ""
		return api.PlacesAnswer{}, &api.Refusal{Status: http.StatusConflict, Said: api.Error{Code: code}}
	}
	if o.capacity == 0 {
		return api.PlacesAnswer{}, nil
	}
	give := min(o.free, max(0, max(q.Want, o.share)-(q.Limit-q.In)))
	if q.Off {
		give = 0
	}
	o.free -= give
	return api.PlacesAnswer{Capacity: o.capacity, Day: 1, Inside: o.inside, Limit: q.Limit + give, Keep: max(o.share, q.Want)}, nil
}

func (o *office) set(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

func (o *office) last() api.PlacesRequest {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[len(o.asked)-1]
}

func (o *office) times() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.asked)
}

// card remembers, or refuses to.
type card struct {
	mu      sync.Mutex // guards the rest
	ledger  places.Ledger
	limited bool
	saves   int
	full    bool
}

func (c *card) Save(l places.Ledger) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full {
		return errors.New("no space left")
	}
	c.ledger = l
	c.saves++
	return nil
}

func (c *card) SaveLimited(is bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limited = is
	return nil
}

// noted is what it remembers, and how often a ledger was saved.
func (c *card) noted() (l places.Ledger, limited bool, saves int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ledger, c.limited, c.saves
}

func keep(t *testing.T, o *office, c *card) (k *places.Keeper, stop func()) {
	t.Helper()
	began := time.Now()
	if c.ledger.Number == "" {
		c.ledger = places.NewLedger()
	}
	k = places.New(places.Options{
		Registry: o, Memory: c, Ledger: c.ledger, Limited: c.limited, Deadline: 1500 * time.Millisecond,
		Running: func() time.Duration { return time.Hour + time.Since(began) }, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = k.Run(ctx) }()
	synctest.Wait()
	return k, func() { cancel(); <-done }
}

func take(t *testing.T, k *places.Keeper, want error) (waited time.Duration) {
	t.Helper()
	start := time.Now()
	err := k.Take(t.Context(), func() {})
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		t.Errorf("take a place: %v, want %v", err, want)
	}
	return time.Since(start)
}

// Without a capacity nobody waits, nothing is kept, and the registry hears little.
func TestUnlimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, c := &office{}, &card{limited: true}
		k, stop := keep(t, o, c)
		_, _, before := c.noted()
		for range 1000 {
			take(t, k, nil)
			k.Left()
		}
		time.Sleep(time.Hour)
		if _, limited, saves := c.noted(); o.times() > 13 || limited || saves != before || k.Occupancy(t.Context()) != -1 {
			t.Errorf("%d questions in an hour, %d writes, limited %v", o.times(), saves-before, limited)
		}
		o.set(func() { o.capacity, o.free = 3, 1 })
		time.Sleep(6 * time.Minute)
		if _, limited, _ := c.noted(); !limited {
			t.Error("it has not heard that there is a capacity now")
		}
		take(t, k, nil)
		take(t, k, kiosk.ErrFull)
		stop()
	})
}

// A door that is cut off uses its share and no more, and a dead network delays one person.
func TestCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, c := &office{capacity: 100, free: 50, share: 3}, &card{limited: true}
		k, stop := keep(t, o, c)
		o.set(func() { o.dead = true })
		for range 3 {
			if waited := take(t, k, nil); waited != 0 {
				t.Errorf("somebody waited for %v, and there was a place", waited)
			}
			if ledger, _, _ := c.noted(); ledger.In == 0 {
				t.Error("the place was not noted before it was taken")
			}
		}
		none := errors.New("")
		if waited := take(t, k, context.DeadlineExceeded); waited != 1500*time.Millisecond {
			t.Errorf("the first one waited for %v", waited)
		}
		if err := k.Take(t.Context(), func() { t.Error("it asks") }); err == nil || errors.Is(err, kiosk.ErrFull) {
			t.Errorf("the second one: %v, %v", err, none)
		}
		time.Sleep(time.Minute)
		o.set(func() { o.dead = false })
		time.Sleep(2 * time.Minute)
		if q := o.last(); q.In != 3 {
			t.Errorf("afterwards it reports %+v", q)
		}
		take(t, k, nil)
		stop()
		if q := o.last(); q.In != 4 || q.Limit != 4 || !q.Off {
			t.Errorf("at the end it gives its share back: %+v", q)
		}
	})
}

// A ledger outlives a restart of the daemon; whoever has lost it has no places.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, c := &office{capacity: 100, free: 2, share: 2}, &card{limited: true}
		k, stop := keep(t, o, c)
		take(t, k, nil)
		o.set(func() { o.dead = true })
		ledger, limited, _ := c.noted()
		stop()
		k, stop = keep(t, o, &card{ledger: ledger, limited: limited})
		take(t, k, nil)
		take(t, k, context.DeadlineExceeded)
		stop()
		k, stop = keep(t, o, &card{limited: true})
		take(t, k, context.DeadlineExceeded)
		stop()
	})
}

// What cannot be kept is not used.
func TestNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, c := &office{capacity: 100, free: 9, share: 9}, &card{limited: true}
		k, stop := keep(t, o, c)
		c.mu.Lock()
		c.full = true
		c.mu.Unlock()
		if err := k.Take(t.Context(), func() {}); err == nil {
			t.Error("a place that the door would forget was taken")
		}
		stop()
	})
}

// The share of seats is asked for, and not known when the registry is silent for a minute.
func TestOccupancy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, c := &office{capacity: 10, inside: 4, free: 6, share: 6}, &card{limited: true}
		k, stop := keep(t, o, c)
		is := func(want float64) {
			t.Helper()
			if got := k.Occupancy(t.Context()); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		}
		is(0.4)
		take(t, k, nil)
		is(0.5)
		time.Sleep(14 * time.Second)
		o.set(func() { o.inside = 7 })
		is(0.7)
		o.set(func() { o.dead = true })
		time.Sleep(5 * time.Second)
		is(0.7)
		time.Sleep(time.Minute)
		is(-1)
		stop()
	})
}

// The registry may end a ledger: the door begins another one, without places.
func TestEndedLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, c := &office{capacity: 10, free: 2, share: 2}, &card{limited: true}
		k, stop := keep(t, o, c)
		first, _, _ := c.noted()
		o.set(func() { o.refuses = api.CodeLedger; o.free = 0 })
		time.Sleep(time.Minute)
		take(t, k, kiosk.ErrFull)
		if ledger, _, _ := c.noted(); ledger.Number == first.Number || ledger.Limit != 0 {
			t.Errorf("the ledger %+v, before %s", ledger, first.Number)
		}
		stop()
	})
}

// A share that nobody has heard of for hours is not used.
func TestOldShare(t *testing.T) {
	l := places.NewLedger()
	q := l.Request(0, time.Hour)
	if err := l.Answer(q, api.PlacesAnswer{Capacity: 10, Limit: 5, Keep: 5}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if !l.Spend(time.Hour + places.Lasts) {
		t.Error("not used in time")
	}
	if l.Spend(time.Hour + places.Lasts + 1) {
		t.Error("used too late")
	}
	if next := l.Request(1, 14*time.Hour); next.Ledger == q.Ledger || next.Limit != 0 {
		t.Errorf("the next request is %+v", next)
	}
	for _, a := range []api.PlacesAnswer{{Capacity: 10, Limit: 4}, {Capacity: 10, Limit: 5, Keep: -1}, {Capacity: -1, Limit: 5}, {Capacity: 1, Limit: 9}} {
		if err := l.Answer(api.PlacesRequest{Limit: 5}, a, 0); err == nil {
			t.Errorf("%+v is usable", a)
		}
	}
}
