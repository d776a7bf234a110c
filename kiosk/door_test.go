package kiosk_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
)

func TestDoorDecides(t *testing.T) {
	now := time.Now
	code := func(index uint64) func(*testing.T) string {
		return func(t *testing.T) string { return newPhone(t, index).code(now()) }
	}
	ahead := func(by time.Duration) func(*testing.T) string {
		return func(t *testing.T) string { return newPhone(t, 4).code(now().Add(by)) }
	}
	text := func(s string) func(*testing.T) string { return func(*testing.T) string { return s } }
	for _, c := range []struct {
		name string
		text func(*testing.T) string
		want string
	}{
		{"positive", code(1), "turned-back red"},
		{"contact", code(2), "turned-back yellow"},
		{"nothing known", code(3), "admitted blue"},
		{"negative", code(4), "admitted green"},
		{"revoked", code(5), "code-refused revoked"},
		{"suspended", code(6), "ask-staff suspended"},
		{"unknown index", code(7), "ask-staff unknown-person"},
		{"paper", func(t *testing.T) string { return paperOf(t, 4) }, "admitted green"},
		{"some URL", text("https://example.org/menu"), "code-problem not-a-pass"},
		{"nothing", text(""), "code-problem not-a-pass"},
		{"screenshot of five minutes ago", ahead(-5 * time.Minute), "code-problem stale"},
		{"phone's clock ahead", ahead(5 * time.Minute), "code-problem phone-clock"},
		{"the code of yesterday", ahead(-24 * time.Hour), "code-problem stale"},
		{"paper of last month", func(t *testing.T) string { return paperUntil(t, 4, pass.MonthOf(now())-1) }, "code-problem expired"},
		{"foreign issuer", func(t *testing.T) string { return phoneOf(t, key(2), 4).code(now()) }, "code-refused unknown-issuer"},
		{"foreign holder", func(t *testing.T) string { return forge(t, newPhone(t, 4).code(now())) }, "code-refused forged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := openDoor(t, nil).present(c.text(t)); got != c.want {
					t.Errorf("shown %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestYellowInShopAndPharmacyOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, venue := range kiosk.Venues {
			d := openDoor(t, func(o *kiosk.Options) { o.Venue = venue })
			want := "turned-back yellow"
			if venue == "shop" || venue == "pharmacy" {
				want = "admitted-here yellow"
			}
			if got := d.present(newPhone(t, 2).code(time.Now())); got != want {
				t.Errorf("%s: shown %q, want %q", venue, got, want)
			}
		}
	})
}

func TestPaperRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, func(o *kiosk.Options) { o.AcceptPaper = false })
		if got := d.present(paperOf(t, 4)); got != "code-refused paper-refused" {
			t.Errorf("shown %q", got)
		}
	})
}

// TestOnePersonStanding holds a phone up for 40 s: it rotates, and it is still one presentation.
func TestOnePersonStanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, nil)
		p := newPhone(t, 4)
		start := time.Now()
		if got := d.present(p.code(start)); got != "admitted green" {
			t.Fatalf("shown %q", got)
		}
		for time.Since(start) < 40*time.Second {
			time.Sleep(200 * time.Millisecond)
			at := start.Add(time.Since(start).Truncate(pass.Period))
			if got := d.present(p.code(at)); got != "" && got != "idle" {
				t.Fatalf("after %v: shown %q", time.Since(start), got)
			}
		}
		if d.register.asked != 1 {
			t.Errorf("looked up %d times, want once", d.register.asked)
		}
	})
}

