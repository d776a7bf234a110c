package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/registry/store"
)

// report enters a result of this moment, which has to count at once.
func (r *rig) report(lab int64, iin store.IIN, sample string, kind store.Kind) {
	r.Helper()
	to, err := r.opt.Store.Enter(r.Context(), lab, []store.Entry{{IIN: iin, Sample: sample, Kind: kind, At: now()}}, "clerk", now())
	r.must(err)
	if to[0].Err != nil || to[0].Waits {
		r.Errorf("%+v", to[0])
	}
}

// positives reports so many positive people at the same moment, and counts the answers.
func (r *rig) positives(lab string, n int, taken time.Time) map[int]int {
	answers := make([]int, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			iin := person(i)
			answers[i] = r.call(http.MethodPost, PathResults, lab, ResultRequest{IIN: iin, Sample: iin, Result: "positive", Taken: taken}).Code
		})
	}
	all.Wait()
	count := map[int]int{}
	for _, code := range answers {
		count[code]++
	}
	return count
}

func (r *rig) look() looked {
	r.Helper()
	time.Sleep(10 * time.Second) // fake; until everything is published
	return r.lookNow()
}

// A stolen key makes only so many people green for months, and keeps no contact waiting; negative
// results are not limited.
func TestOneKeyTurnsFewPeopleGreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		centre, register, lab := r.source(Covid19Centre), r.source(VaccinationRegister), r.source(Laboratory)
		send := func(key, kind string, first, n int) (counted, waiting int) {
			var records []EntryRequest
			for i := range n {
				records = append(records, EntryRequest{IIN: person(first + i), Sample: fmt.Sprint(kind, first+i), Kind: kind, At: now()})
			}
			var a RecordsAnswer
			r.post(PathRecords, key, RecordsRequest{Records: records}, &a)
			for _, one := range a.Records {
				switch one.Outcome {
				case "entered":
					counted++
				case "waits":
					waiting++
				}
			}
			return counted, waiting
		}
		r.post(PathLimitSource, adminKey, LimitRequest{Name: VaccinationRegister, Hourly: new(20)}, nil)
		for _, step := range []struct {
			key, kind     string
			first, n      int
			counted, wait int
		}{
			{centre, "recovered", 0, 310, 300, 10},
			{centre, "contact", 400, 310, 300, 10},
			{register, "vaccinated", 800, 21, 20, 1},
			{lab, "negative", 1000, 400, 400, 0},
		} {
			if counted, wait := send(step.key, step.kind, step.first, step.n); counted != step.counted || wait != step.wait {
				t.Errorf("of %d %s, %d count and %d wait, want %d and %d", step.n, step.kind, counted, wait, step.counted, step.wait)
			}
		}
		if o := r.look(); o.People["green"] != 300+20+400 || o.People["yellow"] != 300 {
			t.Errorf("the colours are %v", o.People)
		}
		r.pass(time.Hour)
		if counted, wait := send(register, "vaccinated", 900, 20); counted != 20 || wait != 0 {
			t.Errorf("an hour later %d count and %d wait", counted, wait)
		}
	})
}

// A stolen key turns only so many people red; the others wait for the administrator, and nothing is
// lost.
func TestOneKeyTurnsFewPeopleRed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab := r.source(Laboratory)
		taken := now()
		answers := r.positives(lab, 300, taken)
		o := r.look()
		if o.People["red"] != 100 || o.Citizens != 300 || answers[http.StatusNoContent] != 100 || answers[http.StatusAccepted] != 200 {
			t.Errorf("%d of %d people are red, the laboratory was answered %v; want 100 red, 200 waiting", o.People["red"], o.Citizens, answers)
		}
		if again := r.positives(lab, 300, taken); fmt.Sprint(again) != fmt.Sprint(answers) {
			t.Errorf("the same again is answered %v, want %v", again, answers)
		}
		w := r.call(http.MethodPost, PathResults, lab, ResultRequest{IIN: person(300), Sample: "next", Result: "positive", Taken: taken})
		if w.Code != http.StatusAccepted || !strings.Contains(w.Body.String(), "administrator") {
			t.Errorf("the laboratory is told %d %s", w.Code, w.Body)
		}
		r.post(PathResults, lab, ResultRequest{IIN: person(301), Sample: "a negative one", Result: "negative", Taken: taken}, nil)

		seen := r.look().Sources[0]
		if seen.Waiting != 201 || seen.Hourly != 100 || seen.Records != 101 {
			t.Fatalf("the overview says %+v", seen)
		}
		r.call(http.MethodPost, PathResults, lab, ResultRequest{IIN: person(302), Sample: "later", Result: "positive", Taken: taken})
		var decided DecideAnswer
		r.post(PathApprove, adminKey, DecideRequest{Name: Laboratory, Last: seen.WaitingLast}, &decided)
		o = r.look()
		if decided.Records != 201 || o.People["red"] != 301 || o.Sources[0].Waiting != 1 || len(o.Waiting) != 1 || o.Waiting[0].IIN != person(302) {
			t.Errorf("%d approved, %d red, then waiting: %+v", decided.Records, o.People["red"], o.Waiting)
		}
		r.post(PathDiscard, adminKey, DecideRequest{Name: Laboratory, Last: o.Sources[0].WaitingLast}, &decided)
		if o = r.look(); decided.Records != 1 || o.People["red"] != 301 || o.Sources[0].Waiting != 0 {
			t.Errorf("%d discarded, then %+v", decided.Records, o.Sources)
		}
		r.post(PathLimitSource, adminKey, LimitRequest{Name: Laboratory, Hourly: new(302)}, nil)
		if w := r.call(http.MethodPost, PathResults, lab, ResultRequest{IIN: person(302), Sample: "later", Result: "positive", Taken: taken}); w.Code != http.StatusConflict {
			t.Errorf("what the administrator has discarded comes again: %d %s", w.Code, w.Body)
		}
		r.post(PathResults, lab, ResultRequest{IIN: person(302), Sample: "later", Result: "positive", Taken: taken, Signed: Signed{Again: true}}, nil)
		r.pass(time.Hour)
		r.post(PathResults, lab, ResultRequest{IIN: person(303), Sample: "an hour later", Result: "positive", Taken: taken}, nil)
	})
}

