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

// countrySections hold 20 million people: the registry fills sections to seven eighths.
const countrySections = 22

// country loads 20 million people, and returns them.
func country(t testing.TB, c *Cache) (Update, []*statuslist.Section) {
	t.Helper()
	u := Update{Version: 1, AsOf: time.Unix(1_772_000_000, 0), List: testList}
	var sections []*statuslist.Section
	for id := range countrySections {
		s := genSection(1, id)
		if err := c.Stage(uint32(id), 1, [32]byte{1}, s); err != nil {
			t.Fatal(err)
		}
		sections = append(sections, s)
		u.Sections = append(u.Sections, SectionUpdate{Version: 1, Staged: true, Blob: [32]byte{1}})
	}
	if err := c.Apply(u); err != nil {
		t.Fatal(err)
	}
	return u, sections
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
		if changes := statuslist.Diff(from, current[id]); changes != nil { // the new statuses may be the old ones
			u.Sections[id] = SectionUpdate{Version: u.Version, Changes: changes}
		}
	}
	var contents [][32]byte
	for _, s := range current {
		contents = append(contents, s.Content())
	}
	u.Root = statuslist.Root(contents)
	return u
}

func BenchmarkStatus(b *testing.B) {
	c := mustOpen(b, testPath(b))
	country(b, c)
	b.ReportAllocs()
	index := uint64(0)
	for b.Loop() {
		index = (index + 1_234_567) % (countrySections * statuslist.SectionSize)
		if _, err := c.Status(b.Context(), kiosk.Person{Index: index}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStatusMeanwhile is a lookup while one version after the other arrives, each with 100
// changes spread over the country, as the write budget has them written. Each lookup is timed by
// itself.
func BenchmarkStatusMeanwhile(b *testing.B) {
	c := mustOpen(b, testPath(b))
	u, current := country(b, c)
	c.budget.balance = budgetBurst
	var versions []Update
	for random := rand.New(rand.NewPCG(1, 1)); len(versions) < 500; {
		u = nextVersion(u, current, random, countrySections, 100)
		versions = append(versions, u)
	}
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		for n, u := range versions {
			select {
			case <-stop:
				stopped <- n
				return
			default:
			}
			if err := c.Apply(u); err != nil {
				b.Error(err)
			}
		}
		<-stop
		stopped <- len(versions)
	}()
	times := make([]time.Duration, 0, 1<<20)
	index := uint64(0)
	for b.Loop() {
		index = (index + 1_234_567) % (countrySections * statuslist.SectionSize)
		began := time.Now()
		_, err := c.Status(b.Context(), kiosk.Person{Index: index})
		times = append(times, time.Since(began))
		if err != nil {
			b.Fatal(err)
		}
	}
	close(stop)
	b.ReportMetric(float64(<-stopped), "versions")
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2]), "median-ns")
	b.ReportMetric(float64(times[len(times)*99/100]), "p99-ns")
	b.ReportMetric(0, "ns/op") // counts what is not a lookup
}

// BenchmarkApply is one new manifest with changes spread over one section or over the country.
func BenchmarkApply(b *testing.B) {
	for _, sections := range []int{1, countrySections} {
		b.Run(fmt.Sprintf("100 changes in %d sections", sections), func(b *testing.B) {
			c := mustOpen(b, testPath(b))
			u, current := country(b, c)
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
	c := mustOpen(b, testPath(b))
	u, current := country(b, c)
	random := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		b.StopTimer()
		u = nextVersion(u, current, random, countrySections, 60_000)
		b.StartTimer()
		if err := c.Apply(u); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkApplyMinute is what the registry of a busy country makes of a minute: a version each
// second, with 100 changes spread over its sections, which reach the card together.
func BenchmarkApplyMinute(b *testing.B) {
	c := mustOpen(b, testPath(b))
	u, current := country(b, c)
	random := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		b.StopTimer()
		c.budget.balance = -budgetBurst
		for range 60 {
			u = nextVersion(u, current, random, countrySections, 100)
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

// BenchmarkCard is the file after a first load of a country, and later.
func BenchmarkCard(b *testing.B) {
	path := testPath(b)
	c := mustOpen(b, path)
	var first, later int64
	for b.Loop() {
		u, sections := country(b, c)
		first = fileSize(b, path)
		random := rand.New(rand.NewPCG(1, 1))
		for range 3 {
			u = nextVersion(u, sections, random, countrySections, 100_000)
			if err := c.Apply(u); err != nil {
				b.Fatal(err)
			}
		}
		later = fileSize(b, path)
	}
	b.ReportMetric(float64(first), "first-B")
	b.ReportMetric(float64(later), "later-B")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCheck is most of what Open costs.
func BenchmarkCheck(b *testing.B) {
	c := mustOpen(b, testPath(b))
	country(b, c)
	for b.Loop() {
		if err := c.Check(); err != nil {
			b.Fatal(err)
		}
	}
}
