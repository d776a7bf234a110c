// Package replica follows the registry into the cache, and carries the door's counts the other way.
//
// Follow1 is one attempt: it asks for the manifest, and when that is newer than the cache it gets what has changed,
// checks everything against the registry's pinned key and the manifest, and hands all of it to the cache at once. So the
// cache always is exactly one version that the registry has published, whatever happens in between.
//
// Run keeps trying. What arrives is bounded and believed only as far as it is signed: a proxy on the way can keep a
// door from following, and the age of the data then tells, but it can never make it follow something else.
package replica

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/retry"
	"ashyq-kiosk/kiosk/statuslist"
)

const (
	// Wait is for how long the registry may hold back its answer until there is something new.
	Wait = 25 * time.Second
	// earliest is when an unchanged manifest is asked for again, counted from the last time. It only matters where
	// something on the way answers long polls at once.
	earliest = 5 * time.Second
)

// Source is the registry, or anything that serves its files (package client).
type Source interface {
	// Manifest gets the current manifest, sealed. With after it may take up to wait until there is a newer one.
	Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error)
	// Blob gets the bytes with the SHA-256 h, and never any others.
	Blob(ctx context.Context, h api.Hash) ([]byte, error)
}

// Store is where it goes (kiosk/cache).
type Store interface {
	State() (cache.State, error)
	Rules() ([]byte, error)
	Keys() ([]byte, error)
	Staged(id uint32) (cache.SectionState, error)
	Stage(id uint32, version uint64, s *statuslist.Section) error
	Apply(u cache.Update) error
	Refresh(asOf time.Time) error
}

// Options are what a Replica is made of. All fields are needed except Before, OnChange and ClockSet.
type Options struct {
	Source     Source
	Store      Store
	Key        ed25519.PublicKey // the registry's, given to the door when it was set up
	CheckRules func([]byte) error
	Before     func(context.Context) // called by Run before each attempt, for what else writes to the Store
	OnChange   func(Result)          // called after each success, from the goroutine that follows
	// Offline is for a Source of files that may be of any age, on a door whose clock may not be set yet: the manifest is not
	// compared with the clock. That is not to believe it more: what is taken over keeps the age that its manifest gives it,
	// by which the door decides, and shows, what it is still worth.
	Offline bool
	// ClockSet says whether the door's clock is kept by something. While it is not, a manifest is not compared with it either,
	// but is the newest signed time that the door has. nil: it always is.
	ClockSet func() bool
	Now      func() time.Time
	Log      *slog.Logger
}

// Result is what one successful attempt did.
type Result struct {
	Version   uint64 // of the manifest that the cache now has
	Changed   bool   // false: the registry has vouched again for the version that the cache already had
	Bytes     int    // that came over the network, without HTTP's own
	Deltas    int    // deltas that were applied
	Snapshots int    // sections that were taken as a whole
}

// Replica follows one registry into one cache.
type Replica struct {
	opt       Options
	ready     chan struct{}
	readyOnce sync.Once
}

// New makes a replica. It does nothing until Run or Follow1.
func New(opt Options) *Replica {
	return &Replica{opt: opt, ready: make(chan struct{})}
}

// String names the task.
func (r *Replica) String() string { return "replica" }

// Ready is closed once the cache holds any version, also one of an earlier run.
func (r *Replica) Ready() <-chan struct{} { return r.ready }

// Run follows until ctx ends: the next attempt comes right after a success, as the registry is what waits then, and
// after a failure with a growing pause.
func (r *Replica) Run(ctx context.Context) error {
	state, err := r.opt.Store.State()
	if err != nil {
		return fmt.Errorf("read the cache's state: %w", err)
	}
	if state.Version != 0 {
		r.readyOnce.Do(func() { close(r.ready) })
	}
	retry.Forever(ctx, r.opt.Log, "follow the registry", func(ctx context.Context) (time.Duration, error) {
		if r.opt.Before != nil {
			r.opt.Before(ctx)
		}
		began := time.Now()
		result, err := r.Follow1(ctx)
		if err != nil || result.Changed {
			return 0, err
		}
		return max(0, earliest-time.Since(began)), nil
	})
	return nil
}

// Follow1 makes one attempt to follow, which takes up to Wait when there is nothing new. Not for several goroutines at
// once. On an error the cache is what it was before.
func (r *Replica) Follow1(ctx context.Context) (Result, error) {
	state, err := r.opt.Store.State()
	if err != nil {
		return Result{}, fmt.Errorf("read the cache's state: %w", err)
	}
	sealed, err := r.opt.Source.Manifest(ctx, state.Version, Wait)
	if err != nil {
		return Result{}, err
	}
	m, err := api.OpenManifest(sealed, r.opt.Key)
	if err != nil {
		return Result{}, err
	}
	if err := r.checkManifest(m, state); err != nil {
		return Result{}, fmt.Errorf("compare manifest %d with the cache: %w", m.Version, err)
	}
	a := attempt{Replica: r, ctx: ctx, state: state, manifest: m, result: Result{Version: m.Version, Bytes: len(sealed)}}
	if err := a.follow(); err != nil {
		return Result{}, fmt.Errorf("follow manifest %d: %w", m.Version, err)
	}
	r.readyOnce.Do(func() { close(r.ready) })
	if r.opt.OnChange != nil {
		r.opt.OnChange(a.result)
	}
	return a.result, nil
}
