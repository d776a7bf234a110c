package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/pass"
	citizens "ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/store"
)

const numberA = "+77010000001"

// gateway keeps what is sent. It can be told to fail so often.
type gateway struct {
	mu    sync.Mutex // guards the rest
	fails int
	sent  []string // number and text
}

func (g *gateway) Send(_ context.Context, number, text string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fails > 0 {
		g.fails--
		return errors.New("the gateway is down")
	}
	g.sent = append(g.sent, number+" "+text)
	return nil
}

// take gives what was sent since the last take.
func (g *gateway) take() []string {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	sent := g.sent
	g.sent = nil
	return sent
}

// signInRig is a registry that sends messages, and knows a person with a number.
func signInRig(t *testing.T) (*rig, *gateway) {
	t.Helper()
	g := &gateway{}
	r := newRigThat(t, func(o *Options) { o.Messages = g })
	r.register(store.Resident{IIN: iinA, Name: "Aigerim", Phone: numberA})
	return r, g
}

func (r *rig) register(people ...store.Resident) {
	r.Helper()
	if err := r.opt.Store.LoadPeople(r.Context(), store.File{byte(len(people))}, people, len(people)); err != nil {
		r.Fatal(err)
	}
}

// from is call for a body from an address.
func (r *rig) from(address, path string, body any) *httptest.ResponseRecorder {
	r.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		r.Fatal(err)
	}
	req := httptest.NewRequestWithContext(r.Context(), http.MethodPost, path, strings.NewReader(string(data)))
	req.RemoteAddr = address + ":4000"
	req.Header.Set("Accept-Language", "ru")
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

// ask wants a code from an address and gives the session.
func (r *rig) askCode(address, iin string) string {
	r.Helper()
	w := r.from(address, PathSignIn, CitizenRequest{IIN: iin})
	var a SignInAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK || len(a.Session) != 43 || a.Code != "" {
		r.Fatalf("sign in: %d %s", w.Code, w.Body)
	}
	return a.Session
}

func (r *rig) enter(address, session, code string, phone int) *httptest.ResponseRecorder {
	return r.from(address, PathSignInCode, SignInCodeRequest{Session: session, Code: code, Key: publicKey(phoneOf(phone)), Name: "Firefox"})
}

var codeIn = regexp.MustCompile(`\b[0-9]{6,9}\b\. `)

func codeOfMessage(t *testing.T, sent []string) string {
	t.Helper()
	if len(sent) != 1 {
		t.Fatalf("sent: %q", sent)
	}
	return strings.TrimSuffix(codeIn.FindString(sent[0]), ". ")
}

func TestSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := signInRig(t)
		session := r.askCode("192.0.2.1", iinA)
		sent := g.take()
		code := codeOfMessage(t, sent)
		if !strings.HasPrefix(sent[0], numberA+" Ashyq: "+code+". Этот код даёт") || len(code) != shortDigits {
			t.Errorf("message %q", sent[0])
		}
		if w := r.enter("192.0.2.1", session, "12345", 1); w.Code != http.StatusForbidden {
			t.Errorf("a wrong code: %d %s", w.Code, w.Body)
		}
		if w := r.enter("192.0.2.1", r.askCode("192.0.2.1", iinA), code, 1); w.Code != http.StatusForbidden {
			t.Errorf("the code in another browser: %d %s", w.Code, w.Body)
		}
		w := r.enter("192.0.2.1", session, code[:3]+" "+code[3:], 1)
		if w.Code != http.StatusNoContent {
			t.Fatalf("the right code: %d %s", w.Code, w.Body)
		}
		if again := r.enter("192.0.2.1", session, code, 1); again.Code != http.StatusNoContent {
			t.Errorf("the same phone again: %d %s", again.Code, again.Body)
		}
		if w := r.enter("192.0.2.1", session, code, 2); w.Code != http.StatusForbidden {
			t.Errorf("another phone: %d %s", w.Code, w.Body)
		}
		if got := r.self(phone{Phone: citizens.New(phoneOf(1))}); got.Colour != "blue" {
			t.Errorf("self-check: %+v", got)
		}
		for _, secret := range []string{code, numberA, numberA[1:], iinA, session, "192.0.2"} {
			if strings.Contains(r.log.String(), secret) {
				t.Errorf("%q is in the log", secret)
			}
		}
	})
}

