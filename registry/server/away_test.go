package server

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// lister is a publisher whose versions a test makes one by one, and the source of a door that
// follows.
type lister struct {
	testing.TB
	*publisher
	random *rand.Rand
	asked  int                          // for blobs
	model  map[uint64]statuslist.Status // what was set last, the simple way
	memory map[api.Hash][]byte          // nil: versions go into the database
}

func newLister(t testing.TB) *lister {
	t.Helper()
	r := newRig(t)
	r.stop()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	r.opt.Store, r.opt.Log = db, slog.New(slog.DiscardHandler)
	p, err := newPublisher(t.Context(), r.opt, newMetrics())
	if err != nil {
		t.Fatal(err)
	}
	return &lister{TB: t, publisher: p, random: rand.New(rand.NewPCG(7, 7))}
}

// version makes the next version.
func (l *lister) version(change func(*draft)) {
	l.Helper()
	d := l.draft()
	change(d)
	if l.memory == nil {
		if err := l.commit(l.Context(), d); err != nil {
			l.Fatal(err)
		}
		return
	}
	s := l.sealing(l.Context(), d)
	s.blob = func(h api.Hash) ([]byte, error) { return l.memory[h], nil }
	if err := s.seal(false); err != nil {
		l.Fatal(err)
	}
	for _, blob := range d.blobs {
		l.memory[api.HashOf(blob)] = blob
	}
	l.manifest, l.sections, l.contents = d.next, d.sections, s.contents
}

// people changes the statuses of n people at random.
func (l *lister) people(n int) func(*draft) {
	return func(d *draft) {
		for range n {
			index := l.random.Uint64N(uint64(len(d.sections)) * statuslist.SectionSize)
			status := []statuslist.Status{statuslist.Valid, statuslist.Red, statuslist.Yellow, statuslist.Green}[l.random.IntN(4)]
			d.set(index, status)
			if l.model != nil {
				l.model[index] = status
			}
		}
	}
}

// turnOver makes the next version with another list key.
func (l *lister) turnOver() {
	l.Helper()
	l.version(func(d *draft) {
		d.key.Generation++
		for i := range d.key.Secret {
			d.key.Secret[i] = byte(l.random.Uint32())
		}
	})
}

// Manifest implements replica.Source.
func (l *lister) Manifest(context.Context, uint64, time.Duration) ([]byte, error) {
	m := l.manifest
	m.Issued, m.Expires = now().Unix(), now().Add(time.Hour).Unix()
	return m.Seal(l.key)
}

// Blob implements replica.Source.
func (l *lister) Blob(ctx context.Context, h api.Hash) ([]byte, error) {
	l.asked++
	if blob := l.memory[h]; blob != nil {
		return blob, nil
	}
	return l.store.Blob(ctx, h)
}

// listDoor follows a lister, with its key of the moment.
type listDoor struct {
	*replica.Replica
	from  *lister
	cache *cache.Cache
}

// ListKey implements replica.Keys.
func (d *listDoor) ListKey(generation uint32) ([32]byte, bool) {
	return d.from.listKey.ListKey(generation)
}

// Need implements replica.Keys.
func (d *listDoor) Need() {}

// Announced implements replica.Keys.
func (d *listDoor) Announced(uint32, time.Time) {}

// Take implements replica.Keys.
func (d *listDoor) Take(string) (bool, error) { return false, nil }

