package hardware

import (
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// relayGuard closes the relay if nobody else does: if a panel hangs or a caller forgets, the door
// stays open for maxOpen and not for the night. Raspberry Pi OS keeps a line's level after the
// process has ended; for that case see the package comment.
type relayGuard struct {
	gpio.PinOut
	mu    sync.Mutex  // guards timer, and its order with the line
	timer *time.Timer // nil: closed
}

// maxOpen is a little more than MaxRelay, so that it never affects a pattern.
const maxOpen = MaxRelay + 500*ms

// Out opens or closes the relay. Opening an open relay does not keep it open for longer.
func (r *relayGuard) Out(l gpio.Level) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l == gpio.High && r.timer == nil {
		r.timer = time.AfterFunc(maxOpen, func() { _ = r.Out(gpio.Low) }) // the panel reports a fault
	}
	err := r.PinOut.Out(l)
	if l == gpio.Low && err == nil && r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	return err
}
