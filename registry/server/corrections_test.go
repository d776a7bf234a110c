package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// refused wants a request to be refused with this code and these words.
func (r *rig) refused(what, path, key string, body any, code int, words string) {
	r.Helper()
	w := r.call(http.MethodPost, path, key, body)
	if w.Code != code || !strings.Contains(w.Body.String(), words) {
		r.Errorf("%s: %d %s, want %d with %q", what, w.Code, w.Body, code, words)
	}
}

func (r *rig) entries(key string) []store.TodayEntry {
	r.Helper()
	var today []store.TodayEntry
	w := r.call(http.MethodGet, PathToday, key, "")
	if err := json.Unmarshal(w.Body.Bytes(), &today); err != nil {
		r.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return today
}

// A mistyped positive is corrected or withdrawn, by the laboratory that entered it or by the
// administrator and by nobody else, and the person is free.
func TestMistypedPositive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab, centre := r.source(Laboratory), r.source(Covid19Centre)
		p := r.activate(iinA, 1)
		taken := now()
		red := func(sample string) {
			t.Helper()
			r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: sample, Result: "positive", Taken: taken, Signed: Signed{Person: "Aigerim"}}, nil)
			time.Sleep(2 * time.Second) // fake
			if got := r.section(r.manifestAfter(0, 0), 0).Get(p.index); got != statuslist.Red {
				t.Fatalf("after a positive the list says %v", got)
			}
		}
		is := func(what string, want statuslist.Status) {
			t.Helper()
			time.Sleep(2 * time.Second) // fake
			if got := r.section(r.manifestAfter(0, 0), 0).Get(p.index); got != want {
				t.Errorf("%s: the list says %v, want %v", what, got, want)
			}
			if got := r.self(p); got.Colour != colours[want] {
				t.Errorf("%s: the phone says %+v, want %v", what, got, want)
			}
		}
		red("1")
		r.refused("the centre withdraws", PathWithdraw, centre, Target{Sample: "1", Why: "x"}, http.StatusNotFound, "no such record")
		r.refused("the centre withdraws by id", PathWithdraw, centre, Target{Record: 1, Why: "x"}, http.StatusNotFound, "no such record")
		r.refused("the centre corrects", PathCorrect, centre, CorrectRequest{Target: Target{Record: 1, Why: "x"}}, http.StatusNotFound, "no such record")
		is("after others tried", statuslist.Red)
		for range 2 { // the answer may be lost
			r.post(PathWithdraw, lab, Target{Sample: "1", Why: "typing error", Person: "Aigerim"}, nil)
		}
		is("withdrawn", statuslist.Valid)
		r.refused("the same batch again", PathResults, lab, ResultRequest{IIN: iinA, Sample: "1", Result: "positive", Taken: taken},
			http.StatusConflict, "again")

		red("2")
		var to EntryAnswer
		r.post(PathCorrect, lab, CorrectRequest{Target: Target{Sample: "2", Why: "typing error"}, Next: EntryRequest{Kind: "negative"}}, &to)
		is("corrected", statuslist.Green)
		if to.Outcome != "entered" {
			t.Errorf("a correction answers %+v", to)
		}
		r.refused("a correction without a change", PathCorrect, lab, CorrectRequest{Target: Target{Sample: "2", Why: "x"}}, http.StatusBadRequest, "changes nothing")
		r.refused("a correction into the future", PathCorrect, lab, CorrectRequest{Target: Target{Sample: "2", Why: "x"}, Next: EntryRequest{At: now().Add(time.Hour)}},
			http.StatusBadRequest, "in the future")
		r.refused("a correction into what a laboratory does not send", PathCorrect, lab, CorrectRequest{Target: Target{Sample: "2", Why: "x"}, Next: EntryRequest{Kind: "vaccinated"}},
			http.StatusBadRequest, "kind")

		red("3")
		id := r.entries(lab)[0].ID
		r.post(PathWithdraw, adminKey, Target{Record: id, Why: "another person"}, nil)
		is("withdrawn by the administrator", statuslist.Green)
		r.refused("corrected after that", PathCorrect, lab, CorrectRequest{Target: Target{Sample: "3", Why: "x"}, Next: EntryRequest{Kind: "negative"}},
			http.StatusConflict, "meanwhile")

		var history []store.Kept
		r.post(PathHistory, adminKey, CitizenRequest{IIN: iinA}, &history)
		var log []string
		for _, k := range slices.Backward(history) {
			for _, e := range k.Events {
				log = append(log, fmt.Sprintf("%s %s: %s %s by %s (%s)", k.Sample, k.Kind, e.What, e.Source, e.Person, e.Why))
			}
		}
		want := []string{
			"1 positive: entered laboratory by Aigerim ()", "1 positive: withdrawn laboratory by Aigerim (typing error)",
			"2 positive: entered laboratory by Aigerim ()", "2 positive: corrected laboratory by laboratory (typing error)",
			"2 negative: entered laboratory by laboratory ()",
			"3 positive: entered laboratory by Aigerim ()", "3 positive: withdrawn  by administrator (another person)",
		}
		if !slices.Equal(log, want) {
			t.Errorf("the log says\n%s\nwant\n%s", strings.Join(log, "\n"), strings.Join(want, "\n"))
		}
		if today := r.entries(lab); len(today) != 4 || today[0].IINEnd != iinA[8:] || strings.Contains(fmt.Sprint(today), iinA) {
			t.Errorf("the laboratory's day: %+v", today)
		}
		if today := r.entries(centre); len(today) != 0 {
			t.Errorf("the centre sees %+v", today)
		}
	})
}

