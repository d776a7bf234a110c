package server

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
)

// checkRig is a registry with two doors and a phone.
type checkRig struct {
	*rig
	doors [2]*box
	phone phone
}

func newCheckRig(t *testing.T) *checkRig {
	r := &checkRig{rig: newRig(t)}
	address := r.serveTLS()
	for i, name := range []string{"east", "west"} {
		r.doors[i] = r.newBox(address, []string{boardA, boardB}[i])
		r.doors[i].enrol(codesFor(r.rig, name)[0])
	}
	r.phone = r.activate(iinA, 3)
	return r
}

// check is what a door is told about a code: the status, or else the answer's number.
func (r *checkRig) check(door int, code string) (int, api.CheckAnswer) {
	r.Helper()
	w := r.callAs(r.doors[door], http.MethodPost, api.PathCheck, api.CheckRequest{Code: code})
	var a api.CheckAnswer
	if w.Code == http.StatusOK {
		r.must(json.Unmarshal(w.Body.Bytes(), &a))
	}
	return w.Code, a
}

// made is a code with any place in it, sealed by an issuer.
func (r *checkRig) made(issuer ed25519.PrivateKey, place pass.Place, paper bool) string {
	r.Helper()
	keys, err := r.placeKeys(r.Context())
	r.must(err)
	at := time.Now()
	if paper {
		block, err := keys.SealMonth(pass.MonthOf(at), place)
		r.must(err)
		sealed, err := pass.IssuePaper(issuer, pass.MonthOf(at), block)
		r.must(err)
		text, err := pass.Paper(sealed)
		r.must(err)
		return text
	}
	block, err := keys.SealDay(pass.DayOf(at), place)
	r.must(err)
	return r.rotated(issuer, block, at)
}

func (r *checkRig) rotated(issuer ed25519.PrivateKey, block pass.Block, at time.Time) string {
	r.Helper()
	holder := keyOf(77)
	sealed, err := pass.Issue(issuer, pass.DayOf(at), block, holder.Public().(ed25519.PublicKey))
	r.must(err)
	text, err := pass.Rotate(holder, sealed, at)
	r.must(err)
	return text
}

func (r *checkRig) place() pass.Place { return pass.Place{Index: r.phone.index, Since: r.phone.since} }

func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCheckRig(t)
		issuer := r.opt.IssuerKey
		lost, free := r.place(), r.place()
		lost.Since.Epoch++
		free.Index++
		code := r.code(r.phone)
		seen := time.Now()
		time.Sleep(pass.MaxAge + 5*time.Second) // the question was on its way
		if n, a := r.check(0, code); n != http.StatusOK || a.Status != "valid" || a.AsOf.After(now()) || a.AsOf.Before(seen) {
			t.Errorf("a code that the door saw a moment ago: %d, %+v", n, a)
		}
		for what, c := range map[string]struct {
			code string
			want int
		}{
			"on paper":           {r.made(issuer, r.place(), true), http.StatusOK},
			"foreign issuer":     {r.made(keyOf(9), r.place(), false), http.StatusUnprocessableEntity},
			"foreign paper":      {r.made(keyOf(9), r.place(), true), http.StatusUnprocessableEntity},
			"block of nobody":    {r.rotated(issuer, pass.Block{1}, time.Now()), http.StatusUnprocessableEntity},
			"of tomorrow":        {r.rotated(issuer, pass.Block{1}, time.Now().AddDate(0, 0, 1)), http.StatusUnprocessableEntity},
			"lost edition":       {r.made(issuer, lost, false), http.StatusNotFound},
			"index of nobody":    {r.made(issuer, free, false), http.StatusNotFound},
			"a phone's ask":      {pass.Prefix + r.selfOf(r.phone), http.StatusUnprocessableEntity},
			"a phone's new code": {r.code(r.phone), http.StatusOK},
		} {
			if n, _ := r.check(0, c.code); n != c.want {
				t.Errorf("%s: %d, want %d", what, n, c.want)
			}
		}
		time.Sleep(6 * time.Second)
		if n, _ := r.check(0, code); n != http.StatusUnprocessableEntity {
			t.Errorf("a photograph of half a minute ago: %d, want 422", n)
		}
		r.post(PathRevoke, adminKey, CitizenRequest{IIN: iinA}, nil)
		if n, a := r.check(0, r.code(r.phone)); n != http.StatusOK || a.Status != "invalid" {
			t.Errorf("revoked: %d, %+v", n, a)
		}
	})
}

