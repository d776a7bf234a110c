package hardware

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

const (
	// defaultTone suits most piezo transducers, which are loudest between 2 and 4 kHz; see the
	// datasheet of yours.
	defaultTone = 2700
	minTone     = 100
	maxTone     = 20000

	pwmRoot = "/sys/class/pwm"
	// exportWait is how long udev may take to give a new channel to our group.
	exportWait = time.Second
)

// pwmPin is a passive buzzer on a channel of the kernel's PWM
// (Documentation/ABI/testing/sysfs-class-pwm): on is a square wave of the tone, off is a low level.
type pwmPin struct {
	root    string // pwmRoot, or a test's
	name    string // pwmN, or pwmchipM/pwmN
	channel string // N
	chip    string // the directory of its chip, as found last
	period  time.Duration
}

// parsePWM splits "pwm0" or "pwmchip2/pwm0".
func parsePWM(name string) (chip, channel string, ok bool) {
	chip, channel, found := strings.Cut(name, "/")
	if !found {
		chip, channel = "", name
	}
	n, ok := strings.CutPrefix(channel, "pwm")
	if _, err := strconv.ParseUint(n, 10, 16); err != nil || !ok {
		return "", "", false
	}
	if m, ok := strings.CutPrefix(chip, "pwmchip"); found {
		if _, err := strconv.ParseUint(m, 10, 16); err != nil || !ok {
			return "", "", false
		}
	}
	return chip, n, true
}

// openPWM prepares a channel, silent.
func openPWM(root, name string, tone float64) (*pwmPin, error) {
	_, channel, ok := parsePWM(name)
	if !ok {
		return nil, fmt.Errorf("PWM channel %q: want pwmN or pwmchipM/pwmN", name)
	}
	p := &pwmPin{root: root, name: name, channel: channel, period: time.Duration(float64(time.Second) / tone)}
	return p, p.setUp()
}

// find sets the directory of the channel's chip: the one that was named, or the only one that is
// not known to end elsewhere than on the header. A Pi 3 and a Pi 4 have PWM on their audio jack,
// where a buzzer would stay silent without a fault.
func (p *pwmPin) find() error {
	chips, err := filepath.Glob(filepath.Join(p.root, "pwmchip*"))
	if err != nil {
		return err
	}
	if chip, _, _ := parsePWM(p.name); chip != "" {
		chips = []string{filepath.Join(p.root, chip)}
	}
	var elsewhere []string
	chips = slices.DeleteFunc(chips, func(chip string) bool {
		pins := pwmPins(chip)
		away := len(pins) > 0 && slices.Min(pins) > lastHeaderPin
		if away {
			elsewhere = append(elsewhere, fmt.Sprintf("%s is on GPIO%d", filepath.Base(chip), slices.Min(pins)))
		}
		return away
	})
	const hint = "\nhint: the line overlays=pwm18 in overlays.txt on the card's boot partition, or dtoverlay=pwm in config.txt of Raspberry Pi OS"
	switch {
	case len(chips) == 1:
		p.chip = chips[0]
		return nil
	case len(chips) > 1:
		return fmt.Errorf("%d PWM chips in %q\nhint: name the chip too, such as pwmchip0/%s", len(chips), p.root, p.name)
	case len(elsewhere) > 0:
		return fmt.Errorf("PWM %q is not on the header: %s, where no buzzer is%s", p.name, strings.Join(elsewhere, ", "), hint)
	}
	return fmt.Errorf("no PWM chip in %q%s", p.root, hint)
}

// setUp exports the channel and sets its tone, switched off.
func (p *pwmPin) setUp() error {
	if err := p.find(); err != nil {
		return err
	}
	dir := filepath.Join(p.chip, "pwm"+p.channel)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := write(filepath.Join(p.chip, "export"), p.channel); err != nil {
			return fmt.Errorf("export %s: %w\nhint: is it in use, or may the daemon's user not write it?", p.name, err)
		}
	}
	for deadline := time.Now().Add(exportWait); ; time.Sleep(20 * ms) {
		err := write(filepath.Join(dir, "enable"), "0")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("switch %s off: %w\nhint: see the udev rule of ashyq-kiosk and its examples/pwm.conf", p.name, err)
		}
	}
	// The duty cycle must not be longer than the period, so it is first set to 0.
	for _, step := range []struct{ file, value string }{
		{"duty_cycle", "0"},
		{"period", strconv.FormatInt(p.period.Nanoseconds(), 10)},
		{"duty_cycle", strconv.FormatInt(p.period.Nanoseconds()/2, 10)},
	} {
		if err := write(filepath.Join(dir, step.file), step.value); err != nil {
			return fmt.Errorf("set the tone of %s: %w", p.name, err)
		}
	}
	return nil
}

// write never creates a file: a missing file means that the channel is gone.
func write(file, value string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// Out switches the tone. It first prepares a lost channel again.
func (p *pwmPin) Out(l gpio.Level) error {
	value := "0"
	if l {
		value = "1"
	}
	if write(p.enable(), value) == nil {
		return nil
	}
	if err := p.setUp(); err != nil {
		return err
	}
	return write(p.enable(), value)
}

func (p *pwmPin) enable() string { return filepath.Join(p.chip, "pwm"+p.channel, "enable") }

func (p *pwmPin) PWM(gpio.Duty, physic.Frequency) error { return errors.New("the tone is fixed") }
func (p *pwmPin) String() string                        { return p.name }
func (p *pwmPin) Name() string                          { return p.name }
func (p *pwmPin) Number() int                           { return -1 }
func (p *pwmPin) Function() string                      { return "PWM" }
func (p *pwmPin) Halt() error                           { return nil }
