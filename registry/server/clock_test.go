package server

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
)

// TestClockWasAhead sets a registry's clock 15 days ahead, and right again. Somebody who is red for 14
// days was blue in the list that it made meanwhile, for good, and is red again.
func TestClockWasAhead(t *testing.T) {
	file, authority := filepath.Join(t.TempDir(), "registry.db"), newAuthority(t)
	open := func(t *testing.T) *rig {
		r := &rig{TB: t, file: file, authority: authority, bundles: t.TempDir()}
		r.start()
		return r
	}
	var p phone
	status := func(r *rig) statuslist.Status {
		const size = statuslist.SectionSize
		return r.section(r.manifestAfter(0, 0), int(p.index/size)).Get(uint32(p.index % size))
	}
	synctest.Test(t, func(t *testing.T) {
		r := open(t)
		defer func() { r.stop() }()
		p = r.activate(iinA, 3)
		r.post(PathResults, r.source(Laboratory), ResultRequest{IIN: iinA, Sample: "1", Result: "positive", Taken: now()}, nil)
		time.Sleep(time.Minute) // fake
		if got := status(r); got != statuslist.Red {
			t.Fatalf("after a positive result: %v", got)
		}
		r.pass(15 * day)
		time.Sleep(time.Minute)
		if got := status(r); got != statuslist.Valid {
			t.Fatalf("15 days later: %v", got)
		}
	})
	synctest.Test(t, func(t *testing.T) { // its clock begins where the other one's did
		r := open(t)
		defer func() { r.stop() }()
		time.Sleep(10 * time.Minute)
		if got := status(r); got != statuslist.Red {
			t.Errorf("the clock is right again: %v", got)
		}
		version := r.manifestAfter(0, 0).Version
		time.Sleep(10 * time.Minute)
		if got := r.manifestAfter(0, 0).Version; got != version {
			t.Errorf("version %d after %d, and nothing has changed", got, version)
		}
		r.pass(14 * day)
		time.Sleep(time.Minute)
		if got := status(r); got != statuslist.Valid {
			t.Errorf("after 14 days: %v", got)
		}
	})
}

// TestClockIsSetBack has a registry that is alone vouch for the list with a clock that is set back
// while it runs. If that was far ahead, it takes it back: doors would take nothing before that time.
func TestClockIsSetBack(t *testing.T) {
	for by, taken := range map[time.Duration]bool{
		24 * time.Hour: true, 2 * time.Minute: true, 45 * time.Second: false,
	} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				m := r.manifestAfter(0, 0)
				synctest.Wait() // the publisher has looked
				ahead := now().Add(by)
				r.publisher.public.announce(m, ahead, time.Time{})
				if got := r.manifestAfter(0, 0).IssuedAt(); !got.Equal(ahead) {
					t.Fatalf("it is vouched for as of %v, want %v", got, ahead)
				}
				time.Sleep(2 * vouch) // fake
				if got := r.manifestAfter(0, 0).IssuedAt(); got.Equal(ahead) == taken {
					t.Errorf("%v ahead, then right again: at %v it is vouched for as of %v", by, now(), got)
				}
			})
		})
	}
}

// TestOthersClockWasAhead has a registry whose clock was ahead vouch for the list. The next one takes
// that back: doors would take nothing before that time.
func TestOthersClockWasAhead(t *testing.T) {
	p := newPair(t, func(_, _ *publisher) {})
	if _, err := p.db.Exec(`UPDATE lease SET looked = looked + 86400`); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var issued []time.Time
		for _, public := range []*publication{p.rig.publisher.public, p.front.publisher.public} {
			sealed, err := public.current()
			if err != nil {
				t.Fatal(err)
			}
			m, err := api.OpenManifest(sealed, p.registryKey())
			if err != nil {
				t.Fatal(err)
			}
			issued = append(issued, m.IssuedAt())
		}
		var looked int64
		if err := p.db.QueryRow(`SELECT looked FROM lease`).Scan(&looked); err != nil {
			t.Fatal(err)
		}
		issued = append(issued, time.Unix(looked, 0))
		right := 0
		for _, at := range issued {
			if time.Until(at) < time.Minute {
				right++
			}
		}
		if right == len(issued) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it is vouched for as of %v", issued)
		}
	}
}
