package hardware

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/host/v3/gpioioctl"

	"ashyq-kiosk/hardware/board"
)

// Periph as Config.Pins means the lines that periph's gpioioctl finds on all chips, for boards
// whose lines the kernel does not name as a Pi's. A line is "NAME", or "LABEL/NUMBER" where it has
// no name. docs/adr/0006 says what this cannot do.
const Periph = "periph"

// periphPin is a line of gpioioctl. It hides the rest of GPIOLine: Read and Func turn an output
// into an input.
type periphPin struct {
	line *gpioioctl.GPIOLine
	low  bool // on when the line is low
}

// Out switches the part. After an error the line is released and the next call claims it again;
// gpioioctl would go on writing to file 0.
func (p periphPin) Out(l gpio.Level) error {
	err := p.line.Out(l != gpio.Level(p.low))
	if err != nil {
		p.line.Close()
	}
	return err
}

func (p periphPin) PWM(d gpio.Duty, f physic.Frequency) error { return p.line.PWM(d, f) }
func (p periphPin) String() string                            { return p.Name() + " of periph" }
func (p periphPin) Name() string                              { return p.line.Name() }
func (p periphPin) Number() int                               { return p.line.Number() }
func (p periphPin) Function() string                          { return "Out" }
func (p periphPin) Halt() error                               { return nil }

// claimPeriph claims lines of periph's chips, each by its first level, which is off. An empty name
// is a part that is connected elsewhere.
func claimPeriph(
	_ string, names [lineCount]string, low [lineCount]bool,
) (list [lineCount]gpio.PinOut, release func() error, err error) {
	if _, err := board.Drivers(); err != nil {
		return list, nil, fmt.Errorf("start periph: %w", err)
	}
	var claimed []periphPin
	release = func() error {
		for _, p := range claimed {
			p.line.Close() // a mainline kernel turns the line back into an input
		}
		return nil
	}
	for i, name := range names {
		if name == "" {
			continue
		}
		found, err := findPeriph(name)
		if err != nil {
			return list, nil, errors.Join(fmt.Errorf("find the line of %s: %w", lineNames[i], err), release())
		}
		p := periphPin{found, low[i]}
		if err := switchTo(line(i), p, false); err != nil {
			return list, nil, errors.Join(fmt.Errorf("claim line %q: %w\nhint: `gpioinfo` shows which program uses it", name, err), release())
		}
		claimed, list[i] = append(claimed, p), p
	}
	return list, release, nil
}

// findPeriph finds a line by its name on any chip, or by its number on the chip with that label.
func findPeriph(name string) (*gpioioctl.GPIOLine, error) {
	label, digits, numbered := strings.Cut(name, "/")
	for _, c := range gpioioctl.Chips {
		// gpioioctl prefixes the chip to a name that the kernel gives twice.
		for _, known := range []string{name, c.Name() + "-" + name} {
			if l := c.ByName(known); l != nil {
				return l, nil
			}
		}
		if n, err := strconv.Atoi(digits); numbered && err == nil && c.Label() == label && n >= 0 && n < c.LineCount() {
			return c.ByNumber(n), nil
		}
	}
	return nil, fmt.Errorf("no line %q on %d chips\nhint: `gpioinfo` lists them; a line without a name is \"LABEL/NUMBER\"",
		name, len(gpioioctl.Chips))
}
