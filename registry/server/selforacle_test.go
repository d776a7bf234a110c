package server

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// TestSelfTellsNothingOfOthers asks about people who are red, blue and revoked, as somebody else:
// with an old picture of their code, a code and requests that are forged, and requests that are
// old. The answers are alike whatever the status.
func TestSelfTellsNothingOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab := r.source(Laboratory)
		people := map[string]phone{}
		for i, name := range []string{"red", "blue", "revoked"} {
			iin := []string{iinA, iinB, iinC}[i]
			people[name] = r.activate(iin, byte(i+3))
			switch name {
			case "red":
				r.post(PathResults, lab, ResultRequest{IIN: iin, Sample: "1", Result: "positive", Taken: now()}, nil)
			case "revoked":
				r.post(PathRevoke, adminKey, CitizenRequest{IIN: iin}, nil)
			}
		}
		time.Sleep(time.Minute) // fake: everything is published
		seen := map[string][]string{}
		for name, p := range people {
			told := strings.Join(r.askAsStranger(p), "\n")
			seen[told] = append(seen[told], name)
		}
		if len(seen) != 1 {
			t.Errorf("people are told apart: %v", seen)
		}
	})
}

// askAsStranger asks everything that a phone may ask, with what can be seen or kept of that phone
// but without its key, and gives the answers.
func (r *rig) askAsStranger(p phone) (told []string) {
	r.Helper()
	ask := func(path string, body any) {
		start := time.Now()
		w := r.call(http.MethodPost, path, "", body)
		if w.Code < 400 || strings.Contains(w.Body.String(), "colour") {
			r.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		told = append(told, fmt.Sprint(path, w.Code, w.Body, time.Since(start)))
	}
	own := []string{PathPhones, PathOwnHistory, PathMove, PathDispute}
	code, self, asked := r.code(p), r.selfOf(p), map[string]AskRequest{}
	for _, path := range own {
		asked[path] = r.askOf(p, path, "")
	}
	ask(PathSelf, SelfRequest{Self: code}) // a picture of it, at once
	time.Sleep(pass.MaxAge + time.Second)  // fake
	sealed, err := pass.DecodeBase45(strings.TrimPrefix(code, pass.Prefix))
	r.must(err)
	for _, seen := range []string{code, base64.RawURLEncoding.EncodeToString(sealed), self, forged(r, r.selfOf(p))} {
		ask(PathSelf, SelfRequest{Self: seen})
		ask(PathSelf, SelfRequest{Self: seen, Seen: "x", Wait: 60})
		ask(PathTopUp, TopUpRequest{seen})
		for _, path := range own {
			ask(path, AskRequest{seen})
			ask(path, asked[path])
		}
	}
	return told
}

// forged is a request with another signature.
func forged(r *rig, request string) string {
	sealed, err := base64.RawURLEncoding.DecodeString(request)
	r.must(err)
	sealed[len(sealed)-1] ^= 1
	return base64.RawURLEncoding.EncodeToString(sealed)
}
