package pass

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"
)

// A request and a code of the same phone are no substitute for each other.
func TestAsk(t *testing.T) {
	issuer, holder := ed25519.NewKeyFromSeed(make([]byte, 32)), ed25519.NewKeyFromSeed(append(make([]byte, 31), 1))
	at := time.Unix(1_800_000_000, 0)
	c := Credential{Expires: at.Add(time.Hour), Holder: holder.Public().(ed25519.PublicKey), List: "ashyq:", Index: 7}
	c.Since.Version = 1
	sealed, err := Issue(issuer, c)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := NewAsk(holder, sealed, "/v1/phones/remove 12", at)
	if err != nil {
		t.Fatal(err)
	}
	issuers := NewIssuers([]ed25519.PublicKey{issuer.Public().(ed25519.PublicKey)})
	a, err := ParseAsk(asked)
	if err != nil || a.What != "/v1/phones/remove 12" || a.Credential.Index != 7 || a.Verify(issuers, at) != nil {
		t.Errorf("%+v, %v", a, err)
	}
	for d, want := range map[time.Duration]error{MaxAge: nil, MaxAge + time.Second: ErrStale,
		-MaxAhead - time.Second: ErrFuture, time.Hour: ErrExpired} {
		if err := a.Verify(issuers, at.Add(d)); !errors.Is(err, want) {
			t.Errorf("after %v: %v, want %v", d, err, want)
		}
	}
	asked[len(asked)-1] ^= 1
	if a, err := ParseAsk(asked); err != nil || !errors.Is(a.Verify(issuers, at), ErrForged) {
		t.Errorf("another signature: %v", err)
	}
	code, err := Rotate(holder, sealed, at)
	if err != nil {
		t.Fatal(err)
	}
	body, err := DecodeBase45(code[len(Prefix):])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseAsk(body); !errors.Is(err, ErrNotAPass) {
		t.Errorf("a code is taken for a request: %v", err)
	}
	if _, err := Parse([]byte(Prefix + EncodeBase45(asked))); !errors.Is(err, ErrNotAPass) {
		t.Errorf("a request is taken for a code: %v", err)
	}
	if _, err := NewAsk(issuer, sealed, "", at); err == nil {
		t.Error("somebody else's key signs")
	}
}
