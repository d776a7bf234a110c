package store

import (
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
)

// visitDoors are enrolled doors of one venue, by name; one that begins with "exit" is an exit.
func visitDoors(t *testing.T, s *Store, names ...string) map[string]int64 {
	t.Helper()
	must(t, s.PutRegions(t.Context(), []Region{almaty}))
	must(t, s.PutVenues(t.Context(), []Venue{{BIN: "990140000007", Name: "Mall", Kind: "mall", Region: "KZ-75",
		Zone: "green"}}))
	venues, err := s.Venues(t.Context(), "KZ-75", nil, 10)
	must(t, err)
	ids := map[string]int64{}
	for _, name := range names {
		way := "entry"
		if name[0] == 'e' {
			way = "exit"
		}
		d := Door{Name: name, Place: venues[0].ID, Venue: "mall", Zone: "green", Way: way, Ring: "all"}
		must(t, s.PutTokens(t.Context(), []Door{d}, []Secret{SecretOf(name)}, t0.Add(time.Hour)))
		ids[name] = enrolVisit(t, s, name, "board "+name)
	}
	return ids
}

func enrolVisit(t *testing.T, s *Store, name, device string) (id int64) {
	t.Helper()
	by := Enrollee{Device: device, Key: SecretOf(device), SealKey: sealKeyOf(device)}
	must(t, s.Enrol(t.Context(), SecretOf(name), by, t0, func(d Door) (Certificate, error) {
		id = d.ID
		return card(d.ID, device, 1), nil
	}))
	return id
}

