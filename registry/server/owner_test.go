package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// worlds apart: a shop in Almaty and a cinema in Astana, each with a door that has counted.
type apart struct {
	*rig
	shop, cinema         int64
	owner, almaty        string // keys: of the shop's owner, of the region of Almaty
	shopDoor, cinemaDoor string
	person               string // IIN of somebody
	astanaRecipient      int64
}

func newApart(t *testing.T) *apart {
	a := &apart{rig: newRig(t), person: iinA}
	a.shop, a.cinema = a.places()
	a.owner = a.account(adminKey, AccountRequest{Name: "O", Role: store.Owner, BIN: shopBIN}).Key
	a.almaty = a.account(adminKey, AccountRequest{Name: "R", Role: store.Regional, Region: "KZ-75"}).Key
	a.activate(a.person, 1)
	network := a.serveTLS()
	for i, venue := range []int64{a.shop, a.cinema} {
		var sheets SheetsAnswer
		a.post(PathSheets, adminKey, SheetsRequest{Venue: venue}, &sheets)
		door := sheets.Venues[0].Doors[0]
		b := a.newBox(network, []string{boardA, boardB}[i])
		b.enrol(parsed(t, door.Code))
		counts := api.Counts{ID: "1", From: now(), To: now(),
			Count: map[string]uint64{"admitted/green": uint64(41 + i)}}
		status, refused := b.ask(http.MethodPost, api.PathCounts, counts, nil)
		is(t, "counts", status, refused.Code, 204, "")
		*[]*string{&a.shopDoor, &a.cinemaDoor}[i] = door.Name
	}
	var to RecipientAnswer
	a.post(PathAlerts, adminKey, RecipientRequest{Name: "Astana duty", Region: "KZ-71",
		Kinds: []string{"silent"}, Language: "ru", Hook: "https://astana.example/"}, &to)
	a.astanaRecipient = to.ID
	return a
}

func (a *apart) as(key, path string, answer any) {
	a.Helper()
	w := a.call(http.MethodGet, path, key, "")
	if w.Code != http.StatusOK {
		a.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
		a.Fatal(err)
	}
}

// An owner sees the own venues, doors and counts.
func TestOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newApart(t)
		var own []store.OwnVenue
		a.as(a.owner, PathOwn, &own)
		if len(own) != 1 || own[0].ID != a.shop || own[0].Doors != 1 || own[0].Counts["admitted/green"] != 41 {
			t.Errorf("the owner sees %+v", own)
		}
		var venue OwnVenueAnswer
		a.as(a.owner, PathOwnVenue+fmt.Sprint("?venue=", a.shop), &venue)
		if len(venue.Doors) != 1 || venue.Doors[0].Name != a.shopDoor || !venue.Doors[0].Enrolled ||
			len(venue.Hours) != 1 || venue.Hours[0].Counts["admitted/green"] != 41 {
			t.Errorf("and in it %+v", venue)
		}
		for query, want := range map[string]int{fmt.Sprint(a.cinema): 404, "999": 404, "x": 400, "": 400} {
			if w := a.call(http.MethodGet, PathOwnVenue+"?venue="+query, a.owner, ""); w.Code != want {
				t.Errorf("venue %q: %d %s", query, w.Code, w.Body)
			}
		}
	})
}

// The owner and the administrators see how many people are inside, and what the staff have checked.
func TestPeopleInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newApart(t)
		shop := store.Venue{BIN: shopBIN, Name: "Shop", Kind: "shop", Region: "KZ-75", Capacity: 9}
		w := a.call(http.MethodPut, PathVenues, adminKey, []store.Venue{shop})
		is(t, "capacity", w.Code, "", 204, "")
		var hall store.Hall
		a.post(PathOccupancy, a.owner, OccupancyRequest{Venue: a.shop, Inside: new(int64(7))}, &hall)
		a.post(PathOccupancy, a.owner, OccupancyRequest{Venue: a.shop, Empties: new(int64(23*60 + 30))}, &hall)
		for range 2 {
			a.must(a.opt.Store.AddCheck(a.Context(), a.shop, "turned-back/red", now()))
		}
		a.must(a.opt.Store.AddCheck(a.Context(), a.cinema, "admitted/green", now()))
		var venue OwnVenueAnswer
		a.as(a.owner, PathOwnVenue+fmt.Sprint("?venue=", a.shop), &venue)
		want := store.Hall{Capacity: 9, Inside: 7, Empties: 23*60 + 30}
		if venue.Hall != want || len(venue.StaffChecks) != 1 || venue.StaffChecks["turned-back/red"] != 2 {
			t.Errorf("the owner sees %+v", venue)
		}
		var o store.Overview
		a.as(a.almaty, PathOverview+fmt.Sprint("?venue=", a.shop), &o)
		if o.Hall == nil || *o.Hall != want || len(o.StaffChecks) != 1 || o.StaffChecks["turned-back/red"] != 2 {
			t.Errorf("the overview has %+v, %v", o.Hall, o.StaffChecks)
		}
		o = store.Overview{}
		if a.as(a.almaty, PathOverview, &o); o.Hall != nil || o.StaffChecks != nil {
			t.Errorf("the region's overview has %+v, %v", o.Hall, o.StaffChecks)
		}
	})
}

