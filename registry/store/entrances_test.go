package store

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func testEntrances(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty}))
	venues := []Venue{
		{BIN: "990140000007", Name: "Mega", Kind: "shop", Region: "KZ-75", Zone: "red",
			Entrances: []string{"north", "south"}, Exits: []string{"west"}},
		{BIN: "990140000007", Name: "Kiosk", Kind: "shop", Region: "KZ-75", Zone: "green"},
		{BIN: "030140000004", Name: "Mega", Kind: "cinema", Region: "KZ-75", Zone: "green",
			Entrances: []string{"north"}},
	}
	must(t, s.PutVenues(ctx, venues))
	list, err := s.Venues(ctx, "", nil, 10)
	must(t, err)
	made := 0
	put := func(what string, again bool, want ...string) {
		t.Helper()
		made = 0
		doors, err := s.PutEntrances(ctx, list, again,
			func(name string) Secret { made++; return SecretOf(fmt.Sprint(what, name)) }, t0.Add(time.Hour), t0)
		must(t, err)
		var got []string
		for _, of := range doors {
			for _, d := range of {
				got = append(got, fmt.Sprint(d.Name, "/", d.Way, "/", d.Entrance, "/", d.Enrolled,
					!d.CodeUntil.IsZero()))
			}
		}
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("%s: %s, want %s", what, strings.Join(got, "; "), strings.Join(want, "; "))
		}
	}
	all := []string{"Kiosk/entry//false true", "Mega, north/entry/north/false true",
		"Mega (990140000007), north/entry/north/false true",
		"Mega, south/entry/south/false true", "Mega, west/exit/west/false true"}
	put("first", false, all...)
	if made != 5 {
		t.Errorf("%d codes", made)
	}
	put("again", false, all...)
	if made != 0 {
		t.Errorf("codes that are printed already became void: %d new ones", made)
	}
	put("anew", true, all...)
	if known, err := s.HasToken(ctx, SecretOf("firstKiosk")); known || err != nil || made != 5 {
		t.Errorf("the old code is known: %v, %v", known, err)
	}
	if o, err := lookAt(ctx, s, t0); err != nil || len(o.Doors) != 5 || o.Doors[1].Zone != "red" &&
		o.Doors[2].Zone != "red" {
		t.Errorf("%+v, %v", o.Doors, err)
	}

	// A door with a device keeps it; a new entrance gets a door.
	give := func(d Door) (Certificate, error) {
		return Certificate{Door: d.ID, Print: SecretOf("cert"), Until: t0.Add(99 * time.Hour)}, nil
	}
	must(t, s.Enrol(ctx, SecretOf("anewKiosk"), Enrollee{Device: "board 1", Key: SecretOf("key"), SealKey: sealKeyOf("board 1")}, t0, give))
	list[0].Entrances = []string{"", "back"}
	all[0] = "Kiosk/entry//true false"
	put("with a device", true, append([]string{all[0], "Kiosk, back/entry/back/false true"}, all[1:]...)...)
	taken := list[2]
	taken.Entrances = []string{"x"}
	must(t, s.PutTokens(ctx, []Door{{Name: "Mega, x"}, {Name: "Mega (990140000007), x"}}, []Secret{SecretOf("x"),
		SecretOf("y")}, t0))
	_, err = s.PutEntrances(ctx, []Venue{taken}, false, SecretOf, t0, t0)
	wants(t, "names that are taken", err, ErrExists)
}

func testReplace(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutRegions(ctx, []Region{almaty}))
	must(t, s.PutVenues(ctx, []Venue{{BIN: "990140000007", Name: "Mega", Kind: "shop", Region: "KZ-75", Zone: "red"}}))
	list, err := s.Venues(ctx, "", nil, 1)
	must(t, err)
	old := enrolled(t, s, "gate", list[0].ID)
	must(t, s.AddCounts(ctx, old.Door, "1", t0, map[string]uint64{"admitted/green": 5}, t0))
	wants(t, "a door of another region", s.Replace(ctx, "gate", "KZ-71", SecretOf("new"), t0.Add(time.Hour)),
		ErrNotFound)
	wants(t, "no door", s.Replace(ctx, "gat", "", SecretOf("new"), t0.Add(time.Hour)), ErrNotFound)
	must(t, s.Replace(ctx, "gate", "KZ-75", SecretOf("new"), t0.Add(time.Hour)))
	_, err = s.DoorBy(ctx, old, "board gate", Said{}, t0)
	must(t, err) // a mistaken click closes nobody's door
	if d, place, err := s.DoorOf(ctx, "gate", t0); err != nil || !d.Enrolled ||
		!d.CodeUntil.Equal(t0.Add(time.Hour)) || place != list[0].ID {
		t.Errorf("with a code: %+v, %v", d, err)
	}
	next := Certificate{Door: old.Door, Print: SecretOf("next"), Until: t0.Add(1000 * time.Hour)}
	give := func(Door) (Certificate, error) { return next, nil }
	must(t, s.Enrol(ctx, SecretOf("new"), Enrollee{Device: "board 2", Key: SecretOf("new key"), SealKey: sealKeyOf("board 2")}, t0.Add(time.Minute), give))
	_, err = s.DoorBy(ctx, next, "board 2", Said{}, t0.Add(time.Minute))
	must(t, err)
	_, err = s.DoorBy(ctx, old, "board gate", Said{}, t0.Add(time.Minute))
	wants(t, "the old device", err, ErrRevoked)
	_, err = s.DoorBy(ctx, old, "board 3", Said{}, t0.Add(time.Minute))
	wants(t, "a copy of the old card", err, ErrCopied)
	d, _, err := s.DoorOf(ctx, "gate", t0.Add(time.Minute))
	if err != nil || !d.Enrolled || !d.Replaced.Equal(t0.Add(time.Minute)) || !d.CodeUntil.IsZero() ||
		d.ID != old.Door {
		t.Errorf("replaced: %+v, %v", d, err)
	}
	o, err := lookAt(ctx, s, t0)
	must(t, err)
	if k := o.Doors[0]; k.Counts["admitted/green"] != 5 || k.Venue != "shop" || k.Ring != "all" ||
		k.Zone != "green" || len(o.Doors) != 1 {
		t.Errorf("what stays of the door: %+v", k)
	}

	// The old device comes back with a new code, and is as good as any.
	must(t, s.Replace(ctx, "gate", "", SecretOf("third"), t0.Add(time.Hour)))
	back := Certificate{Door: old.Door, Print: SecretOf("back"), Until: t0.Add(1000 * time.Hour)}
	give = func(Door) (Certificate, error) { return back, nil }
	must(t, s.Enrol(ctx, SecretOf("third"), Enrollee{Device: "board gate", Key: SecretOf("key 3"), SealKey: sealKeyOf("board gate")}, t0.Add(2*time.Minute), give))
	_, err = s.DoorBy(ctx, back, "board gate", Said{}, t0.Add(2*time.Minute))
	must(t, err)
	_, err = s.DoorBy(ctx, next, "board 2", Said{}, t0.Add(2*time.Minute))
	wants(t, "the second device", err, ErrRevoked)
}
