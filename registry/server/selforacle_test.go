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
// with an old picture of their code, a code and requests that are forged, and requests that are old.
// The answers are alike whatever the status.
func TestSelfTellsNothingOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab := r.source(Laboratory)
		people := map[string]phone{}
		for i, name := range []string{"red", "blue", "revoked"} {
			iin := []string{iinA, iinB, "011399500206"}[i]
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
	own := []string{PathPhones, PathOwnHistory, PathMove}
	old, asked := r.code(p), map[string]AskRequest{}
	for _, path := range own {
		asked[path] = r.askOf(p, path, "")
	}
	time.Sleep(pass.MaxAge + time.Second) // fake
	forged := r.code(p)
	forged[len(forged)-1] ^= 1 // in the signature
	for _, code := range [][]byte{old, forged} {
		text := pass.Prefix + pass.EncodeBase45(code)
		ask(PathSelf, SelfRequest{Code: text})
		ask(PathSelf, SelfRequest{Code: text, Seen: "x", Wait: 60})
		ask(PathDispute, DisputeRequest{Code: text, Why: "not me"})
		for _, path := range own {
			ask(path, AskRequest{base64.RawURLEncoding.EncodeToString(code)})
			ask(path, asked[path])
		}
	}
	return told
}

// code is what the phone shows now.
func (r *rig) code(p phone) []byte {
	r.Helper()
	text, err := pass.Rotate(p.key, p.sealed, time.Now())
	if err != nil {
		r.Fatal(err)
	}
	sealed, err := pass.DecodeBase45(strings.TrimPrefix(text, pass.Prefix))
	if err != nil {
		r.Fatal(err)
	}
	return sealed
}
