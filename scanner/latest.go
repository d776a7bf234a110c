package scanner

import (
	"bytes"
	"context"
	"sync"
)

// latest hands frames from the feed to the decode loop. It has one slot and the newest picture wins: what was not taken
// is replaced. Three frames are enough for ever: one is being filled, one is the newest, one is in the decoder's hands.
type latest struct {
	wake chan struct{} // one slot: a picture is there; a second one need not be announced

	mu     sync.Mutex // guards what follows; the pixels of newest and held are read-only
	frames [3]Frame
	newest *Frame
	fresh  bool // newest was not taken yet
	held   *Frame
	seq    uint64
}

func newLatest() *latest { return &latest{wake: make(chan struct{}, 1)} }

// blank is a frame that nobody looks at, for the feed to fill. It stays the feed's until put.
func (l *latest) blank() *Frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.frames {
		if f := &l.frames[i]; f != l.newest && f != l.held {
			return f
		}
	}
	panic("scanner: a third frame is in use") // impossible: there are three frames and two uses
}

// differs tells whether f is another picture than the newest. A living camera's pictures differ within the first few
// bytes, so this costs nothing unless the picture is frozen.
func (l *latest) differs(f *Frame) bool {
	l.mu.Lock()
	last := l.newest // only the feed, which is calling, replaces it
	l.mu.Unlock()
	return last == nil || last.Width != f.Width || !bytes.Equal(last.Pix, f.Pix)
}

// put makes f the newest picture.
func (l *latest) put(f *Frame) {
	l.mu.Lock()
	l.seq++
	f.Seq = l.seq
	l.newest, l.fresh = f, true
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take waits for a picture that was not taken before. It is the caller's to read until the next take; nil when ctx ends.
func (l *latest) take(ctx context.Context) *Frame {
	for {
		l.mu.Lock()
		l.held = nil
		if l.fresh && ctx.Err() == nil {
			l.held, l.fresh = l.newest, false
		}
		f := l.held
		l.mu.Unlock()
		if f != nil {
			return f
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		}
	}
}

// view calls look with the newest picture, while nobody replaces it; false: there is none yet.
func (l *latest) view(look func(*Frame)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest == nil {
		return false
	}
	look(l.newest)
	return true
}
