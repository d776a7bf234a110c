package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// doorOf makes an enrolled door of a venue.
func (r *rig) doorOf(network *pipes, name string, place int64) *box {
	r.Helper()
	var a EnrolCodesAnswer
	r.post(PathEnrolCodes, adminKey, EnrolCodesRequest{Doors: []EnrolDoor{{Name: name, Place: place}}}, &a)
	b := r.newBox(network, fmt.Sprintf("%016x", len(name)+int(place)*100))
	if status, code := b.enrol(parsed(r.TB, a.Codes[0].Code)); status != http.StatusOK {
		r.Fatal(status, code)
	}
	return b
}

// From the country to a door: what is wrong, where, and whom to call.
func TestOverviewOfDoors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.must(r.opt.Store.PutVenues(t.Context(), []store.Venue{
			{BIN: shopBIN, Name: "Дүкен", Kind: "shop", Region: "KZ-75", Zone: "green", Address: "Абай 1", Phone: "+77270000001"},
			{BIN: cinemaBIN, Name: "Cinema", Kind: "cinema", Region: "KZ-71", Zone: "green"},
		}))
		venues, err := r.opt.Store.Venues(t.Context(), "KZ-75", nil, 1)
		r.must(err)
		shop := venues[0].ID
		venues, err = r.opt.Store.Venues(t.Context(), "KZ-71", nil, 1)
		r.must(err)
		network := r.serveTLS()
		north, south, cinema := r.doorOf(network, "North", shop), r.doorOf(network, "South", shop), r.doorOf(network, "Cinema gate", venues[0].ID)
		r.post(PathEnrolCodes, adminKey, EnrolCodesRequest{Doors: []EnrolDoor{{Name: "East", Place: shop}}}, &EnrolCodesAnswer{})
		hello := func(b *box, h api.Health) { b.ask(http.MethodPost, api.PathHello, h, nil) }
		hello(north, api.Health{Undervoltage: api.Past})
		south.ask(http.MethodPost, api.PathCounts, api.Counts{ID: "1", From: now(), To: now(), Count: map[string]uint64{"turned-back/red": 2}}, nil)
		time.Sleep(31 * time.Minute)
		hello(south, api.Health{})
		hello(cinema, api.Health{Faults: []api.Fault{api.CaseOpen}})

		var o store.Overview
		r.get(PathOverview, &o)
		if len(o.Regions) != 2 || o.Doors.All != 4 || o.Doors.Wrong[store.Silent] != 1 || o.Doors.Wrong[store.NeverSeen] != 1 ||
			o.Doors.Wrong["tamper"] != 1 || o.Doors.Trouble != 2 || o.Counts["turned-back/red"] != 2 || o.SilentMinutes != 30 {
			t.Errorf("the country: %+v", o)
		}
		var region store.Overview
		r.get(PathOverview+"?region=KZ-75", &region)
		if len(region.Regions) != 1 || region.Regions[0].Venues != 1 || region.Doors.All != 3 || region.Doors.Wrong["tamper"] != 0 || len(region.Hours) != 1 {
			t.Errorf("Almaty: %+v", region)
		}
		r.get(fmt.Sprint(PathOverview, "?venue=", shop), &o)
		if o.Venue == nil || o.Venue.Name != "Дүкен" || o.Doors.All != 3 || o.Counts["turned-back/red"] != 2 {
			t.Errorf("the shop: %+v", o)
		}
		var page store.VenuesPage
		for query, want := range map[string]string{
			"": "Дүкен Cinema", "?q=ДҮКЕН": "Дүкен", "?q=абай": "Дүкен", "?wrong=tamper": "Cinema", "?wrong=any&region=KZ-75": "Дүкен", "?page=1": "",
		} {
			r.get(PathOverviewVenues+query, &page)
			var got []string
			for _, v := range page.Venues {
				got = append(got, v.Name)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("venues %s: %v, want %s", query, got, want)
			}
		}
		r.checkDoors(shop)
		r.checkScope(shop)
	})
}

// checkDoors looks for doors, and at one of them.
func (r *rig) checkDoors(shop int64) {
	var doors store.DoorsPage
	for query, want := range map[string]string{
		"": "North Cinema gate East South", "?wrong=silent": "North", "?q=gate": "Cinema gate", fmt.Sprint("?venue=", shop): "North East South",
		"?region=KZ-71": "Cinema gate", "?wrong=never": "East",
	} {
		r.get(PathDoors+query, &doors)
		var got []string
		for _, d := range doors.Doors {
			got = append(got, d.Name)
		}
		if strings.Join(got, " ") != want || doors.Total != len(got) {
			r.Errorf("doors %s: %v of %d, want %s", query, got, doors.Total, want)
		}
	}
	r.get(PathDoors+"?wrong=silent", &doors)
	var door store.DoorDetail
	r.get(fmt.Sprint(PathDoors, "/", doors.Doors[0].ID), &door)
	if door.Place == nil || door.Place.Phone != "+77270000001" || door.Others != 2 || door.OthersSilent != 0 ||
		!slices.Equal(door.Wrong, []string{store.Silent, "undervoltage"}) {
		r.Errorf("the silent door: %+v", door)
	}
}

// checkScope keeps a regional administrator in the own region.
func (r *rig) checkScope(shop int64) {
	key := r.account(adminKey, AccountRequest{Name: "Aru", Role: store.Regional, Region: "KZ-71"}).Key
	for path, want := range map[string]int{
		PathOverview: 200, PathOverview + "?region=KZ-71": 200, PathOverview + "?region=KZ-75": 403,
		fmt.Sprint(PathOverview, "?venue=", shop): 403, PathOverviewVenues + "?region=KZ-75": 403, fmt.Sprint(PathDoors, "?venue=", shop): 403,
		fmt.Sprint(PathDoors, "/", 1): 403, fmt.Sprint(PathDoors, "/", 99): 404, PathDoors + "?wrong=x": 400, PathDoors + "?page=-1": 400,
		PathDoors + "?q=" + strings.Repeat("x", 101): 400, PathOverview + "?venue=99": 404,
	} {
		if w := r.call(http.MethodGet, path, key, ""); w.Code != want || strings.Contains(w.Body.String(), "North") {
			r.Errorf("GET %s: %d %s, want %d", path, w.Code, w.Body, want)
		}
	}
	var o store.Overview
	r.must(json.Unmarshal(r.call(http.MethodGet, PathOverview, key, "").Body.Bytes(), &o))
	if o.Doors.All != 1 || len(o.Regions) != 1 || o.Regions[0].Code != "KZ-71" {
		r.Errorf("the own region: %+v", o)
	}
	if w := r.call(http.MethodGet, PathOverview+"?region=KZ-99", adminKey, ""); w.Code != http.StatusNotFound {
		r.Errorf("an unknown region: %d %s", w.Code, w.Body)
	}
}
