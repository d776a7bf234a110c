package kiosk_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/pass"
)

// hall is a venue with places.
type hall struct {
	free  int
	mute  bool // the registry does not answer
	share float64
	left  int
	asked int
}

func (h *hall) Occupancy(context.Context) float64 { h.asked++; return h.share }
func (h *hall) Left()                             { h.left++ }
func (h *hall) Take(_ context.Context, asking func()) error {
	switch {
	case h.mute:
		asking()
		return errors.New("no answer")
	case h.free == 0:
		return kiosk.ErrFull
	}
	h.free--
	return nil
}

// Nobody is locked in: an exit door opens for every code, whatever its faults, and says nothing
// about the person. It counts who shows a genuine pass.
func TestExitDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{}
		d := openDoor(t, func(o *kiosk.Options) { o.Way, o.Places = kiosk.Exit, h })
		expired := paperUntil(t, 3, pass.MonthOf(time.Now())-1)
		counted := 0
		for _, one := range []struct {
			what, code, want string
			counts           bool
		}{
			{"red", newPhone(t, 1).code(time.Now()), "left", true},
			{"revoked", newPhone(t, 5).code(time.Now()), "left", true},
			{"expired", expired, "left", true},
			{"paper", paperOf(t, 4), "left", true},
			{"the same person again", newPhone(t, 1).code(time.Now().Add(5 * time.Second)), "left passed-already", false},
			{"forged", forge(t, newPhone(t, 2).code(time.Now())), "left forged", false},
			{"foreign", phoneOf(t, key(2), 4).code(time.Now()), "left unknown-issuer", false},
			{"no pass", "HELLO", "left not-a-pass", false},
		} {
			d.next()
			if got := d.present(one.code); got != one.want {
				t.Errorf("%s: %q, want %q", one.what, got, one.want)
			}
			if one.counts {
				counted++
			}
			if h.left != counted || d.last().Colour != kiosk.NoColour {
				t.Errorf("%s: %d counted, want %d; %+v", one.what, h.left, counted, d.last())
			}
			time.Sleep(4 * time.Second)
		}
		d.faults.Report(kiosk.ClockFault, errors.New("no time"))
		synctest.Wait()
		d.seen = len(d.screen.since(0))
		if got := d.present("HELLO"); got != "left not-a-pass" {
			t.Errorf("out of order: %q", got)
		}
		time.Sleep(2900 * time.Millisecond)
		if got := d.last(); got.Signal != kiosk.Left {
			t.Errorf("the fault has closed the door after less than 3 s: %v", got.Signal)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if got := d.last(); got.Signal != kiosk.OutOfOrder || got.Reason != kiosk.ClockFault {
			t.Errorf("afterwards the door shows %v %v", got.Signal, got.Reason)
		}
	})
}

// A full venue turns nobody back for what is known about them, and a person who is turned back for
// that takes no place.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{free: 1, share: 0.2}
		d := openDoor(t, func(o *kiosk.Options) { o.Places = h })
		rest := func() {
			time.Sleep(6 * time.Second)
			d.next()
		}
		if got := d.present(newPhone(t, 1).code(time.Now())); got != "turned-back red" || h.free != 1 {
			t.Errorf("red: %q, %d places left", got, h.free)
		}
		green := newPhone(t, 4)
		rest()
		if got := d.present(green.code(time.Now())); !strings.HasPrefix(got, "admitted") || h.free != 0 {
			t.Errorf("green: %q, %d places left", got, h.free)
		}
		rest()
		blue := newPhone(t, 3)
		code := blue.code(time.Now())
		if got := d.present(code); got != "full" || d.last().Colour != kiosk.NoColour {
			t.Errorf("full: %q, %v", got, d.last().Colour)
		}
		rest()
		h.free = 1
		if got := d.present(code); !strings.HasPrefix(got, "admitted") {
			t.Errorf("somebody has left, and who waited with the same code on the phone is told %q", got)
		}
		rest()
		h.mute = true
		if got := d.present(newPhone(t, 2).code(time.Now())); got != "turned-back yellow" {
			t.Errorf("yellow, without an answer: %q", got)
		}
		time.Sleep(time.Minute)
		rest()
		if got := d.present(green.code(time.Now())); got != "working, ask-staff no-places" {
			t.Errorf("green, without an answer: %q", got)
		}
		if h.asked != 0 {
			t.Errorf("the share of seats was asked for %d times, and no rule needs it", h.asked)
		}
	})
}

// Rules that look at the share of seats get it.
func TestShareOfSeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{free: 9}
		d := openDoor(t, func(o *kiosk.Options) { o.Places = h })
		half := defaultRules(t)
		for i := range half.Rules {
			half.Rules[i].OccupancyBelow = 0.5
		}
		d.door.Follow(kiosk.Trust{Issuers: pass.NewIssuers([]ed25519.PublicKey{public(key(1))}), Rules: half, AsOf: time.Now()})
		for _, one := range []struct {
			share float64
			want  string
		}{{0.49, "admitted green"}, {0.5, "ask-staff green no-rule"}, {-1, "ask-staff green no-rule"}, {0, "admitted green"}} {
			time.Sleep(2 * time.Minute)
			d.next()
			h.share = one.share
			if got := d.present(newPhone(t, 4).code(time.Now())); got != one.want {
				t.Errorf("share %v: %q, want %q", one.share, got, one.want)
			}
		}
	})
}
