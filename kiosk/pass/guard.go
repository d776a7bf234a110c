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

// Why a valid code is refused the second time.
var (
	// ErrReplayed says that this code, or a newer one of the same person, was used at this door
	// before.
	ErrReplayed = errors.New("code was used before")
	// ErrPassedAlready says that the person was let in here a moment ago.
	ErrPassedAlready = errors.New("person was let in a moment ago")
)

// Guard remembers who used which code at this door. It counts by person, so that two codes of one
// person do not let two people in. It has no clock of its own, its memory is bounded, and one
// goroutine owns it.
//
// Its memory can outlive a restart: OnUse gets a record of each use, and Restore of all records in
// their order brings the memory back. A record does not reveal the person without the key at the
// start of the memory.
type Guard struct {
	OnUse func(record []byte) // nil: no records; record is valid only during the call

	size   int
	key    [guardKey]byte
	again  time.Duration // the longest again given to Check: how long an admission can matter
	uses   uint64        // number of the last use
	people map[person]*visit
}

// person is a keyed hash of the person's index, or of the code's block at a door that could not
// open it.
type person [16]byte

type visit struct {
	use      uint64    // the last use's number: it orders forgetting, as times may go backwards
	signed   time.Time // newest code that led to a verdict; zero: no code yet
	admitted time.Time // last time the person was let in; zero: never
}

const guardKey = 32 // bytes

// GuardRecord is the size of a record: the person, then the newest code's time and the admission's,
// in Unix ns, big-endian, 0 if absent. Both are 0 for a person who was forgotten.
const GuardRecord = len(person{}) + 16

// NewGuard makes a guard that remembers at most size people. It panics if size is below 1, which is
// the caller's mistake.
func NewGuard(size int) *Guard {
	if size < 1 {
		panic(fmt.Sprintf("pass: guard of %d people", size))
	}
	g := &Guard{size: size, people: make(map[person]*visit)}
	if _, err := rand.Read(g.key[:]); err != nil {
		panic("pass: no random numbers: " + err.Error()) // never, says crypto/rand
	}
	return g
}

// Memory returns the key and everybody's record, in the order of their last uses, for Restore.
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

// Restore replaces what the guard knows by a Memory and the records since then. The last record of
// a person counts; an incomplete one at the end is ignored. Without a whole key it changes nothing
// and returns false.
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

// Check says whether a verified code may lead to a verdict. ErrReplayed: this code or a newer one
// of this person was used, whatever the clock says now. ErrPassedAlready: the person was let in
// less than again before now. Codes have whole seconds, so two of one second count as the same. A
// paper code never changes and counts as no replay.
//
// If the clock went back to before an admission, nobody knows how long ago that was. It counts as
// just now, so nobody waits longer than again.
func (g *Guard) Check(c *Code, now time.Time, again time.Duration) error {
	g.again = max(g.again, again)
	if err := g.check(g.personOf(c), c, now, again); err != nil || c.place == nil {
		return err
	}
	// The door may have got its key only after it let this code in.
	return g.check(g.blockOf(c), c, now, again)
}

func (g *Guard) check(p person, c *Code, now time.Time, again time.Duration) error {
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

// Used notes that the code led to a verdict: this code and older ones of the same person are
// refused from now on.
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
	if c.place == nil {
		return g.blockOf(c)
	}
	return g.hash(binary.BigEndian.AppendUint32(nil, c.place.Index))
}

func (g *Guard) blockOf(c *Code) person { return g.hash(c.Credential.Block[:]) }

// hash names a person; an index and a block have different lengths.
func (g *Guard) hash(name []byte) person {
	hash := hmac.New(sha256.New, g.key[:])
	hash.Write(name)
	return person(hash.Sum(nil))
}

// visit returns the person's entry, marks it as used last, and makes room for a new one.
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

// forget drops everybody who no longer matters. If everybody does, it drops the person seen the
// longest ago. It walks over the whole guard; for a thousand people that is faster than verifying
// one signature.
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

// matters reports whether this visit could still make Check refuse a code: a code as old as the one
// used is not stale yet, or the wait after the admission is not over.
func (v *visit) matters(now time.Time, again time.Duration) bool {
	return !v.signed.IsZero() && !now.After(v.signed.Add(MaxAge)) ||
		!v.admitted.IsZero() && now.Sub(v.admitted) < again
}
