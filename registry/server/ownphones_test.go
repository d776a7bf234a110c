package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	citizens "ashyq-kiosk/registry/phone"
)

// A suspended person removes the own phone, and all others, and gets another pass: it is suspended,
// too.
func TestSuspensionOutlastsPhones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := signInRig(t)
		p := r.activate(iinA, 3)
		r.post(PathSuspend, adminKey, CitizenRequest{IIN: iinA}, nil)
		time.Sleep(10 * time.Second) // fake
		if got := r.self(p); got.Status != "suspended" {
			t.Fatalf("the first phone: %+v", got)
		}
		var phones PhonesAnswer
		r.signed(p, PathPhones, "", &phones)
		r.signed(p, PathRemovePhone, fmt.Sprint(phones.Phones[0].ID), nil)
		again := func(seed byte) phone {
			session := r.askCode("192.0.2.1", iinA)
			return r.signedIn(session, codeOfMessage(t, g.take()), seed)
		}
		p = again(4)
		time.Sleep(10 * time.Second) // fake
		if got := r.self(p); got.Status != "suspended" {
			t.Errorf("the next phone: %+v", got)
		}
		r.post(PathResume, adminKey, CitizenRequest{IIN: iinA}, nil)
		time.Sleep(10 * time.Second) // fake
		if got := r.self(p); got.Status == "suspended" {
			t.Errorf("resumed: %+v", got)
		}
		p = again(5)
		if got := r.self(p); got.Status == "suspended" {
			t.Errorf("a phone after that: %+v", got)
		}
	})
}

// Each pass uses up an index of the list that every door holds, for ever: one person with a script
// gets only so many.
func TestPassesOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p := r.activate(iinA, 3)
		made := 0
		for made < 100 {
			w := r.call(http.MethodPost, PathMove, "", r.askOf(p, PathMove, ""))
			if w.Code == http.StatusTooManyRequests {
				break
			}
			p = r.activateWith(r.codeIn(w), byte(10+made))
			made++
			time.Sleep(time.Second) // fake
		}
		if made < 5 || made > 10 {
			t.Errorf("one phone has led to %d others", made)
		}
		// The office still helps, and so does the next day.
		p = r.activate(iinA, 200)
		r.pass(24 * time.Hour)
		r.codeIn(r.call(http.MethodPost, PathMove, "", r.askOf(p, PathMove, "")))
	})
}

func (r *rig) codeIn(w *httptest.ResponseRecorder) string {
	r.Helper()
	var a CitizenAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
		r.Fatalf("a code for another phone: %d %s", w.Code, w.Body)
	}
	return a.Code
}

// signedIn is the phone that a sent code gives a pass.
func (r *rig) signedIn(session, code string, seed byte) phone {
	r.Helper()
	p := phone{Phone: citizens.New(keyOf(seed))}
	r.post(PathSignInCode, "", SignInCodeRequest{Session: session, Code: code, Key: p.Key()}, nil)
	return r.place(p)
}
