package hardware

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// consumer is the name of our lines in gpioinfo.
const consumer = "ashyq-kiosk"

// chip is an open GPIO chip.
type chip struct {
	f     *os.File
	label string
	lines uint32
}

// headers are the labels of the chips behind a Pi's 40 header pins; each board has one of them.
var headers = []string{"pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"}

// Header as Config.Pins means the header of any Pi.
const Header = "pi"

// openChip finds a chip by its label.
func openChip(label string) (*chip, error) {
	nodes, err := filepath.Glob("/dev/gpiochip*")
	if err != nil {
		return nil, fmt.Errorf("look for GPIO chips: %w", err)
	}
	if len(nodes) == 0 {
		return nil, errors.New("no GPIO chip: there is no /dev/gpiochip*\nhint: on a machine without GPIO set hardware.pins to \"sim\"")
	}
	var found []string
	var refused []error
	for _, node := range nodes {
		c, err := openNode(node)
		if err != nil {
			refused = append(refused, err)
			continue
		}
		if c.label == label || label == Header && slices.Contains(headers, c.label) {
			return c, nil
		}
		found = append(found, strconv.Quote(c.label))
		c.f.Close()
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("cannot use any GPIO chip: %w\nhint: the daemon's user must be in the group of %s",
			errors.Join(refused...), nodes[0])
	}
	return nil, fmt.Errorf("no GPIO chip with the label %q, found %s\nhint: set pins to one of these, or to \"sim\"",
		label, strings.Join(found, ", "))
}

func openNode(node string) (*chip, error) {
	f, err := os.OpenFile(node, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	var info chipInfo
	if err := ioctl(f.Fd(), ioctlChipInfo, &info); err != nil {
		f.Close()
		return nil, fmt.Errorf("%q is not a GPIO chip: %w", node, err)
	}
	c := &chip{f: f, label: text(info.label), lines: info.lines}
	if c.label == "" {
		c.label = text(info.name)
	}
	return c, nil
}

// find finds a line by its name, otherwise by its number. On a Raspberry Pi "GPIO17" is number 17
// even if the kernel names that line after another use, such as "SPI_CE1_N".
func (c *chip) find(name string) (offset uint32, err error) {
	for offset := range c.lines {
		info, err := c.info(offset)
		if err != nil {
			return 0, err
		}
		if text(info.name) == name {
			return offset, nil
		}
	}
	digits := name
	if strings.HasPrefix(c.label, "pinctrl-bcm") || strings.HasPrefix(c.label, "pinctrl-rp1") {
		digits = strings.TrimPrefix(name, "GPIO")
	}
	if n, err := strconv.ParseUint(digits, 10, 32); err == nil && n < uint64(c.lines) {
		return uint32(n), nil
	}
	return 0, fmt.Errorf("no line %q on %q, which has %d lines\nhint: `gpioinfo` lists their names", name, c.label, c.lines)
}

// whyNot explains a failed request: it names the user of a line that is in use.
func (c *chip) whyNot(names []string, offsets []uint32, cause error) error {
	for i, offset := range offsets {
		if info, err := c.info(offset); err == nil && info.flags&flagUsed != 0 {
			return fmt.Errorf("line %q of %q is used by %q: %w\nhint: stop that program, remove the overlay in config.txt, or use another line",
				names[i], c.label, text(info.consumer), cause)
		}
	}
	return fmt.Errorf("lines %s of %q: %w\nhint: `gpioinfo` shows which program uses a line",
		strings.Join(names, ", "), c.label, cause)
}
