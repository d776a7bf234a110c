package cache

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
)

// model is the cache the simple way: values in memory, and beside them those that a restart brings
// back.
type model struct {
	version          uint64
	asOf, asOfOnCard int64
	sections, staged map[uint32]modelSection
	rules            string
	seen, seenOnCard int64
	outbox           []string
}

type modelSection struct {
	version uint64
	list    *statuslist.Section
	blob    [32]byte // of a staged one
}

func (m *model) state() State {
	if m.version == 0 {
		return State{}
	}
	s := State{Version: m.version, AsOf: unixTime(m.asOf), List: testList}
	for id := range uint32(len(m.sections)) {
		s.Sections = append(s.Sections, SectionState{m.sections[id].version, m.sections[id].list.Content()})
	}
	return s
}

// machine does the same to a cache and to the model.
type machine struct {
	path  string
	cache *Cache
	model model
	next  int // report

	written model // version, sections, rules and asOf that are on the card
}

func drawSection(t *rapid.T, from *statuslist.Section) *statuslist.Section {
	s := from.Clone()
	changes := rapid.MapOfN(rapid.Uint32Range(0, statuslist.SectionSize-1), rapid.SampledFrom(known), 0, 5).Draw(t, "changes")
	for i, st := range changes {
		s.Set(i, st)
	}
	return s
}

func (m *machine) stage(t *rapid.T) {
	id := rapid.Uint32Range(0, 2).Draw(t, "id")
	next := modelSection{
		version: m.model.version + rapid.Uint64Range(0, 2).Draw(t, "ahead"),
		list:    drawSection(t, statuslist.NewSection()),
		blob:    [32]byte{byte(rapid.IntRange(1, 255).Draw(t, "blob"))},
	}
	if err := m.cache.Stage(id, next.version, next.blob, next.list); err != nil {
		t.Fatal(err)
	}
	m.model.staged[id] = next
}

// apply makes an update in which each section stays, gets deltas or is the staged one, and which
// may be spoilt.
func (m *machine) apply(t *rapid.T) {
	u := Update{Version: m.model.version + 1, AsOf: unixTime(m.model.asOf + rapid.Int64Range(-10, 1000).Draw(t, "later")), List: testList}
	u.AsOf = unixTime(max(u.AsOf.Unix(), 0))
	if rapid.Bool().Draw(t, "rules") {
		u.Rules = fmt.Append(nil, "rules of ", u.Version)
	}
	then := map[uint32]modelSection{}
	var contents [][32]byte
	for id := range uint32(max(len(m.model.sections), rapid.IntRange(1, 2).Draw(t, "sections"))) {
		now, exists := m.model.sections[id]
		staged, isStaged := m.model.staged[id]
		next := now
		var s SectionUpdate
		if isStaged && staged.version > m.model.version && rapid.Bool().Draw(t, "staged") {
			s.Staged, s.Blob = true, staged.blob
			next = modelSection{version: u.Version, list: staged.list}
		} else if !exists {
			return // nothing to make this section of
		}
		for range rapid.IntRange(0, 2).Draw(t, "deltas") {
			after := drawSection(t, next.list)
			changes := statuslist.Diff(next.list, after)
			if s.Changes = append(s.Changes, changes...); len(changes) > 0 {
				next = modelSection{version: u.Version, list: after}
			}
		}
		s.Version = next.version
		then[id] = next
		u.Sections, contents = append(u.Sections, s), append(contents, next.list.Content())
	}
	u.Root = statuslist.Root(contents)
	var want error
	switch rapid.SampledFrom([]string{"", "", "", "older", "root"}).Draw(t, "spoilt") {
	case "older":
		u.Version, want = max(m.model.version, 1), ErrOlder
		if m.model.version == 0 {
			want = nil // the first one
		}
	case "root":
		u.Root[7] ^= 1
		want = ErrMismatch
	}
	if err := m.cache.Apply(u); !errors.Is(err, want) {
		t.Fatalf("Apply: %v, want %v", err, want)
	}
	if want != nil {
		return
	}
	first := m.model.version == 0 // of this list
	m.model.version, m.model.asOf, m.model.asOfOnCard = u.Version, u.AsOf.Unix(), u.AsOf.Unix()
	m.model.sections = then
	if u.Rules != nil {
		m.model.rules = string(u.Rules)
	}
	maps.DeleteFunc(m.model.staged, func(id uint32, s modelSection) bool {
		return first || s.version <= u.Version || int(id) < len(u.Sections) && u.Sections[id].Staged
	})
}

