package pass

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
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
//
// Its memory can be kept over a restart: OnUse gives a record of each use, and a guard that Restore gets them all, in their
// order, knows the same. Who the person was cannot be read from a record without the key in front of the first.
type Guard struct {
	OnUse func(record []byte) // nil: nobody keeps them; the record is the caller's only during the call

	size   int
	key    [guardKey]byte
	again  time.Duration // the longest that Check was asked for: how long an admission can matter
	uses   uint64        // Used and Admitted together
	people map[person]*visit
}

// person is a keyed hash of list and index.
type person [16]byte

type visit struct {
	use      uint64    // number of the last use, for the order of forgetting; times may go backwards
	signed   time.Time // newest code that led to a verdict; zero: none
	admitted time.Time // last time the person was let in; zero: never
}

const guardKey = 32 // bytes

// GuardRecord is the size of a record: the person, and the Unix ns of the newest code and of the admission, big-endian, 0 where
// there was none. Both are 0 for somebody who was forgotten.
const GuardRecord = len(person{}) + 16

// NewGuard makes a guard that remembers at most size people. A size below 1 is a mistake of the caller's and panics.
func NewGuard(size int) *Guard {
	if size < 1 {
		panic(fmt.Sprintf("pass: guard of %d people", size))
	}
	g := &Guard{size: size, people: make(map[person]*visit)}
	if _, err := rand.Read(g.key[:]); err != nil {
		panic("pass: no random numbers: " + err.Error()) // crypto/rand documents that it does not happen
	}
	return g
}

// Memory is the key and a record of everybody, in the order of their last uses: what Restore takes.
func (g *Guard) Memory() []byte {
	people := slices.SortedFunc(maps.Keys(g.people), func(a, b person) int {
		return cmp.Compare(g.people[a].use, g.people[b].use)
	})
	memory := slices.Clone(g.key[:])
	for _, p := range people {
		memory = g.people[p].append(memory, p)
	}
	return memory
}

// Restore takes the place of what the guard knows: Memory, and the records since then. The last record of a person counts;
// an incomplete one at the end is left out. Without a whole key nothing changes and it is false.
func (g *Guard) Restore(memory []byte) bool {
	if len(memory) < guardKey {
		return false
	}
	g.key = [guardKey]byte(memory)
	clear(g.people)
	for record := range slices.Chunk(memory[guardKey:], GuardRecord) {
		if len(record) < GuardRecord {
			break
		}
		g.uses++
		p := person(record)
		v := visit{use: g.uses, signed: timeOf(record[len(p):]), admitted: timeOf(record[len(p)+8:])}
		if v.signed.IsZero() && v.admitted.IsZero() {
			delete(g.people, p)
			continue
		}
		if g.people[p] = &v; len(g.people) > g.size {
			g.forgetOldest()
		}
	}
	return true
}

func (v *visit) append(memory []byte, p person) []byte {
	memory = append(memory, p[:]...)
	for _, t := range []time.Time{v.signed, v.admitted} {
		var ns int64
		if !t.IsZero() {
			ns = t.UnixNano()
		}
		memory = binary.BigEndian.AppendUint64(memory, uint64(ns))
	}
	return memory
}

func timeOf(ns []byte) time.Time {
	if n := int64(binary.BigEndian.Uint64(ns)); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

func (g *Guard) forgetOldest() {
	var oldest person
	first := g.uses + 1
	for p, v := range g.people {
		if v.use < first {
			oldest, first = p, v.use
		}
	}
	g.forgetOne(oldest)
}

func (g *Guard) forgetOne(p person) {
	*g.people[p] = visit{}
	g.tell(p)
	delete(g.people, p)
}

func (g *Guard) tell(p person) {
	if g.OnUse != nil {
		g.OnUse(g.people[p].append(nil, p))
	}
}

// Check says whether a verified code may lead to a verdict. ErrReplayed: this very code or a newer one of this person
// was used, whatever the clock says by now. ErrPassedAlready: the person was let in less than again before now. Codes
// have whole seconds, so two of one second count as the same. A paper code never changes and is not replayed.
//
// When the clock went back behind an admission, how long ago that was is not known any more: it counts as just now, so
// that nobody waits longer than again.
func (g *Guard) Check(c *Code, now time.Time, again time.Duration) error {
	g.again = max(g.again, again)
	p := g.personOf(c)
	v := g.people[p]
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
		g.visit(p, now).admitted = now
		g.tell(p)
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
	p := g.personOf(c)
	v := g.visit(p, now)
	if c.Signed.After(v.signed) {
		v.signed = c.Signed
	}
	g.tell(p)
}

// Admitted notes that the person was let in.
func (g *Guard) Admitted(c *Code, now time.Time) {
	p := g.personOf(c)
	g.visit(p, now).admitted = now
	g.tell(p)
}

func (g *Guard) personOf(c *Code) person {
	hash := hmac.New(sha256.New, g.key[:])
	hash.Write(binary.BigEndian.AppendUint64(nil, c.Credential.Index))
	hash.Write([]byte(c.Credential.List))
	return person(hash.Sum(nil))
}

// visit returns the person's entry, as the one used last, and makes room for a new one.
func (g *Guard) visit(p person, now time.Time) *visit {
	g.uses++
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
	for p, v := range g.people {
		if !v.matters(now, g.again) {
			g.forgetOne(p)
		}
	}
	if len(g.people) >= g.size {
		g.forgetOldest()
	}
}

// matters reports whether Check could still refuse something because of this visit: a code as old as the one used
// would not be stale yet, or the admission is not over.
func (v *visit) matters(now time.Time, again time.Duration) bool {
	return !v.signed.IsZero() && !now.After(v.signed.Add(MaxAge)) ||
		!v.admitted.IsZero() && now.Sub(v.admitted) < again
}
