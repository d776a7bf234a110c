package server

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/store"
)

// Whoever has a national administrator's key, perhaps stolen, cannot make the second person that
// has to publish their rules.
func TestNobodyMakesTheSecondPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		thief := r.national("Dana")
		a := stored(t, r.putRulesAs(thief, 1, strings.Replace(string(kiosk.DefaultRulesJSON()), "{", "{ ", 1), ""))
		w := r.call(http.MethodPost, PathAccounts, thief, AccountRequest{Name: "Second", Role: store.National})
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "admin.key") {
			t.Errorf("another account: %d %s", w.Code, w.Body)
		}
		w = r.call(http.MethodPost, PathPublishRules, thief, RulesVersionRequest{a.Version})
		if w.Code != http.StatusForbidden {
			t.Errorf("publish alone: %d %s", w.Code, w.Body)
		}
		r.account(thief, AccountRequest{Name: "Aru", Role: store.Regional, Region: "KZ-75"})
	})
}
