package hardware

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"periph.io/x/conn/v3/gpio"

	"ashyq-kiosk/kiosk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ kiosk.Outlet = (*Panel)(nil)

// recorder keeps a Sim's trace.
type recorder struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

// take returns the trace since the last call.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := r.text.String()
	r.text.Reset()
	return text
}

// bench is a panel on simulated lines in a synctest bubble; its clock starts when the panel is
// ready.
type bench struct {
	*Panel
	t      *testing.T
	sim    *Sim
	trace  *recorder
	zero   time.Time
	cancel context.CancelFunc
	done   chan error
	panics chan any
}

func startBench(t *testing.T, ps Patterns, opt Options) *bench {
	t.Helper()
	trace := &recorder{}
	b := &bench{t: t, sim: NewSim(trace), trace: trace, done: make(chan error, 1), panics: make(chan any, 1)}
	b.Panel = NewPanel(b.sim.Pins(), ps, opt)
	b.run()
	<-b.Ready()
	b.zero = time.Now()
	b.isSafe()
	trace.take()
	return b
}

func (b *bench) run() {
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	go func() {
		defer func() { b.panics <- recover() }()
		b.done <- b.Run(ctx)
	}()
}

// stop ends the panel and returns what happened since the last call, in milliseconds since zero.
func (b *bench) stop() {
	b.t.Helper()
	b.cancel()
	if p := <-b.panics; p != nil {
		b.t.Fatalf("Run panicked: %v", p)
	}
	if err := <-b.done; err != nil {
		b.t.Errorf("Run: %v", err)
	}
	b.isSafe()
}

// isSafe checks that nothing shines, sounds or is open.
func (b *bench) isSafe() {
	b.t.Helper()
	for _, name := range lineNames {
		if b.sim.On(name) {
			b.t.Errorf("%s is on, want the safe state", name)
		}
	}
}

// events is the trace since the last call, such as "250 relay 1" with milliseconds since zero.
func (b *bench) events() (events []string) {
	b.t.Helper()
	synctest.Wait()
	for row := range strings.Lines(b.trace.take()) {
		f := strings.Split(strings.TrimSuffix(row, "\n"), "\t")
		ns, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil || len(f) != 3 {
			b.t.Fatalf("the trace has the line %q", row)
		}
		events = append(events, fmt.Sprintf("%d %s %s", (ns-b.zero.UnixNano())/int64(ms), f[1], f[2]))
	}
	return events
}

func (b *bench) want(what string, want ...string) {
	b.t.Helper()
	got, wanted := strings.Join(b.events(), ", "), strings.Join(want, ", ")
	if got != wanted {
		b.t.Errorf("%s:\n got %s\nwant %s", what, got, wanted)
	}
}

var (
	welcome = kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green}
	refused = kiosk.Verdict{Signal: kiosk.TurnedBack, Colour: kiosk.Red}
)

