package scanner

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// A failed camera is opened again after backoffMin, then each time after twice as long, up to
// backoffMax: soon enough for a person who has just plugged it in. After more than backoffMax of
// work, the pauses start again at backoffMin.
const (
	backoffMin = 500 * time.Millisecond
	backoffMax = 4 * time.Second
)

// hungGrace is how long Run waits at its end for a camera's call to return.
const hungGrace = time.Second

// keepOpen opens the camera again after each failure, until ctx ends.
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

// rest is what remains after the end of a video: nothing hangs and nothing comes.
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

// watch runs one camera from opening to its end, and reports when it is silent.
func (s *Scanner) watch(ctx context.Context) error {
	began := time.Now()
	end := make(chan error, 1) // so that it can be sent after watch has returned
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
				s.cfg.Log.Warn("the camera hangs in a call; the scanner leaves it behind", "camera", s.String())
			}
			return ctx.Err()
		case now := <-tick.C:
			s.reportSilence(began, now)
		}
	}
}

// follow opens the camera and passes on its pictures. Nobody else reads it. Its error is never nil.
func (s *Scanner) follow(ctx context.Context) error {
	cam, err := s.open(s.cfg.Source)
	if err != nil {
		return err
	}
	defer cam.Close()
	stop := context.AfterFunc(ctx, func() { cam.Close() }) // wakes a waiting Read
	defer stop()
	if known, ok := cam.(fmt.Stringer); ok {
		s.format.Store(known.String())
	}
	read := cam.Read
	if packed, ok := cam.(packer); ok {
		runtime.LockOSThread() // for the thread's CPU time
		defer runtime.UnlockOSThread()
		read = func(f *Frame) error { return s.unpack(packed, f) }
	}

	changed := time.Now() // when the picture last differed from the previous one
	for {
		f := s.latest.blank()
		err := read(f)
		switch {
		case ctx.Err() != nil: // Run may have returned, so do not report
			return ctx.Err()
		case errors.Is(err, ErrNoPicture):
			if err != ErrNoPicture {
				s.cfg.Log.Warn("cannot read a picture", "camera", s.String(), "error", err)
			}
			s.touch()
			continue
		case err != nil:
			return err
		}
		s.lastFrame.Store(f.Taken.UnixNano())
		switch {
		case s.latest.differs(f):
			changed = f.Taken
			s.report(nil) // before anybody can get a code from it
		case f.Taken.Sub(changed) > s.cfg.FrozenAfter:
			return fmt.Errorf("%w for %v", ErrFrozen, s.cfg.FrozenAfter)
		case !errors.Is(s.fault(), ErrFrozen): // otherwise it is still frozen after it was opened again
			s.report(nil)
		}
		s.latest.put(f)
	}
}

// unpack reads the next picture that the decoder wants. Those before it are dropped still packed.
func (s *Scanner) unpack(cam packer, f *Frame) error {
	for {
		if err := cam.Grab(); err != nil {
			return err
		}
		if s.latest.coming() >= s.wanted.Load() {
			break
		}
		s.lastFrame.Store(time.Now().UnixNano())
		s.latest.skip()
		s.skipped.Add(1)
	}
	before := threadCPU()
	err := cam.Unpack(f)
	s.unpackCPU.Add(int64(threadCPU() - before))
	return err
}
