package pass_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ashyq-kiosk/kiosk/pass"
)

// visitor is a person in the guard's tests: the index.
type visitor uint32

var visitors = []visitor{0, 1, 2, 3, 1 << 31}

// guardKeys are those of the door.
var guardKeys = pass.NewPlaceKeys(map[pass.Day]pass.PlaceKey{nowOnDay: dayKey}, map[pass.Month]pass.PlaceKey{paperMonth: monthKey})

// codes makes each code once and keeps it: a model run needs the same few thousands of times.
type codes map[codeKey]*pass.Code

type codeKey struct {
	visitor
	second int
	paper  bool
}

func (made codes) get(t testing.TB, who visitor, second int) *pass.Code {
	return made.make(t, codeKey{who, second, false})
}

func (made codes) paper(t testing.TB, who visitor) *pass.Code {
	return made.make(t, codeKey{who, 0, true})
}

func (made codes) make(t testing.TB, key codeKey) *pass.Code {
	if code := made[key]; code != nil {
		return code
	}
	code := closedCode(t, key)
	if _, err := code.Open(guardKeys); err != nil {
		t.Fatal(err)
	}
	made[key] = code
	return code
}

// closedCode is a code at a door that does not have its key.
func closedCode(t testing.TB, key codeKey) *pass.Code {
	t.Helper()
	place := goodPlace
	place.Index = uint32(key.visitor)
	c := goodCredential()
	c.Block = pass.Block(blockByHand(dayKey, place))
	if key.paper {
		c = paperCredential()
		c.Block = pass.Block(blockByHand(monthKey, place))
	}
	sealed := issue(t, c)
	text, err := pass.Paper(sealed)
	if !key.paper {
		text, err = pass.Rotate(holderKey, sealed, at(key.second))
	}
	if err != nil {
		t.Fatal(err)
	}
	code, err := pass.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func at(second int) time.Time { return time.Unix(nowAt+int64(second), 0) }

func expect(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

const again = 10 * time.Second

func TestGuardReplay(t *testing.T) {
	made, guard, me, other := codes{}, pass.NewGuard(10), visitors[0], visitors[1]
	expect(t, "new code", guard.Check(made.get(t, me, 15), at(16), again), nil)
	expect(t, "looking is not using", guard.Check(made.get(t, me, 15), at(16), again), nil)
	guard.Used(made.get(t, me, 15), at(16))
	expect(t, "same code again", guard.Check(made.get(t, me, 15), at(17), again), pass.ErrReplayed)
	expect(t, "older code", guard.Check(made.get(t, me, 14), at(17), again), pass.ErrReplayed)
	expect(t, "newer code", guard.Check(made.get(t, me, 16), at(17), again), nil)
	expect(t, "somebody else's code", guard.Check(made.get(t, other, 15), at(17), again), nil)
	expect(t, "same code, clock an hour back", guard.Check(made.get(t, me, 15), at(-3600), again), pass.ErrReplayed)

	// An older code noted later does not undo the newer one.
	guard.Used(made.get(t, me, 3), at(18))
	expect(t, "same code after an older one", guard.Check(made.get(t, me, 15), at(18), again), pass.ErrReplayed)
}

func TestGuardPassedAlready(t *testing.T) {
	made, guard, me := codes{}, pass.NewGuard(10), visitors[0]
	guard.Used(made.get(t, me, 0), at(0))
	guard.Admitted(made.get(t, me, 0), at(0))
	expect(t, "same code", guard.Check(made.get(t, me, 0), at(1), again), pass.ErrReplayed)
	expect(t, "newer code within again", guard.Check(made.get(t, me, 9), at(9), again), pass.ErrPassedAlready)
	expect(t, "newer code, door that does not care", guard.Check(made.get(t, me, 9), at(9), 0), nil)
	expect(t, "newer code after again", guard.Check(made.get(t, me, 10), at(10), again), nil)
	expect(t, "paper of the same index", guard.Check(made.paper(t, me), at(9), again), pass.ErrPassedAlready)
}

func TestGuardPaper(t *testing.T) {
	made, guard, me := codes{}, pass.NewGuard(1), visitors[0]
	paper := made.paper(t, me)
	guard.Used(paper, at(0))
	expect(t, "paper that was used", guard.Check(paper, at(0), again), nil)
	guard.Admitted(paper, at(0))
	expect(t, "paper within again", guard.Check(paper, at(9), again), pass.ErrPassedAlready)
	expect(t, "paper after again", guard.Check(paper, at(10), again), nil)
	expect(t, "rotating code of the same index", guard.Check(made.get(t, me, -30), at(10), again), nil)
}

// TestGuardWithoutKey: a door that has no key of the day asked the registry about the code, and let
// the person in. The key comes while the code is still fresh.
func TestGuardWithoutKey(t *testing.T) {
	for name, tt := range map[string]struct {
		paper bool
		want  error
	}{"phone": {false, pass.ErrReplayed}, "paper": {true, pass.ErrPassedAlready}} {
		key := codeKey{visitors[1], 0, tt.paper}
		guard := pass.NewGuard(10)
		code := closedCode(t, key)
		expect(t, name+", first", guard.Check(code, at(0), again), nil)
		guard.Used(code, at(0))
		guard.Admitted(code, at(0))
		expect(t, name+", again without the key", guard.Check(closedCode(t, key), at(1), again), tt.want)
		if _, err := code.Open(guardKeys); err != nil {
			t.Fatal(err)
		}
		expect(t, name+", again with the key", guard.Check(code, at(1), again), tt.want)
		key.visitor = visitors[2]
		expect(t, name+", somebody else", guard.Check(closedCode(t, key), at(1), again), nil)
	}
}

// TestGuardClockBack sets the clock back by a day after somebody was let in. That person waits as
// long as anybody else, not a day.
func TestGuardClockBack(t *testing.T) {
	const day = 24 * 60 * 60
	made, guard, me := codes{}, pass.NewGuard(10), visitors[0]
	paper := made.paper(t, me)
	guard.Admitted(paper, at(day))
	expect(t, "right after", guard.Check(paper, at(0), again), pass.ErrPassedAlready)
	expect(t, "within again", guard.Check(paper, at(9), again), pass.ErrPassedAlready)
	expect(t, "after again", guard.Check(paper, at(10), again), nil)
}

func TestGuardForgets(t *testing.T) {
	made, guard := codes{}, pass.NewGuard(3)
	use := func(who visitor, second int) { guard.Used(made.get(t, who, second), at(second)) }
	check := func(what string, who visitor, second int, now int, want error) {
		t.Helper()
		expect(t, what, guard.Check(made.get(t, who, second), at(now), again), want)
	}
	use(visitors[0], 10) // the longest ago, and still matters below
	use(visitors[1], 0)
	use(visitors[2], 15)
	check("a full guard", visitors[1], 0, 25, pass.ErrReplayed)

	// At second 26 the code of second 0 is stale, so it is forgotten although another one was used
	// before it.
	guard.Used(made.get(t, visitors[3], 26), at(26))
	check("no longer matters", visitors[1], 0, 26, nil)
	check("oldest that matters", visitors[0], 10, 26, pass.ErrReplayed)
	check("newest", visitors[3], 26, 26, pass.ErrReplayed)

	// Now everybody matters, so the one seen the longest ago is forgotten.
	guard.Used(made.get(t, visitors[4], 27), at(27))
	check("seen the longest ago", visitors[0], 10, 27, nil)
	check("second", visitors[2], 15, 27, pass.ErrReplayed)

	// A person who is seen again becomes the newest.
	use(visitors[2], 28)
	use(visitors[0], 29)
	check("was the oldest, came again", visitors[2], 28, 29, pass.ErrReplayed)
	check("came before that", visitors[3], 26, 29, nil)
}

// TestGuardKeepsTheLastSecond: a code that is exactly MaxAge old is still valid, so it must not be
// forgotten before one that was seen earlier.
func TestGuardKeepsTheLastSecond(t *testing.T) {
	made, guard := codes{}, pass.NewGuard(2)
	guard.Used(made.get(t, visitors[0], 10), at(10))
	guard.Used(made.get(t, visitors[1], 0), at(11))
	guard.Used(made.get(t, visitors[2], 25), at(25))
	expect(t, "exactly as old as the window", guard.Check(made.get(t, visitors[1], 0), at(25), again), pass.ErrReplayed)
	expect(t, "seen the longest ago", guard.Check(made.get(t, visitors[0], 10), at(25), again), nil)
}

func TestGuardSize(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a guard of nobody was made")
		}
	}()
	pass.NewGuard(0)
}

