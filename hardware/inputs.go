package hardware

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// debounceExit is longer than a button bounces and shorter than a press.
	debounceExit = 20 * ms
	// debounceTamper is longer than the case shakes when the door slams.
	debounceTamper = 200 * ms
	// inputRetry is the pause before a failed input is tried again.
	inputRetry = time.Second
)

// ErrTampered goes to OnTamper while the case is open.
var ErrTampered = errors.New("the case is open")

// Inputs watches the exit button and the tamper contact. Both connect their line to ground, the
// button while it is pressed and the contact while the case is closed, so a cut wire counts as an
// open case. The line's own pull-up holds it high.
type Inputs struct {
	// OnExit is called once per press.
	OnExit func()
	// OnTamper gets an error while the case is open or the contact cannot be read, and nil while it
	// is closed: at the start and at each change.
	OnTamper func(error)
	// Log says when an input cannot be used. Required.
	Log *slog.Logger

	label        string
	exit, tamper string
}

// NewInputs returns nil if the configuration has neither a button nor a contact.
func NewInputs(c Config) *Inputs {
	if c.Lines.Exit == "" && c.Lines.Tamper == "" || c.simulated() {
		return nil
	}
	in := &Inputs{label: c.Pins}
	in.exit, _ = lineName(c.Lines.Exit) // Check has seen the errors
	in.tamper, _ = lineName(c.Lines.Tamper)
	return in
}

// String names the task.
func (in *Inputs) String() string { return "inputs" }

// Run works until ctx ends. It opens a lost chip again.
func (in *Inputs) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	if in.exit != "" {
		held := true // a button that is pressed at the start opens nothing
		wait.Go(func() {
			in.watch(ctx, "exit", in.exit, debounceExit, func(closed bool, err error) {
				if err == nil && closed && !held {
					in.OnExit()
				}
				held = err != nil || closed
			})
		})
	}
	if in.tamper != "" {
		wait.Go(func() {
			in.watch(ctx, "tamper", in.tamper, debounceTamper, func(closed bool, err error) {
				if err == nil && !closed {
					err = ErrTampered
				}
				in.OnTamper(err)
			})
		})
	}
	wait.Wait()
	return nil
}

// watch reports the state of an input again and again. After an error it starts again.
func (in *Inputs) watch(
	ctx context.Context, what, name string, debounce time.Duration, tell func(closed bool, err error),
) {
	logged := false
	for ctx.Err() == nil {
		err := in.follow(ctx, name, debounce, func(closed bool) { logged = false; tell(closed, nil) })
		if ctx.Err() != nil {
			return
		}
		err = fmt.Errorf("watch the line of %s: %w", what, err)
		if tell(false, err); !logged {
			in.Log.Warn("an input cannot be used", "input", what, "error", err)
			logged = true
		}
		_ = sleep(ctx, inputRetry)
	}
}

// follow claims a line and reads its changes until an error or the end of ctx.
func (in *Inputs) follow(ctx context.Context, name string, debounce time.Duration, tell func(closed bool)) error {
	f, err := claimInput(in.label, name, debounce)
	if err != nil {
		return err
	}
	defer f.Close()
	defer context.AfterFunc(ctx, func() { f.Close() })()
	var now lineValues
	now.mask = 1
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = ioctl(fd, ioctlGetValues, &now) }); err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	tell(now.bits&1 != 0)
	return readEvents(f, tell)
}

// readEvents reads struct gpio_v2_line_event, as many as one read returns. An active-low line rises
// when it is connected to ground.
func readEvents(r io.Reader, tell func(closed bool)) error {
	for {
		var e lineEvent
		if err := binary.Read(r, binary.NativeEndian, &e); err != nil {
			return err
		}
		tell(e.ID == eventRising)
	}
}

// claimInput claims a line as an input that is active at ground. The file may be closed while it is
// read.
func claimInput(label, name string, debounce time.Duration) (*os.File, error) {
	c, err := openChip(label)
	if err != nil {
		return nil, err
	}
	defer c.f.Close()
	offset, err := c.find(name)
	if err != nil {
		return nil, err
	}
	config := lineConfig{flags: flagInput | flagActiveLow | flagPullUp | flagEdgeRising | flagEdgeFalling}
	config.add(attrDebounce, uint64(debounce.Microseconds()), 1)
	fd, err := c.request([]uint32{offset}, config)
	if err != nil {
		return nil, c.whyNot([]string{name}, []uint32{offset}, err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name+" of "+label), nil
}
