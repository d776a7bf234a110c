package store

import (
	"slices"
	"testing"
)

func testVenueImport(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty, {"KZ-71", "Астана", "Астана", "Astana"}}))
	venue := func(name, region string) Venue {
		return Venue{BIN: "990140000007", Name: name, Kind: "shop", Region: region, Zone: "green",
			Entrances: []string{"1"}}
	}
	keep := func(Venue, *Venue) {}
	put := func(what string, f VenueImport, want ...VenueOutcome) {
		t.Helper()
		f.Keep = keep
		if got, err := s.ImportVenues(ctx, f); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", what, got, err, want)
		}
	}
	both := []Venue{venue("A", "KZ-75"), venue("B", "KZ-71")}
	put("preview", VenueImport{Venues: both, Preview: true}, VenueNew, VenueNew)
	put("first", VenueImport{Venues: both}, VenueNew, VenueNew)
	put("again", VenueImport{Venues: both}, VenueSame, VenueSame)
	changed := slices.Clone(both)
	changed[0].Entrances = []string{"1", "2"}
	put("changed", VenueImport{Venues: changed}, VenueChanged, VenueSame)

	// Who has a region neither brings a venue out of it, nor takes one from another into it.
	put("regional", VenueImport{Venues: []Venue{venue("A", "KZ-71"), venue("B", "KZ-75"), venue("C", "KZ-71"),
		venue("D", "KZ-75")}, Within: "KZ-75"},
		VenueElsewhere, VenueElsewhere, VenueElsewhere, VenueNew)

	unknown := []Venue{venue("E", "KZ-75"), venue("F", "KZ-00")}
	_, err := s.ImportVenues(ctx, VenueImport{Venues: unknown, Keep: keep})
	wants(t, "an unknown region", err, ErrNotFound)
	list, err := s.Venues(ctx, "", nil, 10)
	if err != nil || len(list) != 3 || list[0].Region != "KZ-75" || list[1].Region != "KZ-71" || list[2].Name != "D" {
		t.Errorf("then there are %+v, %v", list, err)
	}
}
