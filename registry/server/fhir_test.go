package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/registry/fhir"
	"ashyq-kiosk/registry/store"
)

// fhirMessage has one result for each of the lines "IIN sample status SNOMED".
func fhirMessage(taken time.Time, lines ...string) string {
	var entries []string
	for _, line := range lines {
		f := strings.Fields(line)
		entries = append(entries, fmt.Sprintf(`{"resource": {"resourceType": "Observation", "status": %q, "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
			"subject": {"identifier": {"system": %q, "value": %q}}, "specimen": {"identifier": {"value": %q}}, "effectiveDateTime": %q,
			"valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": %q}]}}}`, f[2], fhir.System, f[0], f[1], taken.Format(time.RFC3339), f[3]))
	}
	return `{"resourceType": "Bundle", "type": "batch", "entry": [` + strings.Join(entries, ",") + `]}`
}

// told gives the answer to a message: "error" or what became of it for each path.
func (r *rig) told(key, message string) (code int, told []string) {
	r.Helper()
	w := r.call(http.MethodPost, PathFHIR, key, message)
	var outcome fhir.Outcome
	r.must(json.Unmarshal(w.Body.Bytes(), &outcome))
	if outcome.Type != "OperationOutcome" || w.Header().Get("Content-Type") != "application/fhir+json" {
		r.Errorf("answer: %s", w.Body)
	}
	for _, i := range outcome.Issue {
		told = append(told, i.Expression[0]+" "+i.Severity+" "+i.Diagnostics)
	}
	return w.Code, told
}

func TestFHIR(t *testing.T) {
	r := newRig(t)
	lab := r.source(Laboratory)
	const detected, not = "260373001", "260415000"
	taken := now().Add(-time.Hour)
	wants := func(code int, lines []string, want ...string) {
		t.Helper()
		got, told := r.told(lab, fhirMessage(taken, lines...))
		ok := got == code && len(told) == len(want)
		for i := range want {
			ok = ok && strings.HasPrefix(told[i], want[i])
		}
		if !ok {
			t.Errorf("%q: %d %q, want %d %q", lines, got, told, code, want)
		}
	}
	kinds := func(iin string, want ...string) {
		t.Helper()
		history, err := r.opt.Store.History(t.Context(), store.IIN(iin))
		r.must(err)
		var got []string
		for _, kept := range history {
			got = append(got, string(kept.Kind)+" "+kept.State)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("records: %q, want %q", got, want)
		}
	}

	first := []string{iinA + " A-1 final " + detected, iinB + " A-2 final " + not, iinA[:11] + "9 A-3 final " + not, iinB + " A-4 preliminary " + not}
	wants(200, first, "Bundle.entry[3] error the status is preliminary", "Bundle.entry[0] information entered", "Bundle.entry[1] information entered",
		"Bundle.entry[2] error iin is not 12 digits")
	wants(200, first, "Bundle.entry[3] error", "Bundle.entry[0] information known", "Bundle.entry[1] information known", "Bundle.entry[2] error")
	wants(422, []string{iinA + " A-1 final " + not}, "Bundle.entry[0] error this sample was reported before with different content")
	wants(200, []string{iinA + " A-1 corrected " + not}, "Bundle.entry[0] information corrected")
	wants(200, []string{iinA + " A-1 corrected " + not}, "Bundle.entry[0] information known")
	kinds(iinA, "negative in force", "positive ended")
	wants(200, []string{iinA + " A-9 amended " + detected}, "Bundle.entry[0] information entered")
	wants(422, []string{iinB + " A-9 entered-in-error " + detected}, "Bundle.entry[0] error this sample was reported before with different content")
	wants(200, []string{iinA + " A-9 entered-in-error " + detected}, "Bundle.entry[0] information withdrawn")
	wants(200, []string{iinA + " A-9 entered-in-error " + detected}, "Bundle.entry[0] information withdrawn")
	wants(422, []string{iinA + " A-9 final " + detected}, "Bundle.entry[0] error the same record was withdrawn")
	wants(422, []string{iinA + " B-1 entered-in-error " + detected}, "Bundle.entry[0] error this source has no such record")
	wants(422, []string{iinA + " A-1 corrected 1"}, "Bundle.entry[0] error the value is not")
	kinds(iinA, "positive ended", "negative in force", "positive ended")

	if code, told := r.told(lab, `{"resourceType": "Bund`); code != 422 || len(told) != 1 {
		t.Errorf("half a message: %d %q", code, told)
	}
	if w := r.call(http.MethodPost, PathFHIR, r.source(Covid19Centre), "{}"); w.Code != http.StatusForbidden {
		t.Errorf("the centre: %d", w.Code)
	}
	if w := r.call(http.MethodPost, PathFHIR, lab, strings.Repeat(" ", 8<<20+1)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("9 MB: %d", w.Code)
	}
}

// A message that arrives before the one that it corrects leaves what it says, and the late one is
// refused.
func TestFHIROutOfOrder(t *testing.T) {
	r := newRig(t)
	lab := r.source(Laboratory)
	taken := now().Add(-time.Hour)
	if code, told := r.told(lab, fhirMessage(taken, iinA+" A-1 corrected 260415000")); code != 200 {
		t.Errorf("%d %q", code, told)
	}
	code, told := r.told(lab, fhirMessage(taken, iinA+" A-1 final 260373001"))
	if code != 422 || !strings.Contains(told[0], "different content") {
		t.Errorf("the late first one: %d %q", code, told)
	}
}
