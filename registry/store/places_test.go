package store

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

var almaty = Region{"KZ-75", "Алматы", "Алматы", "Almaty"}

func testPlaces(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty, {"KZ-71", "Астана", "Астана", "Astana"}}))
	must(t, s.PutRegions(ctx, []Region{{"KZ-71", "Нұр-Сұлтан", "Нур-Султан", "Nur-Sultan"}}))
	regions, err := s.Regions(ctx)
	if err != nil || len(regions) != 2 || regions[0].EN != "Nur-Sultan" || regions[1] != almaty {
		t.Errorf("regions: %+v, %v", regions, err)
	}

	shop := Venue{BIN: "990140000007", Name: "Shop", Kind: "shop", Region: "KZ-75", Zone: "green", Address: "Abay 1", Capacity: 30, Phone: "+77010000000", Entrances: []string{"north", "south"}, Exits: []string{"west"}}
	unknown := shop
	unknown.Name, unknown.Region = "Elsewhere", "KZ-00"
	wants(t, "a venue of no region", s.PutVenues(ctx, []Venue{shop, unknown}), ErrNotFound)
	if list, err := s.Venues(ctx, "", nil, 10); err != nil || len(list) != 0 {
		t.Errorf("after a refused batch: %+v, %v", list, err)
	}
	must(t, s.PutVenues(ctx, []Venue{shop}))
	list, err := s.Venues(ctx, "KZ-75", nil, 10)
	must(t, err)
	shop.ID = list[0].ID
	if len(list) != 1 || !reflect.DeepEqual(list[0], shop) {
		t.Errorf("venues: %+v, want %+v", list, shop)
	}
	wants(t, "a region with a venue", s.RemoveRegion(ctx, "KZ-75"), ErrInUse)
	must(t, s.RemoveRegion(ctx, "KZ-71"))
	wants(t, "a region that is gone", s.RemoveRegion(ctx, "KZ-71"), ErrNotFound)

	// A door of the venue follows it when the venue changes.
	must(t, s.PutTokens(ctx, []Door{{Name: "door", Place: shop.ID, Venue: "shop", Zone: "green", Ring: "all"}}, []Secret{SecretOf("1")}, t0.Add(time.Hour)))
	shop.Kind, shop.Zone, shop.Capacity = "pharmacy", "red", 0
	must(t, s.PutVenues(ctx, []Venue{shop}))
	if v, err := s.VenueOf(ctx, shop.ID); err != nil || !reflect.DeepEqual(v, shop) {
		t.Errorf("changed to %+v, %v, want %+v", v, err, shop)
	}
	o, err := lookAt(ctx, s, t0)
	must(t, err)
	if d := o.Doors[0]; d.Venue != "pharmacy" || d.Zone != "red" {
		t.Errorf("its door: %+v", d)
	}
	must(t, s.AddSource(ctx, "lab", "laboratory", "KZ-75", SecretOf("lab"), 100))
	wants(t, "a source of no region", s.AddSource(ctx, "other", "laboratory", "KZ-00", SecretOf("x"), 100), ErrNotFound)
	if o, err := lookAt(ctx, s, t0); err != nil || len(o.Sources) != 1 || o.Sources[0].Region != "KZ-75" {
		t.Errorf("sources: %+v, %v", o.Sources, err)
	}
	_, err = s.VenueOf(ctx, shop.ID+1)
	wants(t, "no venue", err, ErrNotFound)
}

