package pass_test

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/sign1/sign1test"
)

// forge makes a COSE_Sign1 like seal does, without a private key.
func forge(weak sign1test.WeakKey, protected, payload []byte) []byte {
	toSign := join([]byte{0x84}, textItem("Signature1"), bytesItem(protected), bytesItem(nil), bytesItem(payload))
	return join([]byte{0x84}, bytesItem(protected), emptyMap, bytesItem(payload), bytesItem(weak.Forge(toSign)))
}

// heldBy puts another public key into a credential's payload.
func heldBy(weak sign1test.WeakKey) func([]byte) []byte {
	return replace(publicOf(holderKey), weak.Key())
}

func forgedBy(weak sign1test.WeakKey) func([]byte) []byte {
	return func(b []byte) []byte {
		m, err := sign1.Parse(b)
		if err != nil {
			panic(err)
		}
		return forge(weak, holderHeader, m.Payload)
	}
}

// TestNoCodeWithoutAPrivateKey makes codes without a private key: an issuer sealed credentials for
// keys of small order, so whoever saw one of their codes could make the next ones.
func TestNoCodeWithoutAPrivateKey(t *testing.T) {
	admitted, tried := 0, 0
	for i := range 100 {
		weak := sign1test.WeakKeys[i%len(sign1test.WeakKeys)]
		if !weak.Small {
			continue
		}
		v := recipe{result: "forged", block: append(make([]byte, 15), byte(i)), claims: heldBy(weak), message: forgedBy(weak)}.vector()
		code, err := v.check(t)
		if code == nil {
			t.Fatalf("%s: %v, want a well-formed code", weak.Name, err)
		}
		tried++
		if err == nil {
			admitted++
		}
		if !errors.Is(err, pass.ErrForged) || !errors.Is(err, sign1.ErrKey) {
			t.Errorf("%s: %v, want ErrForged and ErrKey", weak.Name, err)
		}
	}
	if admitted > 0 {
		t.Errorf("%d of %d codes made without a private key were admitted", admitted, tried)
	}
}

// TestNoIssuerWithoutAPrivateKey is the same for a weak key in the list of trusted keys.
func TestNoIssuerWithoutAPrivateKey(t *testing.T) {
	for _, weak := range sign1test.WeakKeys {
		if !weak.Small {
			continue
		}
		v := recipe{paper: true}.vector()
		id := sign1.IDOf(weak.Key())
		text := "AQ1:" + base45Reference(forge(weak, join(unhex("a2 01 27 04 44"), id[:]), unhex(v.CredentialPayload)))
		code, err := pass.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		err = code.Verify(pass.NewIssuers([]ed25519.PublicKey{weak.Key()}), time.Unix(nowAt, 0))
		if !errors.Is(err, pass.ErrForged) || !errors.Is(err, sign1.ErrKey) {
			t.Errorf("%s: %v, want ErrForged and ErrKey", weak.Name, err)
		}
	}
}

func TestIssueRefusesWeakKeys(t *testing.T) {
	for _, weak := range sign1test.WeakKeys {
		c := goodCredential()
		c.Holder = weak.Key()
		if sealed, err := issueBy(issuerKey, c); err == nil {
			t.Errorf("%s: issued as %x", weak.Name, sealed)
		}
	}
}
