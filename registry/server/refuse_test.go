package server

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1/sign1test"
	citizens "ashyq-kiosk/registry/phone"
)

// strangeKey has the form of a key, and nobody has it.
var strangeKey = api.FormatKey(make([]byte, api.KeySize))

// aDoor stands for a door's certificate in place of a key.
const aDoor = "a door"

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab, centre, p := r.source(Laboratory), r.source(Covid19Centre), r.activate(iinA, 3)
		b := r.newBox(r.serveTLS(), boardA)
		b.enrol(codesFor(r, "door")[0])
		result := func(change func(*ResultRequest)) ResultRequest {
			q := ResultRequest{IIN: iinA, Sample: "1", Result: "negative", Taken: now()}
			change(&q)
			return q
		}
		r.post(PathResults, lab, result(func(*ResultRequest) {}), nil)
		r.post(PathResults, lab, result(func(*ResultRequest) {}), nil) // the same again
		counts := func(change func(*api.Counts)) api.Counts {
			q := api.Counts{ID: "1", From: now().Add(-time.Hour), To: now(), Count: map[string]uint64{"admitted/green": 1}}
			change(&q)
			return q
		}
		stale, err := p.Self(time.Now().Add(-2 * pass.MaxAge))
		r.must(err)
		stranger, err := citizens.New(keyOf(99)).Self(time.Now())
		r.must(err)
		signed, err := base64.RawURLEncoding.DecodeString(r.selfOf(p))
		r.must(err)
		signed[len(signed)-1] ^= 1
		forged := base64.RawURLEncoding.EncodeToString(signed)

		for _, test := range []struct {
			name, method, path, key string
			body                    any
			code                    int
			hint                    string // part of it
		}{
			{"no key", "POST", PathResults, "", "{}", 401, "Bearer"},
			{"not a key", "POST", PathResults, adminKey[2:], "{}", 401, "k1"},
			{"unknown key", "POST", PathResults, strangeKey, "{}", 401, "laboratory"},
			{"the administrator is no laboratory", "POST", PathResults, adminKey, "{}", 401, "laboratory"},
			{"a laboratory is no Covid-19 centre", "POST", PathContacts, lab, "{}", 403, "Covid-19 centre"},
			{"the Covid-19 centre is no laboratory", "POST", PathResults, centre, "{}", 403, "laboratory"},
			{"a laboratory is no administrator", "POST", PathCitizens, lab, "{}", 401, "admin.key"},
			{"a laboratory is no door", "POST", api.PathCheck, lab, "{}", 401, "enrolled doors"},
			{"wrong method", "GET", PathResults, lab, "", 405, "POST"},
			{"no such path", "GET", "/v1/nothing", "", "", 404, "/v1/"},
			{"not JSON", "POST", PathResults, lab, "iin", 400, "JSON"},
			{"two values", "POST", PathResults, lab, "{}{}", 400, "JSON"},
			{"unknown field", "POST", PathResults, lab, `{"colour":"green"}`, 400, "colour"},
			{"wrong type", "POST", PathResults, lab, `{"iin":11399500018}`, 400, "iin"},
			{"wrong time", "POST", PathResults, lab, `{"taken":"yesterday"}`, 400, "2021-04-20T12:00:00Z"},
			{"large body", "POST", PathResults, lab, `{"iin":"` + strings.Repeat("0", 20000) + `"}`, 413, "16384"},
			{"typing error in the IIN", "POST", PathResults, lab, result(func(q *ResultRequest) { q.IIN = "011399500019" }), 400, "typing"},
			{"no IIN", "POST", PathCitizens, adminKey, "{}", 400, "typing"},
			{"unknown result", "POST", PathResults, lab, result(func(q *ResultRequest) { q.Result = "maybe" }), 400, "positive"},
			{"no sample", "POST", PathResults, lab, result(func(q *ResultRequest) { q.Sample = "" }), 400, "64"},
			{"no time", "POST", PathResults, lab, result(func(q *ResultRequest) { q.Taken = time.Time{} }), 400, "written"},
			{"future", "POST", PathResults, lab, result(func(q *ResultRequest) { q.Taken = now().Add(time.Hour) }), 400, "clock"},
			{"too old", "POST", PathResults, lab, result(func(q *ResultRequest) { q.Taken = now().Add(-15 * 24 * time.Hour) }), 400, "date"},
			{"same sample, other result", "POST", PathResults, lab, result(func(q *ResultRequest) { q.Result = "positive" }), 409, "sample"},
			{"same sample, other citizen", "POST", PathResults, lab, result(func(q *ResultRequest) { q.IIN = iinB }), 409, "sample"},
			{"old contact", "POST", PathContacts, centre, ContactRequest{IIN: iinA, Since: now().AddDate(-1, 0, 0)}, 400, "date"},
			{"taken source", "POST", PathSources, adminKey, SourceRequest{Name: Laboratory, Kind: Laboratory}, 409, "another"},
			{"unknown kind of source", "POST", PathSources, adminKey, SourceRequest{Name: "x", Kind: "oracle"}, 400, "laboratory"},
			{"revoke a stranger", "POST", PathRevoke, adminKey, CitizenRequest{IIN: iinB}, 404, "number"},
			{"short key", "POST", PathActivate, "", ActivateRequest{Code: "0", Key: "AAAA"}, 400, "Ed25519"},
			{"wrong code", "POST", PathActivate, "", ActivateRequest{Code: "0", Key: p.Key()}, 403, "typing"},
			{"check of no code", "POST", api.PathCheck, aDoor, api.CheckRequest{Code: "HC1:X"}, 422, "newest"},
			{"not signed", "POST", PathSelf, "", SelfRequest{Self: "HC1:X"}, 400, "phone"},
			{"signed long ago", "POST", PathSelf, "", SelfRequest{Self: stale}, 403, "clock"},
			{"forged", "POST", PathSelf, "", SelfRequest{Self: forged}, 403, "open the pass"},
			{"a phone without a pass", "POST", PathSelf, "", SelfRequest{Self: stranger}, 404, "sign in"},
			{"counts of the future", "POST", api.PathCounts, aDoor, counts(func(q *api.Counts) { q.To = now().Add(time.Hour) }), 400, "clock"},
			{"counts of last year", "POST", api.PathCounts, aDoor, counts(func(q *api.Counts) { q.From = now().AddDate(-1, 0, 0) }), 400, "30 days"},
			{"counts without id", "POST", api.PathCounts, aDoor, counts(func(q *api.Counts) { q.ID = "" }), 400, "id"},
			{"counts with a text", "POST", api.PathCounts, aDoor, counts(func(q *api.Counts) { q.Count["A person's name"] = 1 }), 400, "admitted"},
			{"not a version", "GET", api.PathManifest + "?after=x&wait=1s", "", "", 400, "after"},
			{"not a wait", "GET", api.PathManifest + "?after=1&wait=25", "", "", 400, "wait"},
			{"not a hash", "GET", api.PathBlob + "/" + strings.Repeat("AB", 32), "", "", 400, "lower"},
			{"longer than a hash", "GET", api.PathBlob + "/" + strings.Repeat("ab", 33), "", "", 400, "64"},
			{"no such blob", "GET", api.PathBlob + "/" + strings.Repeat("ab", 32), "", "", 404, "manifest"},
		} {
			var w *httptest.ResponseRecorder
			if test.key == aDoor {
				w = r.callAs(b, test.method, test.path, test.body)
			} else {
				w = r.call(test.method, test.path, test.key, test.body)
			}
			var e api.Error
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != test.code || e.Error == "" || !strings.Contains(e.Hint, test.hint) {
				t.Errorf("%s: %d %s, want %d with hint %q", test.name, w.Code, w.Body, test.code, test.hint)
			}
		}
		r.stop()
		for _, secret := range []string{iinA, "011399500019", adminKey, lab, boardA, p.Key()} {
			if strings.Contains(r.log.String(), secret) {
				t.Errorf("the log contains %q:\n%s", secret, r.log.String())
			}
		}
		if !strings.Contains(r.log.String(), "path="+PathRevoke) {
			t.Errorf("the log has no requests:\n%s", r.log.String())
		}
	})
}