// Each row of the table as the lines show it, to the millisecond, for 11 s.
func TestEachRowOnTheLines(t *testing.T) {
	rows := []struct {
		v    kiosk.Verdict
		want []string
	}{
		{kiosk.Verdict{Signal: kiosk.Idle}, []string{"9950 blue 1", "10000 blue 0"}},
		{kiosk.Verdict{Signal: kiosk.Working}, []string{"0 buzzer 1", "30 buzzer 0"}},
		{kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green},
			[]string{"0 green 1", "0 buzzer 1", "0 relay 1", "120 buzzer 0", "3000 relay 0", "3000 green 0"}},
		{kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Blue},
			[]string{"0 blue 1", "0 buzzer 1", "0 relay 1", "120 buzzer 0", "3000 relay 0", "3000 blue 0"}},
		{kiosk.Verdict{Signal: kiosk.AdmittedHere, Colour: kiosk.Yellow},
			[]string{"0 yellow 1", "0 buzzer 1", "0 relay 1", "120 buzzer 0", "240 buzzer 1", "940 buzzer 0", "3000 relay 0", "3000 yellow 0"}},
		{kiosk.Verdict{Signal: kiosk.TurnedBack, Colour: kiosk.Red},
			[]string{"0 red 1", "0 buzzer 1", "700 buzzer 0", "950 buzzer 1", "1650 buzzer 0", "1900 buzzer 1", "2600 buzzer 0", "5000 red 0"}},
		{kiosk.Verdict{Signal: kiosk.AskStaff}, append(
			[]string{"0 blue 1", "0 buzzer 1", "300 buzzer 0", "400 blue 0", "400 yellow 1", "550 buzzer 1", "800 yellow 0", "800 blue 1", "850 buzzer 0"},
			"1200 blue 0", "1200 yellow 1", "1600 yellow 0", "1600 blue 1", "2000 blue 0", "2000 yellow 1", "2400 yellow 0", "2400 blue 1",
			"2800 blue 0", "2800 yellow 1", "3200 yellow 0", "3200 blue 1", "3600 blue 0", "3600 yellow 1", "4000 yellow 0", "4000 blue 1",
			"4400 blue 0", "4400 yellow 1", "4800 yellow 0", "4800 blue 1", "5000 blue 0")},
		{kiosk.Verdict{Signal: kiosk.CodeProblem}, append(
			[]string{"0 blue 1", "0 buzzer 1", "120 buzzer 0", "200 blue 0", "240 buzzer 1", "360 buzzer 0"},
			blinks("blue", 400, 200, 3001, 400)...)},
		{kiosk.Verdict{Signal: kiosk.CodeRefused}, append(
			[]string{"0 red 1", "0 buzzer 1", "120 buzzer 0", "200 red 0", "240 buzzer 1", "360 buzzer 0", "400 red 1",
				"480 buzzer 1", "600 buzzer 0", "600 red 0", "720 buzzer 1", "800 red 1", "840 buzzer 0", "1000 red 0"},
			blinks("red", 400, 200, 4000, 1200)...)},
		{kiosk.Verdict{Signal: kiosk.OutOfOrder, Reason: kiosk.CameraFault}, blinks("yellow", 2000, 1000, 11001, 0)},
	}
	for _, row := range rows {
		t.Run(row.v.Signal.String()+" "+row.v.Colour.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := startBench(t, DefaultPatterns(), Options{})
				b.Show(row.v)
				time.Sleep(11 * time.Second)
				b.want("on the lines", row.want...)
				b.stop()
			})
		})
	}
}

// blinks are the changes of a blinking lamp between two times.
func blinks(lamp string, period, lit, until, from int) (events []string) {
	for t := from; t < until; t += period {
		events = append(events, fmt.Sprintf("%d %s 1", t, lamp))
		if t+lit < until {
			events = append(events, fmt.Sprintf("%d %s 0", t+lit, lamp))
		}
	}
	return events
}

// The next verdict immediately ends the last one's light, sound and opening, the relay first.
func TestNewestVerdictInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBench(t, DefaultPatterns(), Options{})
		b.Show(welcome)
		time.Sleep(50 * ms)
		b.want("admitted", "0 green 1", "0 buzzer 1", "0 relay 1")
		b.Show(refused)
		b.want("turned back", "50 relay 0", "50 green 0", "50 red 1")
		time.Sleep(10 * ms)
		b.Show(kiosk.Verdict{Signal: kiosk.OutOfOrder})
		b.want("out of order", "60 buzzer 0", "60 red 0", "60 yellow 1")
		b.stop()
	})
}

func TestOnlyTheNewestIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBench(t, DefaultPatterns(), Options{})
		for range 1000 {
			b.Show(welcome) // nobody takes them: the bubble's other goroutines may run only now and then
		}
		b.Show(refused)
		synctest.Wait()
		if !b.sim.On("red") || b.sim.On("relay") {
			t.Error("the last of many verdicts is not the one that is shown")
		}
		b.stop()
		for range 3 {
			b.Show(welcome) // after the end it must not block either
		}
		b.isSafe()
	})
}

