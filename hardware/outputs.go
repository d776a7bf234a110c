package hardware

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// reclaimEvery is the shortest time between two attempts to claim lost lines.
const reclaimEvery = 500 * ms

// outputLines are the panel's lines on a real chip, claimed in one request: exclusively, with their
// polarity, and with "off" as their first level, so that nothing shines or opens in between.
// periph's gpioioctl supports neither the first level nor a chip that comes back (docs/adr/0006).
type outputLines struct {
	label string
	parts []line // in the order of the request
	names []string
	low   [lineCount]bool

	mu    sync.Mutex // guards all below
	f     *os.File   // nil: lost
	tried time.Time  // last attempt to claim them
	err   error      // why it failed
}

// claimOutputs claims the named lines; an empty name is a part that is connected elsewhere.
func claimOutputs(label string, names [lineCount]string, low [lineCount]bool) (*outputLines, error) {
	o := &outputLines{label: label, low: low}
	for i, name := range names {
		if name != "" {
			o.parts, o.names = append(o.parts, line(i)), append(o.names, name)
		}
	}
	return o, o.claim()
}

// claim claims the lines and checks the result.
func (o *outputLines) claim() error {
	c, err := openChip(o.label)
	if err != nil {
		return err
	}
	defer c.f.Close()
	offsets := make([]uint32, len(o.parts))
	config := lineConfig{flags: flagOutput}
	var low uint64
	for i, part := range o.parts {
		if offsets[i], err = c.find(o.names[i]); err != nil {
			return fmt.Errorf("find the line of %s: %w", lineNames[part], err)
		}
		if o.low[part] {
			low |= 1 << i
		}
	}
	if low != 0 {
		config.add(attrFlags, flagOutput|flagActiveLow, low)
	}
	config.add(attrOutput, 0, 1<<len(o.parts)-1) // 0 is off, whatever the polarity
	fd, err := c.request(offsets, config)
	if err != nil {
		return fmt.Errorf("claim the panel's lines: %w", c.whyNot(o.names, offsets, err))
	}
	f := os.NewFile(uintptr(fd), "lines of "+o.label)
	if err := o.checkDrive(c, offsets); err != nil {
		return errors.Join(err, f.Close())
	}
	o.f = f
	return nil
}

// checkDrive checks with the kernel that the lines are our outputs, drive both levels, and have the
// configured polarity. The levels are never read.
func (o *outputLines) checkDrive(c *chip, offsets []uint32) error {
	for i, part := range o.parts {
		info, err := c.info(offsets[i])
		if err != nil {
			return err
		}
		want := uint64(flagUsed | flagOutput)
		if o.low[part] {
			want |= flagActiveLow
		}
		const all = flagUsed | flagOutput | flagInput | flagActiveLow | flagOpenDrain | flagOpenSource
		if got := info.flags & all; got != want || text(info.consumer) != consumer {
			return fmt.Errorf("line %q of %q is driven by %q with flags %#x, want %#x (linux/gpio.h)",
				o.names[i], c.label, text(info.consumer), got, want)
		}
	}
	return nil
}

// set switches a line. It first claims lost lines again, such as those of a USB chip that was
// unplugged.
func (o *outputLines) set(part line, on bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.f == nil {
		if time.Since(o.tried) < reclaimEvery {
			return o.err
		}
		o.tried, o.err = time.Now(), o.claim()
		if o.err != nil {
			return o.err
		}
	}
	v := lineValues{}
	for i, p := range o.parts {
		if p == part {
			v.mask = 1 << i
		}
	}
	if on {
		v.bits = v.mask
	}
	if err := ioctl(o.f.Fd(), ioctlSetValues, &v); err != nil {
		o.f.Close()
		o.f, o.tried, o.err = nil, time.Now(), fmt.Errorf("lost the lines of %q: %w", o.label, err)
		return o.err
	}
	return nil
}

// close releases the lines: a mainline kernel turns them back into inputs.
func (o *outputLines) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.f == nil {
		return nil
	}
	err := o.f.Close()
	o.f, o.tried, o.err = nil, time.Now().Add(time.Hour), os.ErrClosed
	return err
}

// outputPin is one of the lines as periph's interface.
type outputPin struct {
	lines *outputLines
	part  line
	name  string
}

func (p outputPin) Out(l gpio.Level) error { return p.lines.set(p.part, bool(l)) }
func (p outputPin) PWM(gpio.Duty, physic.Frequency) error {
	return errors.New("a GPIO line has no PWM")
}
func (p outputPin) String() string   { return p.name + " of " + p.lines.label }
func (p outputPin) Name() string     { return p.name }
func (p outputPin) Number() int      { return -1 }
func (p outputPin) Function() string { return "Out" }
func (p outputPin) Halt() error      { return nil }
