package server

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/enrol"
)

// What the limits have to hold against: codes that nobody has used yet, and how long somebody
// guesses.
const (
	openCodes    = 20_000_000
	guessingTime = 10 * 365.25 * 24 * time.Hour
)

func TestCodesOutlastGuessing(t *testing.T) {
	expected := wrongPerSecond * guessingTime.Seconds() * openCodes / math.Pow(2, codeBits)
	if expected >= 0.001 || expected <= 0.0001 { // the package comment says 0.0003
		t.Errorf("%.2g codes are found in ten years", expected)
	}
	tokens := 100_000 * guessingTime.Seconds() * openCodes / math.Pow(2, 8*enrol.TokenSize)
	if tokens >= 1e-17 || tokens <= 1e-18 {
		t.Errorf("%.2g tokens are found in ten years", tokens)
	}
	if float64(wrongPerSecond)/slotsOfAll > 0.2/sameEvery.Seconds() {
		t.Error("random codes use up what single codes have")
	}
}

// guess tries a code from an address.
func (r *rig) guess(from, code string, phone ed25519.PrivateKey) int {
	body := fmt.Sprintf(`{"code":%q,"key":%q}`, code, publicKey(phone))
	q := httptest.NewRequestWithContext(r.Context(), http.MethodPost, PathActivate, strings.NewReader(body))
	q.RemoteAddr = from + ":4000"
	w := httptest.NewRecorder()
	r.ServeHTTP(w, q)
	return w.Code
}

var guesser = ed25519.NewKeyFromSeed(make([]byte, 32))

// Everybody who guesses, from as many addresses as there are, finds less than one code in ten
// years.
func TestGuessingFindsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		guess := func(n int) bool { // in each second from 4096 other networks
			return r.guess(fmt.Sprintf("10.%d.%d.7", n/256%16, n%256), newCode(), guesser) == http.StatusForbidden
		}
		evaluated := 0
		for n := range 4096 { // what is allowed at once
			guess(n)
		}
		const seconds = 1
		for range seconds {
			time.Sleep(time.Second) // fake
			for n := range 4096 {
				if guess(n) {
					evaluated++
				}
			}
		}
		bits := 5 * len(strings.ReplaceAll(newCode(), "-", ""))
		hits := float64(evaluated) / seconds * guessingTime.Seconds() * openCodes / math.Pow(2, float64(bits))
		t.Logf("%d tries a second are evaluated, codes have %d bits: %.2g hits in ten years", evaluated/seconds, bits, hits)
		if evaluated > wrongPerSecond*seconds {
			t.Errorf("%d tries are evaluated in %d s, want at most %d a second", evaluated, seconds, wrongPerSecond)
		}
		if hits >= 1 {
			t.Errorf("%.1f hits are expected in ten years, want less than one", hits)
		}
	})
}

// Typing errors of a whole town come from a few addresses of its mobile network.
func TestTypingErrorsOfATown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for minute := range 10 {
			for n := range 60 {
				if got := r.guess(fmt.Sprintf("192.0.2.%d", n%4), newCode(), guesser); got != http.StatusForbidden {
					t.Fatalf("typing error %d in minute %d: %d, want 403", n, minute, got)
				}
			}
			time.Sleep(time.Minute) // fake
		}
		var c CitizenAnswer
		r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinA}, &c)
		if got := r.guess("192.0.2.1", c.Code, guesser); got != http.StatusOK {
			t.Errorf("a right code after 600 typing errors in ten minutes: %d, want 200", got)
		}
	})
}

// One network is limited, however many addresses it has and however many tries it makes at the same
// moment.
func TestParallelTries(t *testing.T) {
	for _, network := range []string{"192.0.2.%d", "[2001:db8:7:%x::1]"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			codes := make([]int, wrongAtOnce+300)
			var all sync.WaitGroup
			for n := range codes {
				all.Go(func() { codes[n] = r.guess(fmt.Sprintf(network, n%250), newCode(), guesser) })
			}
			all.Wait()
			evaluated := 0
			for _, code := range codes {
				if code == http.StatusForbidden {
					evaluated++
				}
			}
			if evaluated > wrongAtOnce {
				t.Errorf("%s: %d of %d wrong codes were evaluated, want at most %d", network, evaluated, len(codes), wrongAtOnce)
			}
			if got := r.guess("203.0.113.9", newCode(), guesser); got != http.StatusForbidden {
				t.Errorf("another network: %d, want 403", got)
			}
			time.Sleep(time.Minute) // fake
			if got := r.guess(fmt.Sprintf(network, 1), newCode(), guesser); got != http.StatusForbidden {
				t.Errorf("a minute later: %d, want 403", got)
			}
		})
	}
}

// Who hangs up before the answer has used up a try all the same.
func TestHangingUpIsNotFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp()
		for range wrongAtOnce {
			body := fmt.Sprintf(`{"code":%q,"key":%q}`, newCode(), publicKey(guesser))
			q := httptest.NewRequestWithContext(ctx, http.MethodPost, PathActivate, strings.NewReader(body))
			q.RemoteAddr = "192.0.2.1:4000"
			r.ServeHTTP(httptest.NewRecorder(), q)
		}
		if got := r.guess("192.0.2.2", newCode(), guesser); got != http.StatusTooManyRequests {
			t.Errorf("after %d tries that hung up: %d, want 429", wrongAtOnce, got)
		}
	})
}

// A phone that sends the same code for ever uses up that code's tries, not those of its neighbours.
func TestOneCodeAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		wrong, evaluated := newCode(), 0
		for range 2 * wrongAtOnce {
			if r.guess("192.0.2.1", wrong, guesser) == http.StatusForbidden {
				evaluated++
			}
		}
		if evaluated > sameAtOnce {
			t.Errorf("one code was looked up %d times at once, want at most %d", evaluated, sameAtOnce)
		}
		var c CitizenAnswer
		r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinA}, &c)
		if got := r.guess("192.0.2.1", c.Code, guesser); got != http.StatusOK {
			t.Errorf("a neighbour's right code: %d, want 200", got)
		}
	})
}

// Behind a proxy that passes TLS through, all doors and all strangers have one address.
func TestStrangersKeepNoDoorOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network := r.serveTLS()
		b := r.newBox(network, boardA)
		right := codesFor(r, "door")[0]
		for range 300 {
			status, code := b.enrol(enrol.Code{Token: newToken()})
			is(t, "a stranger's token", status, code, http.StatusForbidden, "")
		}
		status, code := b.enrol(right)
		is(t, "the right token after 300 wrong ones from its address", status, code, http.StatusOK, "")
	})
}

// A door's token is no oracle, and no load, for whoever found a used sheet of codes.
func TestOneTokenAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network := r.serveTLS()
		codes := codesFor(r, "door", "other door")
		b := r.newBox(network, boardA)
		b.enrol(codes[0])
		evaluated := 0
		for range 30 {
			if status, _ := r.newBox(network, boardB).enrol(codes[0]); status == http.StatusConflict {
				evaluated++
			}
		}
		if evaluated > sameAtOnce {
			t.Errorf("a used token was evaluated %d times at once, want at most %d", evaluated, sameAtOnce)
		}
		status, code := r.newBox(network, boardB).enrol(codes[1])
		is(t, "another door behind the same address", status, code, http.StatusOK, "")
	})
}