// Answers, and how long they take, are alike for whoever is registered, has no number, or is not
// known.
func TestSignInTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := signInRig(t)
		r.register(store.Resident{IIN: iinB, Name: "Bolat"}, store.Resident{IIN: iinA, Phone: numberA})
		shape := regexp.MustCompile(`"session":"[^"]*"`)
		seen := map[string][]string{}
		for _, iin := range []string{iinA, iinB, iinC} {
			var told []string
			note := func(w *httptest.ResponseRecorder, start time.Time) {
				told = append(told, fmt.Sprint(w.Code, shape.ReplaceAllString(w.Body.String(), ""), w.Header(), time.Since(start)))
			}
			session := r.askCode("192.0.2.1", iin)
			for range 5 { // more than are sent
				start := time.Now()
				note(r.from("192.0.2.1", PathSignIn, CitizenRequest{IIN: iin}), start)
			}
			g.take()
			for range 8 {
				start := time.Now()
				note(r.enter("192.0.2.1", session, "000000000", 1), start)
			}
			time.Sleep(store.SignInLasts + time.Second) // fake
			r.askCode("192.0.2.1", iinC)                // the registry forgets what is over
			g.take()
			for range 2 * sameAtOnce {
				start := time.Now()
				note(r.enter("192.0.2.1", session, "000000000", 1), start)
			}
			seen[strings.Join(told, "\n")] = append(seen[strings.Join(told, "\n")], iin)
		}
		if len(seen) != 1 {
			t.Errorf("people are told apart: %v", seen)
		}
	})
}

// A gateway that is down is asked again, and never for ever.
func TestGatewayIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := signInRig(t)
		g.fails = sendTries - 1
		r.askCode("192.0.2.1", iinA)
		time.Sleep(time.Minute) // fake
		if sent := g.take(); len(sent) != 1 {
			t.Errorf("sent: %q", sent)
		}
		g.fails = sendTries
		r.askCode("192.0.2.1", iinA)
		time.Sleep(time.Minute) // fake
		if sent := g.take(); len(sent) != 0 {
			t.Errorf("sent: %q", sent)
		}
		for _, want := range []string{`messages_total{result="sent"} 1`, `messages_total{result="failed"} 1`} {
			if !strings.Contains(r.figures(), want) {
				t.Errorf("no %s in the figures", want)
			}
		}
	})
}

// A crowd that asks for everybody delays itself: whoever comes from elsewhere is next.
func TestAskersTakeTurns(t *testing.T) {
	q := newTurns[string]()
	flood, home := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24")
	for n := range turnsOfBlock + 50 {
		if ok, _ := q.put(flood, "flood"); ok != (n < turnsOfBlock) {
			t.Fatalf("wish %d is taken: %v", n, ok)
		}
	}
	if ok, _ := q.put(home, "home"); !ok {
		t.Fatal("a newcomer is turned away")
	}
	for turn := range 2 {
		if _, whose, _ := q.take(); whose == "home" && turn == 0 || whose == "flood" && turn == 1 {
			t.Errorf("turn %d is %s's", turn, whose)
		}
	}
	taken := 2
	for _, _, ok := q.take(); ok; _, _, ok = q.take() {
		taken++
	}
	if taken != turnsOfBlock+1 {
		t.Errorf("%d wishes were taken", taken)
	}
}

// Nor does a crowd from many blocks keep anybody out, although there is no room for all.
func TestCrowdKeepsNobodyOut(t *testing.T) {
	q := newTurns[string]()
	for block := range 2 * turnsOfAll / turnsOfBlock {
		for range turnsOfBlock {
			q.put(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(block), 0}), 24), "crowd")
		}
	}
	home := netip.MustParsePrefix("198.51.100.0/24")
	for n := range turnsOfBlock / 10 {
		if taken, lost := q.put(home, "home"); !taken || !lost {
			t.Fatalf("wish %d of a newcomer is taken: %v, instead of one of the crowd: %v", n, taken, lost)
		}
	}
	all, own := 0, 0
	for _, whose, ok := q.take(); ok; _, whose, ok = q.take() {
		if all++; whose == "home" {
			own++
		}
	}
	if all != turnsOfAll || own != turnsOfBlock/10 {
		t.Errorf("%d wait, %d of them are the newcomer's", all, own)
	}
}

// After many wrong codes of all people, six digits are too few.
func TestCodesBecomeLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, g := signInRig(t)
		session := r.askCode("192.0.2.1", iinA)
		short := codeOfMessage(t, g.take())
		whole := store.Limit{Name: wrongCodes.Name, Every: wrongDaily * wrongCodes.Every, AtOnce: 1} // all at once
		if _, err := r.opt.Store.Use(r.Context(), whole, time.Now()); err != nil {
			t.Fatal(err)
		}
		if w := r.enter("192.0.2.1", session, short, 1); w.Code != http.StatusForbidden {
			t.Errorf("a short code: %d %s", w.Code, w.Body)
		}
		session = r.askCode("192.0.2.1", iinA)
		long := codeOfMessage(t, g.take())
		if w := r.enter("192.0.2.1", session, long, 1); w.Code != http.StatusNoContent || len(long) != longDigits {
			t.Errorf("the code %q: %d %s", long, w.Code, w.Body)
		}
	})
}