// A phone's key that needs no private one would make everybody who saw one of its codes a holder.
func TestActivateRefusesWeakKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var c CitizenAnswer
		r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinA}, &c)
		for _, weak := range sign1test.WeakKeys {
			w := r.call(http.MethodPost, PathActivate, "", ActivateRequest{Code: c.Code, Key: base64.RawURLEncoding.EncodeToString(weak.Key())})
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "Ed25519") {
				t.Errorf("%s: %d %s, want 400 with a hint", weak.Name, w.Code, w.Body)
			}
		}
		r.activateWith(c.Code, 3) // and the code is still good
	})
}

// A name with an invisible character in it looks like another one; one that turns the direction of
// writing hides what it is.
func TestNamesAreVisible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab := r.source(Laboratory)
		const name, want = "door \u202e1 rood", "U+202E RIGHT-TO-LEFT OVERRIDE"
		for what, w := range map[string]*httptest.ResponseRecorder{
			"door":   r.call("POST", PathEnrolCodes, adminKey, EnrolCodesRequest{Doors: []EnrolDoor{{Name: name, Venue: "shop"}}}),
			"source": r.call("POST", PathSources, adminKey, SourceRequest{Name: name, Kind: Laboratory}),
			"sample": r.call("POST", PathResults, lab, ResultRequest{IIN: iinA, Sample: name, Result: "negative", Taken: now()}),
			"Wi-Fi": r.call("POST", PathEnrolCodes, adminKey, EnrolCodesRequest{
				Doors: []EnrolDoor{{Name: "door", Venue: "shop"}}, WiFi: &api.WiFi{SSID: name, Passphrase: "correct horse"},
			}),
		} {
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d %s, want 400 that names %s", what, w.Code, w.Body, want)
			}
		}
	})
}

