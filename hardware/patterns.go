package hardware

import (
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"ashyq-kiosk/kiosk"
)

// Lamp is what shines during a step. A step has only one lamp, so two colours never shine at the
// same time.
type Lamp uint8

// The lamps, from top to bottom. Status stands for the lamp of the verdict's colour.
const (
	Dark Lamp = iota
	Red
	Yellow
	Blue
	Green
	Status
)

var lampNames = [...]string{"dark", "red", "yellow", "blue", "green", "status"}

// String is the lamp's name in lower case.
func (l Lamp) String() string {
	if int(l) < len(lampNames) {
		return lampNames[l]
	}
	return fmt.Sprintf("lamp %d", uint8(l))
}

// lampOf is the lamp of a status colour.
var lampOf = map[kiosk.Colour]Lamp{kiosk.Red: Red, kiosk.Yellow: Yellow, kiosk.Blue: Blue, kiosk.Green: Green}

// Step is a part of a light.
type Step struct {
	Lamp Lamp
	For  time.Duration // not used if it is the only step
}

// Pattern is what the panel does for a verdict. The light, the buzzer and the relay start together
// and run independently; a newer verdict ends all three.
type Pattern struct {
	Light  []Step          // repeated; a single step is a steady light, no step is darkness
	For    time.Duration   // how long the light lasts, then darkness; 0: until the next verdict
	Buzzer []time.Duration // on, off, on, ...; played once
	Relay  time.Duration   // how long the relay is open; 0: it stays closed
}

// Patterns is the door's table.
type Patterns map[kiosk.Signal]Pattern

const (
	ms = time.Millisecond

	tick  = 30 * ms  // a code was seen
	short = 120 * ms // with the same pause after it
	mid   = 300 * ms
	long  = 700 * ms
	pause = 250 * ms // after mid and long

	// fast is half a period of a fast blink: 2.5 flashes a second are "normal flashing" of IEC
	// 60073 (1.4 to 2.8 Hz), and fewer than the three that are dangerous to photosensitive people
	// (WCAG 2.2, 2.3.1).
	fast = 200 * ms
	// alternate is how long each of two lamps shines in turn.
	alternate = 400 * ms
	// slow is half a period of a slow blink, "slow flashing" of IEC 60073 (0.4 to 0.8 Hz).
	slow = time.Second

	// pulse is how long the relay stays open for one person.
	pulse = 3 * time.Second
)

// DefaultPatterns is the door's table. The light of a verdict lasts as long as the door holds that
// verdict.
func DefaultPatterns() Patterns {
	return Patterns{
		kiosk.Idle:         {Light: []Step{{Dark, 9950 * ms}, {Blue, 50 * ms}}},
		kiosk.Working:      {Buzzer: []time.Duration{tick}},
		kiosk.Admitted:     {Light: []Step{{Lamp: Status}}, For: 3 * time.Second, Buzzer: []time.Duration{short}, Relay: pulse},
		kiosk.AdmittedHere: {Light: []Step{{Lamp: Status}}, For: 3 * time.Second, Buzzer: []time.Duration{short, short, long}, Relay: pulse},
		kiosk.TurnedBack:   {Light: []Step{{Lamp: Status}}, For: 5 * time.Second, Buzzer: []time.Duration{long, pause, long, pause, long}},
		kiosk.Full:         {Light: []Step{{Blue, slow}, {Dark, slow}}, For: 5 * time.Second, Buzzer: []time.Duration{long}},
		kiosk.Left:         {For: 3 * time.Second, Buzzer: []time.Duration{short}, Relay: pulse},
		kiosk.AskStaff:     {Light: []Step{{Blue, alternate}, {Yellow, alternate}}, For: 5 * time.Second, Buzzer: []time.Duration{mid, pause, mid}},
		kiosk.CodeProblem:  {Light: []Step{{Blue, fast}, {Dark, fast}}, For: 3 * time.Second, Buzzer: []time.Duration{short, short, short}},
		kiosk.CodeRefused:  {Light: []Step{{Red, fast}, {Dark, fast}}, For: 4 * time.Second, Buzzer: []time.Duration{short, short, short, short, short, short, short}},
		kiosk.OutOfOrder:   {Light: []Step{{Yellow, slow}, {Dark, slow}}},
	}
}

// aboutPerson reports whether a signal is about the person, whose colour is then known.
func aboutPerson(s kiosk.Signal) bool {
	return s == kiosk.Admitted || s == kiosk.AdmittedHere || s == kiosk.TurnedBack
}

