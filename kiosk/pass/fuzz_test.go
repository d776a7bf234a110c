package pass_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
)

// FuzzParse takes texts, and also messages to make texts of: a fuzzer explores CBOR well, and
// base45 hardly.
func FuzzParse(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add([]byte(v.Text))
		f.Add(unhex(v.RotatingCode))
		f.Add(unhex(v.SealedCredential))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		parseOne(t, data)
		parseOne(t, []byte("AQ1:"+base45Reference(data)))
	})
}

func parseOne(t *testing.T, text []byte) {
	code, err := pass.Parse(text)
	if err != nil {
		if !errors.Is(err, pass.ErrNotAPass) {
			t.Fatalf("%q: %v does not wrap ErrNotAPass", text, err)
		}
		return
	}
	if got := code.Text(); got != string(text) {
		t.Fatalf("parsed %q, encodes as %q", text, got)
	}
	if code.IsPaper() != (code.Credential.Holder == nil) || code.IsPaper() != code.Signed.IsZero() {
		t.Fatalf("%q: paper %v, holder %x, signed %v", text, code.IsPaper(), code.Credential.Holder, code.Signed)
	}
}

func FuzzOpenCredential(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(unhex(v.SealedCredential))
	}
	f.Fuzz(func(t *testing.T, sealed []byte) {
		c, err := pass.OpenCredential(sealed)
		if err != nil {
			if !errors.Is(err, pass.ErrNotAPass) {
				t.Fatalf("%x: %v does not wrap ErrNotAPass", sealed, err)
			}
			return
		}
		// What was parsed encodes to the same bytes, except for the issuer's kid and signature.
		again, err := issueBy(issuerKey, c)
		if errors.Is(err, sign1.ErrKey) {
			return // a weak key is well-formed; it is refused where it is used
		}
		if err != nil {
			t.Fatalf("opened %x, cannot be issued: %v", sealed, err)
		}
		copy(again[7:11], c.Issuer[:])
		if cut := len(sealed) - ed25519.SignatureSize; len(again) != len(sealed) || !bytes.Equal(again[:cut], sealed[:cut]) {
			t.Fatalf("opened %x, issued as %x", sealed, again)
		}
	})
}
