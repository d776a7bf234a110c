package main

import (
	"image"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/hardware"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/scanner/qrdraw"
)

// TestEndToEnd is the main job with the real parts: registry and kiosk as processes, citizens'
// pages in Chromium whose screenshots are pasted into camera frames, and simulated pins whose trace
// shows what lamps, buzzer and relay did.
func TestEndToEnd(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newWorld(t)
	w.browser = newBrowser(t)
	now := time.Now()
	erlan, dana, bolat, aigerim := w.citizen("960307350321"), w.citizen("010912650789"), w.citizen("750630300457"), w.citizen("890214450129")
	w.result(erlan, "positive", now.Add(-24*time.Hour))
	w.post(server.PathContacts, w.centre, server.ContactRequest{IIN: dana.iin, Since: now.Add(-24 * time.Hour)}, nil)
	w.result(aigerim, "negative", now.Add(-3*time.Hour))
	w.startKiosk("shop", time.Second)
	w.awaitVersion()

	t.Log("one person after another, each with an own phone")
	w.expect("positive PCR", w.holdUp(erlan.page()), kiosk.TurnedBack, hardware.Red)
	w.expect("contact, in a shop", w.holdUp(dana.page()), kiosk.AdmittedHere, hardware.Yellow)
	w.expect("nothing known", w.holdUp(bolat.page()), kiosk.Admitted, hardware.Blue)
	w.expect("negative PCR", w.holdUp(aigerim.page()), kiosk.Admitted, hardware.Green)
	w.checkScreen()

	t.Log("a laboratory posts a positive result: the same person's next presentation is red")
	posted := time.Now()
	sample := w.result(aigerim, "positive", now)
	w.awaitVersion()
	t.Logf("the result was at the door after %v", time.Since(posted).Round(time.Millisecond))
	w.expect("negative, then positive", w.holdUp(aigerim.page()), kiosk.TurnedBack, hardware.Red)

	t.Log("it was mistyped: the laboratory withdraws it and the same person's next presentation is green")
	version, withdrawn := w.kioskVersion(), time.Now()
	w.post(server.PathWithdraw, w.lab, server.Target{Sample: sample, Why: "typing error"}, nil)
	w.await("the withdrawal at the door", func() bool { return w.kioskVersion() > version })
	t.Logf("the withdrawal was at the door after %v", time.Since(withdrawn).Round(time.Millisecond))
	w.expect("positive, then withdrawn", w.holdUp(aigerim.page()), kiosk.Admitted, hardware.Green)

	t.Log("codes that are not good")
	w.expect("screenshot of five minutes ago", w.holdUp(drawn(w.oldCode())), kiosk.CodeProblem, hardware.Blue)
	w.expect("foreign issuer", w.holdUp(drawn(w.foreignCode())), kiosk.CodeRefused, hardware.Red)
	w.expect("forged holder signature", w.holdUp(drawn(w.forgedCode())), kiosk.CodeRefused, hardware.Red)

	t.Log("a torn status list changes nothing")
	before := w.kioskVersion()
	w.proxy.tear(true)
	w.result(bolat, "positive", now)
	w.proxy.awaitTorn()
	if after := w.kioskVersion(); after != before {
		t.Errorf("torn blobs: the door went from version %d to %d", before, after)
	}
	w.expect("while the list is torn", w.holdUp(bolat.page()), kiosk.Admitted, hardware.Blue)
	w.proxy.tear(false)
	w.awaitVersion()
	w.expect("when it is whole again", w.holdUp(bolat.page()), kiosk.TurnedBack, hardware.Red)

	t.Log("the registry is killed and the door still decides")
	w.registry.kill()
	w.expect("without a registry", w.holdUp(dana.page()), kiosk.AdmittedHere, hardware.Yellow)
	w.expect("without a registry", w.holdUp(erlan.page()), kiosk.TurnedBack, hardware.Red)

	t.Log("the end")
	w.kiosk.terminate()
	for line, on := range w.pins.state() {
		if on {
			t.Errorf("after SIGTERM %s is on", line)
		}
	}
	w.noIdentities(erlan, dana, bolat, aigerim)
}