func TestTargets(t *testing.T) {
	r := newRig(t)
	lab := r.source(Laboratory)
	r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "1", Result: "positive", Taken: now()}, nil)
	for what, target := range map[string]Target{
		"nothing":         {Why: "x"},
		"both":            {Record: 1, Sample: "1", Why: "x"},
		"no reason":       {Sample: "1"},
		"a long reason":   {Sample: "1", Why: strings.Repeat("x", 201)},
		"a hidden reason": {Sample: "1", Why: "x\u202e"},
		"a long name":     {Sample: "1", Why: "x", Person: strings.Repeat("x", 65)},
		"a hidden name":   {Sample: "1", Why: "x", Person: "x\u200b"},
	} {
		r.refused(what, PathWithdraw, lab, target, http.StatusBadRequest, "hint")
		r.refused(what, PathCorrect, lab, CorrectRequest{Target: target}, http.StatusBadRequest, "hint")
	}
	r.refused("the administrator by a sample", PathWithdraw, adminKey, Target{Sample: "1", Why: "x"}, http.StatusBadRequest, "id")
	r.refused("a negative id", PathWithdraw, lab, Target{Record: -1, Why: "x"}, http.StatusNotFound, "")
	r.refused("without a key", PathWithdraw, "", Target{Record: 1, Why: "x"}, http.StatusUnauthorized, "")
	if today := r.entries(lab); len(today) != 1 || today[0].State != store.InForce {
		t.Errorf("after all that: %+v", today)
	}
	if w := r.call(http.MethodGet, PathToday+"?since=yesterday", lab, ""); w.Code != http.StatusBadRequest {
		t.Errorf("since yesterday: %d %s", w.Code, w.Body)
	}
}

