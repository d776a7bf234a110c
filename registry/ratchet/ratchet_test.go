package ratchet

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The keys of a known state, computed with another implementation (Python's hmac).
func TestKeysAreThoseOfTheDescription(t *testing.T) {
	var s State
	for i := range s {
		s[i] = byte(i)
	}
	for i, want := range []string{"2b8aedd206c3d5b8ef325d680f8b338c", "0a777070d65214e62e33919161264ae8", "147c27851b375b4e7e79b4f9fcb43c90"} {
		key := s.After(i).Key()
		if got := hex.EncodeToString(key[:]); got != want {
			t.Errorf("key of step %d is %s, want %s", i, got, want)
		}
	}
}

func TestStepsAgree(t *testing.T) {
	s := New()
	if s == New() {
		t.Fatal("two ratchets begin alike")
	}
	keys := s.Keys(40)
	seen := map[[KeySize]byte]bool{}
	for i, key := range keys {
		if key != s.After(i).Key() {
			t.Errorf("step %d has two keys", i)
		}
		if seen[key] {
			t.Errorf("step %d has the key of an earlier one", i)
		}
		seen[key] = true
		if state := s.After(i); bytes.Contains(state[:], key[:]) {
			t.Errorf("the state of step %d shows its key", i)
		}
	}
	if got := s.After(7).Keys(33); got[0] != keys[7] || got[32] != keys[39] {
		t.Error("a ratchet that moved on has other keys for the same steps")
	}
}
