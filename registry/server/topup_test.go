package server

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	citizens "ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/store"
)

// midnight switches the registry off until a while before the next day begins, by UTC.
func (r *rig) midnight(before time.Duration) {
	r.Helper()
	r.pass(time.Until((pass.DayOf(time.Now()) + 1).Start().Add(-before)))
}

// verified reads a code as a door does.
func (r *rig) verified(code string, now time.Time) pass.Credential {
	r.Helper()
	c, err := pass.Parse([]byte(code))
	if err != nil {
		r.Fatal(err)
	}
	r.must(c.Verify(r.issuers, now))
	return c.Credential
}

// A phone gets a credential for today and each of the next 30 days. They lead to one place in the list,
// and have nothing else in common.
func TestTopUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p := r.activate(iinA, 3)
		r.topUp(p, pass.MaxDays)
		today, seen := pass.DayOf(time.Now()), map[string]bool{}
		for n := range pass.Day(pass.MaxDays) {
			c, err := pass.OpenCredential(p.Credential(today + n))
			r.must(err)
			if at := r.placeIn(c); at.Index != p.index || at.Since != p.since || c.Day != today+n {
				t.Errorf("day %d: place %+v on %v, want %d since %v", n, at, c.Day, p.index, p.since)
			}
			for _, part := range []string{string(c.Block[:]), string(c.Holder)} {
				if seen[part] {
					t.Errorf("day %d repeats a block or a key", n)
				}
				seen[part] = true
			}
		}
		again := citizens.New(keyOf(3)) // the answer was lost, and the keys with it
		r.topUp(phone{Phone: again}, pass.MaxDays)
		if string(again.Credential(today)) == string(p.Credential(today)) {
			t.Error("the same credential for another key")
		}
	})
}

func TestTopUpRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p := r.activate(iinA, 3)
		asked := func(of time.Time, days int) TopUpRequest {
			// The days are what the request says; it is signed now.
			q, err := topUpOf(3, pass.DayOf(of), days)
			r.must(err)
			return TopUpRequest{q}
		}
		r.refused("yesterday", PathTopUp, "", asked(time.Now().Add(-24*time.Hour), 1), http.StatusBadRequest, "past")
		r.refused("the 31st day from now", PathTopUp, "", asked(time.Now().Add(24*time.Hour), pass.MaxDays),
			http.StatusBadRequest, "ahead")
		stranger, err := citizens.New(keyOf(9)).TopUp(time.Now(), 1)
		r.must(err)
		r.refused("a phone without a pass", PathTopUp, "", TopUpRequest{stranger}, http.StatusNotFound, "no such pass")
		late := asked(time.Now(), 1)
		time.Sleep(pass.MaxAge + time.Second) // fake
		r.refused("an old request", PathTopUp, "", late, http.StatusForbidden, "minute")

		for range store.TopUpsDaily - 1 { // and the one of the activation
			r.topUp(p, 1)
		}
		r.refused("the 21st of a day", PathTopUp, "", asked(time.Now(), 1), http.StatusTooManyRequests, "too often")
		r.midnight(0)
		r.post(PathSuspend, adminKey, CitizenRequest{IIN: iinA}, nil)
		r.topUp(p, pass.MaxDays) // the next day, and suspended
		r.post(PathRevoke, adminKey, CitizenRequest{IIN: iinA}, nil)
		w := r.call(http.MethodPost, PathTopUp, "", asked(time.Now(), 1))
		var e api.Error
		r.must(json.Unmarshal(w.Body.Bytes(), &e))
		if w.Code != http.StatusForbidden || e.Code != api.CodeRevoked || !strings.Contains(e.Hint, "sign in again") {
			t.Errorf("revoked: %d %s", w.Code, w.Body)
		}
	})
}

// topUpOf is a request for days that a phone may not ask for.
func topUpOf(seed byte, first pass.Day, days int) (string, error) {
	keys := make([]pass.DayKey, days)
	for i := range keys {
		keys[i] = pass.DayKey{Day: first + pass.Day(i), Holder: phoneOf(1000 + i).Public().(ed25519.PublicKey)}
	}
	sealed, err := pass.NewTopUp(keyOf(seed), keys, time.Now())
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// At midnight by UTC the phone changes to the next credential at once; the code from before stays good as
// long as any other, and so does a request on its way.
func TestTopUpAtMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p := r.activate(iinA, 3)
		r.topUp(p, 2)
		r.midnight(time.Second)
		today := pass.DayOf(time.Now())
		before := r.code(p)
		asked, err := p.TopUp(time.Now(), pass.MaxDays)
		r.must(err)
		time.Sleep(time.Second) // fake; midnight
		after := r.code(p)
		time.Sleep(10 * time.Second) // fake
		first, second := r.verified(before, time.Now()), r.verified(after, time.Now())
		if first.Day != today || second.Day != today+1 {
			t.Errorf("codes of %v and %v, want %v and the next day", first.Day, second.Day, today)
		}
		var a TopUpAnswer
		r.post(PathTopUp, "", TopUpRequest{asked}, &a)
		r.must(p.Take(a.Credentials))
	})
}

