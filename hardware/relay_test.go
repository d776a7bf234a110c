package hardware

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"ashyq-kiosk/kiosk"
)

// A caller that never closes the relay, or opens it again and again, does not keep the door open.
func TestRelayClosesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := NewSim(nil)
		pins := sim.Pins()
		for range 4 {
			if err := pins.Relay.Out(gpio.High); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2500 * ms)
		}
		if !sim.On("relay") {
			t.Error("closed within 10 s")
		}
		time.Sleep(600 * ms)
		if sim.On("relay") {
			t.Error("still open after 10.6 s")
		}
		// The next person's opening is not shortened.
		if err := errors.Join(pins.Relay.Out(gpio.Low), pins.Relay.Out(gpio.High)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(MaxRelay)
		if !sim.On("relay") {
			t.Error("closed before its time")
		}
		if err := pins.Relay.Out(gpio.Low); err != nil || sim.On("relay") {
			t.Errorf("closing: %v", err)
		}
	})
}

// The exit button opens the relay for one pulse, whatever is shown, and never extends an opening.
func TestRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startBench(t, DefaultPatterns(), Options{})
		defer b.stop()
		panel, sim := b.Panel, b.sim
		panel.Show(kiosk.Verdict{Signal: kiosk.OutOfOrder})
		time.Sleep(time.Second)
		panel.Release()
		synctest.Wait()
		if !sim.On("relay") {
			t.Fatal("the exit button opens nothing")
		}
		time.Sleep(2 * time.Second)
		panel.Release() // held, or pressed again
		time.Sleep(pulse - 2*time.Second + 10*ms)
		if sim.On("relay") {
			t.Error("open for longer than a pulse")
		}
		// A person is admitted while another leaves: closed for the gap, then open for a separate
		// pulse.
		time.Sleep(time.Second)
		panel.Release()
		time.Sleep(time.Second)
		panel.Show(kiosk.Verdict{Signal: kiosk.Admitted, Colour: kiosk.Green})
		synctest.Wait()
		if sim.On("relay") {
			t.Error("two openings run into each other")
		}
		time.Sleep(relayGap + 10*ms)
		if !sim.On("relay") {
			t.Error("not open for the admitted")
		}
		time.Sleep(pulse)
		if sim.On("relay") {
			t.Error("open for longer than a pulse after the admitted")
		}
	})
}
