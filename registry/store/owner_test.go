package store

import (
	"maps"
	"testing"
	"time"
)

func testOwner(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty}))
	venue := func(bin, name string) Venue {
		return Venue{BIN: bin, Name: name, Kind: "shop", Region: "KZ-75", Zone: "green"}
	}
	must(t, s.PutVenues(ctx, []Venue{venue("990140000007", "A"), venue("990140000007", "B"),
		venue("030140000004", "C")}))
	list, err := s.Venues(ctx, "", nil, 10)
	must(t, err)
	at := t0.Add(time.Hour)
	count := func(door Certificate, id string, from time.Time, n uint64) {
		t.Helper()
		must(t, s.AddCounts(ctx, door.Door, id, from, map[string]uint64{"admitted/green": n, "turned-back/red": 1}, at))
	}
	one, two, other := enrolled(t, s, "one", list[0].ID), enrolled(t, s, "two", list[0].ID), enrolled(t, s,
		"other", list[2].ID)
	must(t, s.PutTokens(ctx, []Door{{Name: "new", Place: list[1].ID}}, []Secret{SecretOf("new")}, at))
	_, err = s.DoorBy(ctx, one, "board one", Said{}, at)
	must(t, err)
	count(one, "1", t0.Add(-30*time.Hour), 99)
	count(one, "2", t0, 5)
	count(two, "1", t0, 6)
	count(two, "2", at, 7)
	count(other, "1", t0, 50)

	own, err := s.OwnVenues(ctx, "990140000007", "", at.Add(-15*time.Minute), at)
	must(t, err)
	if len(own) != 2 || own[0].Name != "A" || own[0].Doors != 2 || own[0].Silent != 1 || own[0].Waiting != 0 ||
		own[1].Waiting != 1 || own[1].Doors != 1 ||
		!maps.Equal(own[0].Counts, map[string]int{"admitted/green": 18, "turned-back/red": 3}) ||
		len(own[1].Counts) != 0 {
		t.Errorf("the owner sees %+v", own)
	}
	hours, err := s.VenueHours(ctx, list[0].ID, at.Add(-24*time.Hour))
	must(t, err)
	if len(hours) != 2 || !hours[0].Hour.Equal(t0) || hours[0].Counts["admitted/green"] != 11 ||
		hours[1].Counts["admitted/green"] != 7 {
		t.Errorf("by hour: %+v", hours)
	}
	for region, want := range map[string]int{"KZ-75": 2, "KZ-71": 0} {
		own, err := s.OwnVenues(ctx, "990140000007", region, at.Add(-15*time.Minute), at)
		if err != nil || len(own) != want || want > 0 && own[0].Counts["admitted/green"] != 18 {
			t.Errorf("in the region %s: %+v, %v", region, own, err)
		}
		has, err := s.HasVenue(ctx, "990140000007", region)
		if err != nil || has != (want > 0) {
			t.Errorf("a venue in %s: %v, %v", region, has, err)
		}
	}
	if none, err := s.OwnVenues(ctx, "000000000000", "", at, at); err != nil || len(none) != 0 {
		t.Errorf("of nobody: %+v, %v", none, err)
	}
}
