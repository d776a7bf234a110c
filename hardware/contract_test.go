package hardware

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"ashyq-kiosk/hardware/gpiosim"
)

// provider is one way to get a panel's lines.
type provider struct {
	config Config
	on     func(t *testing.T, part line) bool // seen from outside
	chip   *gpiosim.Chip                      // nil: the lines are on no chip
	back   bool                               // finds a chip that was unplugged and is back
}

const contractChip = "contract"

// Every provider of pins keeps this contract. `make hil` runs it with the kernel's simulated chip.
func TestPinsContract(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	contract(t, "sim", provider{
		config: Config{Pins: "sim:" + trace, Lines: Lines{Red: "P1_11"}, ActiveLow: []string{"green"}},
		on:     func(t *testing.T, part line) bool { return traced(t, trace, part) },
	})
	if !gpiosim.Available() {
		t.Skip("this kernel has no gpio-sim, so only the simulated panel was tested; `make hil` tests the others")
	}
	chip, err := gpiosim.New(contractChip, 54)
	if err != nil {
		t.Fatal(err)
	}
	wires := [lineCount]int{17, 27, 22, 23, 24, 25}
	seen := func(t *testing.T, part line) bool {
		t.Helper()
		high, err := chip.Level(wires[part])
		if err != nil {
			t.Fatal(err)
		}
		return high != (part == green)
	}
	pull := func(t *testing.T) { // as on a board, whose pulls switch the parts off; a new chip pulls nothing
		t.Helper()
		for i, n := range wires {
			to := "pull-down"
			if line(i) == green {
				to = "pull-up"
			}
			if err := chip.Pull(n, to); err != nil {
				t.Fatal(err)
			}
		}
	}
	pull(t)
	contract(t, "kernel", provider{
		config: Config{Pins: contractChip, Lines: Lines{Red: "P1_11", Buzzer: "24"}, ActiveLow: []string{"green"}},
		on:     seen, chip: chip, back: true,
	})
	pull(t)
	contract(t, "periph", provider{
		config: Config{Pins: Periph, Lines: Lines{Red: "P1_11", Buzzer: contractChip + "/24"}, ActiveLow: []string{"green"}},
		on:     seen, chip: chip,
	})
}

// traced is the last level of a part in a simulated panel's trace.
func traced(t *testing.T, file string, part line) bool {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for row := range strings.Lines(string(data)) {
		if _, change, _ := strings.Cut(strings.TrimSpace(row), "\t"); strings.HasPrefix(change, lineNames[part]+"\t") {
			last = change
		}
	}
	return strings.HasSuffix(last, "\t1")
}

func contract(t *testing.T, name string, p provider) {
	t.Run(name, func(t *testing.T) {
		only := func(when string, parts ...line) {
			t.Helper()
			for i := range lineCount {
				if got, want := p.on(t, i), slices.Contains(parts, i); got != want {
					t.Errorf("%s: %s is on: %v, want %v", when, lineNames[i], got, want)
				}
			}
		}
		out := func(pin gpio.PinOut, on bool) {
			t.Helper()
			if err := pin.Out(gpio.Level(on)); err != nil {
				t.Fatalf("%v to %v: %v", pin, on, err)
			}
		}
		for _, round := range []string{"first", "again"} { // whoever runs again in the same process
			pins, closer, err := OpenPins(p.config)
			if err != nil {
				t.Fatal(err)
			}
			only(round + ", claimed")
			for i, pin := range pins.slice() {
				out(pin, true)
				only(round+", switched on", line(i))
				_ = pin.String() // as in an error: it must not read the line
				only(round+", named", line(i))
				out(pin, false)
				only(round + ", switched off")
			}
			out(pins.Red, true)
			out(pins.Green, true)
			out(pins.Relay, true)
			only(round+", three at once", red, green, relay)
			p.held(t)
			if err := closer.Close(); err != nil {
				t.Error(err)
			}
			only(round + ", closed")
		}
		p.unplugged(t)
	})
}

// held checks that nobody else gets the lines.
func (p provider) held(t *testing.T) {
	t.Helper()
	if p.chip == nil {
		return
	}
	other := p.config
	other.Pins = contractChip // always by the kernel: a second claim in one process is periph's first one
	other.Lines.Buzzer = "24"
	if _, _, err := OpenPins(other); err == nil || !strings.Contains(err.Error(), "hint: ") {
		t.Errorf("claimed twice: %v", err)
	}
}

// unplugged checks that a chip that is gone is an error, and who finds it again.
func (p provider) unplugged(t *testing.T) {
	t.Helper()
	if p.chip == nil {
		return
	}
	pins, closer, err := OpenPins(p.config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = closer.Close() }() // its chip may be gone
	if err := p.chip.Live(false); err != nil {
		t.Fatal(err)
	}
	if err := pins.Red.Out(gpio.High); err == nil {
		t.Error("a line of a chip that is gone was switched on")
	}
	if err := p.chip.Live(true); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * reclaimEvery)
	if err := pins.Red.Out(gpio.High); (err == nil) != p.back {
		t.Errorf("the chip is back: %v, want it found again: %v", err, p.back)
	}
}
