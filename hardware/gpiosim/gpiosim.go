// Package gpiosim plugs in a chip of the kernel's gpio-sim, for tests on the machine of `make hil`.
// Only root can, and only where the kernel has gpio-sim and configfs.
package gpiosim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const root = "/sys/kernel/config/gpio-sim"

// Chip is a simulated chip. Its lines are seen and pulled from outside, as by a meter.
type Chip struct{ dir string }

// Available reports whether this machine can have such chips.
func Available() bool {
	_, err := os.Stat(root)
	return err == nil
}

// New plugs in a chip with as many lines, named GPIO0, GPIO1 and so on, as a Pi's.
func New(label string, lines int) (*Chip, error) {
	c := &Chip{filepath.Join(root, label)}
	bank := filepath.Join(c.dir, "bank0")
	err := errors.Join(os.Mkdir(c.dir, 0o755), os.Mkdir(bank, 0o755),
		put(filepath.Join(bank, "num_lines"), fmt.Sprint(lines)), put(filepath.Join(bank, "label"), label))
	for n := range lines {
		line := filepath.Join(bank, fmt.Sprint("line", n))
		err = errors.Join(err, os.Mkdir(line, 0o755), put(filepath.Join(line, "name"), fmt.Sprint("GPIO", n)))
	}
	return c, errors.Join(err, c.Live(true))
}

func put(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) }

// Live plugs the chip in or unplugs it.
func (c *Chip) Live(on bool) error {
	text := "0"
	if on {
		text = "1"
	}
	return put(filepath.Join(c.dir, "live"), text)
}

// Pull sets what is connected to a line from outside: "pull-up" or "pull-down".
func (c *Chip) Pull(n int, to string) error {
	line, err := c.Line(n)
	if err != nil {
		return err
	}
	return put(filepath.Join(line, "pull"), to)
}

// Level is the level of a line's wire.
func (c *Chip) Level(n int) (high bool, err error) {
	line, err := c.Line(n)
	if err != nil {
		return false, err
	}
	value, err := os.ReadFile(filepath.Join(line, "value"))
	return strings.TrimSpace(string(value)) == "1", err
}

// Line is the directory in which the kernel shows a line. Each plugging in changes it.
func (c *Chip) Line(n int) (string, error) {
	device, err := os.ReadFile(filepath.Join(c.dir, "dev_name"))
	if err != nil {
		return "", err
	}
	chip, err := os.ReadFile(filepath.Join(c.dir, "bank0", "chip_name"))
	if err != nil {
		return "", err
	}
	return filepath.Join("/sys/devices/platform", strings.TrimSpace(string(device)), strings.TrimSpace(string(chip)), fmt.Sprint("sim_gpio", n)), nil
}