// TestCheckIsLimited: a stolen door cannot try many codes, and few of those on paper, which stay
// the same.
func TestCheckIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCheckRig(t)
		for i := range doorChecksBurst {
			if n, _ := r.check(0, "AQ1:"); n != http.StatusUnprocessableEntity {
				t.Fatalf("code %d: %d", i, n)
			}
		}
		code := r.code(r.phone)
		if n, _ := r.check(0, code); n != http.StatusTooManyRequests {
			t.Errorf("one more at once: %d, want 429", n)
		}
		if n, _ := r.check(1, code); n != http.StatusOK {
			t.Errorf("another door: %d", n)
		}
		time.Sleep(time.Second)
		if n, _ := r.check(0, code); n != http.StatusOK {
			t.Errorf("a second later: %d", n)
		}
	})
}

func TestPaperChecksAreFewADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCheckRig(t)
		paper := r.made(r.opt.IssuerKey, r.place(), true)
		for i := range doorPaperADay {
			if n, _ := r.check(0, paper); n != http.StatusOK {
				t.Fatalf("paper code %d: %d", i, n)
			}
			time.Sleep(time.Second)
		}
		if n, _ := r.check(0, paper); n != http.StatusTooManyRequests {
			t.Errorf("one more: %d, want 429", n)
		}
		if n, _ := r.check(1, paper); n != http.StatusOK {
			t.Errorf("another door: %d", n)
		}
		if n, _ := r.check(0, r.code(r.phone)); n != http.StatusOK {
			t.Errorf("a phone: %d", n)
		}
		for door := range r.checks.door { // another registry over the same database counts on from here
			later := time.Now().Add(24 * time.Hour / doorPaperADay)
			if spare, err := r.opt.Store.Spare(t.Context(), paperOf(door), later); err != nil || !spare {
				t.Errorf("door %d may not ask again after a hundredth of a day: %v", door, err)
			}
		}
	})
}

// TestCheckLeavesNoTrace: nothing of a code, or of what is in it, is in the registry's log or
// database.
func TestCheckLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCheckRig(t)
		good, bad := r.code(r.phone), r.rotated(r.opt.IssuerKey, pass.Block{0xab, 0xcd, 0xef}, time.Now())
		free := r.place()
		free.Index++
		unknown := r.made(r.opt.IssuerKey, free, false)
		for _, code := range []string{good, bad, unknown, "AQ1:SECRET", good[:100]} {
			r.check(0, code)
		}
		r.stop()
		log := r.log.String()
		if !strings.Contains(log, api.PathCheck) {
			t.Fatalf("the log does not show that it was asked:\n%s", log)
		}
		database, err := os.ReadFile(r.file)
		r.must(err)
		if !bytes.Contains(database, []byte(iinA)) {
			t.Fatal("the database does not show whom it knows")
		}
		for _, code := range []string{good, bad, unknown} {
			parsed, err := pass.Parse([]byte(code))
			r.must(err)
			c := parsed.Credential
			for _, part := range []string{code[:40], code[len(code)-40:], "SECRET", hex.EncodeToString(c.Block[:]), hex.EncodeToString(c.Holder)} {
				if strings.Contains(log, part) {
					t.Errorf("the log holds %q", part)
				}
			}
			for where, kept := range map[string][]byte{"log": []byte(log), "database": database} {
				for _, part := range [][]byte{c.Block[:], c.Holder, []byte(code[:40]), []byte(code[len(code)-40:])} {
					if bytes.Contains(kept, part) {
						t.Errorf("the %s holds %x", where, part)
					}
				}
			}
		}
	})
}