// However fast people come, each has a separate opening: a gap before it, and never longer than the
// pulse.
func TestRelayIsNeverOpenForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = int64(MaxRelay / ms)
		ps, err := ParsePatterns(map[string]Override{"admitted": {RelayMS: new(most)}})
		if err != nil {
			t.Fatal(err)
		}
		b := startBench(t, ps, Options{})
		for i := range 300 {
			b.Show(welcome)
			time.Sleep(time.Duration(i*i*7%4000) * ms)
		}
		time.Sleep(time.Minute)
		opened, closed, openings := -1, -1000, 0
		for _, e := range b.events() {
			var at, level int
			var name string
			if _, err := fmt.Sscan(e, &at, &name, &level); err != nil {
				t.Fatal(err)
			}
			switch {
			case name != "relay":
			case level == 1:
				if at-closed < int(relayGap/ms) {
					t.Errorf("the relay opens at %d ms and was closed at %d ms", at, closed)
				}
				opened, openings = at, openings+1
			default:
				if at-opened > int(most) {
					t.Errorf("the relay was open from %d to %d ms", opened, at)
				}
				closed = at
			}
		}
		if openings < 200 {
			t.Errorf("the relay opened only %d times", openings)
		}
		b.stop()
	})
}

// A state that is shown again, with older data, continues to blink in its rhythm.
func TestLastingLightIsNotDisturbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBench(t, DefaultPatterns(), Options{})
		for i := range 12 {
			b.Show(kiosk.Verdict{Signal: kiosk.OutOfOrder, Age: time.Duration(i) * time.Hour})
			time.Sleep(700 * ms)
		}
		b.want("out of order, again and again", blinks("yellow", 2000, 1000, 8400, 0)...)
		b.Show(kiosk.Verdict{})
		b.want("idle", "8400 yellow 0")
		for range 10 {
			b.Show(kiosk.Verdict{})
			time.Sleep(time.Second)
		}
		b.want("idle, again and again", "18350 blue 1", "18400 blue 0")
		b.stop()
	})
}

func TestOnLitAndAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type lit struct {
			v  kiosk.Verdict
			at time.Duration
		}
		var got []lit
		var b *bench
		b = startBench(t, DefaultPatterns(), Options{OnLit: func(v kiosk.Verdict, at time.Time) {
			if !b.sim.On(v.Colour.String()) {
				t.Errorf("%s is not on", v.Colour)
			}
			got = append(got, lit{v, at.Sub(b.zero)})
		}})
		b.Show(welcome)
		time.Sleep(700 * ms)
		b.Show(refused)
		for range 50 {
			time.Sleep(300 * ms)
			synctest.Wait()
			if silent := time.Since(b.Alive()); silent > beat {
				t.Fatalf("no sign of life for %v", silent)
			}
		}
		if len(got) != 2 || got[0] != (lit{welcome, 0}) || got[1] != (lit{refused, 700 * ms}) {
			t.Errorf("told %v", got)
		}
		b.stop()
	})
}

func TestNewPanelRefusesABadTable(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a table without rows was taken")
		}
	}()
	NewPanel(NewSim(nil).Pins(), Patterns{}, Options{})
}

// toldPin says when it was switched on.
type toldPin struct {
	gpio.PinOut
	on chan time.Time
}

func (p toldPin) Out(l gpio.Level) error {
	if l {
		p.on <- time.Now()
	}
	return nil
}

// BenchmarkShow is the time from Show to the Out that lights the lamp, with the goroutine in
// between.
func BenchmarkShow(b *testing.B) {
	pins := NewSim(nil).Pins()
	on := make(chan time.Time, 1)
	pins.Green, pins.Red = toldPin{pins.Green, on}, toldPin{pins.Red, on}
	p := NewPanel(pins, DefaultPatterns(), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	<-p.Ready()
	var worst time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		p.Show([]kiosk.Verdict{welcome, refused}[i%2])
		worst = max(worst, (<-on).Sub(start))
	}
	b.ReportMetric(float64(worst.Microseconds()), "worst-µs")
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
