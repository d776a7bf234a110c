package hardware

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
)

func TestOverridesAsWritten(t *testing.T) {
	const text = `
[code-refused]
light = [{lamp = "red", ms = 250}, {lamp = "dark", ms = 250}]
light_ms = 6000
buzzer_ms = []
[admitted]
relay_ms = 0
[turned-back]
buzzer_ms = [100, 50, 100]
`
	var rows map[string]Override
	if err := toml.Unmarshal([]byte(text), &rows); err != nil {
		t.Fatal(err)
	}
	ps, err := ParsePatterns(rows)
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range map[string]string{
		"code-refused": "blinks red 250, dark 250, for 6s   silent",
		"admitted":     "green steady for 3s   120   closed",
		"turned-back":  "red steady for 5s   100 (50) 100   closed",
		"idle":         "blinks dark 9950, blue 50, until the next verdict   silent   closed",
	} {
		var found bool
		for line := range strings.Lines(ps.String()) {
			line = strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r == '\n' }), "")
			words := strings.Join(strings.Fields(line), " ")
			found = found || strings.HasPrefix(words, row+" ") && strings.Contains(words, strings.Join(strings.Fields(want), " "))
		}
		if !found {
			t.Errorf("no row %s with %q in\n%s", row, want, ps)
		}
	}
}

func TestParsePatternsErrors(t *testing.T) {
	step := func(lamp string, ms int64) OverrideStep { return OverrideStep{lamp, ms} }
	for _, c := range []struct {
		row  string
		o    Override
		want string
	}{
		{"welcome", Override{}, `pattern "welcome": unknown signal, want one of [idle working`},
		{"idle", Override{Light: []OverrideStep{step("white", 100)}}, `unknown lamp "white"`},
		{"idle", Override{Light: []OverrideStep{step("blue", 500)}}, `light "blue" is steady, and a steady light is about the person`},
		{"idle", Override{Light: []OverrideStep{step("green", 100), step("green", 100)}}, `light "green" is steady`},
		{"idle", Override{Light: []OverrideStep{step("blue", 1500), step("dark", 100), step("blue", 600)}}, "blue shines longer than 2s"},
		{"idle", Override{LightMS: new(int64(1000))}, "want 0: until the next verdict"},
		{"ask-staff", Override{Light: []OverrideStep{step("status", 500), step("dark", 500)}}, `lamp "status" is only for`},
		{"code-problem", Override{Light: []OverrideStep{step("blue", 100), step("dark", 100)}}, "more than three times a second"},
		{"code-problem", Override{Light: []OverrideStep{step("blue", 5), step("dark", 500)}}, "a step lasts 5ms"},
		{"out-of-order", Override{Light: []OverrideStep{}}, "people must see that the door is out of order"},
		{"out-of-order", Override{Light: []OverrideStep{step("dark", 500), step("dark", 500)}}, `light "dark" is steady`},
		{"turned-back", Override{Light: []OverrideStep{step("red", 500), step("dark", 500)}}, "must be steady in the status colour"},
		{"turned-back", Override{RelayMS: new(int64(1000))}, "it opens only for people who are admitted or leave"},
		{"turned-back", Override{LightMS: new(int64(0))}, "want 1s to 30s"},
		{"admitted", Override{RelayMS: new(int64(10001))}, "want 100ms to 10s"},
		{"admitted", Override{RelayMS: new(int64(-1))}, "want 100ms to 10s"},
		{"admitted", Override{RelayMS: new(int64(1<<63 - 1))}, "want 100ms to 10s"},
		{"admitted", Override{BuzzMS: []int64{100, 100}}, "end with a pause"},
		{"admitted", Override{BuzzMS: []int64{5000}}, "a beep or pause lasts 5s"},
		{"admitted", Override{BuzzMS: make([]int64, 21)}, "21 beeps and pauses, want at most 19"},
	} {
		ps, err := ParsePatterns(map[string]Override{c.row: c.o})
		if err == nil || !strings.Contains(err.Error(), c.want) || ps != nil {
			t.Errorf("%s %+v: %v, want an error with %q", c.row, c.o, err, c.want)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	for _, c := range []struct {
		c    Config
		want string // "": good
	}{
		{Config{Pins: "sim"}, ""},
		{Config{Pins: "pinctrl-rp1", Lines: Lines{Red: "5"}, ActiveLow: []string{"relay"}}, ""},
		{Config{}, `pins ""`},
		{Config{Pins: "sim:"}, `pins "sim:"`},
		{Config{Pins: "sim", Lines: Lines{Relay: "17"}}, `line "17" is given to both red and relay`},
		{Config{Pins: "sim", ActiveLow: []string{"Relay"}}, `active low "Relay"`},
		{Config{Pins: "sim", Lines: Lines{Exit: "GPIO5", Tamper: "GPIO6", Buzzer: "pwmchip2/pwm0"}, Tone: 4000}, ""},
		{Config{Pins: "sim", Lines: Lines{Exit: "22"}}, `line "22" is given to both blue and exit`},
		{Config{Pins: "sim", Lines: Lines{Exit: "5", Tamper: "GPIO5"}}, `line "GPIO5" is given to both exit and tamper`},
		{Config{Pins: "sim", Lines: Lines{Relay: "pwm1"}}, `line "pwm1" of relay is a PWM channel`},
		{Config{Pins: "sim", Lines: Lines{Buzzer: "pwm0"}, ActiveLow: []string{"buzzer"}}, "has no polarity"},
		{Config{Pins: "sim", Tone: 50}, "a tone of 50 Hz, want 100 to 20000"},
		{Config{Pins: "pi", Lines: Lines{Red: "P1_11", Exit: "P1_29"}}, ""},
		{Config{Pins: "sim", Lines: Lines{Relay: "P1_11"}}, `line "P1_11" is given to both red and relay`},
		{Config{Pins: "sim", Lines: Lines{Exit: "P1_6"}}, `line of exit: header position "P1_6" is GROUND and no line`},
		{Config{Pins: "periph", Lines: Lines{Red: "gpio3/12"}, ActiveLow: []string{"red"}}, ""},
		{Config{Pins: "periph", ActiveLow: []string{"relay"}}, `active low "relay": with pins "periph" it would open`},
		{Config{Pins: "periph", Lines: Lines{Exit: "GPIO5"}}, "no debounced inputs"},
	} {
		err := c.c.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.c, err, c.want)
		}
		if _, _, open := OpenPins(c.c); c.want != "" && (open == nil || open.Error() != err.Error()) {
			t.Errorf("%+v: opening says %v, checking says %v", c.c, open, err)
		}
	}
}

