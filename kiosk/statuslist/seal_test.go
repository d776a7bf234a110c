package statuslist

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
	"pgregory.net/rapid"
)

const testList = "aq:tst"

func testKey(seed byte) Key {
	k := Key{Generation: 1_772_000_000 + uint32(seed)}
	for i := range k.Secret {
		k.Secret[i] = seed
	}
	return k
}

func mustSeal(t testing.TB, k Key, what kind, list string, payload []byte) []byte {
	t.Helper()
	blob, err := k.seal(what, list, payload)
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

func TestSealOpen(t *testing.T) {
	key := testKey(1)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(0, 3000), rapid.IntRange(0, MaxPayload)).Draw(t, "n")
		payload := bytes.Repeat([]byte{7}, n)
		blob, err := key.seal(kindDelta, testList, payload)
		if err != nil {
			t.Fatal(err)
		}
		if size := len(blob); size&(size-1) != 0 && size%(64<<10) != 0 || size < 1024 || size > MaxBlob {
			t.Fatalf("%d bytes in a blob of %d", n, size)
		}
		again, err := open(blob, kindDelta, testList, key)
		if err != nil || !bytes.Equal(again, payload) {
			t.Fatalf("%d bytes opened as %d, %v", n, len(again), err)
		}
	})
	if _, err := key.seal(kindDelta, testList, make([]byte, MaxPayload+1)); err == nil {
		t.Error("a payload that is too long was sealed")
	}
	one, two := mustSeal(t, key, kindDelta, testList, nil), mustSeal(t, key, kindDelta, testList, nil)
	if bytes.Equal(one[4:28], two[4:28]) {
		t.Error("the same nonce twice")
	}
}

func TestOpenRefuses(t *testing.T) {
	key, other := testKey(1), testKey(2)
	blob := mustSeal(t, key, kindDelta, testList, []byte("payload"))
	if got := binary.BigEndian.Uint32(blob); got != key.Generation {
		t.Errorf("generation %d, want %d", got, key.Generation)
	}
	if _, err := open(blob, kindDelta, testList, other); !errors.Is(err, ErrNoKey) {
		t.Errorf("another generation: %v, want ErrNoKey", err)
	}
	wrong := Key{key.Generation, other.Secret}
	for name, got := range map[string]func() error{
		"wrong key":    func() error { _, err := open(blob, kindDelta, testList, wrong); return err },
		"another kind": func() error { _, err := open(blob, kindSection, testList, key); return err },
		"another list": func() error { _, err := open(blob, kindDelta, "aq:oth", key); return err },
		"empty":        func() error { _, err := open(nil, kindDelta, testList, key); return err },
		"cut":          func() error { _, err := open(blob[:1023], kindDelta, testList, key); return err },
		"longer":       func() error { _, err := open(append(bytes.Clone(blob), 0), kindDelta, testList, key); return err },
		"huge":         func() error { _, err := open(make([]byte, 2*MaxBlob), kindDelta, testList, key); return err },
	} {
		if err := got(); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v, want ErrSealed", name, err)
		}
	}
	for i := 4; i < len(blob); i += 97 {
		flipped := bytes.Clone(blob)
		flipped[i] ^= 1
		if _, err := open(flipped, kindDelta, testList, key); !errors.Is(err, ErrSealed) {
			t.Errorf("byte %d changed: %v, want ErrSealed", i, err)
		}
	}
}

// TestOpenRefusesPadding seals what seal never does, with the right key.
func TestOpenRefusesPadding(t *testing.T) {
	key := testKey(1)
	size := 1024 - overhead
	for name, plain := range map[string][]byte{
		"length beyond the end": append([]byte{0, 0, 4, 0}, make([]byte, size)...),
		"huge length":           append([]byte{255, 255, 255, 255}, make([]byte, size)...),
		"other padding":         append([]byte{0, 0, 0, 1}, bytes.Repeat([]byte{1}, size)...),
		"a class too large":     make([]byte, 4+size+1024),
	} {
		blob := sealPlain(t, key, plain)
		if _, err := open(blob, kindDelta, testList, key); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v, want ErrSealed", name, err)
		}
	}
	if _, err := open(sealPlain(t, key, make([]byte, 4+size)), kindDelta, testList, key); err != nil {
		t.Errorf("an empty payload: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	key := testKey(1)
	section := fill(NewSection(), 50, 1)
	want := section.Content()
	s, err := SealSection(key, testList, testToken, section)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s)
	f.Add(mustSeal(f, key, kindDelta, testList, []byte("payload")))
	f.Fuzz(func(t *testing.T, blob []byte) {
		token, section, err := OpenSection(blob, testList, key)
		if err == nil && (token != testToken || section.Content() != want) {
			t.Fatal("a section that was never sealed")
		}
		if _, err := OpenDelta(blob, testList, key); err == nil {
			t.Fatal("a delta that was never sealed")
		}
	})
}

// sealPlain seals a length, payload and padding as given.
func sealPlain(t *testing.T, key Key, plain []byte) []byte {
	t.Helper()
	aead, err := chacha20poly1305.NewX(key.Secret[:])
	if err != nil {
		t.Fatal(err)
	}
	blob := binary.BigEndian.AppendUint32(nil, key.Generation)
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	return aead.Seal(append(blob, nonce...), nonce, plain, kindDelta.data(testList))
}