func (m *machine) refresh(t *rapid.T) {
	asOf := m.model.asOf + rapid.Int64Range(-100, 1200).Draw(t, "later")
	if asOf < 0 {
		return
	}
	err := m.cache.Refresh(time.Unix(asOf, 999))
	if m.model.version == 0 {
		if !errors.Is(err, kiosk.ErrNoData) {
			t.Fatalf("Refresh: %v, want ErrNoData", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.model.asOf = max(m.model.asOf, asOf)
	if asOf-m.model.asOfOnCard >= int64(writeEvery/time.Second) {
		m.model.asOfOnCard = asOf
	}
}

func (m *machine) noteTime(t *rapid.T) {
	seen := m.model.seen + rapid.Int64Range(-100, 1200).Draw(t, "later")
	if seen < 0 {
		return
	}
	if err := m.cache.NoteTime(time.Unix(seen, 0)); err != nil {
		t.Fatal(err)
	}
	m.model.seen = max(m.model.seen, seen)
	if seen-m.model.seenOnCard >= int64(writeEvery/time.Second) {
		m.model.seenOnCard = m.model.seen
	}
}

func (m *machine) forgetTime(t *rapid.T) {
	seen := max(0, m.model.seen+rapid.Int64Range(-2000, 100).Draw(t, "wrong by"))
	if err := m.cache.ForgetTime(time.Unix(seen, 0)); err != nil {
		t.Fatal(err)
	}
	m.model.seen, m.model.seenOnCard = seen, seen
}

func (m *machine) queue(t *rapid.T) {
	m.next++
	id := fmt.Sprint("report ", m.next)
	if err := m.cache.Queue(id, []byte("body of "+id)); err != nil {
		t.Fatal(err)
	}
	m.model.outbox = append(m.model.outbox, id)
}

func (m *machine) done(t *rapid.T) {
	id := "not there"
	if n := len(m.model.outbox); n > 0 {
		k := rapid.IntRange(0, n-1).Draw(t, "report")
		id = m.model.outbox[k]
		m.model.outbox = append(m.model.outbox[:k:k], m.model.outbox[k+1:]...)
	}
	if err := m.cache.Done(id); err != nil {
		t.Fatal(err)
	}
}

// budget lets the next versions reach the card at once, or wait.
func (m *machine) budget(t *rapid.T) {
	m.cache.budget.balance = rapid.SampledFrom([]float64{-budgetBurst, budgetBurst, math.Inf(1)}).Draw(t, "balance")
	m.cache.budget.at = time.Time{}
}

// cut loses what is not on the card.
func (m *machine) cut(t *rapid.T) {
	if err := m.cache.db.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.cache, err = Open(m.path); err != nil || m.cache.SetAside != nil {
		t.Fatal(err, m.cache.SetAside)
	}
	m.model.version, m.model.sections, m.model.rules = m.written.version, m.written.sections, m.written.rules
	m.model.asOfOnCard, m.model.staged = m.written.asOfOnCard, m.written.staged
	m.model.asOf, m.model.seen = m.model.asOfOnCard, m.model.seenOnCard
}

func (m *machine) reopen(t *rapid.T) {
	if err := m.cache.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.cache, err = Open(m.path); err != nil || m.cache.SetAside != nil {
		t.Fatal(err, m.cache.SetAside)
	}
	m.model.asOf, m.model.seenOnCard = m.model.asOfOnCard, m.model.seen
}

func (m *machine) check(t *rapid.T) {
	if m.cache.pending == nil {
		m.written = m.model
		m.written.sections, m.written.staged = maps.Clone(m.model.sections), maps.Clone(m.model.staged)
	}
	state, err := m.cache.State()
	if want := m.model.state(); err != nil || fmt.Sprint(state) != fmt.Sprint(want) {
		t.Fatalf("State = %+v, %v, want %+v", state, err, want)
	}
	for id := range uint32(3) {
		version, blob, err := m.cache.Staged(id)
		if err != nil || version != m.model.staged[id].version || blob != m.model.staged[id].blob {
			t.Fatalf("Staged(%d) = %d, %v, want version %d", id, version, err, m.model.staged[id].version)
		}
	}
	rules, err := m.cache.Rules()
	if err != nil || string(rules) != m.model.rules {
		t.Fatalf("Rules = %q, %v, want %q", rules, err, m.model.rules)
	}
	seen, err := m.cache.SeenTime()
	if err != nil || m.model.seen == 0 != seen.IsZero() || m.model.seen != 0 && seen.Unix() != m.model.seen {
		t.Fatalf("SeenTime = %v, %v, want %d", seen, err, m.model.seen)
	}
	id, body, err := m.cache.Next()
	if want := append(m.model.outbox, "")[0]; err != nil || id != want || id != "" && string(body) != "body of "+id {
		t.Fatalf("Next = %q, %q, %v, want %q", id, body, err, want)
	}
	index := rapid.Uint64Range(0, 3*statuslist.SectionSize).Draw(t, "index")
	standing, err := m.cache.Status(t.Context(), kiosk.Person{Index: index})
	s, exists := m.model.sections[uint32(index/statuslist.SectionSize)]
	switch {
	case m.model.version == 0:
		if !errors.Is(err, kiosk.ErrNoData) {
			t.Fatalf("Status: %v, want ErrNoData", err)
		}
	case !exists:
		if !errors.Is(err, kiosk.ErrUnknownPerson) {
			t.Fatalf("Status: %v, want ErrUnknownPerson", err)
		}
	case err != nil || standing.Status != s.list.Get(uint32(index%statuslist.SectionSize)) || standing.AsOf.Unix() != m.model.asOf:
		t.Fatalf("Status(%d) = %+v, %v", index, standing, err)
	}
	// The contents, entry by entry, at once: Check compares what is stored with the hashes that
	// State has given.
	if rapid.IntRange(0, 3).Draw(t, "check") == 0 {
		if err := m.cache.Check(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestModel does random operations on a cache, with restarts in between, and expects what the model
// says.
func TestModel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{path: filepath.Join(dir, "cache.db"), model: model{sections: map[uint32]modelSection{}, staged: map[uint32]modelSection{}}}
		if err := os.RemoveAll(m.path); err != nil {
			t.Fatal(err)
		}
		var err error
		if m.cache, err = Open(m.path); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.cache.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"stage": m.stage, "apply": m.apply, "apply again": m.apply, "refresh": m.refresh, "note time": m.noteTime, "forget time": m.forgetTime,
			"queue": m.queue, "done": m.done, "reopen": m.reopen, "cut": m.cut, "budget": m.budget,
			"": m.check,
		})
	})
}

// TestOutboxBound fills the outbox beyond its bound.
func TestOutboxBound(t *testing.T) {
	c := mustOpen(t, testPath(t))
	c.db.NoSync = true // a thousand transactions; what is tested is not their durability
	for n := range outboxSize + 3 {
		if err := c.Queue(fmt.Sprint(n), nil); err != nil {
			t.Fatal(err)
		}
	}
	for n := 3; n < outboxSize+3; n++ {
		id, _, err := c.Next()
		if err != nil || id != fmt.Sprint(n) {
			t.Fatalf("Next = %q, %v, want %d", id, err, n)
		}
		if err := c.Done(id); err != nil {
			t.Fatal(err)
		}
	}
	if id, body, err := c.Next(); id != "" || body != nil || err != nil {
		t.Errorf("Next of an empty outbox = %q, %q, %v", id, body, err)
	}
}