// Other programs read the trace: its form is fixed, its levels are logical, and it is appended to.
func TestTraceFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace")
	for range 2 {
		pins, closer, err := OpenPins(Config{Pins: "sim:" + file, ActiveLow: []string{"relay", "green"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []gpio.Level{gpio.High, gpio.High, gpio.Low, gpio.High} {
			if err := pins.Relay.Out(l); err != nil {
				t.Fatal(err)
			}
		}
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var last string
	for row := range strings.Lines(string(text)) {
		stamp, change, ok := strings.Cut(strings.TrimSuffix(row, "\n"), "\t")
		if !ok || len(stamp) != 19 || stamp < last {
			t.Errorf("a line %q after %q", row, last)
		}
		last = stamp
		got = append(got, change)
	}
	start := "relay\t0 buzzer\t0 green\t0 blue\t0 yellow\t0 red\t0 relay\t1 relay\t0 relay\t1 relay\t0"
	if all := strings.Join(got, " "); all != start+" "+start {
		t.Errorf("traced %q", all)
	}
}

func TestTraceThatCannotBeWritten(t *testing.T) {
	if _, _, err := OpenPins(Config{Pins: "sim:" + t.TempDir()}); err == nil || !strings.Contains(err.Error(), "open the trace") {
		t.Errorf("a directory as trace: %v", err)
	}
	_, _, err := OpenPins(Config{Pins: "sim:/dev/full"})
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "switch relay") {
		t.Errorf("a full disk: %v", err)
	}
}

// The error on a machine that is not a door.
func TestOpenWithoutTheChip(t *testing.T) {
	_, _, err := OpenPins(Config{Pins: "pinctrl-of-no-machine"})
	if err == nil {
		t.Fatal("a chip that no machine has was opened")
	}
	nodes, _ := filepath.Glob("/dev/gpiochip*")
	want := "there is no /dev/gpiochip*\nhint: on a machine without GPIO set hardware.pins to \"sim\""
	if len(nodes) > 0 {
		want = `no GPIO chip with the label "pinctrl-of-no-machine", found "`
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want %q in it", err, want)
	}
}

// On a machine with GPIO, a line that does not exist is an error and claims nothing.
func TestOpenRealChip(t *testing.T) {
	nodes, err := filepath.Glob("/dev/gpiochip*")
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes) == 0 {
		t.Skip("this machine has no /dev/gpiochip*, a real chip was not opened")
	}
	c, err := openNode(nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.f.Close()
	_, _, err = OpenPins(Config{Pins: c.label, Lines: Lines{Relay: "no-such-line"}})
	if err == nil || !strings.Contains(err.Error(), `no line "no-such-line" on`) {
		t.Errorf("a line that does not exist: %v", err)
	}
}

// The sim behaves like a device: it keeps the last level, and a failure changes nothing.
func TestSimFails(t *testing.T) {
	sim := NewSim(nil)
	pins := sim.Pins()
	broken := errors.New("broken")
	if err := pins.Red.Out(gpio.High); err != nil {
		t.Fatal(err)
	}
	sim.Fail("red", broken)
	if err := pins.Red.Out(gpio.Low); !errors.Is(err, broken) || !sim.On("red") {
		t.Errorf("a failed line: %v, on %v", err, sim.On("red"))
	}
	if err := pins.Safe(); !errors.Is(err, broken) || strings.Contains(err.Error(), "green") {
		t.Errorf("safe state with one line broken: %v", err)
	}
	sim.Fail("red", nil)
	if err := pins.Safe(); err != nil || sim.On("red") {
		t.Errorf("safe state: %v, red on %v", err, sim.On("red"))
	}
	if pins.Red.Name() != "red" || pins.Red.String() != "sim red" || pins.Relay.Number() != int(relay) {
		t.Errorf("names %s, %s, %d", pins.Red.Name(), pins.Red, pins.Relay.Number())
	}
	if err := pins.Red.PWM(gpio.DutyHalf, 0); err == nil {
		t.Error("a simulated line has PWM")
	}
}
