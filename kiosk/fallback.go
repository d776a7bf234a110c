package kiosk

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// Fallback asks the cache first. If the cache is older than Fresh or does not know the person, it
// asks for a newer list (Newer) and looks again. Only if that does not answer the question, or if
// the door has no key for the code, it asks the registry about the person (Registry). Both together
// have Deadline; after a failure nobody is asked for Pause, so that a dead network delays one
// person and not everybody. Without an answer the cache's counts.
type Fallback struct {
	Cache    Lookup
	Newer    func(context.Context) error // nil: the cache does not follow anybody
	Registry Checker                     // nil: only the cache is asked
	Fresh    time.Duration               // up to this age the cache's answer counts
	Deadline time.Duration               // for all questions about one person
	Pause    time.Duration               // after a failure
	Now      func() time.Time
	Asking   func() // called before anybody is asked, because somebody waits now; may be nil

	silent atomic.Int64 // Unix ns until which nobody is asked
}

// Status returns the standing of whoever shows the code.
func (f *Fallback) Status(ctx context.Context, c *pass.Code) (Standing, error) {
	s, err := f.cached(ctx, c)
	if f.answers(s, err) || f.Newer == nil && f.Registry == nil || f.Now().UnixNano() < f.silent.Load() {
		return s, err
	}
	if f.Asking != nil {
		f.Asking()
	}
	ctx, cancel := context.WithTimeout(ctx, f.Deadline)
	defer cancel()
	if f.Newer != nil && !errors.Is(err, errNoPlace) {
		if err := f.Newer(ctx); err != nil && ctx.Err() != nil {
			f.fail()
			return f.cached(context.WithoutCancel(ctx), c)
		}
		if s, err = f.cached(ctx, c); f.answers(s, err) {
			return s, nil
		}
	}
	if f.Registry == nil {
		return s, err
	}
	asked, askErr := f.Registry.Check(ctx, c.Text())
	switch {
	case askErr == nil:
		return asked, nil
	case !errors.Is(askErr, ErrUnknownPerson):
		f.fail()
		return s, err
	case err != nil:
		return Standing{}, askErr
	}
	return s, nil
}

func (f *Fallback) fail() { f.silent.Store(f.Now().Add(f.Pause).UnixNano()) }

// answers reports whether the cache's answer counts without asking anybody.
func (f *Fallback) answers(s Standing, err error) bool {
	return err == nil && f.Now().Sub(s.AsOf) <= f.Fresh
}

func (f *Fallback) cached(ctx context.Context, c *pass.Code) (Standing, error) {
	p, err := personOf(c)
	if err != nil {
		return Standing{}, err
	}
	return f.Cache.Status(ctx, p)
}
