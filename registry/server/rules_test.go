package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/store"
)

// rulesOf makes a document of the default one with a rule before the others.
func rulesOf(rule string) string {
	return strings.Replace(string(kiosk.DefaultRulesJSON()), `"rules": [`, `"rules": [`+rule, 1)
}

const weekends = `{"name": "weekends", "colours": ["blue"], "venues": ["cinema"], "weekdays": ["saturday", "sunday"],
	"then": "turned-back", "text": {"kk": "k", "ru": "r", "en": "e"}},`

func (r *rig) getRules(key, path string, answer any) {
	r.Helper()
	w := r.call(http.MethodGet, path, key, "")
	if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil || w.Code != http.StatusOK {
		r.Fatalf("GET %s: %d, %v: %.300s", path, w.Code, err, w.Body)
	}
}

func (r *rig) current() (a RulesAnswer) {
	r.Helper()
	r.getRules(adminKey, PathRules, &a)
	return a
}

// putRulesAs stores a document as a change of a version.
func (r *rig) putRulesAs(key string, base int64, document, more string) *httptest.ResponseRecorder {
	r.Helper()
	path := fmt.Sprintf("%s?changes=%d&why=%s%s", PathRules, base, url.QueryEscape("decree 14"), more)
	return r.call(http.MethodPut, path, key, document)
}

func (r *rig) national(name string) string {
	r.Helper()
	var a AccountAnswer
	r.post(PathAccounts, adminKey, AccountRequest{Name: name, Role: store.National}, &a)
	return a.Key
}

func stored(t *testing.T, w *httptest.ResponseRecorder) (a RulesStored) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
		t.Fatalf("store rules: %d, %v: %s", w.Code, err, w.Body)
	}
	return a
}

func TestRulesArePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		m := r.manifestAfter(0, 0)
		if got := r.blobOf(m.Rules); string(got) != string(kiosk.DefaultRulesJSON()) {
			t.Errorf("first rules: %s", got)
		}
		changed := string(kiosk.DefaultRulesJSON()) + "\n \n"
		a := stored(t, r.putRulesAs(adminKey, r.current().Version, changed, "&alone=1"))
		m = r.follow(m.Version)
		if got := r.blobOf(m.Rules); string(got) != changed {
			t.Errorf("new rules: %s", got)
		}
		got := r.current()
		if got.Version != a.Version || got.Document != changed || !got.AtDoors || !got.Alone || got.Why != "decree 14" ||
			got.Person != store.Administrator || got.Publisher != store.Administrator || got.Hash != m.Rules {
			t.Errorf("in force: %+v", got)
		}
		r.publisher.public.announce(api.Manifest{Version: m.Version + 1}, time.Time{}, time.Time{}) // of other rules
		if r.current().AtDoors {
			t.Error("rules that are not in the manifest are said to be at the doors")
		}
		keys, err := api.UnmarshalKeys(r.blobOf(m.Keys))
		if err != nil || len(keys) != 1 || !keys[0].Equal(r.opt.IssuerKey.Public()) {
			t.Errorf("issuers: %v, %v", keys, err)
		}
	})
}

