// Package replica follows the registry into the cache, and carries the door's counts the other way.
//
// Follow1 is one attempt. It asks for the manifest. If that is newer than the cache, it fetches
// what has changed, checks it against the registry's pinned key and the manifest, and hands all of
// it to the cache at once. So the cache always holds exactly one version that the registry has
// published, whatever fails on the way.
//
// Run keeps trying, and Newer is one attempt more, for a door with somebody in front of it.
// Downloads are bounded, and only signatures are trusted: a proxy can keep a door from following,
// which the age of the data then shows, but it can never make the door follow something else.
package replica

import (
	"context"
	"crypto/ed25519"
	"errors"
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
	// Wait is how long the registry may hold back its answer while there is nothing new.
	Wait = 25 * time.Second
	// earliest is the time from one request to the next while the manifest does not change. It only
	// matters where a proxy answers long polls at once.
	earliest = 5 * time.Second
)

// Source is the registry (package client), or anything that serves its files.
type Source interface {
	// Manifest gets the current manifest, sealed. If that is version after, it may wait for a newer
	// one, at most for wait.
	Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error)
	// Blob gets the bytes with the SHA-256 h, and never others.
	Blob(ctx context.Context, h api.Hash) ([]byte, error)
}

// Store keeps what the replica fetches (kiosk/cache).
type Store interface {
	State() (cache.State, error)
	Rules() ([]byte, error)
	Keys() ([]byte, error)
	Staged(id uint32) (version uint64, blob [32]byte, err error)
	Stage(id uint32, version uint64, blob [32]byte, s *statuslist.Section) error
	Apply(u cache.Update) error
	Refresh(asOf time.Time) error
	Heard(asOf time.Time)
}

// Keys are the list keys that the door has (kiosk/doorkeys).
type Keys interface {
	statuslist.Keyring
	// Need says that a key is missing. It returns immediately.
	Need()
	// Announced says from when on the list is sealed with a key of that generation. A zero time
	// says that no turnover is announced.
	Announced(generation uint32, since time.Time)
	// Take takes in the door's keys that a folder may hold beside its offline snapshot.
	Take(folder string) (changed bool, err error)
}

// ErrNoListKey says that the door has no key for the newest list. It needs another one from the
// registry, and then follows on.
var ErrNoListKey = errors.New("the door does not have the key of this list yet")

// Options are what a Replica is made of. All fields are needed except Before, OnChange and
// ClockSet.
type Options struct {
	Source   Source
	Store    Store
	Keys     Keys                  // nil: the door has no keys, and reads no list
	Key      ed25519.PublicKey     // the registry's, pinned at enrolment
	Before   func(context.Context) // before each attempt of Run, for others who write to Store
	OnChange func(Result)          // called after each success, by the goroutine that follows, one at a time
	// Offline is for a Source of files of any age, on a door whose clock may not be set yet: the
	// manifest is not compared with the clock. The data keeps the age that its manifest states, and
	// the door decides by that age and shows it.
	Offline bool
	// Live is for a Source that proves to be the registry itself (TLS), and not a copy of what it
	// once said.
	Live bool
	// ClockSet says whether the door's clock is kept by something. While it is not, a manifest is
	// not compared with it either, but is the newest signed time that the door has. nil: it always
	// is.
	ClockSet func() bool
	Now      func() time.Time
	Log      *slog.Logger
}

// Result is what one successful attempt did.
type Result struct {
	Version uint64 // of the manifest that the cache now has
	Changed bool   // false: the registry vouched again for the version in the cache
	Bytes   int    // downloaded, without HTTP headers
	Deltas  int    // deltas that were applied
	Whole   int    // sections that were fetched whole
}

// Replica follows one registry into one cache.
type Replica struct {
	opt       Options
	turn      chan struct{} // holds one value while somebody writes to Store; others wait
	ready     chan struct{}
	readyOnce sync.Once
}

// New makes a replica. It does nothing until Run, Follow1 or Newer.
func New(opt Options) *Replica {
	return &Replica{opt: opt, turn: make(chan struct{}, 1), ready: make(chan struct{})}
}