// TestSelfCheckIsThePhonesOwn: a photographed code, of a phone or on paper, gives a stranger nothing at any
// route, and neither does what a phone signed for something else.
func TestSelfCheckIsThePhonesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.post(PathContacts, r.source(Covid19Centre), ContactRequest{IIN: iinA, Since: now()}, nil)
		p := r.activate(iinA, 3)
		var paper PaperAnswer
		r.post(PathPaper, adminKey, CitizenRequest{IIN: iinA}, &paper)
		photographed := map[string]string{"code": r.code(p), "paper": paper.Code}
		for what, text := range maps.Clone(photographed) {
			body, err := pass.DecodeBase45(strings.TrimPrefix(text, pass.Prefix))
			r.must(err)
			photographed[what+"'s bytes"] = base64.RawURLEncoding.EncodeToString(body)
		}
		photographed["credential"] = base64.RawURLEncoding.EncodeToString(p.Credential(pass.DayOf(now())))

		signed := map[string]string{PathSelf: r.selfOf(p)}
		for _, path := range []string{PathPhones, PathMove, PathOwnHistory, PathRemovePhone, PathDispute} {
			signed[path] = r.askOf(p, path, "99").Ask
		}
		var err error
		signed[PathTopUp], err = p.TopUp(time.Now(), 1)
		r.must(err)
		bodyOf := func(path, text string) any {
			switch path {
			case PathSelf:
				return SelfRequest{Self: text}
			case PathTopUp:
				return TopUpRequest{text}
			}
			return AskRequest{text}
		}
		for path, text := range signed {
			forged, err := base64.RawURLEncoding.DecodeString(text)
			r.must(err)
			forged[len(forged)-1] ^= 1
			r.refused("another signature at "+path, path, "", bodyOf(path, base64.RawURLEncoding.EncodeToString(forged)),
				http.StatusForbidden, "the phone has not signed")
			for what, text := range photographed {
				w := r.call(http.MethodPost, path, "", bodyOf(path, text))
				if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "a code for doors cannot ask this") {
					t.Errorf("%s with a photographed %s: %d %s", path, what, w.Code, w.Body)
				}
			}
			for from, text := range signed {
				w := r.call(http.MethodPost, path, "", bodyOf(path, text))
				if (w.Code < 300) != (from == path) && !(path == PathRemovePhone && from == path) {
					t.Errorf("%s with what was signed for %s: %d %s", path, from, w.Code, w.Body)
				}
			}
		}
		r.nowhereElse(photographed, signed)
	})
}

// nowhereElse sends a code to all other routes that need no key, in each field.
func (r *rig) nowhereElse(photographed map[string]string, asked map[string]string) {
	r.Helper()
	for _, route := range r.publicRoutes() {
		if _, is := asked[route.path]; is {
			continue
		}
		for what, text := range photographed {
			for _, body := range []any{ActivateRequest{Code: text, Key: publicKey(keyOf(8))}, CitizenRequest{IIN: text},
				SignInCodeRequest{Session: text, Code: text, Key: publicKey(keyOf(8))}} {
				method := route.method
				if method == "" {
					method = http.MethodPost
				}
				if w := r.call(method, strings.ReplaceAll(route.path, "{id}", "1"), text, body); w.Code < 400 {
					r.Errorf("%s with a photographed %s: %d %s", route.path, what, w.Code, w.Body)
				}
			}
		}
	}
}

// A paper code stays the same until the end of a month that is signed; the next one voids it.
func TestPaperLastsUntilAMonthEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var paper, next PaperAnswer
		r.post(PathPaper, adminKey, CitizenRequest{IIN: iinA}, &paper)
		month := pass.MonthOf(time.Now()) + 6
		code, err := pass.Parse([]byte(paper.Code))
		if err != nil || !code.IsPaper() || code.Credential.Month != month || !paper.Expires.Equal(month.End()) {
			t.Fatalf("%+v, %v; want the month %v", code, err, month)
		}
		for at, want := range map[time.Time]error{
			time.Now(): nil, month.End().Add(-time.Second): nil, month.End(): pass.ErrExpired,
		} {
			if err := code.Verify(r.issuers, at); !errors.Is(err, want) {
				t.Errorf("at %v: %v, want %v", at, err, want)
			}
		}
		first := r.placeIn(code.Credential)
		r.post(PathPaper, adminKey, CitizenRequest{IIN: iinA}, &next)
		second := r.placeIn(r.verified(next.Code, time.Now()))
		list := r.section(r.manifestAfter(0, 0), 0)
		was, is := list.Get(first.Index), list.Get(second.Index)
		if first.Index == second.Index || was != statuslist.Invalid || is != statuslist.Valid {
			t.Errorf("the first paper is %v, the second %v", was, is)
		}
	})
}
