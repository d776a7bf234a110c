package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	kiosk "ashyq-kiosk/kiosk/places"
)

// testOccupancy is the life of two entries and an exit of a venue for three people, whose ledgers
// reach the store.
func testOccupancy(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{{Code: "KZ-75", KK: "Алматы", RU: "Алматы", EN: "Almaty"}}))
	hall := Venue{BIN: "990140000007", Name: "Hall", Kind: "theatre", Region: "KZ-75", Zone: "green", Capacity: 3}
	yard := Venue{BIN: "990140000007", Name: "Yard", Kind: "market", Region: "KZ-75", Zone: "green"}
	must(t, s.PutVenues(ctx, []Venue{hall, yard}))
	venues, err := s.Venues(ctx, "", nil, 10)
	must(t, err)
	hall, yard = venues[0], venues[1]
	north, south := doorOf(t, s, hall.ID, "north", "entry"), doorOf(t, s, hall.ID, "south", "entry")
	out, gate := doorOf(t, s, hall.ID, "out", "exit"), doorOf(t, s, yard.ID, "gate", "entry")
	at := t0
	come := func(d *ledgerOf, want string) {
		t.Helper()
		got := "full"
		if d.ledger.Spend(0) || d.ask(t, s, 1, at) == nil && d.ledger.Spend(0) {
			got = "in"
		}
		if got != want {
			t.Errorf("at %s: %s, want %s", d.name, got, want)
		}
	}
	inside := func(what string, want Hall) {
		t.Helper()
		is, err := s.HallOf(ctx, hall.ID, at)
		must(t, err)
		if is != want {
			t.Errorf("%s: %+v, want %+v", what, is, want)
		}
	}
	must(t, out.ask(t, s, 0, at))
	come(north, "in")
	come(south, "in")
	come(north, "in")
	come(south, "full")
	inside("three", Hall{3, 2, 1, 240}) // the third is not reported yet
	must(t, north.ask(t, s, 0, at))
	must(t, north.ask(t, s, 0, at)) // the answer was lost
	inside("reported", Hall{3, 3, 0, 240})
	out.ledger.Out++
	must(t, out.ask(t, s, 0, at))
	come(south, "in")
	come(north, "full")

	// Without a capacity nobody counts, and nothing is written.
	must(t, gate.ask(t, s, 1, at))
	if gate.capacity != 0 || rowsOf(t, s, "shares") != 3 || rowsOf(t, s, "halls") != 1 {
		t.Errorf("a venue without a capacity: capacity %d, %d shares, %d halls", gate.capacity, rowsOf(t, s, "shares"), rowsOf(t, s, "halls"))
	}
	is, err := s.Seat(ctx, yard.ID, at)
	must(t, err)
	if is != (Hall{}) {
		t.Errorf("the staff of a venue without a capacity: %+v", is)
	}

	// The staff.
	_, err = s.Seat(ctx, hall.ID, at)
	wants(t, "the staff at a full hall", err, ErrFull)
	_, err = s.CorrectHall(ctx, hall.ID, -1, at)
	must(t, err)
	_, err = s.Seat(ctx, hall.ID, at)
	must(t, err)
	_, err = s.SetHall(ctx, hall.ID, 1, at)
	must(t, err)
	must(t, south.ask(t, s, 0, at))
	inside("counted by the staff; one of the south door is reported afterwards", Hall{3, 2, 0, 240})
	_, err = s.CorrectHall(ctx, hall.ID, -100, at)
	must(t, err)
	inside("nobody is left", Hall{3, 0, 0, 240})

	// What they decide is counted as the venue's, and kept as long as doors' counts.
	must(t, s.AddCheck(ctx, hall.ID, "admitted/green", at))
	must(t, s.AddCheck(ctx, hall.ID, "admitted/green", at))
	must(t, s.AddCheck(ctx, hall.ID, "full/none", at))
	checks, err := s.Checks(ctx, hall.ID, at.Add(-time.Hour))
	must(t, err)
	if len(checks) != 2 || checks["admitted/green"] != 2 {
		t.Errorf("checks: %v", checks)
	}
	must(t, s.AddCheck(ctx, yard.ID, "admitted/green", at.Add(40*24*time.Hour)))
	if n := rowsOf(t, s, "checks"); n != 1 {
		t.Errorf("%d rows of checks after 40 days", n)
	}

	// A revoked door may be cut off and go on: its place stays reserved until it surely is not
	// used.
	must(t, north.ask(t, s, 1, at))
	inside("a place for the north door", Hall{3, 0, 1, 240})
	must(t, s.RevokeDoor(ctx, "north", at))
	come(south, "in")
	come(south, "in")
	come(south, "full")
	if !north.ledger.Spend(0) {
		t.Error("the cut door does not use its share")
	}
	_, err = s.SetEmpties(ctx, hall.ID, -1, at)
	must(t, err)
	at = t0.Add(14 * time.Hour)
	must(t, south.ask(t, s, 0, at))
	inside("its share counts as people inside", Hall{3, 3, 0, -1})
	_, err = s.SetEmpties(ctx, hall.ID, 4*60, at)
	must(t, err)
	at = at.Add(24 * time.Hour)
	inside("everybody has gone home", Hall{3, 0, 0, 240})
	if n := rowsOf(t, s, "shares"); n != 2 {
		t.Errorf("%d shares, want those of two doors", n)
	}

	// The venue has no capacity any more, and gets one again.
	hall.Capacity = 0
	must(t, s.PutVenues(ctx, []Venue{hall}))
	must(t, south.ask(t, s, 1, at))
	if south.capacity != 0 || rowsOf(t, s, "shares") != 1 {
		t.Errorf("without a capacity: %d, %d shares", south.capacity, rowsOf(t, s, "shares"))
	}
	hall.Capacity = 20
	must(t, s.PutVenues(ctx, []Venue{hall}))
	crowd(t, s, hall.ID, south, doorOf(t, s, hall.ID, "west", "entry"), at)
}

