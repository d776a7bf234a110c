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

const shopBIN, cinemaBIN = "990140000007", "990140000017"

// account creates one with the key of another account.
func (r *rig) account(by string, q AccountRequest) AccountAnswer {
	r.Helper()
	var a AccountAnswer
	r.post(PathAccounts, by, q, &a)
	return a
}

// places gives the registry two venues of two owners, and returns their ids.
func (r *rig) places() (shop, cinema int64) {
	r.Helper()
	w := r.call(http.MethodPut, PathVenues, adminKey, []store.Venue{
		{BIN: shopBIN, Name: "Shop", Kind: "shop", Region: "KZ-75"},
		{BIN: cinemaBIN, Name: "Cinema", Kind: "cinema", Region: "KZ-71"},
	})
	if w.Code != http.StatusNoContent {
		r.Fatal(w.Code, w.Body)
	}
	list, err := r.opt.Store.Venues(r.Context(), "", nil, 10)
	r.must(err)
	return list[1].ID, list[0].ID
}

// Who calls, and groups of them.
var (
	administrators = []string{"admin.key", store.National}
	inRegions      = append(slices.Clone(administrators), store.Regional)
	people         = append(slices.Clone(administrators), store.Regional, store.Owner, store.Staff)
	sourcesOnly    = []string{Laboratory, PCRPortal, Covid19Centre, VaccinationRegister}
	callers        = slices.Concat(people, sourcesOnly, []string{"door", "nobody"})
)

// mayCall has a row for each route and method: who may call it.
var mayCall = map[string][]string{
	"GET " + api.PathManifest:           callers,
	"GET " + api.PathBlob + "/{hash}":   callers,
	"POST " + api.PathCheck:             {"door"},
	"POST " + api.PathCounts:            {"door"},
	"POST " + api.PathEnrol:             callers, // with a one-time code
	"POST " + api.PathRenew:             {"door"},
	"GET " + api.PathUpdate:             {"door"},
	"GET " + api.PathDoorKeys:           {"door"},
	"POST " + api.PathHello:             {"door"},
	"POST " + api.PathPlaces:            {"door"},
	"POST " + api.PathVisits:            {"door"},
	"GET " + api.PathBundle + "/{name}": callers,
	"GET /healthz":                      callers,

	"POST " + PathActivate:                     callers, // with a one-time code
	"POST " + PathSignIn:                       callers,
	"GET " + PathSignIn:                        callers,
	"POST " + PathSignInCode:                   callers, // with the code that was sent
	"POST " + PathPhones:                       callers, // with what a phone signed; so the next ones
	"POST " + PathRemovePhone:                  callers,
	"POST " + PathMove:                         callers,
	"POST " + PathOwnHistory:                   callers,
	"POST " + PathTopUp:                        callers, // with a phone's key; so the next ones
	"POST " + PathSelf:                         callers,
	"POST " + PathDispute:                      callers,
	"POST " + PathResults:                      {Laboratory, PCRPortal},
	"POST " + PathContacts:                     {Covid19Centre},
	"POST " + PathRecords:                      sourcesOnly,
	"POST " + PathCorrect:                      slices.Concat(administrators, sourcesOnly),
	"POST " + PathWithdraw:                     slices.Concat(administrators, sourcesOnly),
	"GET " + PathToday:                         sourcesOnly,
	"GET " + PathWho:                           sourcesOnly,
	"GET " + PathImports:                       {Laboratory, PCRPortal, Covid19Centre},
	"POST " + PathImports:                      {Laboratory, PCRPortal, Covid19Centre},
	"GET " + PathImports + "/{id}":             {Laboratory, PCRPortal, Covid19Centre},
	"GET " + PathImports + "/{id}/refused.csv": {Laboratory, PCRPortal, Covid19Centre},
	"POST " + PathFHIR:                         {Laboratory, PCRPortal},

	"GET " + PathMe:             people,
	"GET " + PathAccounts:       append(slices.Clone(inRegions), store.Owner),
	"POST " + PathAccounts:      append(slices.Clone(inRegions), store.Owner),
	"POST " + PathRevokeAccount: append(slices.Clone(inRegions), store.Owner),
	"GET " + PathOccupancy:      people,
	"POST " + PathOccupancy:     people,
	"GET " + PathDesk:           {store.Staff},
	"POST " + PathDesk:          {store.Staff},

	"POST " + PathHistory:                     administrators,
	"GET " + PathCases:                        administrators,
	"POST " + PathSettle:                      administrators,
	"POST " + PathCitizens:                    administrators,
	"POST " + PathPaper:                       administrators,
	"POST " + PathRevoke:                      administrators,
	"POST " + PathSuspend:                     administrators,
	"POST " + PathResume:                      administrators,
	"POST " + PathWithdrawSource:              administrators,
	"POST " + PathSources:                     administrators,
	"POST " + PathSuspendSource:               administrators,
	"POST " + PathResumeSource:                administrators,
	"POST " + PathRotateSource:                administrators,
	"POST " + PathRevokeSource:                administrators,
	"POST " + PathLimitSource:                 administrators,
	"POST " + PathApprove:                     administrators,
	"POST " + PathDiscard:                     administrators,
	"GET " + PathRules:                        administrators,
	"PUT " + PathRules:                        administrators,
	"GET " + PathRulesVersions:                administrators,
	"GET " + PathRulesVersions + "/{version}": administrators,
	"GET " + PathRulesCompare:                 administrators,
	"POST " + PathRulesCheck:                  administrators,
	"POST " + PathRulesPreview:                administrators,
	"POST " + PathPublishRules:                administrators,
	"POST " + PathRollBackRules:               administrators,
	"GET " + PathRegions:                      people,
	"PUT " + PathRegions:                      administrators,
	"POST " + PathRemoveRegion:                administrators,
	"GET " + PathVenues:                       inRegions,
	"PUT " + PathVenues:                       administrators,
	"POST " + PathRestored:                    administrators,
	"POST " + PathEnrolCodes:                  administrators,
	"POST " + PathRevokeDoor:                  inRegions,
	"POST " + PathApproveDoor:                 inRegions,
	"POST " + PathReleases:                    administrators,

	"GET " + PathSources:              inRegions,
	"GET " + PathReleases:             administrators,
	"GET " + PathOverview:             inRegions,
	"GET " + PathOverviewVenues:       inRegions,
	"GET " + PathDoors:                inRegions,
	"GET " + PathDoors + "/{id}":      administrators, // of another region; so the next one
	"GET " + PathDoors + "/{id}/keys": administrators,

	"POST " + PathVenueImport:     inRegions,
	"GET " + PathAlerts:           inRegions,
	"POST " + PathAlerts:          inRegions,
	"POST " + PathRemoveRecipient: inRegions,
	"POST " + PathTestRecipient:   inRegions,
	"POST " + PathSaveVenue:       inRegions,
	"GET " + PathVenueDoors:       inRegions,
	"POST " + PathSheets:          inRegions,
	"POST " + PathReplaceDoor:     inRegions,
	"GET " + PathOwn:              {store.Owner},
	"GET " + PathOwnVenue:         {store.Owner},
}

