package cache

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
)

// country loads 20 sections, 20 million people, and returns them.
func country(b *testing.B) (*Cache, Update, []*statuslist.Section) {
	b.Helper()
	c := mustOpen(b, testPath(b))
	u := Update{Version: 1, AsOf: time.Unix(1_772_000_000, 0), List: testList}
	var sections []*statuslist.Section
	for id := range 20 {
		s := genSection(1, id)
		if err := c.Stage(uint32(id), 1, [32]byte{1}, s); err != nil {
			b.Fatal(err)
		}
		sections = append(sections, s)
		u.Sections = append(u.Sections, SectionUpdate{Version: 1, Staged: true, Blob: [32]byte{1}})
	}
	if err := c.Apply(u); err != nil {
		b.Fatal(err)
	}
	return c, u, sections
}

// nextVersion is the update after u, with changes spread over the first sections, which it changes
// in current.
func nextVersion(u Update, current []*statuslist.Section, random *rand.Rand, sections, changes int) Update {
	u.Version++
	u.Sections = slices.Clone(u.Sections)
	for id := range u.Sections {
		u.Sections[id] = SectionUpdate{Version: u.Sections[id].Version}
	}
	for id := range sections {
		from := current[id]
		current[id] = from.Clone()
		for range changes / sections {
			current[id].Set(random.Uint32N(statuslist.SectionSize), known[random.IntN(len(known))])
		}
		u.Sections[id] = SectionUpdate{Version: u.Version, Changes: statuslist.Diff(from, current[id])}
	}
	var contents [][32]byte
	for _, s := range current {
		contents = append(contents, s.Content())
	}
	u.Root = statuslist.Root(contents)
	return u
}

func BenchmarkStatus(b *testing.B) {
	c, _, _ := country(b)
	b.ReportAllocs()
	index := uint64(0)
	for b.Loop() {
		index = (index + 1_234_567) % (20 * statuslist.SectionSize)
		if _, err := c.Status(b.Context(), kiosk.Person{Index: index}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkApply is one new manifest with changes spread over one section or over the country.
func BenchmarkApply(b *testing.B) {
	for _, sections := range []int{1, 20} {
		b.Run(fmt.Sprintf("100 changes in %d sections", sections), func(b *testing.B) {
			c, u, current := country(b)
			random := rand.New(rand.NewPCG(1, 1))
			before := c.db.Stats().TxStats
			for b.Loop() {
				b.StopTimer()
				u = nextVersion(u, current, random, sections, 100)
				b.StartTimer()
				if err := c.Apply(u); err != nil {
					b.Fatal(err)
				}
			}
			after := c.db.Stats().TxStats
			b.ReportMetric(float64(after.GetPageAlloc()-before.GetPageAlloc())/float64(b.N), "written-B/op")
		})
	}
}

// BenchmarkApplyMass is a version with 60,000 changes in a country, written to the card at once.
func BenchmarkApplyMass(b *testing.B) {
	c, u, current := country(b)
	random := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		b.StopTimer()
		u = nextVersion(u, current, random, 20, 60_000)
		b.StartTimer()
		if err := c.Apply(u); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkApplyMinute is what the registry of a busy country makes of a minute: a version each
// second, with 100 changes spread over its 20 sections, which reach the card together.
func BenchmarkApplyMinute(b *testing.B) {
	c, u, current := country(b)
	random := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		b.StopTimer()
		c.budget.balance = -budgetBurst
		for range 60 {
			u = nextVersion(u, current, random, 20, 100)
			b.StartTimer()
			if err := c.Apply(u); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
		}
		b.StartTimer()
		if err := c.flush(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStage(b *testing.B) {
	c := mustOpen(b, testPath(b))
	s := genSection(1, 0)
	for b.Loop() {
		if err := c.Stage(0, 1, [32]byte{1}, s); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCheck is most of what Open costs.
func BenchmarkCheck(b *testing.B) {
	c, _, _ := country(b)
	for b.Loop() {
		if err := c.Check(); err != nil {
			b.Fatal(err)
		}
	}
}
