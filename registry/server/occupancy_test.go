package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/store"
)

// A door asks for places, and the registry counts who is inside.
func TestPlacesOfADoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		hall := store.Venue{BIN: "990140000007", Name: "Hall", Kind: "shop", Region: "KZ-75", Capacity: 2}
		yard := store.Venue{BIN: "011399500018", Name: "Yard", Kind: "shop", Region: "KZ-71"}
		r.call(http.MethodPut, PathVenues, adminKey, []store.Venue{hall, yard})
		var venues []store.Venue
		r.get(PathVenues, &venues)
		hall = venues[0]
		var codes EnrolCodesAnswer
		r.post(PathEnrolCodes, adminKey, EnrolCodesRequest{Doors: []EnrolDoor{{Name: "north", Place: hall.ID}}}, &codes)
		code, err := enrol.Parse(codes.Codes[0].Code)
		if err != nil {
			t.Fatal(err)
		}
		b := r.newBox(r.serveTLS(), boardA)
		b.enrol(code)
		q := api.PlacesRequest{Ledger: strings.Repeat("a", 32), Seq: 1, Want: 1}
		ask := func(what string, code int, word string, want api.PlacesAnswer) {
			t.Helper()
			var a api.PlacesAnswer
			status, refused := b.ask(http.MethodPost, api.PathPlaces, q, &a)
			if status != code || refused.Code != word || a != want {
				t.Errorf("%s: %d %+v %+v, want %d %q %+v", what, status, refused, a, code, word, want)
			}
		}
		ask("the first", 200, "", api.PlacesAnswer{Capacity: 2, Day: 1, Limit: 1, Keep: 1})
		ask("the same again", 409, "", api.PlacesAnswer{})
		q = api.PlacesRequest{Ledger: q.Ledger, Seq: 2, Day: 1, In: 1, Limit: 1, Want: 1}
		ask("the second", 200, "", api.PlacesAnswer{Capacity: 2, Day: 1, Inside: 1, Limit: 2, Keep: 1})
		old := q
		q = api.PlacesRequest{Ledger: strings.Repeat("b", 32), Seq: 1, Want: 1}
		ask("after a power cut", 200, "", api.PlacesAnswer{Capacity: 2, Day: 1, Inside: 2, Keep: 1})
		q = old
		ask("the ledger before it", 409, api.CodeLedger, api.PlacesAnswer{})
		q = api.PlacesRequest{Ledger: "x", Seq: 1}
		ask("no ledger", 400, "", api.PlacesAnswer{})
		q = api.PlacesRequest{Ledger: old.Ledger, Seq: 1, In: 2, Limit: 1}
		ask("more than its places", 400, "", api.PlacesAnswer{})

		var h store.Hall
		inside := func(what string, n int64) {
			t.Helper()
			if r.get(fmt.Sprintf("%s?venue=%d", PathOccupancy, hall.ID), &h); h.Inside != n || h.Capacity != 2 {
				t.Errorf("%s: %+v", what, h)
			}
		}
		inside("before", 2)
		zero := int64(0)
		for what, one := range map[string]struct {
			req  OccupancyRequest
			code int
		}{
			"nothing":    {OccupancyRequest{Venue: hall.ID}, 400},
			"too many":   {OccupancyRequest{Venue: hall.ID, Add: MaxCapacity + 1}, 400},
			"a negative": {OccupancyRequest{Venue: hall.ID, Inside: new(int64(-1))}, 400},
			"midnight":   {OccupancyRequest{Venue: hall.ID, Empties: new(int64(24 * 60))}, 400},
		} {
			if w := r.call(http.MethodPost, PathOccupancy, adminKey, one.req); w.Code != one.code {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
		}
		r.post(PathOccupancy, adminKey, OccupancyRequest{Venue: hall.ID, Add: -1}, &h)
		inside("one has left by the window", 1)
		r.post(PathOccupancy, adminKey, OccupancyRequest{Venue: hall.ID, Inside: &zero}, &h)
		inside("nobody", 0)
		for what, one := range map[string]struct {
			account AccountRequest
			code    int
		}{
			"the owner":        {AccountRequest{Name: "a", Role: store.Owner, BIN: hall.BIN}, 200},
			"another owner":    {AccountRequest{Name: "b", Role: store.Owner, BIN: "011399500018"}, 403},
			"the region":       {AccountRequest{Name: "c", Role: store.Regional, Region: "KZ-75"}, 200},
			"another region":   {AccountRequest{Name: "d", Role: store.Regional, Region: "KZ-71"}, 403},
			"the venue's own":  {AccountRequest{Name: "e", Role: store.Staff, Venue: hall.ID}, 200},
			"staff from there": {AccountRequest{Name: "f", Role: store.Staff, Venue: venues[1].ID}, 403},
		} {
			var account AccountAnswer
			r.post(PathAccounts, adminKey, one.account, &account)
			for _, w := range []*httptest.ResponseRecorder{
				r.call(http.MethodGet, fmt.Sprintf("%s?venue=%d", PathOccupancy, hall.ID), account.Key, ""),
				r.call(http.MethodPost, PathOccupancy, account.Key, OccupancyRequest{Venue: hall.ID, Add: 1}),
			} {
				if w.Code != one.code {
					t.Errorf("%s: %d %s, want %d", what, w.Code, w.Body, one.code)
				}
			}
		}
		if w := r.call(http.MethodGet, PathOccupancy+"?venue=x", adminKey, nil); w.Code != 400 {
			t.Errorf("no venue: %d", w.Code)
		}
	})
}
