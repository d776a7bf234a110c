package hardware

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
)

func TestSafeStateAtTheEnd(t *testing.T) {
	for _, v := range verdicts() {
		synctest.Test(t, func(t *testing.T) {
			b := startBench(t, DefaultPatterns(), Options{})
			b.Show(v)
			time.Sleep(10 * ms)
			b.stop() // looks for the safe state
		})
	}
}

func TestSafeStateAfterPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBench(t, DefaultPatterns(), Options{OnLit: func(kiosk.Verdict, time.Time) { panic("our own mistake") }})
		b.Show(welcome)
		if p := <-b.panics; p != "our own mistake" {
			t.Errorf("panic %v, want it to go on", p)
		}
		b.want("on the lines", "0 green 1", "0 buzzer 1", "0 relay 1", "0 relay 0", "0 buzzer 0", "0 green 0")
		b.isSafe()
		b.cancel()
	})
}

// A failed line makes everything safe, is reported once, tried again, and reported when it works
// again.
func TestFaultOfALine(t *testing.T) {
	for _, name := range lineNames {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := make(chan error, 10)
				b := startBench(t, DefaultPatterns(), Options{OnFault: func(err error) { told <- err }})
				broken := errors.New("no such device")
				b.sim.Fail(name, broken)
				b.Show(kiosk.Verdict{Signal: kiosk.AdmittedHere, Colour: kiosk.Colour(1 + mustLine(name)%4)})
				time.Sleep(50 * ms)
				if err := <-told; !errors.Is(err, broken) || !strings.Contains(err.Error(), name) {
					t.Errorf("told %v, want the cause and the line %q", err, name)
				}
				b.isSafe()
				time.Sleep(5 * time.Second)
				if len(told) != 0 {
					t.Errorf("told again: %v", <-told)
				}
				b.sim.Fail(name, nil)
				time.Sleep(beat)
				select {
				case err := <-told:
					if err != nil {
						t.Errorf("told %v, want that all is good", err)
					}
				default:
					t.Error("not told that all is good again")
				}
				b.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green})
				synctest.Wait()
				if !b.sim.On("green") || !b.sim.On("relay") {
					t.Error("the panel does not work after the fault")
				}
				b.stop()
			})
		})
	}
}

// The lamp fails in the middle: that must close the open relay.
func TestFaultClosesTheRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBench(t, DefaultPatterns(), Options{})
		b.Show(welcome)
		time.Sleep(50 * ms)
		b.sim.Fail("buzzer", errors.New("stuck"))
		b.events()
		time.Sleep(100 * ms)
		b.want("at the end of the beep", "120 relay 0", "120 green 0")
		b.sim.Fail("buzzer", nil)
		time.Sleep(4 * time.Second)
		b.stop()
	})
}

// The receiver of a fault may be busy for long: the relay must close meanwhile.
func TestSlowListenerHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBench(t, DefaultPatterns(), Options{OnFault: func(error) { time.Sleep(time.Minute) }})
		b.sim.Fail("red", errors.New("stuck"))
		b.Show(refused)
		time.Sleep(10 * ms)
		b.sim.Fail("red", nil)
		b.Show(welcome)
		time.Sleep(4 * time.Second)
		b.want("on the lines", "10 green 1", "10 buzzer 1", "10 relay 1", "130 buzzer 0", "3010 relay 0", "3010 green 0")
		b.stop()
	})
}

func TestNotReadyBeforeSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := NewSim(nil)
		sim.Fail("relay", errors.New("stuck"))
		told := make(chan error, 2)
		b := &bench{t: t, sim: sim, done: make(chan error, 1), panics: make(chan any, 1)}
		b.Panel = NewPanel(sim.Pins(), DefaultPatterns(), Options{OnFault: func(err error) { told <- err }})
		b.run()
		<-told
		time.Sleep(3 * beat)
		select {
		case <-b.Ready():
			t.Error("ready although the relay could not be closed")
		default:
		}
		sim.Fail("relay", nil)
		<-b.Ready()
		if err := <-told; err != nil {
			t.Errorf("told %v, want that all is good", err)
		}
		b.stop()
	})
}

// Run's error is the only way to say that the safe state was not reached at the end.
func TestRunSaysWhenTheEndIsNotSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBench(t, DefaultPatterns(), Options{})
		b.Show(welcome)
		synctest.Wait()
		b.sim.Fail("relay", errors.New("welded"))
		b.cancel()
		if err := <-b.done; err == nil || !strings.Contains(err.Error(), "switch relay") {
			t.Errorf("Run: %v, want the relay's error", err)
		}
		if b.sim.On("green") {
			t.Error("the lamp shines although only the relay is stuck")
		}
	})
}
