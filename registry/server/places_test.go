package server

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/registry/store"
)

func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var regions []store.Region
		r.get(PathRegions, &regions)
		if len(regions) != 20 || regions[18].EN != "Almaty" {
			t.Errorf("a new registry has %d regions: %+v", len(regions), regions)
		}
		shop := store.Venue{BIN: "990140000007", Name: "Shop", Kind: "shop", Region: "KZ-75", Address: "Abay 1", Capacity: 3}
		if w := r.call(http.MethodPut, PathVenues, adminKey, []store.Venue{shop}); w.Code != http.StatusNoContent {
			t.Fatalf("put a venue: %d %s", w.Code, w.Body)
		}
		var venues []store.Venue
		r.get(PathVenues+"?region=KZ-75", &venues)
		shop.ID, shop.Zone = 1, "green"
		if len(venues) != 1 || !reflect.DeepEqual(venues[0], shop) {
			t.Errorf("venues: %+v", venues)
		}
		r.get(PathVenues+"?region=KZ-71", &venues)
		if len(venues) != 0 {
			t.Errorf("venues of another region: %+v", venues)
		}

		var codes EnrolCodesAnswer
		r.post(PathEnrolCodes, adminKey, EnrolCodesRequest{Doors: []EnrolDoor{{Name: "door", Place: 1}}}, &codes)
		if codes.Codes[0].Venue != "shop" {
			t.Errorf("the venue's door is %+v", codes.Codes[0])
		}
		for _, c := range []struct {
			name, method, path string
			body               any
			code               int
			want               string
		}{
			{"no regions", "PUT", PathRegions, []store.Region{}, 400, "1 to 100"},
			{"a code in lower case", "PUT", PathRegions, []store.Region{{Code: "kz-75", KK: "a", RU: "b", EN: "c"}},
				400, "KZ-75"},
			{"a region without a name", "PUT", PathRegions, []store.Region{{Code: "KZ-75", KK: "a", RU: "b"}}, 400,
				"name of KZ-75"},
			{"posted regions", "POST", PathRegions, []store.Region{}, 405, "PUT"},
			{"a used region", "POST", PathRemoveRegion, RegionRequest{"KZ-75"}, 409, "another region"},
			{"an unknown region", "POST", PathRemoveRegion, RegionRequest{"KZ-99"}, 404, "lists them"},
			{"a wrong BIN", "PUT", PathVenues, []store.Venue{{BIN: "990140000008", Name: "a", Kind: "shop",
				Region: "KZ-75"}}, 400, "BIN"},
			{"no name", "PUT", PathVenues, []store.Venue{{BIN: shop.BIN, Kind: "shop", Region: "KZ-75"}}, 400, "name"},
			{"no region", "PUT", PathVenues, []store.Venue{{BIN: shop.BIN, Name: "a", Kind: "shop", Region: "KZ-99"}},
				404, "region"},
			{"a long address", "PUT", PathVenues, []store.Venue{{BIN: shop.BIN, Name: "a", Kind: "shop", Region: "KZ-75",
				Address: strings.Repeat("a", 201)}}, 400, "address"},
			{"an address with a control character", "PUT", PathVenues,
				[]store.Venue{{BIN: shop.BIN, Name: "a", Kind: "shop", Region: "KZ-75", Address: "a\nb"}}, 400, "address"},
			{"a negative capacity", "PUT", PathVenues, []store.Venue{{BIN: shop.BIN, Name: "a", Kind: "shop", Region: "KZ-75",
				Capacity: -1}}, 400, "capacity"},
			{"an unknown zone", "PUT", PathVenues, []store.Venue{{BIN: shop.BIN, Name: "a", Kind: "shop", Region: "KZ-75",
				Zone: "blue"}}, 400, "zone"},
			{"a door of no venue", "POST", PathEnrolCodes, EnrolCodesRequest{Doors: []EnrolDoor{{Name: "x", Place: 9}}},
				404, "venue"},
			{"a door of another kind", "POST", PathEnrolCodes, EnrolCodesRequest{Doors: []EnrolDoor{{Name: "x", Place: 1,
				Venue: "cinema"}}}, 400, "leave both out"},
			{"a source of no region", "POST", PathSources, SourceRequest{Name: "lab", Kind: Laboratory, Region: "KZ-99"},
				404, "region"},
			{"a page after nothing", "GET", PathVenues + "?after=99", nil, 404, "venue"},
			{"a page after a word", "GET", PathVenues + "?after=x", nil, 400, "after=ID"},
		} {
			w := r.call(c.method, c.path, adminKey, c.body)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s: %d %s, want %d with %q", c.name, w.Code, w.Body, c.code, c.want)
			}
		}
		if w := r.call(http.MethodGet, PathVenues, r.source(Laboratory), ""); w.Code != http.StatusUnauthorized {
			t.Errorf("a laboratory sees the venues: %d", w.Code)
		}
	})
}

// get asks as the administrator.
func (r *rig) get(path string, answer any) {
	r.Helper()
	w := r.call(http.MethodGet, path, adminKey, "")
	if w.Code != http.StatusOK {
		r.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
		r.Fatal(err)
	}
}
