// Package ratchet derives a key for each step of time, a day or a month, so that whoever gets the
// state of one step gets the keys of that step and later ones, and never those before it.
//
//	key of a step       HMAC-SHA256(state, "ashyq index key"), its first 16 bytes
//	state of the next   HMAC-SHA256(state, "ashyq next")
//
// It is pure. Whoever keeps a state forgets it by keeping a later one in its place.
package ratchet

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
)

// Sizes of a state and of a key, bytes.
const (
	StateSize = sha256.Size
	KeySize   = 16
)

// State is that of one step.
type State [StateSize]byte

// New is a random state: the beginning of a ratchet.
func New() State {
	var s State
	if _, err := rand.Read(s[:]); err != nil {
		panic("ratchet: no random numbers: " + err.Error()) // crypto/rand documents that it does not happen
	}
	return s
}

// Key is the key of the state's step.
func (s State) Key() [KeySize]byte {
	mac := s.derive("ashyq index key")
	return [KeySize]byte(mac[:KeySize])
}

// After is the state n steps later.
func (s State) After(n int) State {
	for range n {
		s = s.derive("ashyq next")
	}
	return s
}

// Keys are the keys of n steps, from the state's own on.
func (s State) Keys(n int) [][KeySize]byte {
	keys := make([][KeySize]byte, n)
	for i := range keys {
		keys[i] = s.Key()
		s = s.After(1)
	}
	return keys
}

func (s State) derive(label string) State {
	mac := hmac.New(sha256.New, s[:])
	mac.Write([]byte(label))
	return State(mac.Sum(nil))
}