// bodies ask for what is in Astana, by whatever name a route takes.
func (a *apart) bodies() []any {
	return []any{
		"", map[string]any{"name": a.cinemaDoor}, map[string]any{"venue": a.cinema},
		map[string]any{"id": a.astanaRecipient}, map[string]any{"iin": a.person},
		map[string]any{"region": "KZ-71"}, map[string]any{"code": "KZ-71"}, map[string]any{"after": a.cinema,
			"region": "KZ-71"},
		map[string]any{"doors": []any{map[string]any{"name": a.cinemaDoor, "place": a.cinema}}},
		[]any{map[string]any{"bin": cinemaBIN, "name": "Cinema", "kind": "shop", "region": "KZ-75"}},
		"bin;name;kind;region\n" + cinemaBIN + ";Cinema;shop;KZ-75\n" + cinemaBIN + ";Cinema;shop;KZ-71\n",
		map[string]any{"id": a.cinema, "bin": shopBIN, "name": "Mine", "kind": "shop", "region": "KZ-75"},
		map[string]any{"id": a.cinema, "bin": cinemaBIN, "name": "Cinema", "kind": "shop", "region": "KZ-71"},
		map[string]any{"name": "X", "role": "staff", "venue": a.cinema}, map[string]any{"name": "X",
			"role": "owner", "bin": cinemaBIN},
		map[string]any{"name": "X", "role": "owner", "bin": cinemaBIN, "region": "KZ-71"}, map[string]any{"name": "X",
			"role": "regional", "region": "KZ-71"}, map[string]any{"name": "X", "role": "national"},
	}
}

// Whoever guesses ids, names, a BIN or a region gets and changes nothing of others, on any route.
func TestNothingOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newApart(t)
		before := a.lookNow()
		secrets := []string{"Cinema", cinemaBIN, a.cinemaDoor, "astana.example", "Astana duty", a.person, `:42`, "AE1:"}
		given := a.bodies() // what was sent may come back in an error
		for who, key := range map[string]string{"owner": a.owner, "region": a.almaty} {
			for _, route := range slices.Concat(a.doorRoutes(), a.publicRoutes(), a.accountRoutes(),
				a.adminRoutes(), a.regionRoutes()) {
				for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
					for _, query := range []string{"", fmt.Sprint("?venue=", a.cinema), "?region=KZ-71",
						fmt.Sprint("?after=", a.cinema), "?bin=" + cinemaBIN} {
						for _, body := range given {
							path := strings.NewReplacer("{hash}", strings.Repeat("ab", 32), "{name}", "x",
								"{id}", fmt.Sprint(a.cinema)).Replace(route.path)
							if method == http.MethodGet && body != "" {
								continue
							}
							w := a.call(method, path+query, key, body)
							if w.Code >= 400 {
								continue
							}
							for _, secret := range secrets {
								if strings.Contains(w.Body.String(), secret) {
									t.Errorf("%s: %s %s%s %v: %d %s", who, method, path, query, body, w.Code, w.Body)
								}
							}
						}
					}
				}
			}
		}
		after := a.lookNow()
		b, err := json.Marshal(before.Doors)
		a.must(err)
		c, err := json.Marshal(after.Doors)
		a.must(err)
		if string(b) != string(c) || after.Citizens != before.Citizens {
			t.Errorf("the doors were %s, are %s", b, c)
		}
		var venues []store.Venue
		a.get(PathVenues+"?region=KZ-71", &venues)
		if len(venues) != 1 || venues[0].Kind != "cinema" {
			t.Errorf("the venues of Astana: %+v", venues)
		}
		var alerts AlertsAnswer
		if a.get(PathAlerts, &alerts); len(alerts.Recipients) != 1 || alerts.Recipients[0].ID != a.astanaRecipient {
			t.Errorf("recipients: %+v", alerts.Recipients)
		}
	})
}

