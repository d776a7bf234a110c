package scanner

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A camera that fails is opened again after backoffMin, and each time after twice as long, up to backoffMax: soon enough
// for somebody who has just plugged it in again. One that worked for longer than backoffMax starts from the beginning.
const (
	backoffMin = 500 * time.Millisecond
	backoffMax = 4 * time.Second
)

// hungGrace is how long Run waits at its end for a camera to come back from a call.
const hungGrace = time.Second

// keepOpen opens the camera again whenever it fails, until ctx ends.
func (s *Scanner) keepOpen(ctx context.Context) {
	backoff := backoffMin
	for {
		opened := time.Now()
		err := s.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		s.touch()
		s.report(err)
		if errors.Is(err, ErrEnded) {
			s.rest(ctx)
			return
		}
		if time.Since(opened) > backoffMax {
			backoff = backoffMin
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, backoffMax)
		s.reconnects.Add(1)
	}
}

// rest is all there is to do after the end of a video: nothing hangs, nothing is going to come.
func (s *Scanner) rest(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.touch()
		}
	}
}

// watch lets one camera live, from opening it to its end, and reports when it is silent meanwhile.
func (s *Scanner) watch(ctx context.Context) error {
	began := time.Now()
	end := make(chan error, 1) // nobody may be there any more to take it
	go func() { end <- s.follow(ctx) }()

	tick := time.NewTicker(max(s.cfg.FrozenAfter/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case err := <-end:
			return err
		case <-ctx.Done():
			select {
			case <-end:
			case <-time.After(hungGrace):
				s.cfg.Log.Warn("camera hangs in a call and is left behind", "camera", s.String())
			}
			return ctx.Err()
		case now := <-tick.C:
			last := unixTime(s.lastFrame.Load())
			if last.Before(began) {
				last = began
			}
			if now.Sub(last) > s.cfg.FrozenAfter {
				s.report(fmt.Errorf("%w for %v", ErrSilent, s.cfg.FrozenAfter))
			}
		}
	}
}

// follow opens the camera and passes its pictures on. It is the only one that reads it. Its error is never nil.
func (s *Scanner) follow(ctx context.Context) error {
	cam, err := s.open(s.cfg.Source)
	if err != nil {
		return err
	}
	defer cam.Close()
	stop := context.AfterFunc(ctx, func() { cam.Close() }) // wakes a Read that waits
	defer stop()

	changed := time.Now() // when the picture last differed from the one before
	for {
		f := s.latest.blank()
		err := cam.Read(f)
		switch {
		case ctx.Err() != nil: // Run may have returned meanwhile: nothing more is said
			return ctx.Err()
		case errors.Is(err, ErrNoPicture):
			if err != ErrNoPicture {
				s.cfg.Log.Warn("not a picture", "camera", s.String(), "error", err)
			}
			s.touch()
			continue
		case err != nil:
			return err
		}
		s.frames.Add(1)
		s.lastFrame.Store(f.Taken.UnixNano())
		switch {
		case s.latest.differs(f):
			changed = f.Taken
			s.report(nil) // before anybody can hear of a code in it
		case f.Taken.Sub(changed) > s.cfg.FrozenAfter:
			return fmt.Errorf("%w for %v", ErrFrozen, s.cfg.FrozenAfter)
		case !errors.Is(s.fault(), ErrFrozen): // or else opening it again has not helped so far
			s.report(nil)
		}
		s.latest.put(f)
	}
}
