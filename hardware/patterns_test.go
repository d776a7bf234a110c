package hardware

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ashyq-kiosk/kiosk"
)

var update = flag.Bool("update", false, "write testdata/patterns.golden anew")

func TestPatternsGolden(t *testing.T) {
	file := filepath.Join("testdata", "patterns.golden")
	got := DefaultPatterns().String()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the table is not testdata/patterns.golden any more; when that is meant, run go test ./hardware -update\ngot:\n%s", got)
	}
}

// verdicts are all verdicts of a door.
func verdicts() (all []kiosk.Verdict) {
	for _, s := range kiosk.Signals {
		if !aboutPerson(s) {
			all = append(all, kiosk.Verdict{Signal: s})
			continue
		}
		for _, c := range kiosk.Colours {
			all = append(all, kiosk.Verdict{Signal: s, Colour: c})
		}
	}
	return all
}

// span is a part of a pattern in which nothing changes.
type span struct {
	from, to time.Duration
	out      outputs
}

// play runs a pattern for a while, as the panel does.
func play(p Pattern, total time.Duration) (spans []span) {
	for t := time.Duration(0); t < total; {
		out, wait := p.at(t, 0)
		end := total
		if wait < total-t {
			end = t + wait
		}
		spans = append(spans, span{t, end, out})
		t = end
	}
	return spans
}

// runs are the uninterrupted times of each lamp, of the buzzer and of the open relay.
func runs(spans []span, on func(outputs) bool) (runs []time.Duration) {
	last := time.Duration(-1)
	for _, s := range spans {
		switch {
		case !on(s.out):
		case s.from == last:
			runs[len(runs)-1] += s.to - s.from
			last = s.to
		default:
			runs = append(runs, s.to-s.from)
			last = s.to
		}
	}
	return runs
}

// checkSteadyOrBlinking is the rule of steady and blinking lights, seen from the street: what
// shines, for how long, and about whom.
func checkSteadyOrBlinking(t interface {
	Helper()
	Errorf(string, ...any)
}, ps Patterns) {
	t.Helper()
	for _, v := range verdicts() {
		p := ps.of(v)
		spans := play(p, time.Minute)
		relay := runs(spans, func(o outputs) bool { return o.relay })
		for _, lamp := range []Lamp{Red, Yellow, Blue, Green} {
			lit := runs(spans, func(o outputs) bool { return o.lamp == lamp })
			if aboutPerson(v.Signal) {
				mine := lampOf[v.Colour] == lamp
				if mine && (len(lit) != 1 || lit[0] != p.For) {
					t.Errorf("%s %s: %s shines for %v, want once for %v", v.Signal, v.Colour, lamp, lit, p.For)
				}
				if !mine && len(lit) > 0 {
					t.Errorf("%s %s: %s shines", v.Signal, v.Colour, lamp)
				}
				continue
			}
			for _, d := range lit {
				if d > maxLit {
					t.Errorf("%s: %s looks steady for %v", v.Signal, lamp, d)
				}
			}
			if len(lit) > 3*60 {
				t.Errorf("%s: %s flashes %d times a minute", v.Signal, lamp, len(lit))
			}
		}
		opens := v.Signal == kiosk.Admitted || v.Signal == kiosk.AdmittedHere || v.Signal == kiosk.Left
		if !opens && len(relay) > 0 || len(relay) > 1 || len(relay) == 1 && relay[0] > MaxRelay {
			t.Errorf("%s %s: the relay is open for %v", v.Signal, v.Colour, relay)
		}
	}
}

func TestSteadyIsThePersonBlinkingIsTheKiosk(t *testing.T) {
	checkSteadyOrBlinking(t, DefaultPatterns())
}

// Every table that passes Check keeps that rule, whatever the configuration.
func TestCheckKeepsTheRule(t *testing.T) {
	var drawn, passed int
	rapid.Check(t, func(t *rapid.T) {
		ps, err := ParsePatterns(rapid.MapOfN(rapid.Map(rapid.SampledFrom(kiosk.Signals), kiosk.Signal.String), overrides(), 1, 2).Draw(t, "rows"))
		if drawn++; err == nil {
			passed++
			checkSteadyOrBlinking(t, ps)
		}
	})
	if passed*50 < drawn {
		t.Errorf("only %d of %d tables passed, the test looked at nothing", passed, drawn)
	}
}

// overrides are rows of a configuration, about half of them valid.
func overrides() *rapid.Generator[Override] {
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) OverrideStep {
		return OverrideStep{rapid.SampledFrom(lampNames[:]).Draw(t, "lamp"), rapid.SampledFrom([]int64{10, 100, 200, 500, 900, 2500}).Draw(t, "ms")}
	}), 0, 4)
	return rapid.Custom(func(t *rapid.T) Override {
		var o Override
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0, 1:
			o.Light = steps.Draw(t, "light")
		case 2:
			o.LightMS = new(rapid.SampledFrom([]int64{0, 500, 2000, 9000, 40_000}).Draw(t, "light ms"))
		case 3:
			o.RelayMS = new(rapid.SampledFrom([]int64{-1, 0, 50, 200, 9000, 11_000}).Draw(t, "relay ms"))
		}
		return o
	})
}

// No two rows have the same light and sound together.
func TestNoTwoRowsAreTheSame(t *testing.T) {
	seen := map[string]kiosk.Signal{}
	ps := DefaultPatterns()
	for _, s := range kiosk.Signals {
		p := ps.of(kiosk.Verdict{Signal: s, Colour: kiosk.Yellow})
		look := p.describeLight() + ", " + p.describeBuzzer()
		if other, twice := seen[look]; twice {
			t.Errorf("%s and %s are both %s", s, other, look)
		}
		seen[look] = s
	}
}

// A verdict that no door makes must not open the relay.
func TestOfImpossibleVerdict(t *testing.T) {
	ps := DefaultPatterns()
	for _, v := range []kiosk.Verdict{{Signal: kiosk.Admitted}, {Signal: kiosk.Admitted, Colour: 77}, {Signal: 77, Colour: kiosk.Green}} {
		if p := ps.of(v); p.Relay != 0 || p.describeLight() != ps[kiosk.OutOfOrder].describeLight() {
			t.Errorf("%v %v shows %s, relay %v", v.Signal, v.Colour, p.describeLight(), p.Relay)
		}
	}
}

func TestAtIsRightForLateCallers(t *testing.T) {
	p := DefaultPatterns().of(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green})
	for _, c := range []struct {
		t, gap time.Duration
		want   outputs
		wait   time.Duration
	}{
		{0, 0, outputs{Green, true, true}, 120 * ms},
		{0, 250 * ms, outputs{Green, true, false}, 120 * ms},
		{130 * ms, 250 * ms, outputs{Green, false, false}, 120 * ms},
		{250 * ms, 250 * ms, outputs{Green, false, true}, 2750 * ms},
		{2999 * ms, 0, outputs{Green, false, true}, 1 * ms},
		{3000 * ms, 0, outputs{Dark, false, false}, forever},
		{3001 * ms, 250 * ms, outputs{Dark, false, true}, 249 * ms},
		{time.Hour, 0, outputs{Dark, false, false}, forever},
	} {
		if got, wait := p.at(c.t, c.gap); got != c.want || wait != c.wait {
			t.Errorf("after %v with a gap of %v: %v for %v, want %v for %v", c.t, c.gap, got, wait, c.want, c.wait)
		}
	}
}
