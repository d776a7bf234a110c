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

// defaultFrozenAfter is enough for any camera's automatic exposure to settle and far less than a queue's patience.
const defaultFrozenAfter = 5 * time.Second

// defaultBudget leaves two thirds of a core to everybody else at 30 pictures a second.
const defaultBudget = 10 * time.Millisecond

// Config says what a Scanner looks at and whom it tells.
type Config struct {
	Source      string        // see the package comment
	FrozenAfter time.Duration // the same picture, or none, for this long is a dead camera; 0: 5 s
	Settings    Settings      // for a V4L2 camera
	Log         *slog.Logger  // nil: slog.Default

	// Budget is how much CPU time the decoder may take for a picture, on average; 0: 10 ms. After a picture that took
	// longer, the next ones are only compared with what is known, until it is made up for.
	Budget time.Duration

	// OnCode gets the bytes of a code, exactly as encoded, once for every picture in which it was read, and when that
	// picture was taken. A code that is held up is read ten times a second while it moves, and once a second while it
	// does not. The bytes are good until OnCode returns; while it runs no other picture is looked at.
	OnCode func(text []byte, taken time.Time)

	// OnState gets nil when pictures are coming, and otherwise why not. It is called when that changes, never twice at a
	// time, but not from the goroutine that calls OnCode.
	OnState func(error)
}

// Stats counts since the start.
type Stats struct {
	Frames     uint64        // pictures that the camera gave
	Examined   uint64        // those that were not overtaken by the next one before anybody had time for them
	Decoded    uint64        // those of them with something new, so that the decoder was called
	Codes      uint64        // those of them in which it read a code
	Reconnects uint64        // attempts to open the camera, but for the first
	DecodeCPU  time.Duration // CPU time of the decoder's thread, with comparing pictures
	LastFrame  time.Time     // when the newest picture was taken; zero: none yet
}

// Scanner reads the codes that are held up to one camera.
type Scanner struct {
	cfg    Config
	open   func(source string) (Camera, error)
	latest *latest
	ready  chan struct{} // closed when the camera's state is known for the first time

	mu    sync.Mutex // guards known, state and the calls of OnState
	known bool
	state error // nil: pictures are coming

	alive                            atomic.Int64 // Unix ns
	lastFrame                        atomic.Int64 // Unix ns; 0: none yet
	frames, examined, decoded, codes atomic.Uint64
	reconnects                       atomic.Uint64
	decodeCPU                        atomic.Int64 // ns
}

// New makes a Scanner; Run sets it to work.
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
	open := func(source string) (Camera, error) { return openCamera(source, cfg.Settings, cfg.Log) }
	return &Scanner{cfg: cfg, open: open, latest: newLatest(), ready: make(chan struct{})}
}

// Run keeps the camera open and reads codes until ctx ends; then it returns nil. It may be called once.
func (s *Scanner) Run(ctx context.Context) error {
	if err := CheckSource(s.cfg.Source); err != nil {
		return err
	}
	var decoding sync.WaitGroup
	decoding.Go(func() { s.decode(ctx) })
	s.keepOpen(ctx)
	decoding.Wait()
	return nil
}

// decode looks at the newest picture, again and again.
func (s *Scanner) decode(ctx context.Context) {
	runtime.LockOSThread() // for the thread's CPU time
	defer runtime.UnlockOSThread()
	eyes := newROI()
	eyes.budget, eyes.cpu = s.cfg.Budget, threadCPU
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
		if err == nil {
			s.codes.Add(1)
			s.cfg.OnCode(text, f.Taken)
		}
		s.touch()
	}
}

// report makes err (nil: pictures are coming) the camera's state, and tells it when that is news.
func (s *Scanner) report(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
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

// fault is the camera's state: nil when pictures are coming, ErrSilent before the first one.
func (s *Scanner) fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		return ErrSilent
	}
	return s.state
}

func (s *Scanner) touch() { s.alive.Store(time.Now().UnixNano()) }

// Ready is closed once it is known whether the camera gives pictures: after the first picture or the first failure.
func (s *Scanner) Ready() <-chan struct{} { return s.ready }

// String names the scanner by its source.
func (s *Scanner) String() string { return "scanner " + Redacted(s.cfg.Source) }

// Alive is the last time that a picture was dealt with, or an attempt to open the camera came to its end; zero before
// that. It standing still for many times FrozenAfter means that something hangs which only a restart can help.
func (s *Scanner) Alive() time.Time { return unixTime(s.alive.Load()) }

// Stats may be called at any time.
func (s *Scanner) Stats() Stats {
	return Stats{
		Frames:     s.frames.Load(),
		Examined:   s.examined.Load(),
		Decoded:    s.decoded.Load(),
		Codes:      s.codes.Load(),
		Reconnects: s.reconnects.Load(),
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
