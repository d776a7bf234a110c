package kiosk

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Fallback asks the cache first. It asks the registry if the cache is older than Fresh or does not
// know the person. The registry has Deadline to answer; after a failure it is not asked for Pause, so
// that a dead network delays one person and not everybody. Without an answer the cache's counts.
type Fallback struct {
	Cache    Lookup
	Registry Lookup        // nil: only the cache is asked
	Fresh    time.Duration // up to this age the cache's answer counts
	Deadline time.Duration // for one question to the registry
	Pause    time.Duration // after a failure
	Now      func() time.Time
	Asking   func() // called before the registry is asked, because somebody waits now; may be nil

	silent atomic.Int64 // Unix ns until which the registry is not asked
}

// Status implements Lookup.
func (f *Fallback) Status(ctx context.Context, p Person) (Standing, error) {
	cached, cacheErr := f.Cache.Status(ctx, p)
	now := f.Now()
	if f.Registry == nil || cacheErr == nil && now.Sub(cached.AsOf) <= f.Fresh || now.UnixNano() < f.silent.Load() {
		return cached, cacheErr
	}
	if f.Asking != nil {
		f.Asking()
	}
	ctx, cancel := context.WithTimeout(ctx, f.Deadline)
	defer cancel()
	asked, err := f.Registry.Status(ctx, p)
	switch {
	case err == nil:
		return asked, nil
	case !errors.Is(err, ErrUnknownPerson):
		f.silent.Store(now.Add(f.Pause).UnixNano())
	}
	if cacheErr == nil || !errors.Is(err, ErrUnknownPerson) {
		return cached, cacheErr
	}
	return Standing{}, err
}