func TestSecondPresentations(t *testing.T) {
	for _, c := range []struct {
		name  string
		index uint64
		after time.Duration
		fresh bool // a new code, not the old one again
		want  string
	}{
		{"admitted, the same code later", 4, 10 * time.Second, false, "code-refused replayed"},
		{"admitted, a new code too soon", 4, 20 * time.Second, true, "code-refused passed-already"},
		{"admitted, a new code later", 4, 2 * time.Minute, true, "admitted green"},
		{"turned back, the same code later", 1, 10 * time.Second, false, "code-refused replayed"},
		{"turned back, a new code", 1, 20 * time.Second, true, "turned-back red"},
		{"ask staff, the same code again", 6, 10 * time.Second, false, "ask-staff suspended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := openDoor(t, nil)
				p := newPhone(t, c.index)
				first := p.code(time.Now())
				d.present(first)
				time.Sleep(c.after)
				d.next()
				d.trust(time.Now())
				d.next()
				if c.fresh {
					first = p.code(time.Now())
				}
				if got := d.present(first); got != c.want {
					t.Errorf("shown %q, want %q", got, c.want)
				}
			})
		})
	}
}

// TestStatusChangesBetween is the case the whole system exists for: admitted, then a positive
// result, then turned back, although the person passed a moment ago.
func TestStatusChangesBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, nil)
		p := newPhone(t, 4)
		if got := d.present(p.code(time.Now())); got != "admitted green" {
			t.Fatalf("shown %q", got)
		}
		time.Sleep(15 * time.Second)
		d.next()
		d.register.set(4, statuslist.Red)
		if got := d.present(p.code(time.Now())); got != "turned-back red" {
			t.Errorf("shown %q, want turned-back red", got)
		}
	})
}

func TestVerdictEndsAndNewerWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, nil)
		d.present(newPhone(t, 1).code(time.Now()))
		time.Sleep(5*time.Second - 1)
		if got := d.next(); got != "" {
			t.Fatalf("before the hold is over: %q", got)
		}
		time.Sleep(2 * time.Nanosecond)
		if got := d.next(); got != "idle" {
			t.Fatalf("after the hold: %q, want idle", got)
		}
		d.present(newPhone(t, 4).code(time.Now()))
		time.Sleep(time.Second)
		if got := d.present(newPhone(t, 1).code(time.Now())); got != "turned-back red" {
			t.Fatalf("the next person: %q", got)
		}
		time.Sleep(3 * time.Second) // the first verdict's hold would be over by now
		if got := d.next(); got != "" {
			t.Errorf("the older hold ended the newer verdict: %q", got)
		}
	})
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, nil)
		steps := []struct {
			reason kiosk.Reason
			err    error
			want   string
		}{
			{kiosk.CameraFault, errors.New("unplugged"), "out-of-order camera"},
			{kiosk.CameraFault, errors.New("unplugged"), ""},
			{kiosk.ClockFault, errors.New("unsynced"), ""},
			{kiosk.CameraFault, nil, "out-of-order clock"},
			{kiosk.CameraFault, errors.New("unplugged"), "out-of-order camera"},
			{kiosk.CameraFault, nil, "out-of-order clock"},
			{kiosk.ClockFault, nil, "idle"},
			{kiosk.ClockFault, nil, ""},
		}
		for i, s := range steps {
			d.faults.Report(s.reason, s.err)
			if got := d.next(); got != s.want {
				t.Fatalf("step %d: shown %q, want %q", i, got, s.want)
			}
		}
		d.present(newPhone(t, 4).code(time.Now()))
		d.faults.Report(kiosk.CameraFault, errors.New("unplugged"))
		if got := d.next(); got != "out-of-order camera" {
			t.Fatalf("a fault while somebody is admitted: %q", got)
		}
		if got := d.present(newPhone(t, 3).code(time.Now())); got != "" {
			t.Errorf("a code while out of order: %q, want nothing", got)
		}
		time.Sleep(10 * time.Second)
		if got := d.next(); got != "" {
			t.Errorf("out of order ended by itself: %q", got)
		}
	})
}