// seen is what the panel did after one presentation.
type seen struct {
	steady []string        // lamps that shone for longer than a blink
	blinks map[string]int  // lamps and how often they blinked
	beeps  []time.Duration // how long the buzzer was on, each time
	opened bool            // the relay was open
	late   time.Duration   // the longest time for which this machine let nobody run
}

// tooLate is a pause of the machine that can make a short beep as long as a longer one, or two
// beeps one. The exact lengths are tested in package hardware, in virtual time.
const tooLate = 30 * time.Millisecond

// expect compares with the panel's own table.
func (w *world) expect(name string, s seen, signal kiosk.Signal, lamp hardware.Lamp) {
	w.t.Helper()
	want := hardware.DefaultPatterns()[signal]
	ok := true
	if steady := len(want.Light) == 1; steady {
		ok = len(s.steady) == 1 && s.steady[0] == lamp.String()
	} else {
		ok = len(s.steady) == 0 && len(s.blinks) == 1 && s.blinks[lamp.String()] >= 3
	}
	ok = ok && len(s.beeps) > 0 && s.opened == (want.Relay > 0)
	heard := len(s.beeps) == (len(want.Buzzer)+1)/2
	for i := 0; heard && i < len(s.beeps); i++ {
		heard = length(s.beeps[i]) == length(want.Buzzer[2*i])
	}
	if !ok || !heard && s.late < tooLate {
		w.t.Errorf("%s: the panel did %+v, want %s for %v", name, s, lamp, signal)
		return
	}
	if !heard {
		w.t.Logf("%s: this machine stood still for %v, so the beeps are not compared", name, s.late)
	}
	w.t.Logf("%-32s %-13v %s, beeps %v, relay opened: %v", name, signal, lamp, s.beeps, s.opened)
}

// length classifies a beep as people hear it. A busy machine switches on and off late, so the
// bounds are in between.
func length(beep time.Duration) string {
	switch {
	case beep < 210*time.Millisecond:
		return "short"
	case beep < 500*time.Millisecond:
		return "mid"
	}
	return "long"
}

// nobodysIIN has a right check digit and comes to no door.
const nobodysIIN = "000101500775"

// foreignCode is a good code of an issuer that nobody trusts.
func (w *world) foreignCode() string {
	w.t.Helper()
	now := time.Now()
	own, err := pass.OpenCredential(w.phone(nobodysIIN).Credential(pass.DayOf(now)))
	if err != nil {
		w.t.Fatal(err)
	}
	issuer, holder := newKey(w.t), newKey(w.t)
	credential, err := pass.Issue(issuer, own.Day, own.Block, public(holder))
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := pass.Rotate(holder, credential, now)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// oldCode is a code of a minute ago. The page makes none: it learns the registry's time.
func (w *world) oldCode() string {
	w.t.Helper()
	now := time.Now()
	if today := pass.DayOf(now).Start(); now.Sub(today) < time.Minute {
		time.Sleep(time.Minute - now.Sub(today)) // the phone has nothing for yesterday
	}
	text, err := w.phone(nobodysIIN).Code(time.Now().Add(-time.Minute))
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// forgedCode is the code of an enrolled phone with the holder's signature changed.
func (w *world) forgedCode() string {
	w.t.Helper()
	good := w.phone(nobodysIIN).code()
	for i := len(good) - 1; i > len(good)-20; i-- {
		bad := good[:i] + "0" + good[i+1:]
		if _, err := pass.Parse([]byte(bad)); err == nil && bad != good {
			return bad
		}
	}
	w.t.Fatal("no character of the signature can be changed")
	return ""
}

func drawn(text string) image.Image { return qrdraw.Draw(text, qrdraw.Options{Module: 6}) }

// noIdentities looks for anything that could identify a person in what the door stores and writes.
func (w *world) noIdentities(people ...*citizen) {
	w.t.Helper()
	files := map[string]string{"log": w.kiosk.output(), "cache": w.stateFile("cache.db")}
	for name, text := range files {
		for _, p := range people {
			if strings.Contains(text, p.iin) {
				w.t.Errorf("the door's %s holds an IIN", name)
			}
		}
		if strings.Contains(text, pass.Prefix) {
			w.t.Errorf("the door's %s holds a pass", name)
		}
	}
	if !strings.Contains(files["log"], "signal=admitted colour=green") {
		w.t.Errorf("the log lacks a verdict:\n%s", files["log"])
	}
}
