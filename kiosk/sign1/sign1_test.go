package sign1_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"

	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/sign1/sign1test"
)

func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func TestSealOpen(t *testing.T) {
	key := testKey(1)
	pub := key.Public().(ed25519.PublicKey)
	id := sign1.IDOf(pub)
	sealed, err := sign1.Seal(key, sign1.Header{KeyID: &id, Type: "application/x+cose"}, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := sign1.Open(sealed, pub, "application/x+cose")
	if err != nil || string(payload) != "hello" {
		t.Fatalf("Open = %q, %v", payload, err)
	}
	if _, err := sign1.Open(sealed, testKey(2).Public().(ed25519.PublicKey), "application/x+cose"); !errors.Is(err,
		sign1.ErrSignature) {
		t.Errorf("foreign key: %v, want ErrSignature", err)
	}
	if _, err := sign1.Open(sealed, pub, "application/y+cose"); !errors.Is(err, sign1.ErrForm) {
		t.Errorf("foreign type: %v, want ErrForm", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := sign1.Open(bad, pub, "application/x+cose"); err == nil {
			t.Errorf("a flipped bit in byte %d was accepted", i)
		}
	}
	for i := range sealed {
		if _, err := sign1.Parse(sealed[:i]); !errors.Is(err, sign1.ErrForm) {
			t.Errorf("cut after %d bytes: %v, want ErrForm", i, err)
		}
	}
}

func TestParseTakesOneEncoding(t *testing.T) {
	key := testKey(1)
	sealed, err := sign1.Seal(key, sign1.Header{}, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if sealed[0] != 0x84 || sealed[1] != 0x43 {
		t.Fatalf("message starts % x, want 84 43", sealed[:2])
	}
	spellings := map[string][]byte{
		"tagged":           append([]byte{0xd2}, sealed...),
		"trailing byte":    append(bytes.Clone(sealed), 0),
		"indefinite array": append(append([]byte{0x9f}, sealed[1:]...), 0xff),
		"long length":      append([]byte{0x84, 0x58, 0x03}, sealed[2:]...),
	}
	for name, data := range spellings {
		if _, err := sign1.Parse(data); !errors.Is(err, sign1.ErrForm) {
			t.Errorf("%s: %v, want ErrForm", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	id := sign1.KeyID{1, 2, 3, 4}
	for _, header := range []sign1.Header{{}, {KeyID: &id}, {Type: "a/b"}, {KeyID: &id, Type: "a/b"}} {
		sealed, err := sign1.Seal(testKey(1), header, []byte("payload"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sealed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := sign1.Parse(data)
		if err != nil {
			return
		}
		// The signature is unknown here, so the frame is rebuilt around it: header and payload
		// decide all other bytes.
		again, err := sign1.Seal(testKey(1), m.Header, m.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if cut := len(data) - ed25519.SignatureSize; !bytes.Equal(again[:cut], data[:cut]) {
			t.Fatalf("parsed %x, encodes as %x", data, again)
		}
	})
}

// TestVerifyRefusesWeakKeys forges a message for every key that needs no private one, and holds
// that crypto/ed25519 alone would take it.
func TestVerifyRefusesWeakKeys(t *testing.T) {
	payload := []byte("hello")
	toSign, err := sign1.Marshal([]any{"Signature1", []byte{0xa1, 0x01, 0x27}, []byte{}, payload})
	if err != nil {
		t.Fatal(err)
	}
	for _, weak := range sign1test.WeakKeys {
		signature := make([]byte, ed25519.SignatureSize)
		if weak.Small {
			signature = weak.Forge(toSign)
		}
		if ed25519.Verify(weak.Key(), toSign, signature) != weak.Small {
			t.Fatalf("%s: the forged signature is not one", weak.Name)
		}
		sealed, err := sign1.Marshal([]any{[]byte{0xa1, 0x01, 0x27}, map[int64]any{}, payload, signature})
		if err != nil {
			t.Fatal(err)
		}
		if payload, err := sign1.Open(sealed, weak.Key(), ""); !errors.Is(err, sign1.ErrKey) {
			t.Errorf("%s: opened %q, %v, want ErrKey", weak.Name, payload, err)
		}
	}
}

func TestCheckKey(t *testing.T) {
	for seed := range byte(100) {
		if err := sign1.CheckKey(testKey(seed).Public().(ed25519.PublicKey)); err != nil {
			t.Errorf("key of seed %d: %v", seed, err)
		}
	}
	wrong := map[string][]byte{
		"no bytes": nil, "31 bytes": make([]byte, 31), "33 bytes": make([]byte, 33),
		"not on the curve": append([]byte{2}, make([]byte, 31)...),
	}
	for _, weak := range sign1test.WeakKeys {
		wrong[weak.Name] = weak.Key()
	}
	for name, key := range wrong {
		if err := sign1.CheckKey(key); !errors.Is(err, sign1.ErrKey) {
			t.Errorf("%s: %v, want ErrKey", name, err)
		}
	}
}
