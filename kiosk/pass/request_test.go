package pass_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1/sign1test"
)

var phoneKey = testKey(0x66)

// requests are one of each type, and how each is read.
func requests(t testing.TB) map[string][]byte {
	t.Helper()
	made := make(map[string][]byte)
	add := func(name string, sealed []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		made[name] = sealed
	}
	now := time.Unix(nowAt, 999)
	sealed, err := pass.NewTopUp(phoneKey, manyDays(pass.MaxDays), now)
	add("top-up", sealed, err)
	sealed, err = pass.NewSelfCheck(phoneKey, now)
	add("self", sealed, err)
	sealed, err = pass.NewAsk(phoneKey, "/v1/phones/remove 12", now)
	add("ask", sealed, err)
	return made
}

// parsers read a request of each type; the rest of it is in details.
var parsers = map[string]func([]byte) (*pass.Request, any, error){
	"top-up": func(b []byte) (*pass.Request, any, error) {
		r, err := pass.ParseTopUp(b)
		if err != nil {
			return nil, nil, err
		}
		return &r.Request, r.Days, nil
	},
	"self": func(b []byte) (*pass.Request, any, error) {
		r, err := pass.ParseSelfCheck(b)
		if err != nil {
			return nil, nil, err
		}
		return &r.Request, nil, nil
	},
	"ask": func(b []byte) (*pass.Request, any, error) {
		r, err := pass.ParseAsk(b)
		if err != nil {
			return nil, nil, err
		}
		return &r.Request, r.What, nil
	},
}

func manyDays(n int) []pass.DayKey {
	var days []pass.DayKey
	for i := range n {
		days = append(days, pass.DayKey{Day: pass.Day(nowOnDay + i), Holder: publicOf(testKey(byte(0x80 + i)))})
	}
	return days
}

func TestRequests(t *testing.T) {
	details := map[string]any{"top-up": manyDays(pass.MaxDays), "self": nil, "ask": "/v1/phones/remove 12"}
	for name, sealed := range requests(t) {
		r, detail, err := parsers[name](sealed)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(r.Phone, publicOf(phoneKey)) || r.Signed.Unix() != nowAt || !reflect.DeepEqual(detail, details[name]) {
			t.Errorf("%s: %+v, %v", name, r, detail)
		}
		for seconds, want := range map[int]error{0: nil, 25: nil, 26: pass.ErrStale, -10: nil, -11: pass.ErrFuture} {
			if err := r.Verify(at(seconds)); !errors.Is(err, want) {
				t.Errorf("%s after %d s: %v, want %v", name, seconds, err, want)
			}
		}
		spoilt := bytes.Clone(sealed)
		spoilt[len(spoilt)-1] ^= 1
		if r, _, err := parsers[name](spoilt); err != nil || !errors.Is(r.Verify(at(0)), pass.ErrForged) {
			t.Errorf("%s with another signature: %v", name, err)
		}
	}
	if n := len(requests(t)["top-up"]); n != pass.MaxTopUp {
		t.Errorf("a top-up of %d days has %d bytes, want %d", pass.MaxDays, n, pass.MaxTopUp)
	}
	if _, err := pass.ParseTopUp(make([]byte, pass.MaxTopUp+1)); !errors.Is(err, pass.ErrNotARequest) || !strings.Contains(err.Error(), "longer") {
		t.Errorf("a long top-up: %v", err)
	}
}

// No request is a substitute for another one or for a code, and no code for a request:
// TestSelfCheck in registry/server shows what a photographed code gets.
func TestSelfCheckIsNoCode(t *testing.T) {
	rotating, paper := readVectors(t)["rotating"], readVectors(t)["paper"]
	for name, parse := range parsers {
		for other, sealed := range requests(t) {
			if _, _, err := parse(sealed); other != name && (!errors.Is(err, pass.ErrNotARequest) || errors.Is(err, pass.ErrCode)) {
				t.Errorf("%s is taken for %s: %v", other, name, err)
			}
		}
		for _, code := range []string{rotating.RotatingCode, rotating.SealedCredential, paper.SealedCredential} {
			if _, _, err := parse(unhex(code)); !errors.Is(err, pass.ErrNotARequest) || !errors.Is(err, pass.ErrCode) {
				t.Errorf("a code is taken for %s: %v", name, err)
			}
		}
	}
	for name, sealed := range requests(t) {
		if _, err := pass.Parse([]byte(pass.Prefix + pass.EncodeBase45(sealed))); !errors.Is(err, pass.ErrNotAPass) {
			t.Errorf("%s is taken for a code: %v", name, err)
		}
	}
}

func TestTopUpRefuses(t *testing.T) {
	for name, spoil := range map[string]func([]pass.DayKey) []pass.DayKey{
		"no day":             func([]pass.DayKey) []pass.DayKey { return nil },
		"32 days":            func([]pass.DayKey) []pass.DayKey { return manyDays(32) },
		"descending":         func(d []pass.DayKey) []pass.DayKey { d[0], d[1] = d[1], d[0]; return d },
		"a day twice":        func(d []pass.DayKey) []pass.DayKey { d[1].Day = d[0].Day; return d },
		"a key twice":        func(d []pass.DayKey) []pass.DayKey { d[2].Holder = d[0].Holder; return d },
		"the phone key":      func(d []pass.DayKey) []pass.DayKey { d[1].Holder = publicOf(phoneKey); return d },
		"a short key":        func(d []pass.DayKey) []pass.DayKey { d[1].Holder = d[1].Holder[:31]; return d },
		"no key":             func(d []pass.DayKey) []pass.DayKey { d[1].Holder = nil; return d },
		"a weak key":         func(d []pass.DayKey) []pass.DayKey { d[1].Holder = sign1test.WeakKeys[0].Key(); return d },
		"day of two bytes":   func(d []pass.DayKey) []pass.DayKey { d[0].Day = 255; return d },
		"day with no number": func(d []pass.DayKey) []pass.DayKey { d[0].Day = 0; return d },
	} {
		days := spoil(manyDays(3))
		if sealed, err := pass.NewTopUp(phoneKey, days, at(0)); err == nil {
			t.Errorf("%s: a phone asked %x", name, sealed)
		}
		if _, err := pass.ParseTopUp(topUpByHand(phoneKey, days)); !errors.Is(err, pass.ErrNotARequest) {
			t.Errorf("%s: %v, want ErrNotARequest", name, err)
		}
	}
	if _, err := pass.ParseTopUp(topUpByHand(phoneKey, manyDays(3))); err != nil {
		t.Errorf("made by hand: %v", err)
	}
}

// topUpByHand makes a top-up without the code under test.
func topUpByHand(phone ed25519.PrivateKey, days []pass.DayKey) []byte {
	payload := join([]byte{0x83}, uintItem(nowAt), bytesItem(publicOf(phone)), head(4, uint64(len(days))))
	for _, d := range days {
		payload = join(payload, []byte{0x82}, uintItem(uint64(d.Day)), bytesItem(d.Holder))
	}
	return seal(phone, requestHeader(pass.TopUpType), emptyMap, payload)
}

func requestHeader(typ string) []byte { return join(unhex("a2 01 27 10"), textItem(typ)) }

func TestRequestsNeedAClock(t *testing.T) {
	for _, now := range []time.Time{{}, time.Unix(0, 0), time.Unix(math.MaxUint32+1, 0)} {
		if sealed, err := pass.NewSelfCheck(phoneKey, now); err == nil {
			t.Errorf("at %v a phone asked %x", now, sealed)
		}
	}
}
