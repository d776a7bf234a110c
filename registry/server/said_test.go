package server

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// A door says with each request as what it decides. The administrator sees where that is not what
// the registry has set.
func TestDoorThatDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		b := r.newBox(r.serveTLS(), boardA)
		b.enrol(codesFor(r, "door")[0]) // a shop in a red zone
		b.says = map[string]string{"Ashyq-Venue": "pharmacy", "Ashyq-Zone": "red", "Ashyq-Config": "00112233aabbccdd"}
		status, code := b.update()
		is(t, "a hello", status, code, 204, "")
		w := r.call(http.MethodGet, PathOverview, adminKey, "")
		if !strings.Contains(w.Body.String(), `"said_venue":"pharmacy"`) || !strings.Contains(w.Body.String(), `"differs":true`) {
			t.Errorf("the administrator sees %s", w.Body)
		}
		b.says = map[string]string{"Ashyq-Venue": "shop", "Ashyq-Zone": "red", "Ashyq-Config": "00112233aabbccdd"}
		b.update()
		if k := overviewOf(t, r)["door"]; k.Differs || k.SaidVenue != "shop" || !k.ConfigSince.IsZero() {
			t.Errorf("a door that agrees: %+v", k)
		}
		b.says = map[string]string{"Ashyq-Zone": "green", "Ashyq-Config": "ffffffffffffffff"}
		time.Sleep(time.Hour)
		b.update()
		if k := overviewOf(t, r)["door"]; !k.Differs || k.SaidZone != "green" || k.SaidVenue != "shop" || !k.ConfigSince.Equal(now()) {
			t.Errorf("another zone and other settings: %+v", k)
		}
		b.says = map[string]string{"Ashyq-Venue": "<script>", "Ashyq-Zone": strings.Repeat("z", 40), "Ashyq-Config": "x"}
		b.update()
		if k := overviewOf(t, r)["door"]; k.SaidVenue != "shop" || k.SaidZone != "green" || k.Config != "ffffffffffffffff" {
			t.Errorf("a door that writes on the page: %+v", k)
		}
		b.enrol(codesFor(r, "door")[0])
		b.says = map[string]string{api.HeaderVersion: "2.0", "Ashyq-Zone": "red", "Ashyq-Config": "aaaaaaaaaaaaaaaa"}
		b.update()
		b.says = map[string]string{api.HeaderVersion: "3.0", "Ashyq-Config": "bbbbbbbbbbbbbbbb"}
		b.update()
		if k := overviewOf(t, r)["door"]; k.Differs || !k.ConfigSince.IsZero() || k.Config != "bbbbbbbbbbbbbbbb" {
			t.Errorf("enrolled anew, and a new version with other defaults: %+v", k)
		}
	})
}