// A letter that is written in two encodings is one letter.
func TestNamesInTwoEncodings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		const composed, apart = "\u0419од", "\u0418\u0306од" // Йод
		lab := r.source(Laboratory)
		door := func(name string) string { return `{"name":"` + name + `","venue":"shop"}` }
		result := func(sample string) string {
			return `{"iin":"` + iinA + `","sample":"` + sample + `","result":"negative","taken":"` + now().Format(time.RFC3339) + `"}`
		}
		for _, c := range []struct {
			what, path, key, body string
			code                  int
		}{
			{"a source", PathSources, adminKey, `{"name":"` + apart + `","kind":"laboratory"}`, 200},
			{"the same source", PathSources, adminKey, `{"name":"` + composed + `","kind":"laboratory"}`, 409},
			{"suspend it", PathSuspendSource, adminKey, `{"name":"` + apart + `"}`, 204},
			{"limit it", PathLimitSource, adminKey, `{"name":"` + apart + `","hourly":1}`, 204},
			{"two doors of one name", PathEnrolCodes, adminKey, `{"doors":[` + door(apart) + `,` + door(composed) + `]}`, 400},
			{"a door", PathEnrolCodes, adminKey, `{"doors":[` + door(apart) + `]}`, 200},
			{"the same door", PathEnrolCodes, adminKey, `{"doors":[` + door(composed) + `]}`, 200},
			{"revoke it", PathRevokeDoor, adminKey, `{"name":"` + apart + `"}`, 204},
			{"a sample", PathResults, lab, result(apart), 204},
			{"the same sample again", PathResults, lab, result(composed), 204},
			{"correct it", PathCorrect, lab, `{"sample":"` + apart + `","why":"` + apart + `","next":{"kind":"positive"}}`, 200},
			{"withdraw it", PathWithdraw, lab, `{"sample":"` + apart + `","why":"x","person":"` + apart + `"}`, 204},
			{"a batch", PathRecords, lab, `{"records":[{"iin":"` + iinA + `","sample":"` + apart + `","kind":"negative","at":"` + now().Format(time.RFC3339) + `"}]}`, 200},
			{"withdraw it from the batch", PathWithdraw, lab, `{"sample":"` + composed + `","why":"x"}`, 204},
			{"look at all of a source", PathWithdrawSource, adminKey, `{"name":"` + apart + `","since":"` + now().Format(time.RFC3339) + `","preview":true}`, 200},
		} {
			if w := r.call("POST", c.path, c.key, c.body); w.Code != c.code {
				t.Errorf("%s: %d %s, want %d", c.what, w.Code, w.Body, c.code)
			}
		}
		o := r.lookNow()
		if len(o.Doors) != 1 || o.Doors[0].Name != composed || len(o.Sources) != 2 {
			t.Errorf("doors %+v, sources %+v", o.Doors, o.Sources)
		}
		for _, s := range o.Sources {
			if s.Name == apart || s.Name == Laboratory && s.Records != 2 {
				t.Errorf("source %+q has %d records", s.Name, s.Records)
			}
		}
	})
}

