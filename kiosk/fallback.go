package kiosk

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// fallback asks the cache first, and the registry itself when the cache is older than Fresh or does not know the
// person: also when it is not newer than the person's credential, because a red person's new pass would read as blue
// in it. The registry gets Deadline to answer; after a failure it is left alone for Pause, so that a dead network
// costs one person a moment and not everybody. Without an answer the cache's counts.
type fallback struct {
	Cache    Lookup
	Registry Lookup        // nil: there is none to ask
	Fresh    time.Duration // age up to which the cache is not doubted
	Deadline time.Duration // for one question to the registry
	Pause    time.Duration // after one that failed
	Now      func() time.Time
	Asking   func() // called before the registry is asked: somebody has to wait now; nil: nobody does

	silent atomic.Int64 // Unix ns until which the registry is left alone
}

// Status implements Lookup.
func (f *fallback) Status(ctx context.Context, p Person) (Standing, error) {
	cached, cacheErr := f.Cache.Status(ctx, p)
	if cacheErr == nil && !cached.AsOf.After(p.Since) {
		cached, cacheErr = Standing{}, ErrUnknownPerson
	}
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
