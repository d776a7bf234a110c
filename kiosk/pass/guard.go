package pass

import (
	"errors"
	"fmt"
	"time"
)

// Why a good code is not taken once more.
var (
	// ErrReplayed says that this very code, or a newer one of the same person, was used here before.
	ErrReplayed = errors.New("code was used before")
	// ErrPassedAlready says that the person was let in here a moment ago.
	ErrPassedAlready = errors.New("person was let in a moment ago")
)

// Guard remembers who used which code at this door: per person, so that two codes of one person do not let two people
// in. It has no clock of its own and its memory is bounded. It is for one goroutine.
type Guard struct {
	size   int
	again  time.Duration // the longest that Check was asked for: how long an admission can matter
	uses   uint64        // Used and Admitted together
	people map[person]*visit
}

type person struct {
	list  string
	index uint64
}

type visit struct {
	use      uint64    // number of the last use, for the order of forgetting; times may go backwards
	signed   time.Time // newest code that led to a verdict; zero: none
	admitted time.Time // last time the person was let in; zero: never
}

// NewGuard makes a guard that remembers at most size people. A size below 1 is a mistake of the caller's and panics.
func NewGuard(size int) *Guard {
	if size < 1 {
		panic(fmt.Sprintf("pass: guard of %d people", size))
	}
	return &Guard{size: size, people: make(map[person]*visit)}
}

// Check says whether a verified code may lead to a verdict. ErrReplayed: this very code or a newer one of this person
// was used, whatever the clock says by now. ErrPassedAlready: the person was let in less than again before now. Codes
// have whole seconds, so two of one second count as the same. A paper code never changes and is not replayed.
//
// When the clock went back behind an admission, how long ago that was is not known any more: it counts as just now, so
// that nobody waits longer than again.
func (g *Guard) Check(c *Code, now time.Time, again time.Duration) error {
	g.again = max(g.again, again)
	v := g.people[personOf(c)]
	if v == nil {
		return nil
	}
	if !c.IsPaper() && !v.signed.IsZero() && !c.Signed.After(v.signed) {
		return ErrReplayed
	}
	if v.admitted.IsZero() {
		return nil
	}
	if now.Before(v.admitted) {
		v.admitted = now
	}
	if now.Sub(v.admitted) < again {
		return ErrPassedAlready
	}
	return nil
}

// Used notes that the code led to a verdict: it and older ones of the same person are not taken again.
func (g *Guard) Used(c *Code, now time.Time) {
	if c.IsPaper() {
		return
	}
	v := g.visit(c, now)
	if c.Signed.After(v.signed) {
		v.signed = c.Signed
	}
}

// Admitted notes that the person was let in.
func (g *Guard) Admitted(c *Code, now time.Time) {
	g.visit(c, now).admitted = now
}

func personOf(c *Code) person { return person{c.Credential.List, c.Credential.Index} }

// visit returns the person's entry, as the one used last, and makes room for a new one.
func (g *Guard) visit(c *Code, now time.Time) *visit {
	g.uses++
	p := personOf(c)
	v := g.people[p]
	if v == nil {
		if len(g.people) >= g.size {
			g.forget(now)
		}
		v = &visit{}
		g.people[p] = v
	}
	v.use = g.uses
	return v
}

// forget drops everybody who cannot matter any more, and if that is nobody, the person seen the longest ago. It walks
// over all of the guard, which for a thousand people takes less time than to verify one signature.
func (g *Guard) forget(now time.Time) {
	var oldest person
	first := g.uses + 1
	for p, v := range g.people {
		if !v.matters(now, g.again) {
			delete(g.people, p)
		} else if v.use < first {
			oldest, first = p, v.use
		}
	}
	if len(g.people) >= g.size {
		delete(g.people, oldest)
	}
}

// matters reports whether Check could still refuse something because of this visit: a code as old as the one used
// would not be stale yet, or the admission is not over.
func (v *visit) matters(now time.Time, again time.Duration) bool {
	return !v.signed.IsZero() && !now.After(v.signed.Add(Window)) ||
		!v.admitted.IsZero() && now.Sub(v.admitted) < again
}
