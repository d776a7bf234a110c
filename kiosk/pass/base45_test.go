package pass

import (
	"bytes"
	"errors"
	"testing"
)

// The examples of RFC 9285 sections 4.3 and 4.4.
func TestBase45RFC(t *testing.T) {
	for data, text := range map[string]string{
		"": "", "AB": "BB8", "Hello!!": "%69 VD92EX0", "base-45": "UJCLQE7W581", "ietf!": "QED8WEX0",
	} {
		if got := appendBase45(nil, []byte(data)); string(got) != text {
			t.Errorf("%q encodes as %q, want %q", data, got, text)
		}
		if got, err := decodeBase45([]byte(text)); err != nil || string(got) != data {
			t.Errorf("%q decodes as %q, %v, want %q", text, got, err, data)
		}
		if got := base45Len(len(data)); got != len(text) {
			t.Errorf("base45Len(%d) = %d, want %d", len(data), got, len(text))
		}
	}
}

// TestBase45Groups tries all groups of two and three characters: as many decode as there are bytes
// to encode.
func TestBase45Groups(t *testing.T) {
	alphabet := []byte(base45Alphabet)
	var pairs, triples int
	count := func(text []byte, n *int) {
		data, err := decodeBase45(text)
		if errors.Is(err, errBase45Overflow) {
			return
		}
		if again := appendBase45(nil, data); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%q decodes as %x, %v, encodes as %q", text, data, err, again)
		}
		*n++
	}
	for _, a := range alphabet {
		for _, b := range alphabet {
			count([]byte{a, b}, &pairs)
			for _, c := range alphabet {
				count([]byte{a, b, c}, &triples)
			}
		}
	}
	if pairs != 1<<8 || triples != 1<<16 {
		t.Errorf("%d pairs and %d triples decode, want %d and %d", pairs, triples, 1<<8, 1<<16)
	}
}

func TestBase45Refuses(t *testing.T) {
	for text, want := range map[string]error{
		"0": errBase45Length, "BB80": errBase45Length, "bb8": errBase45Character, "BB\n": errBase45Character,
		"BB\x00": errBase45Character, "BB\xff": errBase45Character, ":::": errBase45Overflow, "::": errBase45Overflow,
		"GGW": errBase45Overflow, "V5": errBase45Overflow,
	} {
		if data, err := decodeBase45([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%q decodes as %x, %v, want %v", text, data, err, want)
		}
	}
}

func FuzzBase45(f *testing.F) {
	for _, text := range []string{"", "BB8", "%69 VD92EX0", "UJCLQE7W581", "V5", "GGW", "bb8", "BB80"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if data, err := decodeBase45(text); err == nil {
			if again := appendBase45(nil, data); !bytes.Equal(again, text) {
				t.Fatalf("%q decodes as %x, encodes as %q", text, data, again)
			}
		}
		// All bytes can be encoded and decoded again.
		encoded := appendBase45(nil, text)
		if data, err := decodeBase45(encoded); err != nil || !bytes.Equal(data, text) {
			t.Fatalf("%x encodes as %q, decodes as %x, %v", text, encoded, data, err)
		}
	})
}
