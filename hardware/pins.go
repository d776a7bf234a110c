package hardware

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"periph.io/x/conn/v3/gpio"
)

// line is an index of a panel's line. Lines are switched on in this order and off in reverse order:
// the relay opens last and closes first, and a lamp goes dark before the next one shines.
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

// allNames are the outputs and then the inputs.
var allNames = append(lineNames[:], "exit", "tamper")

// Lines says where each part is connected: the kernel's name of a line, such as "GPIO17", its
// number on the chip, such as "17", which is the BCM number on a Raspberry Pi, or its position on a
// Pi's header, such as "P1_11".
type Lines struct {
	Red    string `toml:"red"`
	Yellow string `toml:"yellow"`
	Blue   string `toml:"blue"`
	Green  string `toml:"green"`
	Buzzer string `toml:"buzzer"`
	Relay  string `toml:"relay"`
	// Exit is a button that opens the relay from inside, Tamper the case's contact; empty: not
	// connected. See Inputs.
	Exit   string `toml:"exit"`
	Tamper string `toml:"tamper"`
}

func (l Lines) list() [lineCount]string {
	return [lineCount]string{l.Red, l.Yellow, l.Blue, l.Green, l.Buzzer, l.Relay}
}

// Config says how the panel is connected. Empty fields get the values of WithDefaults.
type Config struct {
	// Pins is "pi" (Header) for a Pi's header, or the label of a GPIO chip, such as
	// "pinctrl-bcm2835" (Pi 1 to 3, Zero), "pinctrl-bcm2711" (Pi 4) or "pinctrl-rp1" (Pi 5); chip
	// numbers change from kernel to kernel. "periph" (Periph) looks for each line on all chips.
	// "sim" is a panel in memory, "sim:FILE" also appends each change of a level to FILE.
	Pins  string `toml:"pins"`
	Lines Lines  `toml:"lines"`
	// ActiveLow names the parts that are on when their line is low: red, yellow, blue, green,
	// buzzer, relay.
	ActiveLow []string `toml:"active_low"`
	// Tone is the frequency of a passive buzzer in Hz. Its line is "pwm0" or "pwmchip2/pwm0".
	Tone float64 `toml:"tone"`
}

// WithDefaults adds the wiring of the package comment. Pins has no default here.
func (c Config) WithDefaults() Config {
	c.Lines.Red = cmp.Or(c.Lines.Red, "GPIO17")
	c.Lines.Yellow = cmp.Or(c.Lines.Yellow, "GPIO27")
	c.Lines.Blue = cmp.Or(c.Lines.Blue, "GPIO22")
	c.Lines.Green = cmp.Or(c.Lines.Green, "GPIO23")
	c.Lines.Buzzer = cmp.Or(c.Lines.Buzzer, "GPIO24")
	c.Lines.Relay = cmp.Or(c.Lines.Relay, "GPIO25")
	c.Tone = cmp.Or(c.Tone, defaultTone)
	return c
}

func (c Config) simulated() bool { return c.Pins == "sim" || strings.HasPrefix(c.Pins, "sim:") }

// Check looks at the configuration only, not at the machine.
func (c Config) Check() error {
	if c.Pins == "" || c.Pins == "sim:" {
		return fmt.Errorf("pins %q: want a chip's label as \"pinctrl-bcm2835\", \"periph\", \"sim\" or \"sim:FILE\"", c.Pins)
	}
	used := map[string]string{}
	lines := c.WithDefaults().Lines.list()
	for i, name := range append(lines[:], c.Lines.Exit, c.Lines.Tamper) {
		key, err := lineName(name)
		if err != nil {
			return fmt.Errorf("line of %s: %w", allNames[i], err)
		}
		key = strings.TrimPrefix(key, "GPIO")
		if other, twice := used[key]; twice && name != "" {
			return fmt.Errorf("line %q is given to both %s and %s", name, other, allNames[i])
		}
		used[key] = allNames[i]
		if _, _, pwm := parsePWM(name); pwm && i != int(buzzer) {
			return fmt.Errorf("line %q of %s is a PWM channel, which is for a passive buzzer", name, allNames[i])
		}
	}
	if c.Tone != 0 && !(c.Tone >= minTone && c.Tone <= maxTone) {
		return fmt.Errorf("a tone of %v Hz, want %d to %d", c.Tone, minTone, maxTone)
	}
	for _, name := range c.ActiveLow {
		if !slices.Contains(lineNames[:], name) {
			return fmt.Errorf("active low %q: want some of %s", name, strings.Join(lineNames[:], ", "))
		}
	}
	if _, _, passive := parsePWM(c.Lines.Buzzer); passive && slices.Contains(c.ActiveLow, "buzzer") {
		return fmt.Errorf("active low \"buzzer\": a passive one on %q has no polarity", c.Lines.Buzzer)
	}
	if c.Pins == Periph {
		return c.checkPeriph()
	}
	return nil
}