// guardModel follows the same rules in another way: a list of people, with the last user at its
// end.
type guardModel struct {
	size    int
	longest time.Duration
	people  []modelVisit
}

type modelVisit struct {
	visitor
	signed   []int // seconds of the codes used
	admitted []int // seconds of the admissions; the last counts
}

func (m *guardModel) find(who visitor) int {
	return slices.IndexFunc(m.people, func(v modelVisit) bool { return v.visitor == who })
}

func (m *guardModel) check(key codeKey, now int, again time.Duration) error {
	m.longest = max(m.longest, again)
	i := m.find(key.visitor)
	if i < 0 {
		return nil
	}
	v := &m.people[i]
	if !key.paper && len(v.signed) > 0 && key.second <= slices.Max(v.signed) {
		return pass.ErrReplayed
	}
	if len(v.admitted) == 0 {
		return nil
	}
	last := v.admitted[len(v.admitted)-1]
	if now < last {
		last = now
		v = m.touch(key.visitor, now)
	}
	v.admitted = []int{last}
	if time.Duration(now-last)*time.Second < again {
		return pass.ErrPassedAlready
	}
	return nil
}

func (m *guardModel) touch(who visitor, now int) *modelVisit {
	v := modelVisit{visitor: who}
	if i := m.find(who); i >= 0 {
		v = m.people[i]
		m.people = slices.Delete(m.people, i, i+1)
	} else if len(m.people) == m.size {
		m.people = slices.DeleteFunc(m.people, func(v modelVisit) bool { return !m.matters(v, now) })
		if len(m.people) == m.size {
			m.people = m.people[1:]
		}
	}
	m.people = append(m.people, v)
	return &m.people[len(m.people)-1]
}

