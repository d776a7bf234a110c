package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
)

// counted is a key of region_counts, venue_counts and kind_counts.
type counted struct {
	of   string
	hour int64
	name string
}

// tallyModel does random things to a store and remembers what the doors counted, and where.
type tallyModel struct {
	*testing.T
	s      *Store
	term   int64
	mu     sync.Mutex // guards the rest
	counts map[counted]int
	n      int
}

func (m *tallyModel) next() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n++
	return m.n
}

// testTallies compares all sums with what they are sums of, after many random changes at the same
// time, and again after a dump was restored.
func testTallies(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	must(t, s.PutRegions(ctx, []Region{almaty, {"KZ-71", "Астана", "Астана", "Astana"}}))
	lab := addSource(t, s, "lab")
	must(t, s.LimitSource(ctx, "lab", 20)) // others wait
	m := &tallyModel{T: t, s: s, term: leads(t, s), counts: map[counted]int{}}
	for round := range 3 {
		var all sync.WaitGroup
		for worker := range 4 {
			dice := rand.New(rand.NewPCG(uint64(round), uint64(worker)))
			all.Go(func() {
				for range 25 {
					m.people(ctx, dice, lab)
				}
			})
		}
		all.Go(func() { m.derive(ctx, rand.New(rand.NewPCG(uint64(round), 9))) })
		all.Wait()
		m.doors(ctx, round)
		m.compare("round", s)
	}
	m.compare("restored", m.restored(ctx))
}

// people makes one random change to people.
func (m *tallyModel) people(ctx context.Context, dice *rand.Rand, lab int64) {
	iin := func() IIN { return IIN(fmt.Sprintf("%012d", dice.IntN(60))) }
	region := func() string { return []string{"", "KZ-71", "KZ-75"}[dice.IntN(3)] }
	n := m.next()
	var err error
	switch dice.IntN(5) {
	case 0:
		people := make([]Resident, 1+dice.IntN(8))
		for i := range people { // also the same person twice
			people[i] = Resident{iin(), "x", "", region()}
		}
		err = m.s.LoadPeople(ctx, File{byte(n), byte(n >> 8)}, people, len(people))
	case 1:
		codes := map[IIN]NewCode{}
		for i := range 1 + dice.IntN(8) {
			code := NewCode{iin(), SecretOf(fmt.Sprint(n, i))}
			codes[code.IIN] = code
		}
		var list []NewCode
		for _, code := range codes {
			list = append(list, code)
		}
		err = m.s.PutCodes(ctx, list, t0.Add(time.Hour))
	case 2:
		err = m.s.PutCode(ctx, iin(), SecretOf(fmt.Sprint(n)), t0.Add(time.Hour))
	case 3:
		_, err = m.s.Print(ctx, iin(), credential(nil), t0)
	case 4:
		var entries []Entry
		for i := range 1 + dice.IntN(8) {
			kind := []Kind{Positive, Negative}[dice.IntN(2)]
			entries = append(entries, Entry{IIN: iin(), Sample: fmt.Sprint(n, i), Kind: kind, At: t0})
		}
		_, err = m.s.Enter(ctx, lab, entries, "clerk", t0)
	}
	if err != nil {
		m.Error(err)
	}
}

// derive gives people whose status is due random ones, as the publisher does.
func (m *tallyModel) derive(ctx context.Context, dice *rand.Rand) {
	for range 25 {
		due, err := m.s.Due(ctx, t0, 20)
		if err != nil {
			m.Error(err)
			return
		}
		var derived []Derived
		for _, c := range due {
			status := []statuslist.Status{statuslist.Valid, statuslist.Red, statuslist.Yellow, statuslist.Green}[dice.IntN(4)]
			derived = append(derived, Derived{Citizen: c, Status: status})
		}
		if err := m.s.PutDerived(ctx, m.term, derived); err != nil {
			m.Error(err)
		}
		if err := m.s.PutDerived(ctx, m.term, derived); err != nil { // again, as after a lost answer
			m.Error(err)
		}
	}
}

