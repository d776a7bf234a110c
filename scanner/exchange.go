package scanner

import (
	"bytes"
	"context"
	"sync"
)

// exchange hands frames from the feed to the decode loop. It has one slot and the newest picture wins: what was not taken
// is replaced. Three frames are enough for ever: one is being filled, one is the newest, one is in the decoder's hands.
type exchange struct {
	wake chan struct{} // one slot: a picture is there; a second one need not be announced

	mu     sync.Mutex // guards what follows; the pixels of newest and held are read-only
	frames [3]Frame
	newest *Frame
	fresh  bool // newest was not taken yet
	held   *Frame
	seq    uint64
}

func newExchange() *exchange { return &exchange{wake: make(chan struct{}, 1)} }

// blank is a frame that nobody looks at, for the feed to fill. It stays the feed's until put.
func (x *exchange) blank() *Frame {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.frames {
		if f := &x.frames[i]; f != x.newest && f != x.held {
			return f
		}
	}
	panic("scanner: a third frame is in use") // impossible: there are three frames and two uses
}

// differs tells whether f is another picture than the newest. A living camera's pictures differ within the first few
// bytes, so this costs nothing unless the picture is frozen.
func (x *exchange) differs(f *Frame) bool {
	x.mu.Lock()
	last := x.newest // only the feed, which is calling, replaces it
	x.mu.Unlock()
	return last == nil || last.Width != f.Width || !bytes.Equal(last.Pix, f.Pix)
}

// put makes f the newest picture.
func (x *exchange) put(f *Frame) {
	x.mu.Lock()
	x.seq++
	f.Seq = x.seq
	x.newest, x.fresh = f, true
	x.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// take waits for a picture that was not taken before. It is the caller's to read until the next take; nil when ctx ends.
func (x *exchange) take(ctx context.Context) *Frame {
	for {
		x.mu.Lock()
		x.held = nil
		if x.fresh && ctx.Err() == nil {
			x.held, x.fresh = x.newest, false
		}
		f := x.held
		x.mu.Unlock()
		if f != nil {
			return f
		}
		select {
		case <-ctx.Done():
			return nil
		case <-x.wake:
		}
	}
}

// view calls look with the newest picture, while nobody replaces it; false: there is none yet.
func (x *exchange) view(look func(*Frame)) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.newest == nil {
		return false
	}
	look(x.newest)
	return true
}