// Each field of a record, wrong in each way.
func TestEntryFields(t *testing.T) {
	r := newRig(t)
	long := strings.Repeat("x", 65)
	good := map[string]EntryRequest{
		Laboratory:          {IIN: iinA, Sample: "1", Kind: "inconclusive", At: now()},
		PCRPortal:           {IIN: iinA, Sample: "1", Kind: "positive", At: now(), Laboratory: "City laboratory"},
		Covid19Centre:       {IIN: iinA, Kind: "contact", At: now(), IndexCase: "case 17"},
		VaccinationRegister: {IIN: iinA, Kind: "vaccinated", At: now().Add(-364 * day)},
	}
	change := func(kind string, f func(*EntryRequest)) EntryRequest {
		e := good[kind]
		f(&e)
		return e
	}
	for kind, entry := range good {
		key := r.source(kind)
		batch := []EntryRequest{entry}
		want := []string{"entered "}
		for _, wrong := range []struct {
			want string
			f    func(*EntryRequest)
		}{
			{"refused iin", func(e *EntryRequest) { e.IIN = iinA[:11] + "9" }},
			{"refused iin", func(e *EntryRequest) { e.IIN = "" }},
			{"refused kind", func(e *EntryRequest) { e.Kind = "" }},
			{"refused kind", func(e *EntryRequest) { e.Kind = "POSITIVE" }},
			{"refused kind", func(e *EntryRequest) { e.Kind = "settled" }},
			{"refused at", func(e *EntryRequest) { e.At = time.Time{} }},
			{"refused at", func(e *EntryRequest) { e.At = now().Add(6 * time.Minute) }},
			{"refused at", func(e *EntryRequest) { e.At = now().Add(-366 * day) }},
			{"refused sample", func(e *EntryRequest) { e.Sample = long }},
			{"refused sample", func(e *EntryRequest) { e.Sample = "1\u2060" }},
			{"refused laboratory", func(e *EntryRequest) { e.Laboratory = long }},
			{"refused index_case", func(e *EntryRequest) { e.IndexCase = long }},
		} {
			batch, want = append(batch, change(kind, wrong.f)), append(want, wrong.want)
		}
		if kind == Laboratory || kind == PCRPortal {
			batch, want = append(batch, change(kind, func(e *EntryRequest) { e.Sample = "" })), append(want, "refused sample")
		}
		batch, want = append(batch, entry), append(want, "known ")
		var answer RecordsAnswer
		r.post(PathRecords, key, RecordsRequest{Records: batch}, &answer)
		var got []string
		for _, a := range answer.Records {
			got = append(got, a.Outcome+" "+a.Field)
			if a.Outcome == "refused" && (a.Error == "" || a.Hint == "") {
				t.Errorf("%+v says too little", a)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got  %q\nwant %q", kind, got, want)
		}
	}
	r.refused("too many", PathRecords, r.sourceNamed("many", Laboratory), RecordsRequest{Records: make([]EntryRequest, maxRecords+1)}, http.StatusBadRequest, "at most 1000")
}

func (r *rig) sourceNamed(name, kind string) string {
	r.Helper()
	var a SourceAnswer
	r.post(PathSources, adminKey, SourceRequest{Name: name, Kind: kind}, &a)
	return a.Key
}

// The administrator looks first, and then withdraws what a stolen key has entered, and no more.
func TestWithdrawAllOfASource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab, other := r.sourceNamed("lab", Laboratory), r.sourceNamed("other", Laboratory)
		r.post(PathResults, lab, ResultRequest{IIN: person(0), Sample: "before", Result: "positive", Taken: now()}, nil)
		r.post(PathResults, other, ResultRequest{IIN: person(1), Sample: "1", Result: "negative", Taken: now()}, nil)
		r.post(PathLimitSource, adminKey, LimitRequest{Name: "lab", Hourly: new(31)}, nil)
		time.Sleep(time.Minute) // fake
		stolen := now()
		r.positives(lab, 40, stolen) // 30 count, 10 wait; person(0) is red anyway
		r.post(PathResults, lab, ResultRequest{IIN: person(50), Sample: "n", Result: "negative", Taken: now()}, nil)
		before := r.look()
		ask := WithdrawSourceRequest{Name: "lab", Since: stolen, Preview: true}
		var seen WithdrawSourceAnswer
		r.post(PathWithdrawSource, adminKey, ask, &seen)
		changed := 0
		for _, c := range seen.Changes {
			changed += c.People
		}
		if seen.Records != 41 || seen.Waiting != 10 || seen.People != 31 || seen.Kinds[store.Positive] != 40 || seen.Kinds[store.Negative] != 1 {
			t.Errorf("the preview says %+v", seen)
		}
		if after := r.look(); !reflect.DeepEqual(before.People, after.People) || after.Sources[0].Waiting != 10 {
			t.Errorf("a preview changed %v to %v", before.People, after.People)
		}
		r.call(http.MethodPost, PathResults, lab, ResultRequest{IIN: person(60), Sample: "late", Result: "negative", Taken: now()})
		do := ask
		do.Preview = false
		r.refused("without a reason", PathWithdrawSource, adminKey, do, http.StatusBadRequest, "reason")
		do.Why = "stolen key"
		r.refused("without a look", PathWithdrawSource, adminKey, do, http.StatusBadRequest, "preview")
		do.Last = seen.Last
		r.refused("by the source", PathWithdrawSource, lab, do, http.StatusUnauthorized, "administrator")
		var done WithdrawSourceAnswer
		r.post(PathWithdrawSource, adminKey, do, &done)
		after := r.look()
		differ := before.People["red"] - after.People["red"] + before.People["green"] - (after.People["green"] - 1)
		if done.Records != 41 || after.People["red"] != 1 || after.Sources[0].Waiting != 0 || changed < 29 || differ < 29 {
			t.Errorf("%d withdrawn; from %v to %v, %d waiting; the preview said %+v", done.Records, before.People, after.People, after.Sources[0].Waiting, seen.Changes)
		}
		r.refused("an unknown source", PathWithdrawSource, adminKey, WithdrawSourceRequest{Name: "x", Since: stolen, Preview: true}, http.StatusNotFound, "no source")
	})
}

