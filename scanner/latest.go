package scanner

import (
	"bytes"
	"context"
	"sync"
)

// latest passes frames from the feed to the decode loop. It has one slot and the newest picture
// wins: it replaces one that was not taken. Three frames are always enough: one is being filled,
// one is the newest, one is in use by the decoder.
type latest struct {
	wake chan struct{} // one slot; full: a new picture is already announced

	mu     sync.Mutex // guards all below; the pixels of newest and held are read-only
	frames [3]Frame
	newest *Frame
	fresh  bool // newest was not taken yet
	held   *Frame
	seq    uint64
}

func newLatest() *latest { return &latest{wake: make(chan struct{}, 1)} }

// blank returns an unused frame for the feed to fill. It belongs to the feed until put.
func (l *latest) blank() *Frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.frames {
		if f := &l.frames[i]; f != l.newest && f != l.held {
			return f
		}
	}
	panic("scanner: a third frame is in use") // impossible: three frames, two uses
}

// differs reports whether f differs from the newest picture. Pictures of a living camera differ in
// the first few bytes, so this is cheap unless the picture is frozen.
func (l *latest) differs(f *Frame) bool {
	l.mu.Lock()
	last := l.newest // only the caller, the feed, replaces it
	l.mu.Unlock()
	return last == nil || last.Width != f.Width || !bytes.Equal(last.Pix, f.Pix)
}

// coming is the number of the next picture.
func (l *latest) coming() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq + 1
}

// skip counts a picture that nobody looks at.
func (l *latest) skip() {
	l.mu.Lock()
	l.seq++
	l.mu.Unlock()
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

// take waits for a new picture. The caller may read it until the next take; nil when ctx ends.
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

// view calls look with the newest picture, which nobody replaces meanwhile; false: there is no
// picture yet.
func (l *latest) view(look func(*Frame)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest == nil {
		return false
	}
	look(l.newest)
	return true
}