func TestDoorAndOverview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab, centre, p := r.source(Laboratory), r.source(Covid19Centre), r.activate(iinA, 3)
		b := r.newBox(r.serveTLS(), boardA)
		b.enrol(codesFor(r, "door")[0])
		version := r.manifestAfter(0, 0).Version
		r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "1", Result: "negative", Taken: now().Add(-time.Hour)}, nil)
		r.post(PathContacts, centre, ContactRequest{IIN: iinA, Since: now().Add(-2 * time.Hour)}, nil)

		var check api.CheckAnswer // at once, before it is published
		b.ask(http.MethodPost, api.PathCheck, api.CheckRequest{Code: r.code(p)}, &check)
		if check.Status != "yellow" || !check.Until.Equal(now().Add(ContactLasts-2*time.Hour)) || !check.AsOf.Equal(now()) {
			t.Errorf("check: %+v", check)
		}
		r.follow(version)
		report := api.Counts{ID: "a", From: now().Add(-time.Hour), To: now(), Count: map[string]uint64{"admitted/green": 2, "code-refused/none": 1}}
		b.ask(http.MethodPost, api.PathCounts, report, nil)
		b.ask(http.MethodPost, api.PathCounts, report, nil) // the answer was lost
		report.ID = "b"
		b.ask(http.MethodPost, api.PathCounts, report, nil)

		o := r.lookNow()
		if o.Citizens != 1 || o.People["yellow"] != 1 || o.Disagreements != 1 || o.Version <= version {
			t.Errorf("overview: %+v", o)
		}
		if len(o.Doors) != 1 || o.Doors[0].Counts["admitted/green"] != 4 || o.Doors[0].Counts["code-refused/none"] != 2 || !o.Doors[0].Seen.Equal(now()) {
			t.Errorf("doors: %+v", o.Doors)
		}
		if len(o.Sources) != 2 || o.Sources[0].Name != Covid19Centre || o.Sources[1].Records != 1 || !o.Sources[1].Last.Equal(now()) {
			t.Errorf("sources: %+v", o.Sources)
		}
		metrics := r.figures()
		for _, line := range []string{
			`ashyq_registry_requests_total{code="204",method="POST",path="/v1/counts"} 3`,
			`ashyq_registry_waiting_doors 0`, `ashyq_registry_manifest_version 4`, `ashyq_registry_publish_seconds_count 2`,
		} {
			if !strings.Contains(metrics, line) {
				t.Errorf("metrics have no line %s", line)
			}
		}
		if w := r.call(http.MethodGet, "/healthz", "", ""); w.Code != http.StatusOK {
			t.Errorf("health: %d %s", w.Code, w.Body)
		}
	})
}

func TestRemote(t *testing.T) {
	for _, test := range []struct{ addr, forwarded, want string }{
		{"192.0.2.7:1", "", "192.0.2.7/32"},
		{"192.0.2.7:1", "198.51.100.1", "192.0.2.7/32"}, // only a proxy of this machine is believed
		{"127.0.0.1:1", "198.51.100.1", "198.51.100.1/32"},
		{"[::1]:1", "spoofed, 203.0.113.9 ,198.51.100.1", "198.51.100.1/32"},
		{"127.0.0.1:1", "nonsense", "127.0.0.1/32"},
		{"[2001:db8:1:2:3:4:5:6]:1", "", "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.7]:1", "", "192.0.2.7/32"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = test.addr
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if got := remote(r).String(); got != test.want {
			t.Errorf("%s behind %q: %s, want %s", test.addr, test.forwarded, got, test.want)
		}
	}
}