// Suspended and revoked are states of passes that doors see and the administrator's counts follow.
func TestSuspendedPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p := r.activate(iinA, 1)
		is := func(what string, want statuslist.Status, suspended, revoked int) {
			t.Helper()
			o := r.look()
			if got := r.section(r.manifestAfter(0, 0), 0).Get(p.index); got != want || o.Suspended != suspended || o.Revoked != revoked {
				t.Errorf("%s: the list says %v, the overview %d suspended, %d revoked", what, got, o.Suspended, o.Revoked)
			}
			if got := r.self(p); got.Status != want.String() {
				t.Errorf("%s: the phone says %+v", what, got)
			}
		}
		r.post(PathSuspend, adminKey, CitizenRequest{IIN: iinA}, nil)
		is("suspended", statuslist.Suspended, 1, 0)
		p = r.activate(iinA, 2)
		is("on a new phone", statuslist.Suspended, 2, 0)
		r.post(PathResume, adminKey, CitizenRequest{IIN: iinA}, nil)
		is("resumed", statuslist.Valid, 0, 0)
		r.post(PathSuspend, adminKey, CitizenRequest{IIN: iinA}, nil)
		r.post(PathRevoke, adminKey, CitizenRequest{IIN: iinA}, nil)
		r.post(PathResume, adminKey, CitizenRequest{IIN: iinA}, nil)
		is("revoked", statuslist.Invalid, 0, 2)
		r.refused("a stranger", PathSuspend, adminKey, CitizenRequest{IIN: iinB}, http.StatusNotFound, "not registered")
	})
}

// A withdrawn positive frees the person at a door that waits: from the request to the list at the
// door, in real time.
func TestWithdrawnAtTheDoor(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 3 // make test has all
	}
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			r := &rig{TB: t, file: address(t), authority: newAuthority(t), bundles: t.TempDir()}
			r.start()
			defer func() { r.stop() }()
			lab, p := r.source(Laboratory), r.activate(iinA, 1)
			var took []time.Duration
			for n := range rounds {
				sample := fmt.Sprint(n)
				r.until(p, statuslist.Red, func() {
					r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: sample, Result: "positive", Taken: now()}, nil)
				})
				took = append(took, r.until(p, statuslist.Valid, func() {
					r.post(PathWithdraw, lab, Target{Sample: sample, Why: "typing error"}, nil)
				}))
			}
			slices.Sort(took)
			t.Logf("withdrawal to waiting door: p50 %v, slowest of %d %v", took[len(took)/2].Round(time.Millisecond), len(took), took[len(took)-1].Round(time.Millisecond))
			if took[len(took)-1] > 5*time.Second {
				t.Errorf("the slowest took %v", took[len(took)-1])
			}
		})
	}
}

// until does something while a door waits, and measures how long the door's list takes to say so.
func (r *rig) until(p phone, want statuslist.Status, do func()) time.Duration {
	r.Helper()
	m := r.manifestAfter(0, 0)
	var arrived time.Time
	var door sync.WaitGroup
	door.Go(func() {
		for tries := 0; tries < 10; tries++ {
			m = r.follow(m.Version)
			if r.section(m, 0).Get(p.index) == want {
				arrived = time.Now()
				return
			}
		}
	})
	start := time.Now()
	do()
	door.Wait()
	if arrived.IsZero() {
		r.Fatalf("the door never saw %v", want)
	}
	return arrived.Sub(start)
}

func (r *rig) cases() store.Cases {
	r.Helper()
	var c store.Cases
	w := r.call(http.MethodGet, PathCases, adminKey, "")
	if err := json.Unmarshal(w.Body.Bytes(), &c); err != nil || w.Code != http.StatusOK {
		r.Fatalf("cases: %d %s", w.Code, w.Body)
	}
	return c
}

