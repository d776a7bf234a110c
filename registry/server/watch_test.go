package server

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// ask is a self-check as of now that may wait, and how long it did.
func (r *rig) ask(p phone, seen string, wait int) (a SelfAnswer, took time.Duration) {
	r.Helper()
	self := r.selfOf(p)
	start := time.Now()
	w := r.call(http.MethodPost, PathSelf, "", SelfRequest{Self: self, Seen: seen, Wait: wait})
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
		r.Errorf("self-check: %d %s", w.Code, w.Body)
	}
	return a, time.Since(start)
}

// Whatever changes what the page shows ends the wait, and nothing else does.
func TestSelfWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab := r.source(Laboratory)
		p, other := r.activate(iinA, 1), r.activate(iinB, 2)
		for _, change := range []struct {
			name, colour string
			do           func()
		}{
			{"a positive result", "red", func() {
				r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "1", Result: "positive", Taken: now()}, nil)
			}},
			{"a second one, that lasts longer", "red", func() {
				r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "2", Result: "positive", Taken: now()}, nil)
			}},
			{"a suspension", "", func() { r.post(PathSuspend, adminKey, CitizenRequest{IIN: iinA}, nil) }},
			{"its end", "red", func() { r.post(PathResume, adminKey, CitizenRequest{IIN: iinA}, nil) }},
			{"a withdrawal", "red", func() { r.post(PathWithdraw, lab, Target{Sample: "2", Why: "typing error"}, nil) }},
			{"the revocation", "", func() { r.post(PathRevoke, adminKey, CitizenRequest{IIN: iinA}, nil) }},
		} {
			seen, _ := r.ask(p, "", 0)
			type result struct {
				SelfAnswer
				took time.Duration
			}
			done := make(chan result, 1)
			go func() { a, took := r.ask(p, seen.State, 50); done <- result{a, took} }()
			time.Sleep(20 * time.Second) // fake
			r.post(PathResults, lab, ResultRequest{IIN: iinB, Sample: change.name, Result: "negative", Taken: now()}, nil)
			time.Sleep(10 * time.Second) // fake
			change.do()
			got := <-done
			if got.Colour != change.colour || got.State == seen.State || got.took < 30*time.Second || got.took > 31*time.Second {
				t.Errorf("%s: %q after %v, want %q after 30 s and at most 1 s more",
					change.name, got.Colour, got.took, change.colour)
			}
			if waited := time.Duration(got.Waited) * time.Millisecond; waited > got.took || waited < got.took-time.Millisecond {
				t.Errorf("%s: the answer says it was kept for %v, not %v", change.name, waited, got.took)
			}
		}

		// A status that ends by itself.
		seen, _ := r.ask(other, "", 0)
		for time.Until(seen.Until) > LongestWait {
			r.pass(time.Until(seen.Until) - 30*time.Second)
		}
		seen, _ = r.ask(other, "", 0)
		if got, took := r.ask(other, seen.State, 50); got.Colour != "blue" || took > 32*time.Second {
			t.Errorf("a negative result that ends in 30 s: %q after %v", got.Colour, took)
		}
		seen, _ = r.ask(other, "", 0)
		got, took := r.ask(other, seen.State, 1000)
		if took != LongestWait || got.State != seen.State || !got.AsOf.After(seen.AsOf) {
			t.Errorf("without news: %+v after %v", got, took)
		}
		if w := r.call(http.MethodPost, PathSelf, "", `{"code": "AQ1:", "wait": -1}`); w.Code != http.StatusBadRequest {
			t.Errorf("a negative wait: %d", w.Code)
		}
		if n := len(r.publisher.watches.of); n != 0 {
			t.Errorf("%d passes are still watched", n)
		}
	})
}

// Where nobody else may wait, a phone gets its status at once; and a shutdown answers everybody.
func TestSelfRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p, other := r.activate(iinA, 1), r.activate(iinB, 2)
		r.phones = newWaits(waitsOfDoor + 1)
		seen, _ := r.ask(p, "", 0)
		took := make(chan time.Duration)
		wait := func(p phone) { _, long := r.ask(p, seen.State, 50); took <- long }
		for range waitsOfDoor {
			go wait(p)
		}
		synctest.Wait()
		if _, long := r.ask(p, seen.State, 50); long != 0 {
			t.Errorf("one more of the same pass waited %v", long)
		}
		go wait(other)
		synctest.Wait()
		r.phones.mu.Lock()
		n := r.phones.waiting
		r.phones.mu.Unlock()
		if n != waitsOfDoor+1 {
			t.Errorf("%d wait, want the other pass, too", n)
		}
		time.Sleep(time.Second) // fake
		go func() { r.stop() }()
		for range waitsOfDoor + 1 {
			if long := <-took; long != time.Second {
				t.Errorf("at the shutdown a phone had waited %v", long)
			}
		}
		synctest.Wait()
	})
}