// of returns the pattern of a verdict, with the colour's lamp for Status. A verdict that no door
// makes, such as an admission without a colour, gets the pattern of a door that is out of order.
func (ps Patterns) of(v kiosk.Verdict) Pattern {
	p, known := ps[v.Signal]
	lamp, coloured := lampOf[v.Colour]
	if !known || aboutPerson(v.Signal) && !coloured {
		return ps[kiosk.OutOfOrder]
	}
	steps := make([]Step, len(p.Light))
	for i, s := range p.Light {
		if s.Lamp == Status {
			s.Lamp = lamp
		}
		steps[i] = s
	}
	p.Light = steps
	return p
}

// outputs are the wanted states of the lines.
type outputs struct {
	lamp   Lamp
	buzzer bool
	relay  bool
}

const forever = time.Duration(math.MaxInt64)

// at returns the outputs at time t after the pattern's start, and how long they stay the same. The
// relay starts late by gap. Because everything depends only on the time, a late caller is
// immediately right again, and no relay waits for a beep.
func (p Pattern) at(t, gap time.Duration) (outputs, time.Duration) {
	lamp, a := p.lampAt(t)
	buzzer, b := p.buzzerAt(t)
	relay, c := p.relayAt(t - gap)
	return outputs{lamp, buzzer, relay}, min(a, b, c)
}

func (p Pattern) lampAt(t time.Duration) (Lamp, time.Duration) {
	left := forever
	if p.For > 0 {
		left = p.For - t
	}
	switch {
	case len(p.Light) == 0 || left <= 0:
		return Dark, forever
	case len(p.Light) == 1:
		return p.Light[0].Lamp, left
	}
	t %= p.period()
	for _, s := range p.Light {
		if t < s.For {
			return s.Lamp, min(s.For-t, left)
		}
		t -= s.For
	}
	panic("hardware: a light's steps do not add up to its period")
}

// period is the duration of all steps of the light.
func (p Pattern) period() (sum time.Duration) {
	for _, s := range p.Light {
		sum += s.For
	}
	return sum
}

func (p Pattern) buzzerAt(t time.Duration) (bool, time.Duration) {
	for i, d := range p.Buzzer {
		if t < d {
			return i%2 == 0, d - t
		}
		t -= d
	}
	return false, forever
}

func (p Pattern) relayAt(t time.Duration) (bool, time.Duration) {
	switch {
	case p.Relay == 0 || t >= p.Relay:
		return false, forever
	case t < 0:
		return false, -t
	}
	return true, p.Relay - t
}

// String is the table for readers, one line per row.
func (ps Patterns) String() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "SIGNAL\tCOLOUR\tLIGHT, ms\tBUZZER, ms on (off)\tDOOR RELAY")
	for _, s := range kiosk.Signals {
		colours := []kiosk.Colour{kiosk.NoColour}
		if aboutPerson(s) {
			colours = kiosk.Colours
		}
		for _, c := range colours {
			p := ps.of(kiosk.Verdict{Signal: s, Colour: c})
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s, c, p.describeLight(), p.describeBuzzer(), p.describeRelay())
		}
	}
	w.Flush() // into memory, cannot fail
	return text.String()
}

func (p Pattern) describeLight() string {
	lasting := "until the next verdict"
	if p.For > 0 {
		lasting = fmt.Sprintf("for %v", p.For)
	}
	switch len(p.Light) {
	case 0:
		return "dark " + lasting
	case 1:
		return fmt.Sprintf("%s steady %s", p.Light[0].Lamp, lasting)
	}
	var steps []string
	for _, s := range p.Light {
		steps = append(steps, fmt.Sprintf("%s %d", s.Lamp, s.For.Milliseconds()))
	}
	return fmt.Sprintf("blinks %s, %s", strings.Join(steps, ", "), lasting)
}

func (p Pattern) describeBuzzer() string {
	var parts []string
	for i, d := range p.Buzzer {
		if i%2 == 0 {
			parts = append(parts, fmt.Sprint(d.Milliseconds()))
		} else {
			parts = append(parts, fmt.Sprintf("(%d)", d.Milliseconds()))
		}
	}
	if len(parts) == 0 {
		return "silent"
	}
	return strings.Join(parts, " ")
}

func (p Pattern) describeRelay() string {
	if p.Relay == 0 {
		return "closed"
	}
	return fmt.Sprintf("open for %v", p.Relay)
}