// Laboratory and portal disagree about one test: red counts until the administrator has settled it,
// and a batch that comes again changes nothing about that.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab, portal, p := r.source(Laboratory), r.source(PCRPortal), r.activate(iinA, 1)
		taken := now()
		batch := RecordsRequest{Records: []EntryRequest{{IIN: iinA, Sample: "7", Kind: "positive", At: taken, Laboratory: Laboratory}}}
		r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "7", Result: "negative", Taken: taken}, nil)
		r.post(PathRecords, portal, batch, &RecordsAnswer{})
		time.Sleep(2 * time.Second) // fake
		c := r.cases()
		if got := r.self(p).Colour; got != "red" || c.Comparison.Contradicting != 1 || len(c.Cases) != 1 || c.Cases[0].IIN != iinA || len(c.Cases[0].Records) != 2 {
			t.Fatalf("%s, %+v", got, c)
		}
		stand, end := c.Cases[0].Records[1].ID, c.Cases[0].Records[0].ID
		for what, req := range map[string]SettleRequest{
			"nothing": {Why: "x"}, "twice": {Stand: []int64{stand}, End: []int64{stand}, Why: "x"}, "no reason": {Stand: []int64{stand}, End: []int64{end}},
			"too many": {Stand: make([]int64, 51), Why: "x"},
		} {
			r.refused(what, PathSettle, adminKey, req, http.StatusBadRequest, "hint")
		}
		r.refused("no such record", PathSettle, adminKey, SettleRequest{End: []int64{end, 99}, Why: "x"}, http.StatusNotFound, "")
		r.refused("by a source", PathSettle, lab, SettleRequest{End: []int64{end}, Why: "x"}, http.StatusUnauthorized, "")
		r.post(PathSettle, adminKey, SettleRequest{Stand: []int64{stand}, End: []int64{end}, Why: "the laboratory repeated the test"}, nil)
		time.Sleep(2 * time.Second) // fake
		if got, c := r.self(p).Colour, r.cases(); got != "green" || len(c.Cases) != 0 {
			t.Errorf("settled: %s, %+v", got, c)
		}
		r.refused("settled by somebody else, too", PathSettle, adminKey, SettleRequest{Stand: []int64{end}, Why: "x"}, http.StatusConflict, "meanwhile")
		var again RecordsAnswer
		batch.Again = true
		r.post(PathRecords, portal, batch, &again)
		if a := again.Records[0]; a.Outcome != "refused" || !strings.Contains(a.Error, "decided") {
			t.Errorf("the portal sends it again: %+v", a)
		}
		if got := r.self(p).Colour; got != "green" {
			t.Errorf("then the phone says %s", got)
		}
	})
}

// A citizen disputes from the phone; it changes no colour and lands with the administrator, once.
func TestDispute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		centre, p := r.source(Covid19Centre), r.activate(iinA, 1)
		dispute := func() AskRequest { return r.askOf(p, PathDispute, "I am not a contact") }
		r.refused("nothing to dispute", PathDispute, "", dispute(), http.StatusNotFound, "nothing")
		r.post(PathContacts, centre, ContactRequest{IIN: iinA, Since: now()}, nil)
		for range 2 {
			r.post(PathDispute, "", dispute(), nil)
		}
		old := dispute()
		time.Sleep(time.Minute) // fake
		r.refused("signed long ago", PathDispute, "", old, http.StatusForbidden, "clock")
		r.refused("without a reason", PathDispute, "", r.askOf(p, PathDispute, ""), http.StatusBadRequest, "reason")
		self, c := r.self(p), r.cases()
		if self.Colour != "yellow" || !self.Disputed || len(self.Reasons) != 1 || len(c.Cases) != 1 || !slices.Equal(c.Cases[0].Why, []string{store.CaseDispute}) {
			t.Fatalf("%+v, %+v", self, c.Cases)
		}
		record := c.Cases[0].Records[0]
		if n := len(record.Events); n != 2 || record.Events[1].Why != "I am not a contact" || record.Events[1].Person != "citizen" {
			t.Errorf("the administrator reads %+v", record.Events)
		}
		r.post(PathSettle, adminKey, SettleRequest{Stand: []int64{record.ID}, Why: "seen with the case"}, nil)
		if self, c := r.self(p), r.cases(); self.Colour != "yellow" || self.Disputed || len(c.Cases) != 0 {
			t.Errorf("upheld: %+v, %+v", self, c.Cases)
		}
		r.refused("disputed again", PathDispute, "", dispute(), http.StatusConflict, "they stand")
	})
}