func newListDoor(l *lister) *listDoor {
	l.Helper()
	c, err := cache.Open(filepath.Join(l.TempDir(), "cache.db"))
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = c.Close() })
	d := &listDoor{from: l, cache: c}
	d.Replica = replica.New(replica.Options{
		Source: l, Store: c, Keys: d, Key: l.key.Public().(ed25519.PublicKey), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	return d
}

// follow follows once, and compares everything with the registry's list.
func (d *listDoor) follow() replica.Result {
	d.from.Helper()
	result, err := d.Follow1(d.from.Context())
	if err != nil {
		d.from.Fatal(err)
	}
	state, err := d.cache.State()
	if err != nil || state.Version != d.from.manifest.Version || len(state.Sections) != len(d.from.sections) {
		d.from.Fatalf("the door has %+v, %v, the registry version %d", state, err, d.from.manifest.Version)
	}
	for id, s := range state.Sections {
		if s.Content != d.from.sections[id].Content() || d.from.contents[id] != s.Content {
			d.from.Fatalf("section %d of version %d is not the registry's", id, state.Version)
		}
	}
	return result
}

// isModel compares the door's whole list with the model.
func (d *listDoor) isModel() {
	d.from.Helper()
	state, err := d.cache.State()
	if err != nil {
		d.from.Fatal(err)
	}
	for id, s := range state.Sections {
		want := statuslist.NewSection()
		for index, status := range d.from.model {
			if index/statuslist.SectionSize == uint64(id) {
				want.Set(uint32(index%statuslist.SectionSize), status)
			}
		}
		if s.Content != want.Content() {
			d.from.Errorf("section %d of version %d is not what was set", id, state.Version)
		}
	}
	if err := d.cache.Check(); err != nil {
		d.from.Error(err)
	}
}

// cheapest is what the two ways cost from a version on, in KiB: by deltas and by the sections that
// changed. New sections are loaded on both.
func (l *lister) cheapest(have cache.State) (deltas, whole int, ok bool) {
	m, from := l.manifest, l.manifest.Version
	_, deltas, ok = m.Path(have.Version)
	for id, s := range m.Sections {
		added := id >= len(have.Sections)
		if !added && have.Version >= s.Changed {
			continue
		}
		whole += int(s.Size) + api.Request + 32
		if s.Version < s.Changed {
			from = min(from, s.Version)
		}
		ok = ok && !added
	}
	_, cost, found := m.Path(from)
	if !found {
		l.Fatal("no way from the sections on")
	}
	return deltas, whole + cost, ok
}

// TestAwayForAnyTime lets the registry publish a random history, and doors that are away for random
// times. Each time a door ends with the registry's list, by the cheaper of the two ways.
func TestAwayForAnyTime(t *testing.T) {
	l := newLister(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	l.random, l.model = rand.New(rand.NewPCG(seed, 1)), map[uint64]statuslist.Status{}
	people, versions, longest := 300_000, 900, 10
	if testing.Short() {
		people, versions, longest = 30_000, 120, 7
	}
	l.version(l.people(people))
	doors := []*listDoor{newListDoor(l), newListDoor(l), newListDoor(l)}
	away := make([]int, len(doors))
	for range versions {
		switch n := l.random.IntN(200); {
		case n < 20:
			l.version(func(d *draft) { d.fresh = []uint64{0} }) // the list stays
		case n == 20:
			l.turnOver()
		case n == 21 && len(l.sections) < 4:
			l.version((*draft).grow)
		case n == 22:
			l.version(l.people(20_000))
		case n == 23: // another process takes over
			p := &publisher{store: l.store, key: l.key, log: l.log, metrics: l.metrics, public: l.public, watches: l.watches}
			keys := []store.ListKey{{Generation: l.listKey.Generation, Key: l.listKey.Secret}}
			if err := p.load(t.Context(), keys); err != nil {
				t.Fatal(err)
			}
			p.term.Store(l.term.Load())
			l.publisher = p
		default:
			l.version(l.people(1 + l.random.IntN(30)))
		}
		for i, d := range doors {
			if away[i]--; away[i] > 0 {
				continue
			}
			away[i] = 1 << l.random.IntN(longest)
			before, err := d.cache.State()
			if err != nil {
				t.Fatal(err)
			}
			behind := int(l.manifest.Version - before.Version)
			deltas, whole, ok := l.cheapest(before)
			got := d.follow()
			if before.Version > 0 && ok && (got.Whole == 0) != (deltas < whole || whole == 0) {
				t.Errorf("%d versions behind: %+v, by deltas it costs %d and whole %d", behind, got, deltas, whole)
			}
		}
	}
	for _, d := range doors {
		d.follow()
		d.isModel()
	}
	for range 200 {
		l.version(l.people(5))
	}
	if got := doors[0].follow(); got.Whole != 0 || got.Deltas < 2 {
		t.Errorf("after 200 small versions: %+v, want some deltas", got)
	}
	doors[0].isModel()
}

// TestMassChangeIsOneVersion changes more people than fit into a delta: doors load whole sections,
// once.
func TestMassChangeIsOneVersion(t *testing.T) {
	l := newLister(t)
	l.version((*draft).grow)
	d := newListDoor(l)
	d.follow()
	l.version(func(d *draft) {
		for i := range uint64(2 * statuslist.SectionSize) {
			d.set(i, []statuslist.Status{statuslist.Red, statuslist.Green}[l.random.IntN(2)])
		}
	})
	if got := d.follow(); got.Whole != 2 || got.Deltas != 0 {
		t.Errorf("%+v, want both sections", got)
	}
	l.version(l.people(5))
	if got := d.follow(); got.Deltas != 1 || got.Whole != 0 {
		t.Errorf("%+v, want the one delta after it", got)
	}

	l.version((*draft).grow)
	d.follow()
	l.version(func(d *draft) { // few enough changes for a delta, but in too many bytes
		for i := uint64(0); i < 3*statuslist.SectionSize; i += 2 {
			d.set(i, statuslist.Yellow)
		}
	})
	if got := d.follow(); got.Whole != 3 || got.Deltas != 0 {
		t.Errorf("%+v, want all sections", got)
	}
}

// TestSectionsAreNotSealedForEachChange counts blobs.
func TestSectionsAreNotSealedForEachChange(t *testing.T) {
	l := newLister(t)
	l.memory = map[api.Hash][]byte{}
	sealed := map[api.Hash]bool{}
	versions, least := 1600, 3
	if testing.Short() {
		versions, least = 600, 1
	}
	for range versions {
		l.version(l.people(2))
		sealed[l.manifest.Sections[0].Blob] = true
	}
	if len(sealed) < least || len(sealed) > 5 {
		t.Errorf("%d blobs of one section in %d versions", len(sealed), versions)
	}
	data, err := l.Manifest(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 5000 {
		t.Errorf("the manifest has %d bytes", len(data))
	}
	newListDoor(l).follow()
}

// BenchmarkDay is a door of a country of 20 million people that was away for a day: 86,400 versions
// with 60,000 changes.
func BenchmarkDay(b *testing.B) {
	l := newLister(b)
	l.memory = map[api.Hash][]byte{}
	for len(l.sections) < 22 {
		l.version((*draft).grow)
	}
	d := newListDoor(l)
	d.follow()
	for n := range 86_400 {
		l.version(func(d *draft) {
			if n*60_000/86_400 != (n+1)*60_000/86_400 {
				l.people(1)(d)
			}
		})
		if n%4096 == 0 { // what no manifest names goes
			named := map[api.Hash]bool{l.manifest.Rules: true, l.manifest.Keys: true}
			for _, s := range l.manifest.Sections {
				named[s.Blob] = true
			}
			for _, level := range l.manifest.Deltas {
				for _, delta := range level {
					named[delta.Blob] = true
				}
			}
			maps.DeleteFunc(l.memory, func(h api.Hash, _ []byte) bool { return !named[h] })
		}
	}
	l.asked = 0
	var got replica.Result
	once := false
	for b.Loop() {
		if !once {
			got, once = d.follow(), true
		}
	}
	b.ReportMetric(float64(got.Bytes), "wire-B")
	b.ReportMetric(float64(l.asked), "blobs")
	b.ReportMetric(float64(got.Whole), "whole")
}

// BenchmarkFirstLoad is a new door of a country of 20 million people, a tenth of whom are not blue:
// from the registry's memory to the door's card.
func BenchmarkFirstLoad(b *testing.B) {
	l := newLister(b)
	l.memory = map[api.Hash][]byte{}
	for len(l.sections) < 22 {
		l.version((*draft).grow)
	}
	l.version(l.people(2_700_000))
	size := 0
	for b.Loop() {
		b.StopTimer()
		d := newListDoor(l)
		b.StartTimer()
		got, err := d.Follow1(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		size = got.Bytes
	}
	b.ReportMetric(float64(size), "wire-B")
}

// BenchmarkMassChange is a version for which 20 million people are derived anew, from the registry's
// memory to the card of a door that had the one before. The people have the places that the list
// gives out; two of a hundred are red, three yellow and fifteen green, before and afterwards, but
// not the same ones.
func BenchmarkMassChange(b *testing.B) {
	l := newLister(b)
	l.memory = map[api.Hash][]byte{}
	for len(l.sections) < 22 {
		l.version((*draft).grow)
	}
	everybody := func(d *draft) {
		for i := range uint64(len(d.sections)) * statuslist.SectionSize {
			if i%8 != 7 {
				d.set(i, randomStatus(l.random))
			}
		}
	}
	l.version(everybody)
	d := newListDoor(l)
	d.follow()
	size, whole := 0, 0
	for b.Loop() {
		b.StopTimer()
		l.version(everybody)
		b.StartTimer()
		got, err := d.Follow1(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		size, whole = got.Bytes, got.Whole
	}
	b.ReportMetric(float64(size), "wire-B")
	b.ReportMetric(float64(whole), "whole")
}

// BenchmarkMassDelta is a version with 60,000 changes among 20 million people, from the registry's
// draft to the door's card.
func BenchmarkMassDelta(b *testing.B) {
	l := newLister(b)
	l.memory = map[api.Hash][]byte{}
	for len(l.sections) < 22 {
		l.version((*draft).grow)
	}
	d := newListDoor(l)
	d.follow()
	size, deltas := 0, 0
	for b.Loop() {
		b.StopTimer()
		l.version(l.people(60_000 * 4 / 3)) // a quarter changes nothing
		b.StartTimer()
		got, err := d.Follow1(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		size, deltas = got.Bytes, deltas+got.Deltas
	}
	b.ReportMetric(float64(size), "wire-B")
	b.ReportMetric(float64(deltas)/float64(b.N), "deltas/op")
}
