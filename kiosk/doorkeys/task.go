package doorkeys

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/retry"
)

const (
	// Ahead is how many days after today a door has keys of, at least, while it reaches the
	// registry.
	Ahead = 2
	// startSpread is the time in which doors fetch that start together, as after a power cut, and
	// have what they need.
	startSpread = 5 * time.Minute
	// needSpread is the time in which doors fetch that miss the same key.
	needSpread = 10 * time.Second
	// turnoverMargin is how long before a turnover every door has fetched.
	turnoverMargin = 3 * time.Minute
	// turnoverOver is how long after a turnover it no longer matters: whoever then misses a key
	// says so.
	turnoverOver = time.Hour
	// A fetch that gave nothing new is repeated after the first pause at the earliest; the pause
	// doubles up to the longest.
	firstPause, longestPause = 15 * time.Second, 15 * time.Minute
	// lookEvery is how often the task checks the time. It uses no long timers, because the clock of
	// a door that starts without a network jumps by months.
	lookEvery = time.Minute
)

// Registry gives the door its envelope (package client).
type Registry interface {
	DoorKeys(ctx context.Context) ([]byte, error)
}

// Task keeps a ring filled from the registry.
type Task struct {
	ring     *Ring
	registry Registry
	log      *slog.Logger
	spread   float64 // of this door, from 0 to 1: ten thousand doors do not come at once

	started time.Time     // when Run began
	began   bool          // it has fetched since then
	next    time.Time     // no fetch before it
	pause   time.Duration // after a fetch that gives nothing new
}

// NewTask makes a task that does nothing until Run.
func NewTask(ring *Ring, registry Registry, log *slog.Logger) *Task {
	return &Task{ring: ring, registry: registry, log: log, spread: rand.Float64(), pause: firstPause}
}

// String names the task.
func (t *Task) String() string { return "door keys" }

// Run fetches until ctx ends.
func (t *Task) Run(ctx context.Context) error {
	t.started = t.ring.now()
	retry.Forever(ctx, t.log, "fetch the door's keys", func(ctx context.Context) (time.Duration, error) {
		if !t.wait(ctx) {
			return 0, ctx.Err()
		}
		return 0, t.fetch(ctx)
	})
	return nil
}

// wait returns when it is time to fetch.
func (t *Task) wait(ctx context.Context) bool {
	for ctx.Err() == nil {
		left := max(t.due().Sub(t.ring.now()), time.Until(t.next))
		if left <= 0 {
			return true
		}
		select {
		case <-ctx.Done():
		case <-t.ring.wake:
			t.spreadNeed()
		case <-time.After(min(left, lookEvery)):
		}
	}
	return false
}

// spreadNeed puts off a fetch that many doors need at once.
func (t *Task) spreadNeed() {
	if t.ring.isNeeded() && len(t.ring.PlaceKeys().Days) > 0 {
		if at := time.Now().Add(rand.N(needSpread)); at.After(t.next) {
			t.next = at
		}
	}
}

// due is when to fetch, by the door's clock. A time that has passed: now.
func (t *Task) due() time.Time {
	now, keys := t.ring.now(), t.ring.PlaceKeys()
	if _, ok := keys.Day(pass.DayOf(now)); !ok || t.ring.isNeeded() {
		return now
	}
	at := keys.LastDay().Start().AddDate(0, 0, -Ahead).Add(time.Duration(t.spread * float64(24*time.Hour)))
	if start := t.started.Add(time.Duration(t.spread * float64(startSpread))); !t.began && start.Before(at) {
		at = start
	}
	if turnover, ok := t.ring.turnover(t.spread); ok && turnover.Before(at) {
		at = turnover
	}
	return at
}

// isNeeded tells whether somebody misses a key.
func (r *Ring) isNeeded() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.needed
}

// turnover is when to fetch the key of the announced one.
func (r *Ring) turnover(spread float64) (at time.Time, ok bool) {
	r.mu.Lock()
	a := r.announced
	r.mu.Unlock()
	if a.since.IsZero() || r.now().After(a.since.Add(turnoverOver)) {
		return at, false
	}
	if _, has := r.ListKey(a.generation); has {
		return at, false
	}
	within := max(needSpread, a.since.Add(-turnoverMargin).Sub(a.heard))
	return a.heard.Add(time.Duration(spread * float64(within))), true
}

// fetch makes one attempt.
func (t *Task) fetch(ctx context.Context) error {
	envelope, err := t.registry.DoorKeys(ctx)
	if err != nil {
		return err
	}
	changed, err := t.ring.Put(envelope, true)
	if errors.Is(err, ErrSave) { // the registry cannot help
		t.log.Error("the door will have to fetch its keys again when it restarts", "error", err)
	} else if err != nil {
		return err
	}
	t.ring.mu.Lock()
	t.ring.needed = false
	t.ring.mu.Unlock()
	t.began = true
	if changed {
		t.pause = firstPause
		t.log.Info("the door has new keys", "until", t.ring.PlaceKeys().LastDay())
	} else {
		t.pause = min(2*t.pause, longestPause)
	}
	t.next = time.Now().Add(t.pause)
	return nil
}