// Each route lets in whom its row names, and refuses everybody else.
func TestWhoMayCallWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		shop, _ := r.places()
		keys := map[string]string{
			"admin.key":    adminKey,
			"nobody":       "",
			store.National: r.account(adminKey, AccountRequest{Name: "N", Role: store.National}).Key,
			store.Regional: r.account(adminKey, AccountRequest{Name: "R", Role: store.Regional, Region: "KZ-75"}).Key,
			store.Owner:    r.account(adminKey, AccountRequest{Name: "O", Role: store.Owner, BIN: shopBIN}).Key,
			store.Staff:    r.account(adminKey, AccountRequest{Name: "S", Role: store.Staff, Venue: shop}).Key,
		}
		for _, kind := range sourcesOnly {
			keys[kind] = r.source(kind)
		}
		door := r.newBox(r.serveTLS(), boardA)
		door.enrol(codesFor(r, "door")[0])

		rows := map[string]bool{}
		for _, route := range slices.Concat(r.doorRoutes(), r.publicRoutes(), r.accountRoutes(), r.rulesRoutes(), r.adminRoutes(), r.regionRoutes()) {
			methods := []string{route.method}
			if route.method == "" {
				methods = []string{http.MethodGet, http.MethodPost, http.MethodPut}
			}
			for _, method := range methods {
				name := method + " " + route.path
				may, ok := mayCall[name]
				rows[name] = true
				for _, who := range callers {
					code := r.codeFor(who, keys[who], door, method, route.path)
					switch refused := code == http.StatusUnauthorized || code == http.StatusForbidden; {
					case code == http.StatusMethodNotAllowed && !ok, refused && !slices.Contains(may, who):
					case !ok:
						t.Errorf("%s: %s gets %d: there is no row for it in mayCall", name, who, code)
					case refused != !slices.Contains(may, who):
						t.Errorf("%s by %s: %d", name, who, code)
					}
				}
			}
		}
		for name := range mayCall {
			if !rows[name] {
				t.Errorf("mayCall has a row for %s, which is no route", name)
			}
		}
	})
}

// codeFor asks as somebody, with a body that is nothing's.
func (r *rig) codeFor(who, key string, door *box, method, path string) int {
	path = strings.NewReplacer("{hash}", strings.Repeat("ab", 32), "{name}", "x", "{id}", "1", "{version}", "1").Replace(path)
	body := "[]"
	if method == http.MethodGet {
		body = ""
	}
	if who == "door" {
		return r.callAs(door, method, path, json.RawMessage("[]")).Code
	}
	return r.call(method, path, key, body).Code
}

func TestAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		shop, cinema := r.places()
		is := func(what, method, path, key string, body any, code int, words string) {
			t.Helper()
			if w := r.call(method, path, key, body); w.Code != code || !strings.Contains(w.Body.String(), words) {
				t.Errorf("%s: %d %s, want %d with %q", what, w.Code, w.Body, code, words)
			}
		}
		is("the first administrator", "GET", PathMe, adminKey, "", 200, `{"id":0,"name":"administrator","role":"national"}`)
		national := r.account(adminKey, AccountRequest{Name: "Dana", Role: store.National})
		regional := r.account(national.Key, AccountRequest{Name: "Aru", Role: store.Regional, Region: "KZ-75"})
		owner := r.account(national.Key, AccountRequest{Name: "Shop", Role: store.Owner, BIN: shopBIN})
		staff := r.account(owner.Key, AccountRequest{Name: "Guard", Role: store.Staff, Venue: shop, Hours: 2})
		other := r.account(adminKey, AccountRequest{Name: "Guard", Role: store.Staff, Venue: cinema})
		is("of a region", "GET", PathMe, regional.Key, "", 200, `"name":"Aru","role":"regional","region":"KZ-75"`)
		is("of an organisation", "GET", PathMe, owner.Key, "", 200, `"role":"owner","bin":"`+shopBIN)
		is("of a venue", "GET", PathMe, staff.Key, "", 200, `"role":"staff","venue":`)

		for _, wrong := range []struct {
			what string
			q    AccountRequest
			code int
			hint string
		}{
			{"no name", AccountRequest{Role: store.National}, 400, "64"},
			{"no role", AccountRequest{Name: "x"}, 400, "regional"},
			{"a region without code", AccountRequest{Name: "x", Role: store.Regional}, 400, "region"},
			{"a national account of a region", AccountRequest{Name: "x", Role: store.National, Region: "KZ-75"}, 400, "nothing of these"},
			{"an owner's venue", AccountRequest{Name: "x", Role: store.Owner, BIN: shopBIN, Venue: shop},
				400, "venue"},
			{"a wrong BIN", AccountRequest{Name: "x", Role: store.Owner, BIN: "990140000008"}, 400, "typing"},
			{"a long shift", AccountRequest{Name: "x", Role: store.Staff, Venue: shop, Hours: 13}, 400, "12 hours"},
			{"hours of an owner", AccountRequest{Name: "x", Role: store.Owner, BIN: shopBIN, Hours: 1}, 400, "staff only"},
			{"a taken name", AccountRequest{Name: "Dana", Role: store.National}, 409, "another"},
			{"an unknown region", AccountRequest{Name: "x", Role: store.Regional, Region: "KZ-00"}, 404, PathRegions},
			{"an unknown venue", AccountRequest{Name: "x", Role: store.Staff, Venue: 99}, 404, PathVenues},
		} {
			is(wrong.what, "POST", PathAccounts, adminKey, wrong.q, wrong.code, wrong.hint)
		}
		for what, q := range map[string]AccountRequest{
			"makes itself an administrator": {Name: "x", Role: store.National},
			"gives another owner a key":     {Name: "x", Role: store.Owner, BIN: shopBIN},
			"sends staff to the cinema":     {Name: "x", Role: store.Staff, Venue: cinema},
			"sends staff nowhere":           {Name: "x", Role: store.Staff, Venue: 99},
		} {
			is("an owner "+what, "POST", PathAccounts, owner.Key, q, 403, "national administrator")
		}
		for _, id := range []int64{national.ID, regional.ID, owner.ID, other.ID} {
			is("an owner revokes others", "POST", PathRevokeAccount, owner.Key, RevokeAccountRequest{id}, 403, "own venues")
		}
		is("revoke nobody", "POST", PathRevokeAccount, adminKey, RevokeAccountRequest{99}, 404, PathAccounts)

		r.listed(adminKey, other.ID, staff.ID, owner.ID, regional.ID, national.ID)
		r.listed(owner.Key, staff.ID)
		r.pass(2 * time.Hour)
		is("after the shift", "GET", PathMe, staff.Key, "", 401, "expired")
		r.post(PathRevokeAccount, adminKey, RevokeAccountRequest{national.ID}, nil)
		is("revoked", "POST", PathWithdraw, national.Key, "{}", 401, "revoked")
	})
}

