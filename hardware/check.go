package hardware

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/kiosk"
)

// Limits of a table.
const (
	// MaxRelay is the longest time that the relay may be open for one person, for any
	// configuration.
	MaxRelay = 10 * time.Second

	minRelay  = 100 * ms // a strike does not react to less
	minPeriod = 334 * ms // of a blinking light: at most three flashes a second, WCAG 2.2, 2.3.1
	minStep   = 50 * ms  // nobody sees less
	maxStep   = time.Minute
	maxLit    = 2 * time.Second // a lamp that shines longer looks steady
	minSteady = time.Second
	maxLight  = 30 * time.Second
	minBeep   = 10 * ms
	maxBeep   = 2 * time.Second
	maxBeeps  = 10 // half of them pauses, rounded down
)

// Check says what is wrong with a table. It must have all signals, stay within the limits, open the
// relay only for people who are admitted or leave, and keep the rule: a steady light is always
// about the person, a blinking light always about the door or the code.
func (ps Patterns) Check() error {
	for _, s := range kiosk.Signals {
		p, ok := ps[s]
		if !ok {
			return fmt.Errorf("pattern %q: missing", s)
		}
		if err := p.check(s); err != nil {
			return fmt.Errorf("pattern %q: %w", s, err)
		}
	}
	if len(ps) != len(kiosk.Signals) {
		return fmt.Errorf("the table has patterns for %d signals, want %d", len(ps), len(kiosk.Signals))
	}
	return nil
}

func (p Pattern) check(s kiosk.Signal) error {
	light := p.checkBlinking
	if aboutPerson(s) {
		light = p.checkSteady
	}
	if err := light(); err != nil {
		return err
	}
	if err := p.checkLasting(s); err != nil {
		return err
	}
	if err := p.checkBuzzer(); err != nil {
		return err
	}
	return p.checkRelay(s)
}

func (p Pattern) checkSteady() error {
	if len(p.Light) != 1 || p.Light[0].Lamp != Status {
		return errors.New("a light about the person must be steady in the status colour, want the single step \"status\"")
	}
	return nil
}

// checkBlinking looks for a lamp that shines too long. The pattern repeats, so the last step
// continues in the first.
func (p Pattern) checkBlinking() error {
	if len(p.Light) == 0 {
		return nil
	}
	first := p.Light[0].Lamp
	if !slices.ContainsFunc(p.Light, func(s Step) bool { return s.Lamp != first }) {
		return fmt.Errorf("light %q is steady, and a steady light is about the person: want a blinking light or []", first)
	}
	var lit time.Duration
	var lamp Lamp
	for _, s := range slices.Concat(p.Light, p.Light) {
		if s.Lamp >= Status {
			return fmt.Errorf("lamp %q is only for a light about the person", s.Lamp)
		}
		if s.For < minStep || s.For > maxStep {
			return fmt.Errorf("a step lasts %v, want %v to %v", s.For, minStep, maxStep)
		}
		if s.Lamp != lamp {
			lamp, lit = s.Lamp, 0
		}
		if lit += s.For; lamp != Dark && lit > maxLit {
			return fmt.Errorf("%s shines longer than %v at a time, and a steady light is about the person", lamp, maxLit)
		}
	}
	return p.checkFlashes()
}

// checkFlashes limits how often a lamp starts to shine per second.
func (p Pattern) checkFlashes() error {
	flashes := map[Lamp]int{}
	for i, s := range p.Light {
		before := p.Light[(i+len(p.Light)-1)%len(p.Light)]
		if s.Lamp != Dark && s.Lamp != before.Lamp {
			flashes[s.Lamp]++
		}
	}
	for _, lamp := range slices.Sorted(maps.Keys(flashes)) {
		if every := p.period() / time.Duration(flashes[lamp]); every < minPeriod {
			return fmt.Errorf("%s flashes every %v, more than three times a second", lamp, every)
		}
	}
	return nil
}

// checkLasting makes signals of a state last until the next verdict, and all others end.
func (p Pattern) checkLasting(s kiosk.Signal) error {
	switch s {
	case kiosk.Idle, kiosk.Working, kiosk.OutOfOrder:
		if p.For != 0 {
			return fmt.Errorf("the light lasts %v, want 0: until the next verdict", p.For)
		}
	default:
		if p.For < minSteady || p.For > maxLight {
			return fmt.Errorf("the light lasts %v, want %v to %v", p.For, minSteady, maxLight)
		}
	}
	if s == kiosk.OutOfOrder && len(p.Light) == 0 {
		return errors.New("it has no light: people must see that the door is out of order")
	}
	return nil
}

