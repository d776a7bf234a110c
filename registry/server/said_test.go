package server

import (
	"net/http"
	"reflect"
	"slices"
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
		w := r.call(http.MethodGet, PathDoors, adminKey, "")
		if !strings.Contains(w.Body.String(), `"said_venue":"pharmacy"`) || !strings.Contains(w.Body.String(), `"differs":true`) {
			t.Errorf("the administrator sees %s", w.Body)
		}
		b.says = map[string]string{"Ashyq-Venue": "shop", "Ashyq-Zone": "red", "Ashyq-Config": "00112233aabbccdd"}
		b.update()
		if k := overviewOf(t, r)["door"]; k.Differs || k.SaidVenue != "shop" || !k.ConfigSince.IsZero() {
			t.Errorf("a door that agrees: %+v", k)
		}
		b.says = map[string]string{"Ashyq-Way": "exit"}
		b.update()
		if k := overviewOf(t, r)["door"]; !k.Differs || k.SaidWay != "exit" || k.Way != "entry" {
			t.Errorf("a door that lets people out: %+v", k)
		}
		b.says = map[string]string{"Ashyq-Way": "entry"}
		b.update()
		b.says = map[string]string{"Ashyq-Zone": "green", "Ashyq-Config": "ffffffffffffffff"}
		r.pass(time.Hour)
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

// A door says how its board is. The registry takes only what a board can say: whoever has a door's
// certificate does not write on the administrator's page or fill the database.
func TestHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		b := r.newBox(r.serveTLS(), boardA)
		if status, refused := b.ask(http.MethodPost, api.PathHello, api.Health{}, nil); status != http.StatusUnauthorized {
			t.Errorf("without a certificate: %d %+v", status, refused)
		}
		b.enrol(codesFor(r, "door")[0])
		health := api.Health{Board: "Raspberry Pi 4 Model B Rev 1.4", Celsius: new(81), Free: 1, Size: 100, Restart: api.PowerCut}
		hello := func(body any) (int, string) {
			t.Helper()
			status, refused := b.ask(http.MethodPost, api.PathHello, body, nil)
			return status, refused.Error
		}
		if k := overviewOf(t, r)["door"]; k.Health != nil {
			t.Errorf("before the first hello: %+v", k.Health)
		}
		if status, why := hello(health); status != http.StatusNoContent {
			t.Fatalf("a hello: %d %s", status, why)
		}
		seen := func(when string) {
			t.Helper()
			k := overviewOf(t, r)["door"].Health
			if k == nil || !reflect.DeepEqual(k.Health, health) || !k.At.Equal(now()) || !slices.Equal(k.Troubles, []api.Trouble{api.Hot, api.SpaceLow}) {
				t.Errorf("%s: %+v", when, k)
			}
		}
		seen("after a hello")
		for name, body := range map[string]any{
			"markup":        api.Health{Board: "<script>alert(1)</script>"},
			"a long board":  api.Health{Board: strings.Repeat("a", 3000)},
			"a hot sun":     api.Health{Celsius: new(5500)},
			"other words":   map[string]any{"restart": "alien"},
			"other fields":  map[string]any{"owner": "somebody"},
			"a fraction":    map[string]any{"free": 0.5},
			"less than no":  map[string]any{"free": -1},
			"more than all": api.Health{Free: 2, Size: 1},
			"a list":        []api.Health{{}},
			"too much":      map[string]any{"board": strings.Repeat(" ", 1<<20)},
		} {
			if status, why := hello(body); status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge || why == "" {
				t.Errorf("%s: %d %q", name, status, why)
			}
		}
		seen("after what was refused")
		time.Sleep(time.Second) // the server lingers on connections whose bodies it did not read
		b.enrol(codesFor(r, "door")[0])
		if k := overviewOf(t, r)["door"]; k.Health != nil {
			t.Errorf("enrolled anew, perhaps with another board: %+v", k.Health)
		}
	})
}