// A regional administrator gives accounts to owners and staff of the region's venues. Whatever is
// guessed, nothing outside the region is given, listed or revoked, and such an owner sees nothing
// there.
func TestRegionalAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		shop, cinema := r.places()
		away := store.Venue{BIN: shopBIN, Name: "Shop in Astana", Kind: "shop", Region: "KZ-71"}
		w := r.call(http.MethodPut, PathVenues, adminKey, []store.Venue{away})
		if w.Code != http.StatusNoContent {
			t.Fatal(w.Code, w.Body)
		}
		region := r.account(adminKey, AccountRequest{Name: "Aru", Role: store.Regional, Region: "KZ-75"})
		others := []AccountAnswer{region,
			r.account(adminKey, AccountRequest{Name: "N", Role: store.National}),
			r.account(adminKey, AccountRequest{Name: "R", Role: store.Regional, Region: "KZ-71"}),
			r.account(adminKey, AccountRequest{Name: "Everywhere", Role: store.Owner, BIN: shopBIN}),
			r.account(adminKey, AccountRequest{Name: "In Astana", Role: store.Owner, BIN: shopBIN, Region: "KZ-71"}),
			r.account(adminKey, AccountRequest{Name: "Guard", Role: store.Staff, Venue: cinema}),
		}
		owner := r.account(region.Key, AccountRequest{Name: "Shop", Role: store.Owner, BIN: shopBIN})
		guard := r.account(region.Key, AccountRequest{Name: "Guard", Role: store.Staff, Venue: shop, Hours: 2})
		r.listed(region.Key, guard.ID, owner.ID)

		is := func(what, method, path, key string, body any, code int, words string) {
			t.Helper()
			if w := r.call(method, path, key, body); w.Code != code || !strings.Contains(w.Body.String(), words) {
				t.Errorf("%s: %d %s, want %d with %q", what, w.Code, w.Body, code, words)
			}
		}
		for what, q := range map[string]AccountRequest{
			"a national account":           {Name: "x", Role: store.National},
			"a colleague":                  {Name: "x", Role: store.Regional, Region: "KZ-75"},
			"another region's colleague":   {Name: "x", Role: store.Regional, Region: "KZ-71"},
			"an owner there":               {Name: "x", Role: store.Owner, BIN: shopBIN, Region: "KZ-71"},
			"staff of the cinema":          {Name: "x", Role: store.Staff, Venue: cinema},
			"staff of a venue not entered": {Name: "x", Role: store.Staff, Venue: 99},
		} {
			is(what, "POST", PathAccounts, region.Key, q, 403, "own region's venues only")
		}
		nothing := AccountRequest{Name: "x", Role: store.Owner, BIN: cinemaBIN}
		is("an owner of nothing here", "POST", PathAccounts, region.Key, nothing, 404, "no venue")
		for _, other := range others {
			is("revoke one outside", "POST", PathRevokeAccount, region.Key, RevokeAccountRequest{other.ID}, 403,
				"own region's venues only")
			is("its key", "GET", PathMe, other.Key, "", 200, "")
		}

		var own []store.OwnVenue
		w = r.call(http.MethodGet, PathOwn, owner.Key, "")
		if json.Unmarshal(w.Body.Bytes(), &own) != nil || len(own) != 1 || own[0].ID != shop {
			t.Errorf("the owner sees %s", w.Body)
		}
		var there []store.Venue
		r.get(PathVenues+"?region=KZ-71", &there)
		for _, v := range there {
			query := fmt.Sprintf("?venue=%d", v.ID)
			is("a venue elsewhere", "GET", PathOwnVenue+query, owner.Key, "", 404, "no such venue")
			is("its people", "GET", PathOccupancy+query, owner.Key, "", 403, "")
			guard := AccountRequest{Name: "x", Role: store.Staff, Venue: v.ID}
			is("its staff", "POST", PathAccounts, owner.Key, guard, 403, "own venues only")
		}
		if len(there) != 2 {
			t.Errorf("the venues of Astana: %+v", there)
		}
		r.listed(owner.Key, guard.ID)
		r.post(PathRevokeAccount, region.Key, RevokeAccountRequest{owner.ID}, nil)
		r.post(PathRevokeAccount, region.Key, RevokeAccountRequest{guard.ID}, nil)
		is("the owner, revoked", "GET", PathOwn, owner.Key, "", 401, "revoked")
		is("the guard, revoked", "GET", PathDesk, guard.Key, "", 401, "revoked")
	})
}

// listed compares the accounts that somebody sees.
func (r *rig) listed(key string, want ...int64) {
	r.Helper()
	var list AccountsAnswer
	if err := json.Unmarshal(r.call(http.MethodGet, PathAccounts, key, "").Body.Bytes(), &list); err != nil {
		r.Fatal(err)
	}
	var got []int64
	for _, a := range list.Accounts {
		got = append(got, a.ID)
	}
	if !slices.Equal(got, want) {
		r.Errorf("listed are %v, want %v", got, want)
	}
}