// The Covid-19 centre's contacts are limited like positive results.
func TestContactsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var centre SourceAnswer
		r.post(PathSources, adminKey, SourceRequest{Name: "centre", Kind: Covid19Centre, Hourly: 2}, &centre)
		since := now()
		var codes []int
		for _, n := range []int{0, 1, 2, 2, 0} {
			codes = append(codes, r.call(http.MethodPost, PathContacts, centre.Key, ContactRequest{IIN: person(n), Since: since}).Code)
		}
		if fmt.Sprint(codes) != "[204 204 202 202 204]" {
			t.Errorf("answers %v", codes)
		}
		o := r.look()
		r.post(PathApprove, adminKey, DecideRequest{Name: "centre", Last: o.Sources[0].WaitingLast}, &DecideAnswer{})
		if before, after := o.People["yellow"], r.look().People["yellow"]; before != 2 || after != 3 {
			t.Errorf("%d contacts are yellow, then %d; want 2, then 3", before, after)
		}
		for _, body := range []any{LimitRequest{Name: "centre", Hourly: new(-1)}, LimitRequest{Name: "centre", Hourly: new(maxHourly + 1)}} {
			if w := r.call(http.MethodPost, PathLimitSource, adminKey, body); w.Code != http.StatusBadRequest {
				t.Errorf("%+v: %d %s", body, w.Code, w.Body)
			}
		}
	})
}

func TestAKeyIsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		key := r.source(Laboratory)
		name := fmt.Sprintf(`{"name": %q}`, Laboratory)
		enter := func(what, key string, want int, hint string) {
			t.Helper()
			w := r.call(http.MethodPost, PathResults, key, ResultRequest{IIN: iinA, Sample: "1", Result: "negative", Taken: now()})
			if w.Code != want || !strings.Contains(w.Body.String(), hint) {
				t.Errorf("%s: %d %s, want %d with %q", what, w.Code, w.Body, want, hint)
			}
		}
		change := func(what string) *SourceAnswer {
			t.Helper()
			w := r.call(http.MethodPost, "/v1/sources/"+what, adminKey, name)
			if w.Code >= 300 {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
			var a SourceAnswer
			if w.Code == http.StatusOK {
				if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
					t.Fatal(err)
				}
			}
			return &a
		}
		enter("a good key", key, 204, "")
		change("suspend")
		enter("a suspended key", key, 403, "administrator")
		change("resume")
		enter("a resumed key", key, 204, "")
		rotated := change("rotate").Key
		enter("a replaced key", key, 401, "administrator")
		enter("its successor", rotated, 204, "")
		change("revoke")
		enter("a revoked key", rotated, 401, "administrator")
		change("resume")
		enter("a revoked key does not come back", rotated, 401, "administrator")
		enter("the key after that", change("rotate").Key, 204, "")
		for _, what := range []string{"suspend", "resume", "rotate", "revoke"} {
			if w := r.call(http.MethodPost, "/v1/sources/"+what, adminKey, `{"name": "x"}`); w.Code != 404 || !strings.Contains(w.Body.String(), "overview") {
				t.Errorf("%s an unknown source: %d %s", what, w.Code, w.Body)
			}
			if w := r.call(http.MethodPost, "/v1/sources/"+what, key, name); w.Code != 401 {
				t.Errorf("%s by a laboratory: %d %s", what, w.Code, w.Body)
			}
		}
	})
}
