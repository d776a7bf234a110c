package hardware

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// line is an index of a panel's line. Lines are switched on in this order and off in the reverse one: the relay is the
// last to open and the first to close, and a lamp goes dark before the next one shines.
type line int

const (
	red line = iota
	yellow
	blue
	green
	buzzer
	relay
	lineCount
)

var lineNames = [lineCount]string{"red", "yellow", "blue", "green", "buzzer", "relay"}

// Lines says where each part is wired: a line's name as the kernel has it, as "GPIO17", or its number on the chip, as "17",
// which is the BCM number on a Raspberry Pi. Empty is the default.
type Lines struct {
	Red    string `toml:"red"`
	Yellow string `toml:"yellow"`
	Blue   string `toml:"blue"`
	Green  string `toml:"green"`
	Buzzer string `toml:"buzzer"`
	Relay  string `toml:"relay"`
}

// DefaultLines is the wiring of the package comment.
var DefaultLines = Lines{Red: "GPIO17", Yellow: "GPIO27", Blue: "GPIO22", Green: "GPIO23", Buzzer: "GPIO24", Relay: "GPIO25"}

func (l Lines) list() [lineCount]string {
	return [lineCount]string{l.Red, l.Yellow, l.Blue, l.Green, l.Buzzer, l.Relay}
}

// withDefaults are the names by line, defaults where there is none.
func (l Lines) withDefaults() [lineCount]string {
	names := l.list()
	for i, name := range DefaultLines.list() {
		if names[i] == "" {
			names[i] = name
		}
	}
	return names
}

// Config says what the panel is wired to.
type Config struct {
	// Pins is the label of the GPIO chip, as "pinctrl-bcm2835" (Pi 1 to 3, Zero), "pinctrl-bcm2711" (Pi 4) or
	// "pinctrl-rp1" (Pi 5); chip numbers change from kernel to kernel. "sim" is a panel in memory, "sim:FILE" also
	// appends each change of a level to FILE.
	Pins  string `toml:"pins"`
	Lines Lines  `toml:"lines"`
	// ActiveLow names the parts that are on when their line is low, from red, yellow, blue, green, buzzer, relay.
	ActiveLow []string `toml:"active_low"`
}

// Check looks at the configuration only, not at the machine.
func (c Config) Check() error {
	if c.Pins == "" || c.Pins == "sim:" {
		return fmt.Errorf("pins %q: want a chip's label as \"pinctrl-bcm2835\", \"sim\" or \"sim:FILE\"", c.Pins)
	}
	used := map[string]string{}
	for i, name := range c.Lines.withDefaults() {
		key := strings.TrimPrefix(name, "GPIO")
		if other, twice := used[key]; twice {
			return fmt.Errorf("line %q is given to both %s and %s", name, other, lineNames[i])
		}
		used[key] = lineNames[i]
	}
	for _, name := range c.ActiveLow {
		if !slices.Contains(lineNames[:], name) {
			return fmt.Errorf("active low %q: want some of %s", name, strings.Join(lineNames[:], ", "))
		}
	}
	return nil
}

// Pins is the panel's lines. Out(gpio.High) means on, or open for the relay, whatever the polarity of the wiring. They are
// never read: a line that is read turns into an input (GPIOLine.Read of periph.io/x/host v3.8.5).
type Pins struct {
	Red, Yellow, Blue, Green gpio.PinOut
	Buzzer, Relay            gpio.PinOut
}

func (p *Pins) list() [lineCount]gpio.PinOut {
	return [lineCount]gpio.PinOut{p.Red, p.Yellow, p.Blue, p.Green, p.Buzzer, p.Relay}
}

// Safe switches everything off, the relay first, and goes on where one line fails. The error names the lines.
func (p *Pins) Safe() error {
	var errs []error
	for i, pin := range slices.Backward(p.slice()) {
		errs = append(errs, switchTo(line(i), pin, false))
	}
	return errors.Join(errs...)
}

func (p *Pins) slice() []gpio.PinOut {
	list := p.list()
	return list[:]
}

func switchTo(i line, pin gpio.PinOut, on bool) error {
	if err := pin.Out(gpio.Level(on)); err != nil {
		return fmt.Errorf("switch %s to %v: %w", lineNames[i], on, err)
	}
	return nil
}

// OpenPins claims the six lines, all in the safe state. Close the closer to get back there and to let go of them. For a
// real chip call it before other goroutines open files: see keepStdin.
func OpenPins(c Config) (*Pins, io.Closer, error) {
	if err := c.Check(); err != nil {
		return nil, nil, err
	}
	var low [lineCount]bool
	for i, name := range lineNames {
		low[i] = slices.Contains(c.ActiveLow, name)
	}
	if c.Pins == "sim" {
		return openSim("", low)
	}
	if file, ok := strings.CutPrefix(c.Pins, "sim:"); ok {
		return openSim(file, low)
	}
	return openChip(c.Pins, c.Lines.withDefaults(), low)
}

// wire makes Pins of physical lines.
func wire(physical [lineCount]gpio.PinOut, low [lineCount]bool) *Pins {
	for i := range physical {
		if low[i] {
			physical[i] = inverted{physical[i]}
		}
	}
	return &Pins{
		Red: physical[red], Yellow: physical[yellow], Blue: physical[blue], Green: physical[green],
		Buzzer: physical[buzzer], Relay: physical[relay],
	}
}

// inverted is a line whose part is on when it is low.
type inverted struct{ gpio.PinOut }

func (p inverted) Out(l gpio.Level) error { return p.PinOut.Out(!l) }

func (p inverted) PWM(duty gpio.Duty, f physic.Frequency) error {
	return p.PinOut.PWM(gpio.DutyMax-duty, f)
}

// closer gets back to the safe state and then lets go.
type closer struct {
	pins  *Pins
	letGo func() error
}

func (c closer) Close() error { return errors.Join(c.pins.Safe(), c.letGo()) }