// checkPeriph refuses what would not be safe without the kernel's first level, polarity and
// debouncing.
func (c Config) checkPeriph() error {
	const hint = "\nhint: set pins to the label of the chip, which `gpioinfo` prints"
	if slices.Contains(c.ActiveLow, "relay") {
		return errors.New("active low \"relay\": with pins \"periph\" it would open for a moment at each start" + hint)
	}
	if c.Lines.Exit != "" || c.Lines.Tamper != "" {
		return errors.New("pins \"periph\" have no debounced inputs for exit and tamper" + hint)
	}
	return nil
}

// Pins are the panel's lines. Out(gpio.High) means on, or open for the relay, whatever the polarity
// of the wiring. Lines are never read: their state is what was written.
type Pins struct {
	Red, Yellow, Blue, Green gpio.PinOut
	Buzzer, Relay            gpio.PinOut
}

func (p *Pins) list() [lineCount]gpio.PinOut {
	return [lineCount]gpio.PinOut{p.Red, p.Yellow, p.Blue, p.Green, p.Buzzer, p.Relay}
}

// Safe switches everything off, the relay first, and continues if one line fails. The error names
// the lines.
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

// OpenPins claims the six lines in the safe state. Close the closer to return to the safe state and
// to release them.
func OpenPins(c Config) (*Pins, io.Closer, error) {
	if err := c.Check(); err != nil {
		return nil, nil, err
	}
	if c.simulated() {
		return openSim(strings.TrimPrefix(strings.TrimPrefix(c.Pins, "sim"), ":"))
	}
	return openReal(c)
}

// openReal claims the lines of a real chip, and a PWM channel for a passive buzzer.
func openReal(c Config) (*Pins, io.Closer, error) {
	c = c.WithDefaults()
	names := c.Lines.list()
	var list [lineCount]gpio.PinOut
	if _, _, passive := parsePWM(names[buzzer]); passive {
		tone, err := openPWM(pwmRoot, names[buzzer], c.Tone)
		if err != nil {
			return nil, nil, err
		}
		list[buzzer], names[buzzer] = tone, ""
	}
	var low [lineCount]bool
	for i, name := range lineNames {
		low[i] = slices.Contains(c.ActiveLow, name)
	}
	for i := range names {
		names[i], _ = lineName(names[i]) // Check has seen the error
	}
	claim := claimKernel
	if c.Pins == Periph {
		claim = claimPeriph
	}
	claimed, release, err := claim(c.Pins, names, low)
	if err != nil {
		return nil, nil, err
	}
	for i, name := range names {
		if name != "" {
			list[i] = claimed[i]
		}
	}
	pins := newPins(list)
	return pins, closer{pins, release}, nil
}

// claimKernel claims the lines of the chip with a label.
func claimKernel(
	label string, names [lineCount]string, low [lineCount]bool,
) (list [lineCount]gpio.PinOut, release func() error, err error) {
	lines, err := claimOutputs(label, names, low)
	if err != nil {
		return list, nil, err
	}
	for i, name := range names {
		list[i] = outputPin{lines, line(i), name}
	}
	return list, lines.close, nil
}

// newPins makes Pins of a list, with a guard for the relay.
func newPins(list [lineCount]gpio.PinOut) *Pins {
	return &Pins{
		Red: list[red], Yellow: list[yellow], Blue: list[blue], Green: list[green],
		Buzzer: list[buzzer], Relay: &relayGuard{PinOut: list[relay]},
	}
}

// closer returns to the safe state and then releases the lines.
type closer struct {
	pins  *Pins
	letGo func() error
}

func (c closer) Close() error { return errors.Join(c.pins.Safe(), c.letGo()) }
