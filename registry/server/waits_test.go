package server

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// The crowd without certificates takes its part and no more, whatever addresses it has; then a door
// still waits.
func TestWaits(t *testing.T) {
	w := newWaits(160)
	waiting := func(client string, known bool, tries int) (n int) {
		for range tries {
			if _, ok := w.enter(client, known); ok {
				n++
			}
		}
		return n
	}
	if n := waiting("town", false, 200); n != 10 {
		t.Errorf("%d of one address block wait, want 10", n)
	}
	crowd := 0
	for i := range 200 {
		crowd += waiting(fmt.Sprint("block ", i), false, 1)
	}
	if crowd != 30 {
		t.Errorf("%d of the crowd wait, want the other 30 of a quarter", crowd)
	}
	if n := waiting("door 1", true, 200); n != waitsOfDoor {
		t.Errorf("a door waits with %d requests, want %d", n, waitsOfDoor)
	}
	doors := 0
	for i := range 200 {
		doors += waiting(fmt.Sprint("other ", i), true, 1)
	}
	if want := 160 - 40 - waitsOfDoor; doors != want {
		t.Errorf("%d doors wait, want %d: all the room", doors, want)
	}
}

// Who may not wait gets the current list at once, and the place of who left is free.
func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.waits = newWaits(16) // one of each block
		ask := func(after uint64) time.Duration {
			start := time.Now()
			if m := r.manifestAfter(after, time.Second); m.Version == 0 {
				t.Error("no manifest")
			}
			return time.Since(start)
		}
		first := make(chan time.Duration)
		go func() { first <- ask(99) }()
		synctest.Wait()
		if took := ask(99); took != 0 {
			t.Errorf("the second one of a client waited %v", took)
		}
		if took := <-first; took != time.Second {
			t.Errorf("the first one waited %v", took)
		}
		if took := ask(99); took != time.Second {
			t.Errorf("after the first one left, the next one waited %v", took)
		}
	})
}

func TestWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		b := r.newBox(r.serveTLS(), boardA)
		b.enrol(codesFor(r, "door")[0])
		r.waits = newWaits(16)
		r.waits.enter(BlockOf(netip.MustParseAddr("192.0.2.1")).String(), false) // httptest's address
		done := make(chan struct{})
		go func() { defer close(done); r.callAs(b, "GET", api.PathManifest+"?after=99&wait=1s", nil) }()
		synctest.Wait()
		r.waits.mu.Lock()
		n := r.waits.clients["door 1"]
		r.waits.mu.Unlock()
		if n != 1 {
			t.Errorf("%d requests of the certificate wait, want one", n)
		}
		<-done
	})
	for text, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2::3": "2001:db8:1::/48",
	} {
		if got := BlockOf(netip.MustParseAddr(text)).String(); got != want {
			t.Errorf("block of %s is %s, want %s", text, got, want)
		}
	}
	if got := BlockOf(remote(httptest.NewRequest("GET", "/", nil)).Addr()).String(); got != "192.0.2.0/24" {
		t.Errorf("a request's block is %s", got)
	}
}