// One venue is added and changed by its id, within a region or anywhere.
func testSaveVenue(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty, {"KZ-71", "Астана", "Астана", "Astana"}}))
	shop := Venue{BIN: "990140000007", Name: "Shop", Kind: "shop", Region: "KZ-75", Zone: "green",
		Entrances: []string{"north"}}
	shop, err := s.SaveVenue(ctx, shop, "KZ-75")
	must(t, err)
	other := Venue{BIN: shop.BIN, Name: "Other", Kind: "shop", Region: "KZ-71", Zone: "green"}
	other, err = s.SaveVenue(ctx, other, "")
	must(t, err)
	door := Door{Name: "Shop, north", Place: shop.ID, Venue: "shop", Zone: "green", Ring: "all"}
	must(t, s.PutTokens(ctx, []Door{door}, []Secret{SecretOf("1")}, t0))
	shop.BIN, shop.Name, shop.Kind, shop.Capacity = "990140000017", "Pharmacy", "pharmacy", 7
	saved, err := s.SaveVenue(ctx, shop, "KZ-75")
	must(t, err)
	for _, want := range []Venue{shop, other} {
		if v, err := s.VenueOf(ctx, want.ID); err != nil || !reflect.DeepEqual(v, want) {
			t.Errorf("it is %+v, %v, want %+v", v, err, want)
		}
	}
	if d, place, err := s.DoorOf(ctx, "Shop, north", t0); err != nil || place != saved.ID || saved.ID != shop.ID {
		t.Errorf("its door: %+v of %d, %v", d, place, err)
	}
	refused := func(what string, v Venue, within string, want error) {
		t.Helper()
		_, err := s.SaveVenue(ctx, v, within)
		wants(t, what, err, want)
	}
	twin := other
	twin.ID = 0
	refused("a venue twice", twin, "", ErrExists)
	twin.ID = shop.ID
	refused("the name of another", twin, "", ErrExists)
	moved := other
	moved.Region = "KZ-75"
	refused("one of another region", moved, "KZ-75", ErrNotFound)
	unknown := shop
	unknown.ID, unknown.Name = shop.ID+other.ID, "New"
	refused("an unknown one", unknown, "", ErrNotFound)
	unknown.ID, unknown.Region = 0, "KZ-00"
	refused("an unknown region", unknown, "", ErrNotFound)
	if list, err := s.Venues(ctx, "", nil, 10); err != nil || len(list) != 2 || !reflect.DeepEqual(list[0], other) {
		t.Errorf("after all that was refused: %+v, %v", list, err)
	}
}

func testVenuePages(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty}))
	var want []string
	for n := range 25 {
		v := Venue{BIN: fmt.Sprint("9901400000", n%2), Name: fmt.Sprintf("Venue %02d", n/2), Kind: "shop", Region: "KZ-75", Zone: "green"}
		must(t, s.PutVenues(ctx, []Venue{v}))
		want = append(want, v.Name+" "+v.BIN)
	}
	var got []string
	for after := (*Venue)(nil); ; {
		page, err := s.Venues(ctx, "KZ-75", after, 7)
		must(t, err)
		for _, v := range page {
			got = append(got, v.Name+" "+v.BIN)
		}
		if len(page) < 7 {
			break
		}
		after = &page[6]
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages list %q, want %q", got, want)
	}
}

func testLoad(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty}))
	file := File{1}
	must(t, s.LoadPeople(ctx, file, []Resident{{ann, "Ann", "+77010000001", "KZ-75"}, {bob, "Bob", "", ""}}, 2))
	must(t, s.LoadPeople(ctx, file, []Resident{{ann, "Anna", "", "KZ-75"}}, 3))
	if n, err := s.Loaded(ctx, file); err != nil || n != 3 {
		t.Errorf("loaded %d, %v", n, err)
	}
	if n, err := s.Loaded(ctx, File{2}); err != nil || n != 0 {
		t.Errorf("of another file %d, %v", n, err)
	}
	o, err := lookAt(ctx, s, t0)
	must(t, err)
	if o.Citizens != 2 {
		t.Errorf("%d people", o.Citizens)
	}
	if err := s.LoadPeople(ctx, file, []Resident{{bob, "Bob", "", "KZ-00"}}, 4); err == nil {
		t.Error("a person of no region")
	}
	if n, err := s.Loaded(ctx, file); err != nil || n != 3 {
		t.Errorf("after a refused batch: loaded %d, %v", n, err)
	}

	publish(t, s, 1, 1)
	must(t, s.PutCodes(ctx, []NewCode{{ann, SecretOf("1")}, {bob, SecretOf("2")}}, t0.Add(time.Hour)))
	must(t, s.PutCodes(ctx, []NewCode{{ann, SecretOf("3")}}, t0.Add(time.Hour)))
	_, err = s.Activate(ctx, SecretOf("1"), credential(phoneKey(1)), t0)
	wants(t, "a replaced code", err, ErrNotFound)
	for n, code := range []string{"2", "3"} {
		_, err := s.Activate(ctx, SecretOf(code), credential(phoneKey(byte(n))), t0)
		must(t, err)
	}
}