// What one national administrator stores, another one publishes.
func TestRulesNeedTwoPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ann, bob := r.national("Ann"), r.national("Bob")
		m, first := r.manifestAfter(0, 0), r.current()
		if w := r.putRulesAs(ann, first.Version, rulesOf(weekends), "&alone=1"); w.Code != http.StatusForbidden {
			t.Errorf("an account alone: %d %s", w.Code, w.Body)
		}
		a := stored(t, r.putRulesAs(ann, first.Version, rulesOf(weekends), ""))
		if !a.Waits || r.current().Version != first.Version {
			t.Errorf("%+v, and version %d is in force", a, r.current().Version)
		}
		if w := r.call(http.MethodPost, PathPublishRules, ann, RulesVersionRequest{a.Version}); w.Code != http.StatusForbidden {
			t.Errorf("Ann publishes her own: %d %s", w.Code, w.Body)
		}
		r.post(PathPublishRules, bob, RulesVersionRequest{a.Version}, nil)
		m = r.follow(m.Version)
		if got := r.current(); got.Version != a.Version || got.Person != "Ann" || got.Publisher != "Bob" || got.Hash != m.Rules {
			t.Errorf("in force: %+v", got.RulesVersion)
		}
		if w := r.call(http.MethodPost, PathPublishRules, bob, RulesVersionRequest{a.Version}); w.Code != http.StatusConflict {
			t.Errorf("published twice: %d %s", w.Code, w.Body)
		}

		back := stored(t, r.call(http.MethodPost, PathRollBackRules, bob, RollBackRequest{Version: first.Version, Changes: a.Version, Why: "back"}))
		r.post(PathPublishRules, ann, RulesVersionRequest{back.Version}, nil)
		if got := r.current(); got.Version != back.Version || got.Document != first.Document || got.Why != "back" {
			t.Errorf("after the roll back: %+v", got.RulesVersion)
		}
		var list []store.RulesVersion
		r.getRules(ann, PathRulesVersions, &list)
		if len(list) != 3 || list[0].Version != back.Version || list[2].Person != "" {
			t.Errorf("versions: %+v", list)
		}
	})
}

// A change of rules that are not in force any more is refused with what has changed.
func TestRulesChangedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		first := r.current()
		second := stored(t, r.putRulesAs(adminKey, first.Version, rulesOf(weekends), "&alone=1"))
		for what, w := range map[string]*httptest.ResponseRecorder{
			"stored":      r.putRulesAs(adminKey, first.Version, first.Document+" ", "&alone=1"),
			"rolled back": r.call(http.MethodPost, PathRollBackRules, adminKey, RollBackRequest{Version: first.Version, Changes: first.Version, Why: "x", Alone: true}),
		} {
			var c RulesConflict
			if err := json.Unmarshal(w.Body.Bytes(), &c); err != nil || w.Code != http.StatusConflict {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
			if c.Current.Version != second.Version || c.Current.Why != "decree 14" || len(c.Changes.Added) != 1 || c.Changes.Added[0].Name != "weekends" {
				t.Errorf("%s: the conflict says %+v", what, c)
			}
		}
		if got := r.current(); got.Version != second.Version {
			t.Errorf("version %d is in force", got.Version)
		}
	})
}

// Each problem names the rule and the field, in the language of the page.
func TestBadRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		bad := rulesOf(`{"name": "a", "colours": ["pink"], "venues": ["pub"], "then": "admitted", "txt": {}},` +
			`{"colours": [], "then": "admitted", "weekdays": ["Sunday"], "hours": {"from": "7:00", "until": "08:00"}, "from": "tomorrow"},`)
		worse := rulesOf(`{"name": "a", "colours": ["red"], "venues": ["pub"], "zones": ["blue"], "then": "idle", "occupancy_below": 2, ` +
			`"from": "2021-05-01T00:00:00Z", "until": "2021-04-01T00:00:00Z", "text": {"kk": "k"}}, {"name": "a", "colours": [], "then": "admitted", "text": {"kk": "k", "ru": "r", "en": "e"}},`)
		for document, want := range map[string][]string{
			bad:   {"a/colours", "a/txt", "2/from", "2/hours", "2/weekdays"},
			worse: {"a/venues", "a/zones", "a/then", "a/occupancy_below", "a/until", "a/text", "2/name", "2/colours"},
			strings.Replace(rulesOf(""), "Asia/Almaty", "Moon", 1): {"/timezone"},
			strings.Replace(rulesOf(""), "24h", "96h", 1):          {"/ages"},
			`{"nonsense": 1}`: {"/nonsense"},
			`nonsense`:        {"/"},
		} {
			english := r.problems(document, "en", want)
			for _, language := range []string{"kk", "ru"} {
				for i, p := range r.problems(document, language, want) {
					if p.Why == english[i].Why {
						t.Errorf("%s: %+v stays English", language, p)
					}
				}
			}
		}
		if r.current().Document != string(kiosk.DefaultRulesJSON()) {
			t.Error("bad rules were stored")
		}
		for _, path := range []string{PathRules, PathRules + "?why=x", PathRules + "?changes=1", PathRules + "?changes=1&why=" + strings.Repeat("x", 501)} {
			if w := r.call(http.MethodPut, path, adminKey, rulesOf(weekends)); w.Code != http.StatusBadRequest {
				t.Errorf("PUT %.40s: %d %s", path, w.Code, w.Body)
			}
		}
	})
}

