package places

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
)

const (
	// soon is how long a door waits for more people before it reports one.
	soon = time.Second
	// withShare and withoutShare are how often a door of a venue with a capacity asks while nobody
	// comes: the registry may want its share back.
	withShare, withoutShare = 15 * time.Second, 30 * time.Second
	// unlimited is how often a door of any other venue asks whether that has a capacity now.
	unlimited = 5 * time.Minute
	// silence is how long nobody at the door waits for a registry that did not answer.
	silence = 10 * time.Second
	// fresh and usable are the ages of an answer up to which the share of seats is as the registry
	// says: at a door where a rule asks for it, and if the registry does not answer any more.
	fresh, usable = 2 * time.Second, time.Minute
	// firstBound and lastBound limit the random pauses after failures.
	firstBound, lastBound = 2 * time.Second, 20 * time.Second
)

// Registry gives places (package client). An *api.Refusal among its errors may end the ledger.
type Registry interface {
	Places(ctx context.Context, q api.PlacesRequest) (api.PlacesAnswer, error)
}

// Memory keeps what has to outlive a restart.
type Memory interface {
	// Save keeps the ledger. If it returns nil, a restart finds this ledger or no ledger, and never
	// an older one.
	Save(l Ledger) error
	// SaveLimited keeps on the card whether the venue has a capacity.
	SaveLimited(is bool) error
}

// Options are all required.
type Options struct {
	Registry Registry
	Memory   Memory
	Ledger   Ledger               // as saved, or a new one
	Limited  bool                 // as saved; true also if the door has never heard
	Deadline time.Duration        // of one question while somebody waits
	Running  func() time.Duration // since the machine's start, by a clock that nobody can set
	Log      *slog.Logger
}

// Keeper is a kiosk.Places, and the task that keeps the registry informed.
type Keeper struct {
	opt   Options
	turn  chan struct{} // one slot: who has put something in may ask; others wait
	kick  chan struct{} // one slot; full: Run knows already that there is something to report
	ready chan struct{}

	mu       sync.Mutex // guards the rest; never held during a request
	ledger   Ledger
	limited  bool
	answer   api.PlacesAnswer // the last one, to
	asked    api.PlacesRequest
	answered time.Duration // by Running; when that was asked
	silent   time.Duration // by Running; until when nobody waits for the registry
	failing  bool          // the last request failed
	off      bool          // Run has ended
}

// New makes a keeper.
func New(opt Options) *Keeper {
	ready := make(chan struct{})
	close(ready) // a door opens whether the registry answers or not
	return &Keeper{
		opt: opt, ledger: opt.Ledger, limited: opt.Limited, ready: ready,
		turn: make(chan struct{}, 1), kick: make(chan struct{}, 1), answered: -2 * usable,
	}
}

// String names the task.
func (k *Keeper) String() string { return "places" }

// Ready is closed from the start.
func (k *Keeper) Ready() <-chan struct{} { return k.ready }

// Take implements kiosk.Places.
func (k *Keeper) Take(ctx context.Context, asking func()) error {
	if done, err := k.spend(); done || err != nil {
		return err
	}
	if err := k.askNow(ctx, 1, asking); err != nil {
		return err
	}
	done, err := k.spend()
	if err == nil && !done {
		err = kiosk.ErrFull
	}
	return err
}

// spend takes a place without asking anybody.
func (k *Keeper) spend() (done bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.limited {
		return true, nil
	}
	if !k.ledger.Spend(k.opt.Running()) {
		return false, nil
	}
	k.report()
	return true, k.opt.Memory.Save(k.ledger) // before the lamp is lit
}

// Left implements kiosk.Places.
func (k *Keeper) Left() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.limited {
		return
	}
	k.ledger.Out++
	if err := k.opt.Memory.Save(k.ledger); err != nil {
		k.opt.Log.Warn("a restart of this program will forget who left", "error", err)
	}
	k.report()
}

// report wakes Run. A registry that does not answer hears of it with the next attempt.
func (k *Keeper) report() {
	if k.failing {
		return
	}
	select {
	case k.kick <- struct{}{}:
	default:
	}
}

// Occupancy implements kiosk.Places.
func (k *Keeper) Occupancy(ctx context.Context) float64 {
	if share, old := k.occupancy(); old <= fresh {
		return share
	}
	_ = k.askNow(ctx, 0, func() {}) // if it fails, the last answer counts for a while
	share, old := k.occupancy()
	if old > usable {
		return -1
	}
	return share
}