func (p Pattern) checkBuzzer() error {
	if len(p.Buzzer) >= 2*maxBeeps {
		return fmt.Errorf("%d beeps and pauses, want at most %d", len(p.Buzzer), 2*maxBeeps-1)
	}
	if len(p.Buzzer) > 0 && len(p.Buzzer)%2 == 0 {
		return errors.New("the buzzer's times end with a pause, want on, off, on, ..., on")
	}
	for _, d := range p.Buzzer {
		if d < minBeep || d > maxBeep {
			return fmt.Errorf("a beep or pause lasts %v, want %v to %v", d, minBeep, maxBeep)
		}
	}
	return nil
}

func (p Pattern) checkRelay(s kiosk.Signal) error {
	switch {
	case p.Relay == 0:
		return nil
	case s != kiosk.Admitted && s != kiosk.AdmittedHere && s != kiosk.Left:
		return fmt.Errorf("the relay is open for %v, want 0: it opens only for people who are admitted or leave", p.Relay)
	case p.Relay < minRelay || p.Relay > MaxRelay:
		return fmt.Errorf("the relay is open for %v, want %v to %v, or 0 for a door without a relay", p.Relay, minRelay, MaxRelay)
	}
	return nil
}

// Override is a row of the configuration. Missing keys keep the values of the default table. As
// TOML:
//
//	[patterns.code-refused]
//	light = [{lamp = "red", ms = 200}, {lamp = "dark", ms = 200}]
//	light_ms = 4000                    # how long the light lasts, unless another verdict follows
//	buzzer_ms = [120, 120, 120]        # on, off, on, ...; [] is silent
//	relay_ms = 3000                    # only for admitted people; 0: no relay
type Override struct {
	Light   []OverrideStep `toml:"light"`
	LightMS *int64         `toml:"light_ms"`
	BuzzMS  []int64        `toml:"buzzer_ms"`
	RelayMS *int64         `toml:"relay_ms"`
}

// OverrideStep is a step of a light as written: "dark", "red", "yellow", "blue", "green" or
// "status", and its milliseconds.
type OverrideStep struct {
	Lamp string `toml:"lamp"`
	MS   int64  `toml:"ms"`
}

// ParsePatterns returns the default table with the rows of a configuration, by signal. The error
// names the row that breaks a rule of Check.
func ParsePatterns(rows map[string]Override) (Patterns, error) {
	ps := DefaultPatterns()
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		var s kiosk.Signal
		if err := s.UnmarshalText([]byte(name)); err != nil {
			return nil, fmt.Errorf("pattern %q: unknown signal, want one of %v", name, kiosk.Signals)
		}
		p, err := rows[name].over(ps[s])
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", name, err)
		}
		ps[s] = p
	}
	if err := ps.Check(); err != nil {
		return nil, err
	}
	return ps, nil
}

func (o Override) over(p Pattern) (Pattern, error) {
	if o.Light != nil {
		p.Light = nil
		for _, s := range o.Light {
			lamp := slices.Index(lampNames[:], s.Lamp)
			if lamp < 0 {
				return p, fmt.Errorf("unknown lamp %q, want one of %s", s.Lamp, strings.Join(lampNames[:], ", "))
			}
			p.Light = append(p.Light, Step{Lamp(lamp), millis(s.MS)})
		}
	}
	if o.LightMS != nil {
		p.For = millis(*o.LightMS)
	}
	if o.BuzzMS != nil {
		p.Buzzer = nil
		for _, n := range o.BuzzMS {
			p.Buzzer = append(p.Buzzer, millis(n))
		}
	}
	if o.RelayMS != nil {
		p.Relay = millis(*o.RelayMS)
	}
	return p, nil
}

// millis converts milliseconds, limited far beyond every allowed value so that no product overflows
// into a valid one.
func millis(n int64) time.Duration {
	const limit = int64(time.Hour / ms)
	return time.Duration(min(max(n, -limit), limit)) * ms
}
