package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// TestLengthTellsNoColour: TLS hides what is in an answer, and not how long it is. Whoever watches
// the network of a phone or of a door must not tell colours apart by that.
func TestLengthTellsNoColour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newCheckRig(t)
		lab, centre := r.source(Laboratory), r.source(Covid19Centre)
		at := now().Add(-time.Hour)
		people := map[string]phone{}
		for i, become := range []struct {
			status string
			by     func(iin string)
		}{
			{"valid", func(string) {}},
			{"red", func(iin string) {
				r.post(PathResults, lab, ResultRequest{IIN: iin, Sample: "1", Result: "positive", Taken: at}, nil)
			}},
			{"yellow", func(iin string) { r.post(PathContacts, centre, ContactRequest{IIN: iin, Since: at}, nil) }},
			{"green", func(iin string) {
				for _, sample := range []string{"2", "3"} {
					r.post(PathResults, lab, ResultRequest{IIN: iin, Sample: sample, Result: "negative", Taken: at}, nil)
				}
			}},
			{"suspended", func(iin string) { r.post(PathSuspend, adminKey, CitizenRequest{IIN: iin}, nil) }},
			{"invalid", func(iin string) { r.post(PathRevoke, adminKey, CitizenRequest{IIN: iin}, nil) }},
		} {
			people[become.status] = r.activate(person(i), byte(10+i))
			become.by(person(i))
		}
		time.Sleep(time.Minute) // fake: everything is published
		lengths := map[string]map[int][]string{api.PathCheck: {}, PathSelf: {}, PathOwnHistory: {}}
		for status, p := range people {
			measure := func(path string, code int, body string) {
				if code != http.StatusOK || path != PathOwnHistory && !strings.Contains(body, fmt.Sprintf(`"status":%q`, status)) {
					t.Errorf("%s, %s: %d %s", status, path, code, body)
				}
				lengths[path][len(body)] = append(lengths[path][len(body)], status)
			}
			w := r.callAs(r.doors[0], http.MethodPost, api.PathCheck, api.CheckRequest{Code: r.code(p)})
			measure(api.PathCheck, w.Code, w.Body.String())
			w = r.call(http.MethodPost, PathSelf, "", SelfRequest{Self: r.selfOf(p)})
			measure(PathSelf, w.Code, w.Body.String())
			if status != "invalid" { // that phone is refused
				w = r.call(http.MethodPost, PathOwnHistory, "", r.askOf(p, PathOwnHistory, ""))
				measure(PathOwnHistory, w.Code, w.Body.String())
			}
		}
		for path, seen := range lengths {
			if len(seen) != 1 {
				t.Errorf("%s: lengths tell people apart: %v", path, seen)
			}
		}
	})
}