// occupancy is the share of seats by the last answer, and how old that is.
func (k *Keeper) occupancy() (share float64, old time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.limited {
		return -1, 0
	}
	old = k.opt.Running() - k.answered
	if k.answer.Capacity == 0 {
		return -1, old
	}
	n := k.answer.Inside
	if k.ledger.Number == k.asked.Ledger {
		n += k.ledger.In - k.asked.In - (k.ledger.Out - k.asked.Out)
	}
	return max(0, float64(n)/float64(k.answer.Capacity)), old
}

var errSilent = errors.New("the registry has not answered a moment ago")

// askNow asks while somebody waits.
func (k *Keeper) askNow(ctx context.Context, want int64, asking func()) error {
	k.mu.Lock()
	silent := k.opt.Running() < k.silent
	k.mu.Unlock()
	if silent {
		return errSilent
	}
	asking()
	return k.ask(ctx, want)
}

// ask makes one request. Others wait for it.
func (k *Keeper) ask(ctx context.Context, want int64) error {
	ctx, cancel := context.WithTimeout(ctx, k.opt.Deadline)
	defer cancel()
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	q, sent, err := k.request(want)
	if err != nil {
		return err
	}
	a, err := k.opt.Registry.Places(ctx, q)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.failed(err)
		return err
	}
	return k.take(q, a, sent)
}

// request is kept before it is sent: its number is never used again.
func (k *Keeper) request(want int64) (q api.PlacesRequest, sent time.Duration, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	sent = k.opt.Running()
	q = k.ledger.Request(want, sent)
	q.Off = k.off
	return q, sent, k.save()
}

// save keeps the ledger of a venue with a capacity; any other has nothing to keep.
func (k *Keeper) save() error {
	if !k.limited {
		return nil
	}
	return k.opt.Memory.Save(k.ledger)
}

func (k *Keeper) failed(err error) {
	k.silent, k.failing = k.opt.Running()+silence, true
	if refusal, ok := errors.AsType[*api.Refusal](err); ok && refusal.Said.Code == api.CodeLedger {
		k.ledger = NewLedger() // it has no places, so it need not be kept before it is used
		k.silent = 0
	}
}

func (k *Keeper) take(q api.PlacesRequest, a api.PlacesAnswer, sent time.Duration) error {
	k.answer, k.asked, k.answered, k.silent = a, q, sent, 0
	if k.failing {
		k.failing = false
		k.report()
	}
	if is := a.Capacity > 0; is != k.limited {
		if err := k.opt.Memory.SaveLimited(is); err != nil {
			return err
		}
		if k.limited = is; !is {
			k.ledger = NewLedger()
			return k.opt.Memory.Save(k.ledger)
		}
	}
	if !k.limited {
		return nil
	}
	if err := k.ledger.Answer(q, a, sent); err != nil {
		return err
	}
	return k.save()
}

// Run reports and asks until ctx ends. Then it gives the share back.
func (k *Keeper) Run(ctx context.Context) error {
	failing := false
	bound := firstBound
	for {
		err := k.ask(ctx, 0)
		if ctx.Err() != nil {
			break
		}
		pause := k.pause()
		if err != nil {
			pause = bound/2 + rand.N(bound/2)
			bound = min(2*bound, lastBound)
			if !failing {
				k.opt.Log.Warn("cannot ask for the venue's places", "error", err)
			}
		} else {
			bound = firstBound
			if failing {
				k.opt.Log.Info("works again: ask for the venue's places")
			}
		}
		failing = err != nil
		if !k.wait(ctx, pause) {
			break
		}
	}
	k.giveBack(context.WithoutCancel(ctx))
	return nil
}

// wait ends after the pause, or sooner if there is something to report; false: ctx has ended.
func (k *Keeper) wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-k.kick:
	}
	timer.Reset(soon)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (k *Keeper) pause() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case !k.limited:
		return unlimited
	case k.ledger.Limit > k.ledger.In:
		return withShare
	}
	return withoutShare
}

// giveBack lets others have the places while this door is off.
func (k *Keeper) giveBack(ctx context.Context) {
	k.mu.Lock()
	limited := k.limited
	k.ledger.Limit, k.off = k.ledger.In, true
	k.mu.Unlock()
	if !limited {
		return
	}
	if err := k.ask(ctx, 0); err != nil {
		k.opt.Log.Info("the door keeps its places while it is off", "error", err)
	}
}
