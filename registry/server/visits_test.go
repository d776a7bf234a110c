package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
)

func TestVisitsAreForTheDoorsOfOneVenue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network := r.serveTLS()
		shop, cinema := r.places()
		north, south, other := r.doorOf(network, "north", shop), r.doorOf(network, "southern",
			shop), r.doorOf(network, "cinema", cinema)
		today := int64(pass.DayOf(now()))
		ask := func(b *box, q api.VisitsRequest) (a api.VisitsAnswer) {
			t.Helper()
			w := r.callAs(b, http.MethodPost, api.PathVisits, q)
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			return a
		}
		if a := ask(other, api.VisitsRequest{Day: today}); !a.Alone {
			t.Errorf("the only door of a venue: %+v", a)
		}
		first := ask(north, api.VisitsRequest{Day: today})
		if first.Alone || len(first.Missing) != 2 || first.Missing[1].Key != south.sealKey() {
			t.Errorf("two doors: %+v", first)
		}
		visit := api.Visit{Hash: "AAECAwQFBgc", At: now().Unix()}
		ask(north, api.VisitsRequest{Day: today, Visits: []api.Visit{visit}})
		if a := ask(south, api.VisitsRequest{Day: today}); len(a.Visits) != 1 || a.Visits[0] != visit {
			t.Errorf("the other door hears %+v", a)
		}
		if a := ask(other, api.VisitsRequest{Day: today}); len(a.Visits) != 0 {
			t.Errorf("another venue hears %+v", a)
		}
		r.post(PathRevokeDoor, adminKey, RevokeDoorRequest{Name: "north"}, nil)
		if w := r.callAs(north, http.MethodPost, api.PathVisits,
			api.VisitsRequest{Day: today}); w.Code != http.StatusForbidden {
			t.Errorf("a revoked door: %d", w.Code)
		}
		for hint, q := range map[string]api.VisitsRequest{
			"clock":           {Day: today + 2},
			"newer registry":  {Day: -1},
			"newer registry ": {Day: today, Visits: []api.Visit{{Hash: "AAECAwQFBg"}}},
			" newer registry": {Day: today, Visits: make([]api.Visit, api.MaxVisits+1)},
			"a newer": {Day: today, Envelopes: []api.VisitEnvelope{{Door: 1, Sealed: strings.Repeat("A",
				200)}}},
		} {
			w := r.callAs(south, http.MethodPost, api.PathVisits, q)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), strings.TrimSpace(hint)) {
				t.Errorf("%+v: %d %s", q, w.Code, w.Body)
			}
		}
	})
}