// take waits for the turn to write to Store.
func (r *Replica) take(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Replica) give() { <-r.turn }

// String names the task.
func (r *Replica) String() string { return "replica" }

// Ready is closed once the cache holds a version, from this run or an earlier one.
func (r *Replica) Ready() <-chan struct{} { return r.ready }

// Run follows until ctx ends. After a success the next attempt comes at once, because the registry
// waits then. After failures the pauses grow.
func (r *Replica) Run(ctx context.Context) error {
	state, err := r.opt.Store.State()
	if err != nil {
		return fmt.Errorf("read the cache's state: %w", err)
	}
	if state.Version != 0 {
		r.readyOnce.Do(func() { close(r.ready) })
	}
	retry.Forever(ctx, r.opt.Log, "follow the registry", func(ctx context.Context) (time.Duration, error) {
		if err := r.before(ctx); err != nil {
			return 0, err
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

// announced passes a turnover on, so that the door has the next key in time.
func (r *Replica) announced(m api.Manifest) {
	if r.opt.Keys == nil {
		return
	}
	var since time.Time
	if m.Next.Generation != 0 {
		since = time.Unix(m.Next.Since, 0)
	}
	r.opt.Keys.Announced(m.Next.Generation, since)
}

func (r *Replica) before(ctx context.Context) error {
	if r.opt.Before == nil {
		return nil
	}
	if err := r.take(ctx); err != nil {
		return err
	}
	defer r.give()
	r.opt.Before(ctx)
	return nil
}

// Follow1 makes one attempt to follow, which takes up to Wait while there is nothing new. After an
// error the cache is as before.
func (r *Replica) Follow1(ctx context.Context) (Result, error) { return r.follow1(ctx, Wait) }

// Newer makes one attempt at once, for somebody who waits, also while Run waits for something new.
func (r *Replica) Newer(ctx context.Context) error {
	_, err := r.follow1(ctx, 0)
	return err
}

// begin loads a manifest, and then takes the turn to write to Store, which the caller gives back.
func (r *Replica) begin(ctx context.Context, after uint64, wait time.Duration) (*attempt, error) {
	sealed, err := r.opt.Source.Manifest(ctx, after, wait)
	if err != nil {
		return nil, err
	}
	m, err := api.OpenManifest(sealed, r.opt.Key)
	if err != nil {
		return nil, err
	}
	if err := r.take(ctx); err != nil {
		return nil, err
	}
	state, err := r.opt.Store.State()
	if err != nil {
		r.give()
		return nil, fmt.Errorf("read the cache's state: %w", err)
	}
	result := Result{Version: m.Version, Bytes: len(sealed)}
	return &attempt{Replica: r, ctx: ctx, state: state, manifest: m, result: result}, nil
}

func (r *Replica) follow1(ctx context.Context, wait time.Duration) (Result, error) {
	before, err := r.opt.Store.State()
	if err != nil {
		return Result{}, fmt.Errorf("read the cache's state: %w", err)
	}
	after := before.Version
	if wait == 0 {
		after = 0
	}
	a, err := r.begin(ctx, after, wait)
	if err != nil {
		return Result{}, err
	}
	defer r.give()
	m, state := a.manifest, a.state
	overtaken := state.Edition() != before.Edition() || !state.AsOf.Equal(before.AsOf)
	if err := r.checkManifest(m, state); errors.Is(err, ErrOlder) && overtaken {
		return Result{Version: state.Version}, nil // the other attempt was quicker
	} else if err != nil {
		return Result{}, fmt.Errorf("compare manifest %d with the cache: %w", m.Version, err)
	}
	r.announced(m)
	if r.opt.Live {
		r.opt.Store.Heard(m.IssuedAt())
	}
	if err := a.follow(); err != nil {
		return Result{}, fmt.Errorf("follow manifest %d: %w", m.Version, err)
	}
	r.readyOnce.Do(func() { close(r.ready) })
	if r.opt.OnChange != nil {
		r.opt.OnChange(a.result)
	}
	return a.result, nil
}
