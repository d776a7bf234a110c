package latest_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/kiosk/latest"
)

func Example() {
	verdicts := latest.New[string]()
	verdicts.Put("working")
	verdicts.Put("admitted") // nobody has looked at the lamps yet
	fmt.Println(<-verdicts.C())
	// Output: admitted
}

func TestSlot(t *testing.T) {
	s := latest.New[int]()
	expectEmpty(t, s)
	for n := range 3 {
		for v := range 10 {
			s.Put(n*10 + v)
		}
		if got := <-s.C(); got != n*10+9 {
			t.Errorf("took %d, want the newest, %d", got, n*10+9)
		}
		expectEmpty(t, s)
	}
}

func expectEmpty(t *testing.T, s *latest.Slot[int]) {
	t.Helper()
	select {
	case v := <-s.C():
		t.Errorf("took %d from an empty slot", v)
	default:
	}
}

// A receiver that waits gets the value, and one that is slow keeps no sender from going on.
func TestReceiverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := latest.New[int]()
		got := make(chan int)
		go func() { got <- <-s.C() }()
		synctest.Wait()
		s.Put(1)
		synctest.Wait()
		s.Put(2)
		s.Put(3)
		if first, second := <-got, <-s.C(); first != 1 || second != 3 {
			t.Errorf("took %d and %d, want 1 and 3", first, second)
		}
	})
}

// Each of many senders counts up. The receiver sees no sender's values twice or out of order, and
// at the end gets what one of them has put last.
func TestManySenders(t *testing.T) {
	const senders, values = 4, 5000
	type value struct{ sender, n int }
	s := latest.New[value]()
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for n := 1; n <= values; n++ {
				s.Put(value{sender, n})
			}
		})
	}
	over := make(chan struct{})
	go func() { all.Wait(); close(over) }()
	var seen [senders]int
	take := func(v value) {
		if v.n <= seen[v.sender] {
			t.Errorf("sender %d: took %d after %d", v.sender, v.n, seen[v.sender])
		}
		seen[v.sender] = v.n
	}
	for running := true; running; {
		select {
		case v := <-s.C():
			take(v)
		case <-over:
			running = false
		}
	}
	select {
	case v := <-s.C():
		take(v)
	default:
	}
	for _, n := range seen {
		if n == values {
			return
		}
	}
	t.Errorf("the newest values were %v, want one of them to be the last, %d", seen, values)
}

func TestPutDoesNotAllocate(t *testing.T) {
	s := latest.New[[64]byte]()
	var v [64]byte
	if n := testing.AllocsPerRun(1000, func() { s.Put(v) }); n != 0 {
		t.Errorf("%v allocations for each Put", n)
	}
}

func BenchmarkPut(b *testing.B) {
	s := latest.New[[64]byte]()
	var v [64]byte
	b.ReportAllocs()
	for b.Loop() {
		s.Put(v)
	}
}

func BenchmarkPutAndTake(b *testing.B) {
	s := latest.New[[64]byte]()
	var v [64]byte
	b.ReportAllocs()
	for b.Loop() {
		s.Put(v)
		v = <-s.C()
	}
}