// What the package comment says of guessing.
func TestSignInOutlastsGuessing(t *testing.T) {
	short, long := math.Pow(10, -shortDigits), math.Pow(10, -longDigits)
	one := store.ShortWrong*short + store.SentDaily*365*store.SignInTries*long
	all := wrongDaily*366*short + defaultHourly*8760*store.SignInTries*long
	if one < 3.5e-5 || one > 4.5e-5 || all < 0.45 || all > 0.55 {
		t.Errorf("one person's pass %.2g, anybody's %.2g in a year", one, all)
	}
}

func TestSignInIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if w := r.from("192.0.2.1", PathSignIn, CitizenRequest{IIN: iinA}); w.Code != http.StatusNotFound {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w := r.call(http.MethodGet, PathSignIn, "", ""); w.Body.String() != "{\"messages\":false}\n" {
			t.Errorf("%s", w.Body)
		}
	})
}

// Only in a demonstration the code is in the answer, and the log shouts.
func TestDemoShowsCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRigThat(t, func(o *Options) { o.DemoShowsCodes = true })
		r.register(store.Resident{IIN: iinA, Name: "Aigerim"})
		var a SignInAnswer
		r.post(PathSignIn, "", CitizenRequest{IIN: iinA}, &a)
		if w := r.enter("192.0.2.1", a.Session, a.Code, 1); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		synctest.Wait()
		if !strings.Contains(r.log.String(), "THIS IS A DEMONSTRATION") {
			t.Error("the log says nothing")
		}
	})
}

// signed is a request of a phone.
func (r *rig) signed(p phone, path, argument string, answer any) {
	r.Helper()
	r.post(path, "", r.askOf(p, path, argument), answer)
}

func (r *rig) askOf(p phone, path, argument string) AskRequest {
	r.Helper()
	what := path
	if argument != "" {
		what += " " + argument
	}
	ask, err := p.Ask(what, time.Now())
	r.must(err)
	return AskRequest{ask}
}

func TestOwnPhones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		old := r.activate(iinA, 3)
		var move CitizenAnswer
		r.signed(old, PathMove, "", &move)
		young := r.activateWith(move.Code, 4)
		r.self(young)
		var phones PhonesAnswer
		r.signed(old, PathPhones, "", &phones)
		if len(phones.Phones) != 2 || phones.Phones[0].Own || !phones.Phones[1].Own || phones.Phones[0].Used.IsZero() {
			t.Fatalf("phones: %+v", phones)
		}
		id := fmt.Sprint(phones.Phones[0].ID)
		// What was signed for one thing is not good for another.
		if w := r.call(http.MethodPost, PathRemovePhone, "", r.askOf(old, PathPhones, id)); w.Code != http.StatusBadRequest {
			t.Errorf("another path: %d %s", w.Code, w.Body)
		}
		late := r.askOf(old, PathRemovePhone, id)
		time.Sleep(pass.MaxAge + time.Second) // fake
		if w := r.call(http.MethodPost, PathRemovePhone, "", late); w.Code != http.StatusForbidden {
			t.Errorf("an old request: %d %s", w.Code, w.Body)
		}
		if w := r.call(http.MethodPost, PathRemovePhone, "", r.askOf(r.activate(iinB, 9), PathRemovePhone, id)); w.Code != http.StatusNotFound {
			t.Errorf("a stranger: %d %s", w.Code, w.Body)
		}
		r.signed(old, PathRemovePhone, id, nil)
		time.Sleep(10 * time.Second) // fake
		if got := r.self(young); got.Status != "invalid" {
			t.Errorf("the removed phone: %+v", got)
		}
		if got := r.self(old); got.Status != "valid" || !got.NewPhone.IsZero() {
			t.Errorf("the other phone: %+v", got)
		}
	})
}

func TestOwnHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab, p := r.source(Laboratory), r.activate(iinA, 3)
		enter := func(sample, result string) {
			r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: sample, Result: result, Taken: now().Add(-time.Hour)}, nil)
		}
		enter("1", "positive")
		r.post(PathWithdraw, lab, Target{Sample: "1", Why: "mixed up", Person: "Nurse Joy"}, nil)
		enter("2", "negative")
		var h OwnHistoryAnswer
		r.signed(p, PathOwnHistory, "", &h)
		if len(h.Records) != 2 {
			t.Fatalf("history: %+v", h)
		}
		first, second := h.Records[0], h.Records[1]
		if first.Kind != store.Negative || !first.InForce || !first.Until.Equal(first.At.Add(NegativeLasts)) || first.Source != Laboratory {
			t.Errorf("in force: %+v", first)
		}
		if second.InForce || second.How != "withdrawn" || second.Why != "mixed up" || second.Ended.IsZero() || !second.Until.IsZero() {
			t.Errorf("withdrawn: %+v", second)
		}
		if w := r.call(http.MethodPost, PathOwnHistory, "", r.askOf(p, PathOwnHistory, "")); strings.Contains(w.Body.String(), "Joy") {
			t.Error("the history names a clerk")
		}
	})
}
