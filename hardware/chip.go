package hardware

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

// openChip claims the lines of a real chip, each by making it an output in the safe state.
func openChip(label string, names [lineCount]string, low [lineCount]bool) (*Pins, io.Closer, error) {
	chip, err := findChip(label)
	if err != nil {
		return nil, nil, err
	}
	var claimed []*gpioioctl.GPIOLine
	letGo := func() error {
		for _, l := range claimed {
			l.Close()
		}
		return nil
	}
	var physical [lineCount]gpio.PinOut
	for i := lineCount - 1; i >= 0; i-- {
		l, err := claimLine(chip, names[i], low[i])
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("claim the line of %s: %w", lineNames[i], err), letGo())
		}
		claimed = append(claimed, l)
		physical[i] = l
	}
	pins := wire(physical, low)
	return pins, closer{pins, letGo}, nil
}

// claimLine makes a line an output in the safe state. The line is closed after an error, because the library takes a
// line that it could not claim for an output and would write to file descriptor 0 next time.
func claimLine(chip *gpioioctl.GPIOChip, name string, low bool) (*gpioioctl.GPIOLine, error) {
	l, err := findLine(chip, name)
	if err != nil {
		return nil, err
	}
	user := l.Consumer()
	if err := l.Out(gpio.Level(low)); err != nil {
		l.Close()
		if user != "" {
			return nil, fmt.Errorf("line %q of %q is used by %q: %w\nhint: stop that program, or the overlay in config.txt, or wire another line",
				name, chip.Label(), user, err)
		}
		return nil, fmt.Errorf("line %q of %q: %w\nhint: `gpioinfo` shows who uses which line", name, chip.Label(), err)
	}
	return l, nil
}

// findLine finds a line by its name, else by its number. On a Raspberry Pi "GPIO17" is number 17 also where the kernel
// names that line after another use, as "SPI_CE1_N".
func findLine(chip *gpioioctl.GPIOChip, name string) (*gpioioctl.GPIOLine, error) {
	if l := chip.ByName(name); l != nil {
		return l, nil
	}
	digits := name
	if strings.HasPrefix(chip.Label(), "pinctrl-bcm") || strings.HasPrefix(chip.Label(), "pinctrl-rp1") {
		digits = strings.TrimPrefix(name, "GPIO")
	}
	if n, err := strconv.Atoi(digits); err == nil && n >= 0 && n < chip.LineCount() {
		return chip.ByNumber(n), nil
	}
	return nil, fmt.Errorf("no line %q on %q, which has %d lines\nhint: `gpioinfo` lists their names", name, chip.Label(), chip.LineCount())
}

func findChip(label string) (*gpioioctl.GPIOChip, error) {
	chips, err := listChips()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, chip := range chips {
		if chip.Label() == label {
			return chip, nil
		}
		found = append(found, strconv.Quote(chip.Label()))
	}
	return nil, fmt.Errorf("no GPIO chip with the label %q, found %s\nhint: set pins to one of these, or to \"sim\"",
		label, strings.Join(found, ", "))
}

// listChips lets periph look for chips; of its drivers only this one is linked in. At least one is returned, else an
// error says why there is none.
func listChips() ([]*gpioioctl.GPIOChip, error) {
	restore := keepStdin()
	_, err := driverreg.Init()
	restore()
	if err != nil {
		return nil, fmt.Errorf("look for GPIO chips: %w", err)
	}
	if len(gpioioctl.Chips) > 0 {
		return gpioioctl.Chips, nil
	}
	nodes, err := filepath.Glob("/dev/gpiochip*")
	if err != nil {
		return nil, fmt.Errorf("look for GPIO chips: %w", err)
	}
	if len(nodes) == 0 {
		return nil, errors.New("no GPIO chip: there is no /dev/gpiochip*\nhint: set pins to \"sim\" on a machine without GPIO")
	}
	f, err := os.Open(nodes[0])
	if err != nil {
		return nil, fmt.Errorf("no GPIO chip can be used: %w\nhint: the daemon's user must be in the group of %s", err, nodes[0])
	}
	return nil, errors.Join(fmt.Errorf("no GPIO chip can be used, %q is no GPIO chip or its kernel is older than 5.10", nodes[0]), f.Close())
}

// keepStdin saves file descriptor 0 from GPIOChip.Close of periph.io/x/host v3.8.5, which closes it, and which the
// library calls where one chip has two names (gpiochip0 and gpiochip4 on Raspberry Pi OS). A line that got the
// descriptor 0 later would count as not claimed. Close also closes the chip's own descriptor twice; a file that
// another goroutine opens in between would be the victim.
func keepStdin() (restore func()) {
	saved, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return func() {} // there is none to keep
	}
	return func() {
		if _, err := unix.FcntlInt(0, unix.F_GETFD, 0); errors.Is(err, unix.EBADF) {
			_ = unix.Dup3(saved, 0, 0) // without it we are where we would be anyway
		}
		_ = unix.Close(saved)
	}
}
