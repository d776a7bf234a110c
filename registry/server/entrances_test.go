package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/store"
)

// parsed reads a code of a sheet.
func parsed(t testing.TB, text string) enrol.Code {
	t.Helper()
	code, err := enrol.Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return code
}

// 60 venues of a region get their doors and codes page by page; a door enrols with its code.
func TestSheets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.importFile("", "", venuesFile(480)) // in eight regions
		var all []SheetDoor
		venues := 0
		for after := int64(0); ; {
			var a SheetsAnswer
			r.post(PathSheets, adminKey, SheetsRequest{Region: "KZ-10", After: after, Days: 3,
				WiFi: &api.WiFi{SSID: "x", Passphrase: "12345678"}}, &a)
			for _, sheet := range a.Venues {
				if sheet.Venue.Region != "KZ-10" || len(sheet.Doors) != 3 || sheet.Doors[2].Way != "exit" {
					t.Errorf("a sheet of %+v", sheet)
				}
				all = append(all, sheet.Doors...)
				venues++
			}
			if after = a.Next; after == 0 {
				break
			}
		}
		codes := map[string]bool{}
		for _, d := range all {
			codes[d.Code] = true
			if code := parsed(t, d.Code); code.SSID != "x" || !d.CodeUntil.Equal(now().Add(72*time.Hour)) {
				t.Errorf("door %+v", d)
			}
		}
		if venues != 60 || len(codes) != 180 {
			t.Errorf("%d venues, %d codes", venues, len(codes))
		}
		// Printed sheets stay good when somebody asks again.
		var again SheetsAnswer
		r.post(PathSheets, adminKey, SheetsRequest{Region: "KZ-10"}, &again)
		if d := again.Venues[0].Doors[0]; d.Code != "" || d.CodeUntil.IsZero() {
			t.Errorf("asked again: %+v", d)
		}
		b := r.newBox(r.serveTLS(), boardA)
		status, code := b.enrol(parsed(t, all[2].Code))
		is(t, "enrol at an exit", status, code, 200, "")
		var list []store.VenueDoor
		r.get(PathVenueDoors+fmt.Sprint("?venue=", again.Venues[0].Venue.ID), &list)
		if i := slices.IndexFunc(list, func(d store.VenueDoor) bool { return d.Enrolled }); i < 0 ||
			list[i].Name != "Venue 00000, Шығу 1" || list[i].Way != "exit" {
			t.Errorf("doors: %+v", list)
		}
		for _, c := range []struct {
			name, path string
			body       any
			code       int
			want       string
		}{
			{"no venue", PathSheets, SheetsRequest{Venue: 9999}, 404, "venue"},
			{"after no venue", PathSheets, SheetsRequest{After: 9999}, 404, "venue"},
			{"too long", PathSheets, SheetsRequest{Venue: 1, Days: 91}, 400, "1 to 90"},
			{"a short passphrase", PathSheets, SheetsRequest{Venue: 1, WiFi: &api.WiFi{SSID: "x",
				Passphrase: "1"}}, 400, "Wi-Fi"},
			{"replace no door", PathReplaceDoor, ReplaceDoorRequest{Name: "x"}, 404, "overview"},
		} {
			w := r.call(http.MethodPost, c.path, adminKey, c.body)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s: %d %s, want %d with %q", c.name, w.Code, w.Body, c.code, c.want)
			}
		}
	})
}

// Another device takes a door's place under its name: until it enrols the old one works, and then
// it learns that it is revoked. Counts and settings stay the door's.
func TestReplaceADoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.importFile("", "", venuesFile(1))
		var sheets SheetsAnswer
		r.post(PathSheets, adminKey, SheetsRequest{Venue: 1}, &sheets)
		door := sheets.Venues[0].Doors[0]
		network := r.serveTLS()
		old := r.newBox(network, boardA)
		old.enrol(parsed(t, door.Code))
		counts := api.Counts{ID: "1", From: now(), To: now(), Count: map[string]uint64{"admitted/green": 7}}
		status, refused := old.ask(http.MethodPost, api.PathCounts, counts, nil)
		is(t, "counts", status, refused.Code, 204, "")
		before := overviewOf(t, r)[door.Name]

		var sheet VenueSheet
		r.post(PathReplaceDoor, adminKey, ReplaceDoorRequest{Name: door.Name}, &sheet)
		if d := sheet.Doors[0]; d.Code == "" || !d.Enrolled || sheet.Venue.Name != "Venue 00000" {
			t.Errorf("a code for the next device: %+v", sheet)
		}
		status, code := old.update()
		is(t, "the old device, before the new one has enrolled", status, code, 204, "")
		next := r.newBox(network, boardB)
		status, code = next.enrol(parsed(t, sheet.Doors[0].Code))
		is(t, "the new device", status, code, 200, "")
		status, code = next.update()
		is(t, "the new device works", status, code, 204, "")
		status, code = old.update()
		is(t, "the old device", status, code, 403, api.CodeRevoked)
		status, code = old.renew()
		is(t, "the old device asks for a certificate", status, code, 403, api.CodeRevoked)
		after := overviewOf(t, r)[door.Name]
		if after.Copied || after.Strays != 0 || after.Counts["admitted/green"] != 7 ||
			after.Ring != before.Ring || after.Venue != before.Venue || len(overviewOf(t, r)) != 3 {
			t.Errorf("the door was %+v, is %+v", before, after)
		}
		var list []store.VenueDoor
		r.get(PathVenueDoors+"?venue=1", &list)
		if d := list[0]; d.Name != door.Name || !d.Replaced.Equal(now()) || !d.Enrolled || !d.CodeUntil.IsZero() {
			t.Errorf("the page shows %+v", d)
		}
	})
}
