// Package latest hands over values of which only the newest counts: a full slot never makes a
// sender wait, it forgets the older value.
package latest

import "sync"

// Slot holds the newest value until somebody takes it. Any number of goroutines may put; one takes.
type Slot[T any] struct {
	putting sync.Mutex // only one goroutine at a time may fill the channel
	value   chan T     // one slot; full: the newest wins
}

// New makes an empty slot.
func New[T any]() *Slot[T] { return &Slot[T]{value: make(chan T, 1)} }

// Put makes v the newest value, in the place of one that nobody has taken. It never waits for the
// receiver.
func (s *Slot[T]) Put(v T) {
	s.putting.Lock()
	defer s.putting.Unlock()
	select {
	case <-s.value:
	default:
	}
	s.value <- v // there is room: nobody else puts
}

// C is where the newest value is taken from.
func (s *Slot[T]) C() <-chan T { return s.value }
