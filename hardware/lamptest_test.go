package hardware

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLampTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trace := &recorder{}
		b := &bench{t: t, sim: NewSim(trace), trace: trace, zero: time.Now()}
		var told []string
		if err := LampTest(t.Context(), b.sim.Pins(), func(part string) { told = append(told, part) }); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(told, " "); got != "red yellow blue green buzzer" {
			t.Errorf("told %s", got)
		}
		b.want("on the lines", "0 relay 0", "0 buzzer 0", "0 green 0", "0 blue 0", "0 yellow 0", "0 red 0",
			"0 red 1", "700 red 0", "700 yellow 1", "1400 yellow 0", "1400 blue 1", "2100 blue 0", "2100 green 1", "2800 green 0",
			"2800 buzzer 1", "2900 buzzer 0")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := LampTest(ctx, b.sim.Pins(), func(string) {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an interrupted lamp test: %v", err)
		}
		b.isSafe()

		b.sim.Fail("blue", errors.New("broken"))
		if err := LampTest(t.Context(), b.sim.Pins(), func(string) {}); err == nil || !strings.Contains(err.Error(), "switch blue") {
			t.Errorf("a lamp test of a broken line: %v", err)
		}
		b.isSafe()
	})
}