func (m *guardModel) matters(v modelVisit, now int) bool {
	fresh := len(v.signed) > 0 && now-slices.Max(v.signed) <= 25
	waits := len(v.admitted) > 0 && time.Duration(now-v.admitted[len(v.admitted)-1])*time.Second < m.longest
	return fresh || waits
}

// TestGuardModel runs guard and model side by side, with a clock that mostly goes forward, and
// compares every answer.
func TestGuardModel(t *testing.T) {
	made := codes{}
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(1, len(visitors)+1).Draw(rt, "size")
		guard, model := pass.NewGuard(size), &guardModel{size: size}
		journal := guard.Memory()
		keep := func(record []byte) { journal = append(journal, record...) }
		guard.OnUse = keep
		now := 0
		rt.Repeat(map[string]func(*rapid.T){
			"time passes": func(rt *rapid.T) { now += rapid.SampledFrom([]int{1, 1, 5, 15, 61, 100}).Draw(rt, "by") },
			"restart": func(*rapid.T) {
				next := pass.NewGuard(size)
				if !next.Restore(journal) {
					rt.Fatal("the memory is not one")
				}
				if rapid.Bool().Draw(rt, "tidy") {
					journal = next.Memory()
				}
				model.longest = 0
				guard = next
				guard.OnUse = keep
			},
			"clock back": func(rt *rapid.T) { now -= rapid.SampledFrom([]int{1, 30, 200}).Draw(rt, "by") },
			"somebody comes": func(rt *rapid.T) {
				key := codeKey{
					visitor: rapid.SampledFrom(visitors).Draw(rt, "who"),
					paper:   rapid.Bool().Draw(rt, "paper"),
				}
				if !key.paper {
					key.second = now + rapid.IntRange(-60, 60).Draw(rt, "phone's clock")
				}
				wait := time.Duration(rapid.SampledFrom([]int{0, 1, 10, 90}).Draw(rt, "again")) * time.Second
				code := made.make(t, key)
				err, want := guard.Check(code, at(now), wait), model.check(key, now, wait)
				if !errors.Is(err, want) || (err == nil) != (want == nil) {
					rt.Fatalf("%+v at %d: %v, want %v", key, now, err, want)
				}
				if err != nil {
					return
				}
				guard.Used(code, at(now))
				if !key.paper {
					v := model.touch(key.visitor, now)
					v.signed = append(v.signed, key.second)
				}
				if rapid.Bool().Draw(rt, "admitted") {
					guard.Admitted(code, at(now))
					v := model.touch(key.visitor, now)
					v.admitted = append(v.admitted, now)
				}
			},
		})
	})
}