// problems sends a document that cannot be stored.
func (r *rig) problems(document, language string, want []string) []RulesProblem {
	r.Helper()
	var all [2][]RulesProblem
	for i, ask := range []*http.Request{
		httptest.NewRequestWithContext(r.Context(), http.MethodPut, PathRules+"?changes=1&why=x", strings.NewReader(document)),
		httptest.NewRequestWithContext(r.Context(), http.MethodPost, PathRulesCheck, strings.NewReader(document)),
	} {
		ask.Header.Set("Authorization", "Bearer "+adminKey)
		ask.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, ask)
		var check RulesCheck
		if err := json.Unmarshal(w.Body.Bytes(), &check); err != nil || w.Code != []int{http.StatusUnprocessableEntity, http.StatusOK}[i] {
			r.Fatalf("%s %s: %d %s", ask.Method, ask.URL.Path, w.Code, w.Body)
		}
		all[i] = check.Problems
		var got []string
		for _, p := range check.Problems {
			got = append(got, p.Rule+"/"+p.Field)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") || check.Error.Error == "" {
			r.Errorf("problems %v, want %v: %+v", got, want, check)
		}
	}
	return all[0]
}

// The office sees what is odd about a document, and what it would have decided yesterday.
func TestRulesCheckAndPreview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		draft := rulesOf(weekends)
		var check RulesCheck
		r.post(PathRulesCheck, adminKey, draft, &check)
		if len(check.Changes.Added) != 1 || len(check.Never) != 0 || len(check.Gaps) != 0 {
			t.Errorf("check: %+v", check)
		}
		var codes EnrolCodesAnswer
		r.post(PathEnrolCodes, adminKey, EnrolCodesRequest{Doors: []EnrolDoor{{Name: "door", Venue: "cinema", Zone: "green"}}}, &codes)
		code, err := enrol.Parse(codes.Codes[0].Code)
		if err != nil {
			t.Fatal(err)
		}
		door := r.newBox(r.serveTLS(), boardA)
		door.enrol(code)
		almaty := time.FixedZone("Almaty", 6*3600) // in the year 2000
		yesterday := now().In(almaty).AddDate(0, 0, -1)
		noon := time.Date(yesterday.Year(), yesterday.Month(), yesterday.Day(), 12, 0, 0, 0, almaty)
		counts := api.Counts{ID: "1", From: noon, To: noon.Add(time.Minute), Count: map[string]uint64{"admitted/blue": 40, "admitted/green": 2}}
		if w := r.callAs(door, http.MethodPost, api.PathCounts, counts); w.Code != http.StatusNoContent {
			t.Fatalf("counts: %d %s", w.Code, w.Body)
		}
		saturday := noon
		for saturday.Weekday() != time.Saturday {
			saturday = saturday.AddDate(0, 0, 1)
		}
		monday := saturday.AddDate(0, 0, 2)
		for day, turned := range map[time.Time]int64{saturday: 40, monday: 0} {
			var p RulesPreview
			r.post(PathRulesPreview+"?on="+day.Format(time.DateOnly), adminKey, draft, &p)
			if p.All.Before.Admitted != 42 || p.All.After.TurnedBack != turned || p.Others != 0 || p.Counts != noon.Format(time.DateOnly) {
				t.Errorf("%v: %+v", day.Weekday(), p)
			}
		}
	})
}