// TestAsksTheRegistry: while the door asks the registry, the screen says that the person has to
// wait.
func TestAsksTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := &register{asOf: time.Now(), status: map[uint64]statuslist.Status{4: statuslist.Red}}
		d := openDoor(t, func(o *kiosk.Options) { o.Registry, o.Fresh, o.Deadline = registry, 15*time.Minute, time.Second })
		if got := d.present(newPhone(t, 4).code(time.Now())); got != "admitted green" {
			t.Errorf("with a fresh list: %q", got)
		}
		time.Sleep(time.Hour)
		d.next()
		registry.asOf = time.Now()
		if got := d.present(newPhone(t, 4).code(time.Now())); got != "working, turned-back red" {
			t.Errorf("with an old list: %q", got)
		}
	})
}

// TestWithoutTheKeyOfTheDay: a door whose keys did not come asks the registry about the code.
// Without an answer it sends the person to the staff; it never guesses. It still lets nobody in
// twice.
func TestWithoutTheKeyOfTheDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := &register{asOf: time.Now(), status: map[uint64]statuslist.Status{4: statuslist.Green}}
		keys, needed := pass.NewPlaceKeys(nil, nil), 0
		d := openDoor(t, func(o *kiosk.Options) {
			o.Registry, o.Fresh, o.Deadline = registry, 15*time.Minute, time.Second
			o.Keys, o.NeedKeys = func() *pass.PlaceKeys { return keys }, func() { needed++ }
		})
		p := newPhone(t, 4)
		first := p.code(time.Now())
		if got := d.present(first); got != "working, admitted green" || needed != 1 {
			t.Errorf("with a registry: %q, keys were asked for %d times", got, needed)
		}
		time.Sleep(5 * time.Second)
		d.next()
		keys = allKeys()
		if got := d.present(first); got != "code-refused replayed" || needed != 1 {
			t.Errorf("the same code, with the key: %q, keys were asked for %d times", got, needed)
		}
		registry.err, keys = errors.New("no route"), nil
		for what, code := range map[string]string{"phone": newPhone(t, 3).code(time.Now()), "paper": paperOf(t, 2)} {
			d.next()
			if got := d.present(code); !strings.HasSuffix(got, "ask-staff no-key") {
				t.Errorf("%s without anything: %q, want the staff", what, got)
			}
		}
	})
}

func TestNoVerdictBeforeData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{}
		faults := new(kiosk.Faults)
		door := kiosk.NewDoor(kiosk.Options{Venue: "shop", Cache: &register{}, Faults: faults, Outlets: []kiosk.Outlet{s}, Now: time.Now})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- door.Run(ctx) }()
		door.Present(kiosk.Sighting{Text: []byte(newPhone(t, 4).code(time.Now()))})
		synctest.Wait()
		faults.Report(kiosk.Starting, nil)
		door.Vouch(time.Now()) // for nothing
		synctest.Wait()
		door.Present(kiosk.Sighting{Text: []byte(newPhone(t, 4).code(time.Now()))})
		synctest.Wait()
		faults.Report(kiosk.CameraFault, errors.New("unplugged"))
		synctest.Wait()
		cancel()
		<-done
		var got []string
		for _, v := range s.since(0) {
			if got = append(got, words(v)); v.Aged {
				t.Errorf("%s: shows an age of %v, and there are no data", words(v), v.Age)
			}
		}
		if want := "out-of-order starting, out-of-order no-data, out-of-order camera, idle"; strings.Join(got, ", ") != want {
			t.Errorf("shown %q, want %q", got, want)
		}
		faults.Report(kiosk.CameraFault, errors.New("late")) // must not hang after the end
	})
}

func TestDataGrowsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, nil)
		var got []string
		for hour := range 80 {
			if v := d.next(); v != "" {
				got = append(got, fmt.Sprintf("%dh %s", hour, v))
			}
			time.Sleep(time.Hour)
		}
		if want := "73h out-of-order data-limit"; strings.Join(got, "; ") != want {
			t.Errorf("shown %q, want %q", got, want)
		}
		d.trust(time.Now())
		if got := d.next(); got != "idle" {
			t.Errorf("with new data: %q, want idle", got)
		}
	})
}

func TestVouchedDataStaysYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, nil)
		began := time.Now()
		for range 100 {
			time.Sleep(time.Hour)
			d.door.Vouch(time.Now())
			synctest.Wait()
			d.door.Vouch(began) // a late word makes nothing older
			synctest.Wait()
		}
		if got := d.next(); got != "" {
			t.Errorf("shown %q, want nothing", got)
		}
		time.Sleep(73 * time.Hour)
		if got := d.next(); got != "out-of-order data-limit" {
			t.Errorf("73 hours after the last word: %q, want that the data are too old", got)
		}
		d.door.Vouch(time.Now())
		if got := d.next(); got != "idle" {
			t.Errorf("vouched for again: %q, want idle", got)
		}
	})
}

func TestOldDataAsksStaff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, nil)
		phones := map[uint64]*phone{} // that the list still knows
		for index := range uint64(5) {
			phones[index] = newPhone(t, index)
		}
		time.Sleep(25 * time.Hour)
		for index, want := range map[uint64]string{1: "turned-back red", 2: "turned-back yellow", 3: "ask-staff blue data-old", 4: "ask-staff green data-old"} {
			if got := d.present(phones[index].code(time.Now())); got != want {
				t.Errorf("index %d: shown %q, want %q", index, got, want)
			}
			if v := d.last(); !v.Aged || v.Age < 25*time.Hour {
				t.Errorf("index %d: age %v, aged %v; want it on the screen", index, v.Age, v.Aged)
			}
		}
	})
}

// TestClockSetBackMakesNothingYounger: the data's age also counts by what has passed for certain.
func TestClockSetBackMakesNothingYounger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var back atomic.Int64
		d := openDoor(t, func(o *kiosk.Options) {
			o.Now = func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
			o.NotBefore = time.Now
		})
		p := newPhone(t, 3)
		time.Sleep(25 * time.Hour)
		back.Store(int64(24 * time.Hour))
		if got := d.present(p.code(began.Add(time.Hour))); got != "ask-staff blue data-old" {
			t.Errorf("shown %q, want that the data is old", got)
		}
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if got := d.last(); got.Reason != kiosk.DataLimit || got.Age < 72*time.Hour {
			t.Errorf("shown %+v, want that the data is too old", got)
		}
	})
}

func TestVerdictCarriesNoIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := openDoor(t, func(o *kiosk.Options) { o.Log = textLog(&log) })
		d.register.set(987654321, statuslist.Green)
		code := newPhone(t, 987654321).code(time.Now())
		d.present(code)
		if got := log.String(); strings.Contains(got, "987654321") || strings.Contains(got, code[:20]) || !strings.Contains(got, "signal=admitted") {
			t.Errorf("logged %q", got)
		}
		if got := fmt.Sprintf("%+v", d.screen.since(0)); strings.Contains(got, "987654321") {
			t.Errorf("shown %q", got)
		}
	})
}

// TestStatusOfWhoIsTurnedBack: the screen says when the status ends, and not when the rule does.
func TestStatusOfWhoIsTurnedBack(t *testing.T) {
	const hours = `{"name":"x","timezone":"UTC","ages":{"quiet":"15m","full":"24h","limit":"72h"},"rules":[{"name":"closed",
		"colours":["green"],"hours":{"from":"00:00","until":"02:00"},"then":"turned-back","text":{"kk":"a","ru":"b","en":"c"}}]}`
	synctest.Test(t, func(t *testing.T) { // midnight in UTC
		d := openDoor(t, nil)
		d.register.until = time.Now().Add(3 * time.Hour)
		d.door.Follow(kiosk.Trust{Issuers: pass.NewIssuers([]ed25519.PublicKey{public(key(1))}), Rules: mustRules(t, hours), AsOf: time.Now()})
		d.present(newPhone(t, 4).code(time.Now()))
		if v := d.last(); v.Signal != kiosk.TurnedBack || !v.Until.Equal(d.register.until) {
			t.Errorf("%v until %v, want until %v", v.Signal, v.Until, d.register.until)
		}
	})
}
