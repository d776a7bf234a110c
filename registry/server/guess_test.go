package server

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
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
	expected := lookUpsPerSecond * guessingTime.Seconds() * openCodes / math.Pow(2, codeBits)
	if expected >= 0.01 || expected <= 0.001 { // the package comment says 0.003
		t.Errorf("%.2g codes are found in ten years", expected)
	}
	if atMost := math.Pow(2, codeBits) / guessingTime.Seconds() / openCodes; atMost < 5.5e6 || atMost > 6.5e6 {
		t.Errorf("%.2g tries a second find one code in ten years, the package comment says six million", atMost)
	}
	tokens := 100_000 * guessingTime.Seconds() * openCodes / math.Pow(2, 8*enrol.TokenSize)
	if tokens >= 1e-17 || tokens <= 1e-18 {
		t.Errorf("%.2g tokens are found in ten years", tokens)
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

func phoneOf(n int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(binary.BigEndian.AppendUint64(make([]byte, 24), uint64(n)))
}

var guesser = phoneOf(0)

// Everybody who guesses, from as many addresses as there are and as often as they can, finds less
// than one code in ten years.
func TestGuessingFindsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		start := time.Now()
		var evaluated atomic.Int64
		var all sync.WaitGroup
		for crowd := range 64 {
			all.Go(func() {
				for n := range 100 { // each from another network
					if r.guess(fmt.Sprintf("10.%d.%d.7", crowd, n), NewCode(), guesser) == http.StatusForbidden {
						evaluated.Add(1)
					}
				}
			})
		}
		all.Wait()
		seconds := time.Since(start).Seconds() // of fake time, in which nothing but the limit takes time
		perSecond := float64(evaluated.Load()-lookUpsTogether) / seconds
		bits := 5 * len(strings.ReplaceAll(NewCode(), "-", ""))
		hits := perSecond * guessingTime.Seconds() * openCodes / math.Pow(2, float64(bits))
		t.Logf("%.0f tries a second are evaluated, codes have %d bits: %.2g hits in ten years", perSecond, bits, hits)
		if evaluated.Load() != 6400 {
			t.Errorf("%d tries were evaluated, want all 6400", evaluated.Load())
		}
		if perSecond > lookUpsPerSecond {
			t.Errorf("%.0f tries a second are evaluated, want at most %d", perSecond, lookUpsPerSecond)
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
				if got := r.guess(fmt.Sprintf("192.0.2.%d", n%4), NewCode(), guesser); got != http.StatusForbidden {
					t.Fatalf("typing error %d in minute %d: %d, want 403", n, minute, got)
				}
			}
			time.Sleep(time.Minute) // fake
		}
		var c CitizenAnswer
		r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinA}, &c)
		if got := r.guess("192.0.2.1", c.Code, guesser); got != http.StatusNoContent {
			t.Errorf("a right code after 600 typing errors in ten minutes: %d, want 204", got)
		}
	})
}

// A device that goes on with four wrong codes a second keeps nobody out: not its neighbours, and
// not those who share its address.
func TestNeighbourOfAGuesserActivates(t *testing.T) {
	for guesser, neighbours := range map[string][]string{
		"192.0.2.7":         {"192.0.2.8", "192.0.2.7"},
		"[2001:db8:7:1::1]": {"[2001:db8:7:2::1]", "[2001:db8:7:1::2]"},
	} {
		t.Run(guesser, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				for range 4 * 180 {
					time.Sleep(time.Second / 4) // fake
					r.guess(guesser, NewCode(), phoneOf(0))
				}
				for n, from := range neighbours {
					var c CitizenAnswer
					r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinA}, &c)
					if got := r.guess(from, c.Code, phoneOf(n+1)); got != http.StatusNoContent {
						t.Errorf("%s after three minutes of wrong codes from %s: %d, want 204", from, guesser, got)
					}
				}
			})
		})
	}
}

// Nor do a great many networks together.
func TestNobodyUsesUpTheTriesOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for n := range 3000 {
			r.guess(fmt.Sprintf("10.%d.%d.7", n/256, n%256), NewCode(), guesser)
		}
		var c CitizenAnswer
		r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinA}, &c)
		if got := r.guess("192.0.2.1", c.Code, guesser); got != http.StatusNoContent {
			t.Errorf("after wrong codes from 3000 networks: %d, want 204", got)
		}
	})
}

// A right code that everybody has is tried a few times and no more, at the same moment, too.
func TestParallelTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var c CitizenAnswer
		r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinA}, &c)
		codes := make([]int, 300)
		var all sync.WaitGroup
		for n := range codes {
			all.Go(func() { codes[n] = r.guess(fmt.Sprintf("10.0.%d.1", n%250), c.Code, phoneOf(n)) })
		}
		all.Wait()
		count := map[int]int{}
		for _, code := range codes {
			count[code]++
		}
		want := map[int]int{http.StatusNoContent: 1, http.StatusForbidden: sameAtOnce - 1, http.StatusTooManyRequests: 300 - sameAtOnce}
		if !maps.Equal(count, want) {
			t.Errorf("one code on 300 phones: %v, want %v", count, want)
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