// crowd lets both doors ask at the same time, over and over.
func crowd(t *testing.T, s *Store, venue int64, a, b *ledgerOf, at time.Time) {
	t.Helper()
	var in atomic.Int64
	var both sync.WaitGroup
	for _, d := range []*ledgerOf{a, b} {
		d.ledger = kiosk.NewLedger()
		both.Go(func() {
			for range 20 {
				if d.ledger.Spend(0) || d.ask(t, s, 1, at) == nil && d.ledger.Spend(0) {
					in.Add(1)
				}
			}
			_ = d.ask(t, s, 0, at)
		})
	}
	both.Wait()
	is, err := s.HallOf(t.Context(), venue, at)
	must(t, err)
	if in.Load() > 20 || in.Load()+is.Reserved < 20 || is.Inside != in.Load() {
		t.Errorf("%d came in, the store says %+v", in.Load(), is)
	}
}

// ledgerOf is a door as far as its places go.
type ledgerOf struct {
	id       int64
	name     string
	ledger   kiosk.Ledger
	capacity int64
}

func (d *ledgerOf) ask(t *testing.T, s *Store, want int64, at time.Time) error {
	q := d.ledger.Request(want, 0)
	a, err := s.Places(t.Context(), d.id, q, at)
	if err != nil {
		return err
	}
	if d.capacity = a.Capacity; a.Capacity == 0 {
		return nil
	}
	if _, err := s.Places(t.Context(), d.id, q, at); !errors.Is(err, ErrLate) && err != nil {
		return err
	}
	return d.ledger.Answer(q, a, 0)
}

func doorOf(t *testing.T, s *Store, venue int64, name, way string) *ledgerOf {
	t.Helper()
	must(t, s.PutTokens(t.Context(), []Door{{Name: name, Place: venue, Venue: "theatre", Zone: "green", Ring: "all", Way: way}}, []Secret{SecretOf(name)}, t0.Add(time.Hour)))
	c, _, err := enrol(t, s, name, "key of "+name, board, name, 1)
	must(t, err)
	return &ledgerOf{id: c.Door, name: name, ledger: kiosk.NewLedger()}
}

func rowsOf(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	must(t, s.read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n))
	return n
}
