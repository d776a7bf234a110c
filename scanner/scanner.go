package scanner

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// defaultFrozenAfter is enough for any camera's automatic exposure to settle, and much less than a
// queue's patience.
const defaultFrozenAfter = 5 * time.Second

// defaultBudget leaves a third of a core to others at 30 pictures a second. A core of a Pi 3 needs
// about as long to unpack and decode a USB camera's picture.
const defaultBudget = 20 * time.Millisecond

// Config says what a Scanner reads and whom it calls.
type Config struct {
	Source      string        // see the package comment
	FrozenAfter time.Duration // the same picture, or no picture, for this long: the camera is dead; 0: 5 s
	Settings    Settings      // for a V4L2 camera
	Log         *slog.Logger  // nil: slog.Default

	// Budget is the average CPU time per picture for unpacking and decoding; 0: 20 ms. After a
	// slower picture, the next ones are dropped if they would have to be unpacked, and otherwise
	// only compared, until the average is right again.
	Budget time.Duration

	// OnCode gets the bytes of a code, exactly as encoded, for every picture in which it was read,
	// and when that picture was taken. A code that is held up is read ten times a second while it
	// moves, and once a second while it does not. The bytes are valid until OnCode returns;
	// meanwhile no other picture is decoded.
	OnCode func(text []byte, taken time.Time)

	// OnState gets nil when pictures come, otherwise the reason. It is called at each change, never
	// twice at the same time, but not from the goroutine that calls OnCode.
	OnState func(error)
}

// Stats counts since the start.
type Stats struct {
	Format     string        // of a V4L2 camera's pictures, with their size and rate
	Frames     uint64        // pictures from the camera
	Skipped    uint64        // those that were not unpacked: the doorway was still, or the budget was used up
	Examined   uint64        // those that were compared before the next one replaced them
	Decoded    uint64        // those with changes, so that the decoder was called
	Codes      uint64        // those in which it read a code
	Reconnects uint64        // attempts to open the camera, except the first
	UnpackCPU  time.Duration // CPU time to unpack a V4L2 camera's pictures
	DecodeCPU  time.Duration // CPU time of the decoder's thread, including comparisons
	LastFrame  time.Time     // when the newest picture was taken; zero: no picture yet
}

// Scanner reads the codes that are held up to one camera.
type Scanner struct {
	cfg    Config
	open   func(source string) (Camera, error)
	latest *latest
	ready  chan struct{} // closed when the camera's state is first known

	mu    sync.Mutex // guards known, state and the calls of OnState
	known bool
	state error // nil: pictures are coming

	alive                             atomic.Int64  // Unix ns
	lastFrame                         atomic.Int64  // Unix ns; 0: no picture yet
	wanted                            atomic.Uint64 // number of the next picture that the decoder wants
	skipped, examined, decoded, codes atomic.Uint64
	reconnects                        atomic.Uint64
	unpackCPU, decodeCPU              atomic.Int64 // ns
	format                            atomic.Value // string
}

// New returns a Scanner; Run starts it.
func New(cfg Config) *Scanner {
	if cfg.FrozenAfter <= 0 {
		cfg.FrozenAfter = defaultFrozenAfter
	}
	if cfg.Budget <= 0 {
		cfg.Budget = defaultBudget
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.OnCode == nil {
		cfg.OnCode = func([]byte, time.Time) {}
	}
	if cfg.OnState == nil {
		cfg.OnState = func(error) {}
	}
	return &Scanner{cfg: cfg, open: opener(cfg.Settings, cfg.Log), latest: newLatest(), ready: make(chan struct{})}
}

// Run keeps the camera open and reads codes until ctx ends, then returns nil. Call it once.
func (s *Scanner) Run(ctx context.Context) error {
	if err := CheckSource(s.cfg.Source); err != nil {
		return err
	}
	s.touch() // the camera may give its first picture long before anybody has looked at it
	var decoding sync.WaitGroup
	decoding.Go(func() { s.decode(ctx) })
	s.keepOpen(ctx)
	decoding.Wait()
	return nil
}

// decode decodes the newest picture again and again.
func (s *Scanner) decode(ctx context.Context) {
	runtime.LockOSThread() // for the thread's CPU time
	defer runtime.UnlockOSThread()
	eyes := newROI()
	eyes.limit(s.cfg.Budget, func() time.Duration { return threadCPU() + time.Duration(s.unpackCPU.Load()) })
	for {
		f := s.latest.take(ctx)
		if f == nil {
			return
		}
		before := threadCPU()
		text, err := eyes.examine(f)
		s.decodeCPU.Add(int64(threadCPU() - before))
		s.examined.Add(1)
		s.decoded.Store(eyes.turns)
		s.wanted.Store(eyes.next())
		if err == nil {
			s.codes.Add(1)
			s.cfg.OnCode(text, f.Taken)
		}
		s.touch()
	}
}

// report sets the camera's state to err (nil: pictures come), and reports a change.
func (s *Scanner) report(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change(err)
}

// reportSilence reports a camera that has given no picture since it was opened, or since the last
// picture, for too long. A picture that comes meanwhile reports after it.
func (s *Scanner) reportSilence(opened, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := unixTime(s.lastFrame.Load())
	if last.Before(opened) {
		last = opened
	}
	if now.Sub(last) > s.cfg.FrozenAfter {
		s.change(fmt.Errorf("%w for %v", ErrSilent, s.cfg.FrozenAfter))
	}
}

// change needs mu.
func (s *Scanner) change(err error) {
	if s.known && fmt.Sprint(err) == fmt.Sprint(s.state) {
		return
	}
	if err != nil {
		s.cfg.Log.Warn("camera gives no pictures", "camera", s.String(), "error", err)
	} else {
		s.cfg.Log.Info("camera gives pictures", "camera", s.String())
	}
	if s.state = err; !s.known {
		s.known = true
		close(s.ready)
	}
	s.cfg.OnState(err)
}

// fault is the camera's state: nil when pictures come, ErrSilent before the first one.
func (s *Scanner) fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		return ErrSilent
	}
	return s.state
}

func (s *Scanner) touch() { s.alive.Store(time.Now().UnixNano()) }

// Ready is closed once it is known whether the camera gives pictures: after the first picture or
// the first failure.
func (s *Scanner) Ready() <-chan struct{} { return s.ready }

// String names the scanner by its source.
func (s *Scanner) String() string { return "scanner " + Redacted(s.cfg.Source) }

// Alive is the last time that a picture was examined or an attempt to open the camera ended, and at
// first the start of Run. If it stands still for many times FrozenAfter, something hangs that only
// a restart can end.
func (s *Scanner) Alive() time.Time { return unixTime(s.alive.Load()) }

// Stats may be called at any time.
func (s *Scanner) Stats() Stats {
	format, _ := s.format.Load().(string) // nothing is stored before the camera is open
	return Stats{
		Format:     format,
		Frames:     s.latest.coming() - 1,
		Skipped:    s.skipped.Load(),
		Examined:   s.examined.Load(),
		Decoded:    s.decoded.Load(),
		Codes:      s.codes.Load(),
		Reconnects: s.reconnects.Load(),
		UnpackCPU:  time.Duration(s.unpackCPU.Load()),
		DecodeCPU:  time.Duration(s.decodeCPU.Load()),
		LastFrame:  unixTime(s.lastFrame.Load()),
	}
}

func unixTime(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