func base64Of(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// exchange asks as a door does.
func exchange(t *testing.T, s *Store, door int64, q api.VisitsRequest, at time.Time) api.VisitsAnswer {
	t.Helper()
	q.Day = int64(pass.DayOf(at))
	must(t, q.Check())
	a, err := s.Visits(t.Context(), door, q, at)
	must(t, err)
	return a
}

func hashesOf(a api.VisitsAnswer) (all []string) {
	for _, v := range a.Visits {
		all = append(all, v.Hash)
	}
	return all
}

func testVisits(t *testing.T, s *Store) {
	doors := visitDoors(t, s, "a")
	if a := exchange(t, s, doors["a"], api.VisitsRequest{}, t0); !a.Alone || a.Made || a.Missing != nil {
		t.Errorf("the only door: %+v", a)
	}
	doors = visitDoors(t, s, "a", "b", "exit")
	a, b := doors["a"], doors["b"]
	if x := exchange(t, s, doors["exit"], api.VisitsRequest{}, t0); !x.Alone {
		t.Errorf("an exit: %+v", x)
	}
	first := exchange(t, s, a, api.VisitsRequest{}, t0)
	if first.Alone || first.Made || first.Envelope != "" || len(first.Missing) != 2 ||
		first.Missing[0].Key != api.FormatKey(sealKeyOf("board a")) {
		t.Fatalf("before there is a key: %+v", first)
	}
	seal := func(by string, to ...int64) (all []api.VisitEnvelope) {
		for _, door := range to {
			all = append(all, api.VisitEnvelope{Door: door, Sealed: base64Of(fmt.Sprint(by, door))})
		}
		return all
	}
	made := exchange(t, s, a, api.VisitsRequest{Envelopes: seal("a", a)}, t0)
	if !made.Made || made.Envelope != base64Of(fmt.Sprint("a", a)) || len(made.Missing) != 1 ||
		made.Missing[0].Door != b {
		t.Fatalf("a has made the key: %+v", made)
	}
	if late := exchange(t, s, b, api.VisitsRequest{Envelopes: seal("b", a, b)}, t0); !late.Made || late.Envelope != "" {
		t.Errorf("a second key: %+v", late)
	}
	if again := exchange(t, s, a, api.VisitsRequest{Envelopes: seal("x", a, b)},
		t0); again.Envelope != made.Envelope || again.Missing != nil {
		t.Errorf("sealed for the second door: %+v", again)
	}
	if has := exchange(t, s, b, api.VisitsRequest{}, t0); has.Envelope != base64Of(fmt.Sprint("x", b)) {
		t.Errorf("the second door has %+v", has)
	}
	one := api.Visit{Hash: base64Of("11111111"), At: t0.Unix()}
	if own := exchange(t, s, a, api.VisitsRequest{Visits: []api.Visit{one}}, t0); len(own.Visits) != 0 ||
		own.After != 1 {
		t.Errorf("its own visit: %+v", own)
	}
	seen := exchange(t, s, b, api.VisitsRequest{}, t0)
	if len(seen.Visits) != 1 || seen.Visits[0] != one {
		t.Errorf("the other door sees %+v", seen)
	}
	if again := exchange(t, s, b, api.VisitsRequest{After: seen.After}, t0); len(again.Visits) != 0 ||
		again.After != seen.After {
		t.Errorf("again: %+v", again)
	}
	for _, day := range []time.Duration{-48 * time.Hour, 48 * time.Hour} {
		_, err := s.Visits(t.Context(), a, api.VisitsRequest{Day: int64(pass.DayOf(t0.Add(day)))}, t0)
		wants(t, "a door of another day", err, ErrWrongDay)
	}

	// Nothing is kept for long.
	later := t0.Add(visitsLast + time.Minute)
	if old := exchange(t, s, b, api.VisitsRequest{}, later); len(old.Visits) != 0 {
		t.Errorf("an hour later: %+v", old)
	}
	exchange(t, s, b, api.VisitsRequest{Visits: []api.Visit{{Hash: base64Of("22222222"), At: later.Unix()}}}, later)
	count := func(table string, want int) {
		t.Helper()
		var n int
		must(t, s.read.QueryRow(`SELECT COUNT(*) FROM `+table).Scan(&n))
		if n != want {
			t.Errorf("%s has %d rows, want %d", table, n, want)
		}
	}
	count("visits", 1)
	next := exchange(t, s, a, api.VisitsRequest{}, t0.Add(aDay))
	if next.Made || len(next.Missing) != 2 || len(next.Visits) != 0 {
		t.Errorf("the next day: %+v", next)
	}
	two := t0.Add(2 * aDay)
	exchange(t, s, a, api.VisitsRequest{Envelopes: seal("a", a)}, two)
	count("visit_keys", 1)
	count("visit_days", 1)
}

// A key that somebody has who must not have it is void.
func testVisitsAfterRevocation(t *testing.T, s *Store) {
	doors := visitDoors(t, s, "a", "b", "c")
	all := []api.VisitEnvelope{{Door: doors["a"], Sealed: "AA"}, {Door: doors["b"], Sealed: "AQ"},
		{Door: doors["c"], Sealed: "Ag"}}
	if made := exchange(t, s, doors["a"], api.VisitsRequest{Envelopes: all}, t0); made.Envelope != "AA" ||
		made.Missing != nil {
		t.Fatalf("%+v", made)
	}
	must(t, s.RevokeDoor(t.Context(), "b", t0))
	if void := exchange(t, s, doors["c"], api.VisitsRequest{}, t0); void.Made || void.Envelope != "" ||
		len(void.Missing) != 2 {
		t.Errorf("a door was revoked: %+v", void)
	}
	if anew := exchange(t, s, doors["c"], api.VisitsRequest{Envelopes: []api.VisitEnvelope{{Door: doors["c"],
		Sealed: "Aw"}, {Door: doors["b"], Sealed: "AQ"}}}, t0); anew.Envelope != "Aw" || len(anew.Missing) != 1 {
		t.Errorf("a new key: %+v", anew)
	}
	if gone := exchange(t, s, doors["b"], api.VisitsRequest{}, t0); !gone.Alone {
		t.Errorf("the revoked door: %+v", gone)
	}
	// So it is when another device takes a door's place.
	d := Door{Name: "c", Place: 1, Venue: "mall", Zone: "green", Way: "entry", Ring: "all"}
	venues, err := s.Venues(t.Context(), "KZ-75", nil, 10)
	must(t, err)
	d.Place = venues[0].ID
	must(t, s.PutTokens(t.Context(), []Door{d}, []Secret{SecretOf("c again")}, t0.Add(time.Hour)))
	enrolVisit(t, s, "c again", "board c2")
	if void := exchange(t, s, doors["a"], api.VisitsRequest{}, t0); void.Made || len(void.Missing) != 2 {
		t.Errorf("a door was replaced: %+v", void)
	}
}

// Doors that report at once: each of them sees each visit of the others exactly once.
func testVisitsRace(t *testing.T, s *Store) {
	names := []string{"a", "b", "c", "d"}
	doors := visitDoors(t, s, names...)
	const visits = 20
	seen := make([][]string, len(names))
	answers := make([]int, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			after := int64(0)
			for n := range visits {
				q := api.VisitsRequest{Day: int64(pass.DayOf(t0)), After: after,
					Visits:    []api.Visit{{Hash: base64Of(fmt.Sprintf("%s%07d", name, n)), At: t0.Unix()}},
					Envelopes: []api.VisitEnvelope{{Door: doors[name], Sealed: base64Of(name)}}}
				a, err := s.Visits(t.Context(), doors[name], q, t0)
				if err != nil {
					t.Error(err)
					return
				}
				if after = a.After; a.Envelope != "" {
					answers[i]++
				}
				seen[i] = append(seen[i], hashesOf(a)...)
			}
			for range 3 {
				a, err := s.Visits(t.Context(), doors[name], api.VisitsRequest{Day: int64(pass.DayOf(t0)),
					After: after}, t0)
				if err != nil {
					t.Error(err)
					return
				}
				after = a.After
				seen[i] = append(seen[i], hashesOf(a)...)
			}
		})
	}
	all.Wait()
	with := 0
	for i := range names {
		// What others reported after this door's last look is still to come.
		a := exchange(t, s, doors[names[i]], api.VisitsRequest{}, t0)
		got := slices.Compact(slices.Sorted(slices.Values(seen[i])))
		if len(got) != len(seen[i]) || len(a.Visits) == 0 {
			t.Errorf("door %s saw %d visits, %d different ones", names[i], len(seen[i]), len(got))
		}
		if answers[i] > 0 {
			with++
		}
	}
	if with != 1 {
		t.Errorf("%d doors have made a key", with)
	}
}