// One venue is entered and changed, by a regional administrator in the own region only.
func TestSaveVenue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newApart(t)
		good := store.Venue{BIN: "990140000007", Name: "Café North", Kind: "restaurant", Region: "KZ-75", Zone: "green",
			Phone: "8 701 000 00 00"}
		var v store.Venue
		a.post(PathSaveVenue, a.almaty, good, &v)
		if v.ID == 0 || v.Phone != "+77010000000" {
			t.Errorf("stored is %+v", v)
		}
		v.Name, v.Capacity = "Café South", 40
		var changed store.Venue
		a.post(PathSaveVenue, a.almaty, v, &changed)
		got, err := a.opt.Store.VenueOf(a.Context(), v.ID)
		if err != nil || got.Name != "Café South" || got.Capacity != 40 || changed.ID != v.ID {
			t.Errorf("changed to %+v, %v", got, err)
		}
		in := func(id int64, bin, name, region string) store.Venue {
			one := v
			one.ID, one.BIN, one.Name, one.Region = id, bin, name, region
			return one
		}
		moon := v
		moon.Kind = "moon"
		for what, one := range map[string]struct {
			venue store.Venue
			key   string
			code  int
			words string
		}{
			"elsewhere":           {in(0, v.BIN, v.Name, "KZ-71"), a.almaty, 403, "not your region"},
			"moved away":          {in(v.ID, v.BIN, v.Name, "KZ-71"), a.almaty, 403, "not your region"},
			"the cinema's id":     {in(a.cinema, v.BIN, v.Name, v.Region), a.almaty, 404, "no such venue"},
			"an id of nothing":    {in(99, v.BIN, v.Name, v.Region), a.almaty, 404, "no such venue"},
			"the shop's name":     {in(0, shopBIN, "Shop", v.Region), a.almaty, 409, "of that name"},
			"a region of nothing": {in(v.ID, v.BIN, v.Name, "KZ-00"), adminKey, 404, "no region"},
			"no kind":             {moon, adminKey, 400, "kind"},
			"an owner's":          {v, a.owner, 403, "owner"},
		} {
			w := a.call(http.MethodPost, PathSaveVenue, one.key, one.venue)
			if w.Code != one.code || !strings.Contains(w.Body.String(), one.words) {
				t.Errorf("%s: %d %s, want %d with %q", what, w.Code, w.Body, one.code, one.words)
			}
		}
	})
}

// A regional administrator does the work of the own region.
func TestRegionalAdministrator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newApart(t)
		var venues []store.Venue
		a.as(a.almaty, PathVenues, &venues)
		if len(venues) != 1 || venues[0].ID != a.shop {
			t.Errorf("venues: %+v", venues)
		}
		var doors []store.VenueDoor
		if a.as(a.almaty, PathVenueDoors+fmt.Sprint("?venue=", a.shop), &doors); len(doors) != 1 {
			t.Errorf("doors: %+v", doors)
		}
		var sheets SheetsAnswer
		if a.post(PathSheets, a.almaty, SheetsRequest{Region: "KZ-75"}, &sheets); len(sheets.Venues) != 1 {
			t.Errorf("sheets: %+v", sheets)
		}
		var sheet VenueSheet
		if a.post(PathReplaceDoor, a.almaty, ReplaceDoorRequest{Name: a.shopDoor}, &sheet); sheet.Doors[0].Code == "" {
			t.Errorf("replaced: %+v", sheet)
		}
		a.post(PathRevokeDoor, a.almaty, RevokeDoorRequest{Name: a.shopDoor}, nil)
		var to RecipientAnswer
		a.post(PathAlerts, a.almaty, RecipientRequest{Name: "Almaty duty", Region: "KZ-75",
			Kinds: []string{"silent"}, Language: "kk", Hook: "https://almaty.example/"}, &to)
		if to.Secret == "" {
			t.Error("a webhook without a secret")
		}
		a.post(PathRemoveRecipient, a.almaty, IDRequest{to.ID}, nil)
	})
}