// doors lets doors of two venues and of nowhere report. A door that moves leaves its counts behind.
func (m *tallyModel) doors(ctx context.Context, round int) {
	must(m.T, m.s.PutVenues(ctx, []Venue{
		{BIN: "990140000007", Name: "A", Kind: "shop", Region: []string{"KZ-75", "KZ-71"}[round%2], Zone: "green"},
		{BIN: "990140000007", Name: "B", Kind: "shop", Region: "KZ-71", Zone: "green"},
	}))
	venues, err := m.s.Venues(ctx, "", nil, 10)
	must(m.T, err)
	at := t0.Add(time.Duration(round) * 20 * 24 * time.Hour) // what is too old is forgotten
	var all sync.WaitGroup
	for n := range 6 {
		door, place := Door{Name: fmt.Sprint("door ", n), Venue: []string{"shop", "cinema"}[(n+round)%3/2], Zone: "green", Way: "entry", Ring: "all"}, Venue{}
		if n > 1 {
			place = venues[(n+round)%2]
			door.Place = place.ID
		}
		must(m.T, m.s.PutTokens(ctx, []Door{door}, []Secret{SecretOf(fmt.Sprint(round, n))}, at))
		var id int64
		must(m.T, m.s.read.QueryRowContext(ctx, `SELECT id FROM doors WHERE name = $1`, door.Name).Scan(&id))
		all.Go(func() {
			for report := range 5 {
				hour := at.Add(-time.Duration(report/2) * time.Hour).Truncate(time.Hour)
				count := map[string]uint64{"admitted/green": uint64(n + 1), "turned-back/red": 1}
				for range 2 { // the answer was lost
					if err := m.s.AddCounts(ctx, id, fmt.Sprint(round, report), hour, count, at); err != nil {
						m.Error(err)
					}
				}
				m.note(door, place.Region, hour, count)
			}
		})
	}
	all.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.counts, func(c counted, _ int) bool { return c.hour < at.Add(-keepCounts-time.Hour).Unix() })
}

func (m *tallyModel) note(door Door, region string, hour time.Time, count map[string]uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, n := range count {
		m.counts[counted{fmt.Sprint("venue ", door.Place), hour.Unix(), name}] += int(n)
		m.counts[counted{fmt.Sprint("kind ", door.Venue, " ", door.Zone, " ", region), hour.Unix(), name}] += int(n)
		m.counts[counted{"region " + region, hour.Unix(), name}] += int(n)
	}
}

func (m *tallyModel) compare(what string, s *Store) {
	m.Helper()
	read := func(query string) map[counted]int {
		all := map[counted]int{}
		found, err := s.read.QueryContext(m.Context(), query)
		must(m.T, err)
		defer found.Close()
		for found.Next() {
			var c counted
			var n int
			must(m.T, found.Scan(&c.of, &c.hour, &c.name, &n))
			all[c] = n
		}
		must(m.T, found.Err())
		return all
	}
	for table, want := range map[string]map[counted]int{
		`SELECT region, status, '', SUM(n) FROM people GROUP BY region, status HAVING SUM(n) <> 0`: read(
			`SELECT COALESCE(region, ''), status, '', COUNT(*) FROM citizens GROUP BY COALESCE(region, ''), status`),
		`SELECT 'venue ' || CAST(venue AS TEXT), hour, name, n FROM venue_counts
			UNION ALL SELECT 'region ' || region, hour, name, n FROM region_counts
			UNION ALL SELECT 'kind ' || kind || ' ' || zone || ' ' || region, hour, name, n FROM kind_counts`: m.counts,
	} {
		if got := read(table); len(want) == 0 || !maps.Equal(got, want) {
			m.Errorf("%s: %s\ngot  %v\nwant %v", what, table, got, want)
		}
	}
}

// restored is another store, of a dump.
func (m *tallyModel) restored(ctx context.Context) *Store {
	m.Helper()
	other := open(m.T, filepath.Join(m.TempDir(), "restored.db"))
	m.Cleanup(func() { must(m.T, other.Close()) })
	into, err := other.Restore(ctx)
	must(m.T, err)
	err = m.s.Dump(ctx, func(part any) error {
		if table, ok := part.(DumpedTable); ok {
			return into.Table(ctx, table)
		}
		text, err := json.Marshal(part)
		if err != nil {
			return err
		}
		var row []any
		numbers := json.NewDecoder(bytes.NewReader(text))
		numbers.UseNumber()
		if err := numbers.Decode(&row); err != nil {
			return err
		}
		return into.Row(ctx, row)
	})
	must(m.T, err)
	_, err = into.Commit(ctx, t0, t0, nil)
	must(m.T, err)
	return other
}
