package fhir_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/registry/fhir"
	"ashyq-kiosk/registry/pcr"
)

const (
	alice = "900101300007" // made up, with right check digits
	bob   = "850515400012"
)

// message is a Bundle as a laboratory sends it. Tests replace parts of it.
const message = `{
  "resourceType": "Bundle", "type": "message",
  "entry": [
    {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "MessageHeader", "eventCoding": {"code": "R01"}}},
    {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Patient", "id": "p",
      "identifier": [{"system": "urn:mrn", "value": "77"}, {"system": "SYSTEM", "value": "900101300007"}],
        "name": [{"family": "Test"}]}},
    {"fullUrl": "urn:uuid:3", "resource": {"resourceType": "Specimen", "id": "s",
      "accessionIdentifier": {"value": "A-17"}, "collection": {"collectedDateTime": "2026-11-26T09:30:00+05:00"}}},
    {"fullUrl": "urn:uuid:4", "resource": {"resourceType": "Observation", "id": "o", "status": "final",
      "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
      "subject": {"reference": "urn:uuid:2"}, "specimen": {"reference": "urn:uuid:3"},
      "effectiveDateTime": "2026-11-26",
      "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "260373001"}]},
      "note": [{"text": "sample was mixed up"}]}},
    {"fullUrl": "urn:uuid:5", "resource": {"resourceType": "Observation", "status": "final",
      "code": {"coding": [{"system": "http://loinc.org", "code": "95419-8"}]},
        "valueCodeableConcept": {"text": "Yes"}}},
    {"fullUrl": "urn:uuid:6", "resource": {"resourceType": "DiagnosticReport", "status": "final",
      "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
        "result": [{"reference": "Observation/o"}]}}
  ]
}`

// value is the message's result.
const value = `"valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "260373001"}]}`

func with(t *testing.T, changes ...string) []byte {
	t.Helper()
	text := message
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("the message has no %q", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return []byte(strings.ReplaceAll(text, "SYSTEM", fhir.System))
}

var want = fhir.Result{
	Path: "Bundle.entry[3]", Action: fhir.Enter, IIN: alice, Sample: "A-17", Outcome: pcr.Positive,
	Taken: time.Date(2026, 11, 26, 4, 30, 0, 0, time.UTC),
}

func TestParse(t *testing.T) {
	day := time.Date(2026, 11, 25, 19, 0, 0, 0, time.UTC) // begins in Kazakhstan
	for _, test := range []struct {
		name    string
		changes []string
		want    func(*fhir.Result)
	}{
		{"as it is", nil, func(*fhir.Result) {}},
		{"IIN by its type", []string{`"system": "SYSTEM"`, `"type": {"coding": [{"code": "NNKAZ"}]}`}, func(*fhir.Result) {}},
		{"reference by type and id", []string{`{"reference": "urn:uuid:2"}`, `{"reference": "Patient/p"}`},
			func(*fhir.Result) {}},
		{"reference by URL", []string{`{"reference": "urn:uuid:2"}`, `{"reference": "https://lab.example/fhir/Patient/p"}`},
			func(*fhir.Result) {}},
		{"logical reference", []string{`{"reference": "urn:uuid:2"}`, `{"identifier": {"system": "SYSTEM", "value": "` +
			bob + `"}}`},
			func(r *fhir.Result) { r.IIN = bob }},
		{"subject of the report", []string{`"subject": {"reference": "urn:uuid:2"}, `, ``, `"result": [`,
			`"subject": {"reference": "urn:uuid:2"}, "result": [`},
			func(*fhir.Result) {}},
		{"specimen of the report", []string{`"specimen": {"reference": "urn:uuid:3"},`, ``, `"result": [`,
			`"specimen": [{"reference": "urn:uuid:3"}], "result": [`},
			func(*fhir.Result) {}},
		{"number of the filler", []string{`"accessionIdentifier": {"value": "A-17"}`,
			`"identifier": [{"value": "x", "type": {"coding": [{"code": "PGN"}]}},
				{"value": "F-1", "type": {"coding": [{"code": "FGN"}]}}]`},
			func(r *fhir.Result) { r.Sample = "F-1" }},
		{"one identifier", []string{`"accessionIdentifier": {"value": "A-17"}`, `"identifier": [{"value": " I-1 "}]`},
			func(r *fhir.Result) { r.Sample = "I-1" }},
		{"specimen as a logical reference", []string{`{"reference": "urn:uuid:3"}`, `{"identifier": {"value": "L-1"}}`},
			func(r *fhir.Result) { r.Sample, r.Taken = "L-1", day }},
		{"time of the observation", []string{`"collectedDateTime": "2026-11-26T09:30:00+05:00"`, ``},
			func(r *fhir.Result) { r.Taken = day }},
		{"start of a period", []string{`"collectedDateTime": "2026-11-26T09:30:00+05:00"`,
			`"collectedPeriod": {"start": "2026-11-26T04:31:00Z"}`},
			func(r *fhir.Result) { r.Taken = r.Taken.Add(time.Minute) }},
		{"negative", []string{"260373001", "260415000"}, func(r *fhir.Result) { r.Outcome = pcr.Negative }},
		{"inconclusive", []string{"260373001", "419984006"}, func(r *fhir.Result) { r.Outcome = pcr.Inconclusive }},
		{"word of another system", []string{`"system": "http://snomed.info/sct", "code": "260373001"`,
			`"system": "UNDEFINED", "code": "NOT_DETECTED"`},
			func(r *fhir.Result) { r.Outcome = pcr.Negative }},
		{"valueString", []string{value, `"valueString": "Не обнаружено"`},
			func(r *fhir.Result) { r.Outcome = pcr.Negative }},
		{"interpretation alone", []string{value,
			`"interpretation": [{"coding": [{"code": "A"}, {"code": "NEG"}]}]`},
			func(r *fhir.Result) { r.Outcome = pcr.Negative }},
		{"name twice where nobody reads", []string{`"name": [{"family": "Test"}]`,
			`"address": [{"line": ["1"], "line": ["2"]}]`}, func(*fhir.Result) {}},
		{"gene", []string{"94500-6", "94559-2"}, func(*fhir.Result) {}},
		{"corrected", []string{`"status": "final"`, `"status": "corrected"`},
			func(r *fhir.Result) { r.Action, r.Why = fhir.Correct, "sample was mixed up" }},
		{"corrected report", []string{`"DiagnosticReport", "status": "final"`, `"DiagnosticReport", "status": "amended"`},
			func(r *fhir.Result) { r.Action, r.Why = fhir.Correct, "sample was mixed up" }},
		{"report in error", []string{`"DiagnosticReport", "status": "final"`,
			`"DiagnosticReport", "status": "entered-in-error"`},
			func(r *fhir.Result) {
				r.Action, r.Outcome, r.Taken, r.Why = fhir.Withdraw, "", time.Time{}, "sample was mixed up"
			}},
		{"further results will follow", []string{`"DiagnosticReport", "status": "final"`,
			`"DiagnosticReport", "status": "partial"`}, func(*fhir.Result) {}},
		{"withdrawn without value", []string{`"status": "final"`, `"status": "entered-in-error"`,
			`"valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "260373001"}]},`, ``},
			func(r *fhir.Result) {
				r.Action, r.Outcome, r.Taken, r.Why = fhir.Withdraw, "", time.Time{}, "sample was mixed up"
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			results, issues := fhir.Parse(with(t, test.changes...))
			want := want
			test.want(&want)
			if len(issues) != 0 || len(results) != 1 || results[0] != want {
				t.Errorf("got  %v %v\nwant %v", results, issues, want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		changes []string
		path    string
		field   string
		reason  string
	}{
		{"no IIN", []string{`"system": "SYSTEM"`, `"system": "urn:passport"`}, "Bundle.entry[3]", "iin", "NNKAZ"},
		{"two IINs", []string{`"identifier": [`, `"identifier": [{"system": "SYSTEM", "value": "` + bob + `"}, `},
			"Bundle.entry[3]", "iin", "several"},
		{"patient is not there", []string{`"reference": "urn:uuid:2"`, `"reference": "urn:uuid:9"`}, "Bundle.entry[3]",
			"iin", "NNKAZ"},
		{"patient's reference is another resource", []string{`"reference": "urn:uuid:2"`, `"reference": "urn:uuid:3"`},
			"Bundle.entry[3]", "iin", "NNKAZ"},
		{"two resources of one URL", []string{`"urn:uuid:1", "resource": {"resourceType": "MessageHeader"`,
			`"urn:uuid:2", "resource": {"resourceType": "Patient"`},
			"Bundle.entry[3]", "iin", "NNKAZ"},
		{"no sample", []string{`"accessionIdentifier": {"value": "A-17"},`, ``}, "Bundle.entry[3]", "sample",
			"accessionIdentifier"},
		{"two numbers of one rank", []string{`"accessionIdentifier": {"value": "A-17"}`,
			`"identifier": [{"value": "1"}, {"value": "2"}]`},
			"Bundle.entry[3]", "sample", "single"},
		{"time without zone", []string{"2026-11-26T09:30:00+05:00", "2026-11-26T09:30:00"}, "Bundle.entry[3]",
			"taken", "zone"},
		{"a month", []string{"2026-11-26T09:30:00+05:00", "2026-11"}, "Bundle.entry[3]", "taken", "zone"},
		{"no such day", []string{"2026-11-26T09:30:00+05:00", "2026-11-31"}, "Bundle.entry[3]", "taken", "zone"},
		{"no time", []string{`"collectedDateTime": "2026-11-26T09:30:00+05:00"`, ``, `"effectiveDateTime": "2026-11-26",`,
			``}, "Bundle.entry[3]", "taken", "neither"},
		{"preliminary", []string{`"status": "final"`, `"status": "preliminary"`}, "Bundle.entry[3]", "status", "final"},
		{"cancelled", []string{`"status": "final"`, `"status": "cancelled"`}, "Bundle.entry[3]", "status",
			"entered-in-error"},
		{"no status", []string{`"status": "final",`, ``}, "Bundle.entry[3]", "status", "missing"},
		{"status in capitals", []string{`"status": "final"`, `"status": "Final"`}, "Bundle.entry[3]", "status", "not one"},
		{"preliminary report", []string{`"DiagnosticReport", "status": "final"`,
			`"DiagnosticReport", "status": "preliminary"`}, "Bundle.entry[3]", "status", "DiagnosticReport"},
		{"unknown concept", []string{"260373001", "840539006"}, "Bundle.entry[3]", "result", "SNOMED"},
		{"words that are not an outcome", []string{value, `"valueString": "not positive"`}, "Bundle.entry[3]",
			"result", "words"},
		{"no value", []string{value + ",", ``}, "Bundle.entry[3]", "result", "no value"},
		{"quantity", []string{value, `"valueQuantity": {"value": 31}`}, "Bundle.entry[3]", "result", "no value"},
		{"value against interpretation", []string{value, value + `, "interpretation": [{"coding": [{"code": "NEG"}]}]`},
			"Bundle.entry[3]", "result", "contradict"},
		{"value against its text", []string{`"code": "260373001"}]`, `"code": "260373001"}], "text": "negative"`},
			"Bundle.entry[3]", "result", "contradict"},
		{"antigen", []string{"94500-6", "94558-4"}, "Bundle.entry[3]", "code", "PCR"},
		{"two tests in one code", []string{`{"system": "http://loinc.org", "code": "94500-6"}`,
			`{"system": "http://loinc.org", "code": "94500-6"}, {"system": "http://loinc.org", "code": "94558-4"}`},
			"Bundle.entry[3]", "code", "different tests"},
		{"no PCR test", []string{"94500-6", "718-7", "94500-6", "718-7"}, "Bundle", "code", "no result"},
		{"report without result", []string{`"result": [{"reference": "Observation/o"}]`, `"result": []`}, "Bundle.entry[5]",
			"result", "lists no"},
		{"report of a result that is not there", []string{`Observation/o`, `Observation/x`}, "Bundle.entry[5]", "result",
			"result[0]"},
		{"name twice", []string{`"status": "final"`, `"status": "entered-in-error", "status": "final"`}, "message", "",
			"every name occurs once"},
		{"name in capitals", []string{`"status": "final"`, `"STATUS": "final"`}, "Bundle.entry[3]", "status", "missing"},
		{"element of another type", []string{`"status": "final"`, `"status": 7`}, "Bundle.entry[3]", "", "wrong type"},
		{"half sent", []string{message[len(message)/2:], ""}, "message", "", "not JSON"},
		{"not UTF-8", []string{"A-17", "A\xff17"}, "message", "", "UTF-8"},
		{"no resourceType", []string{`{"resourceType": "Observation", "id": "o", `, `{"id": "o", `}, "Bundle.entry[3]", "",
			"resourceType"},
	} {
		t.Run(test.name, func(t *testing.T) {
			results, issues := fhir.Parse(with(t, test.changes...))
			if len(results) > 1 || len(results) == 1 && results[0].Path == test.path {
				t.Errorf("taken: %v", results)
			}
			for _, i := range issues {
				if i.Path == test.path && i.Field == test.field && strings.Contains(i.Reason, test.reason) {
					return
				}
			}
			t.Errorf("no refusal of %q at %s that says %q: %v", test.field, test.path, test.reason, issues)
		})
	}
}

// A sender learns everything that is wrong at once.
func TestAllReasons(t *testing.T) {
	_, issues := fhir.Parse(with(t, "SYSTEM", "x", `"accessionIdentifier": {"value": "A-17"},`, ``, "260373001", "1"))
	if len(issues) != 3 {
		t.Errorf("issues: %v, want those of IIN, sample and result", issues)
	}
}

// Nothing that identifies a person is in a reason, which senders log.
func TestReasonsQuoteNothing(t *testing.T) {
	_, issues := fhir.Parse(with(t, `"identifier": [`, `"identifier": [{"system": "SYSTEM", "value": "`+bob+`"}, `,
		"2026-11-26T09:30:00+05:00", "yesterday A-17"))
	text := fmt.Sprint(issues)
	for _, secret := range []string{alice, bob, "A-17", "Test"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
}

func TestSameSample(t *testing.T) {
	second := func(changes ...string) []string {
		const o = `{"resourceType": "Observation", "id": "o2", "status": "final",
      "code": {"coding": [{"system": "http://loinc.org", "code": "94534-5"}]},
      "subject": {"reference": "urn:uuid:2"}, "specimen": {"reference": "urn:uuid:3"}, "valueString": "negative"}`
		return []string{`"MessageHeader", "eventCoding": {"code": "R01"}}`,
			strings.NewReplacer(changes...).Replace(o)[len(`{"resourceType": `):]}
	}
	for _, test := range []struct {
		name    string
		changes []string
		want    string // action and outcome; empty: refused
	}{
		{"a gene differs from the virus", second(), "enter positive"},
		{"the same twice", second("94534-5", "94500-6", "negative", "positive"), "enter positive"},
		{"two about the virus differ", second("94534-5", "94500-6"), ""},
		{"two genes differ", append([]string{"94500-6", "94559-2"}, second()...), ""},
		{"two genes agree", append([]string{"94500-6", "94559-2"}, second("negative", "positive")...), "enter positive"},
		{"one was entered in error", second("94534-5", "94500-6", `"final"`, `"entered-in-error"`), "correct positive"},
		{"another person's", append([]string{`"eventCoding"`, `"eventCoding"`},
			second("94534-5", "94500-6", "negative", "positive",
				`{"reference": "urn:uuid:2"}`, `{"identifier": {"system": "SYSTEM", "value": "`+bob+`"}}`)...), ""},
		{"another time", second("94534-5", "94500-6", "negative", "positive", `{"reference": "urn:uuid:3"}`,
			`{"identifier": {"value": "A-17"}}, "effectiveDateTime": "2026-11-20"`), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			results, issues := fhir.Parse(with(t, test.changes...))
			got := ""
			if len(results) == 1 {
				got = fmt.Sprint(results[0].Action, " ", results[0].Outcome)
			}
			if got != test.want || (got == "") != (len(issues) == 2) {
				t.Errorf("%q, want %q; %v %v", got, test.want, results, issues)
			}
		})
	}
}

func TestContained(t *testing.T) {
	const report = `{"resourceType": "DiagnosticReport", "status": "final",
		"subject": {"reference": "#p"}, "specimen": [{"reference": "#s"}],
		"code": {"coding": [{"system": "http://loinc.org", "code": "94531-1"}]},
		"result": [{"reference": "#o"}], "contained": [
		{"resourceType": "Patient", "id": "p", "identifier": [{"system": "SYSTEM", "value": "900101300007"}]},
		{"resourceType": "Specimen", "id": "s", "accessionIdentifier": {"value": "A-17"},
		  "collection": {"collectedDateTime": "2026-11-26T04:30:00Z"}},
		{"resourceType": "Observation", "id": "o", "status": "final", "code": {"coding": [{"system": "http://loinc.org",
		  "code": "94500-6"}]}, "valueString": "Detected"}]}`
	for name, text := range map[string]string{
		"DiagnosticReport.contained[2]": report,
		"Parameters.parameter[0].entry[0].contained[2]": `{"resourceType": "Parameters",
			"parameter": [{"name": "content", "resource": {
				"resourceType": "Bundle", "entry": [{"resource": ` + report + `}]}}]}`,
	} {
		results, issues := fhir.Parse([]byte(strings.ReplaceAll(text, "SYSTEM", fhir.System)))
		want := want
		want.Path = name
		if len(issues) != 0 || len(results) != 1 || results[0] != want {
			t.Errorf("%s: %v %v", name, results, issues)
		}
	}
}

// What one resource contains is not seen by another one.
func TestContainedElsewhere(t *testing.T) {
	_, issues := fhir.Parse(with(t, `"reference": "urn:uuid:2"`, `"reference": "#p"`,
		`"resourceType": "MessageHeader"`, `"resourceType": "MessageHeader", "contained": [
			{"resourceType": "Patient", "id": "p", "identifier": [{"system": "SYSTEM", "value": "900101300007"}]}]`))
	if len(issues) != 1 || issues[0].Field != "iin" {
		t.Errorf("issues: %v", issues)
	}
}

func TestTooMany(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"resourceType": "Bundle", "entry": [`)
	for i := range fhir.MaxResults + 1 {
		fmt.Fprintf(&b, `{"resource": {"resourceType": "Observation", "status": "final",
			"code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
			"subject": {"identifier": {"system": %q, "value": "900101300007"}},
			"specimen": {"identifier": {"value": "%d"}}, "effectiveDateTime": "2026-11-26",
			"valueString": "neg"}},`, fhir.System, i)
	}
	text := strings.TrimSuffix(b.String(), ",") + "]}"
	if results, issues := fhir.Parse([]byte(text)); len(results) != 0 || len(issues) != 1 || issues[0].Code != "too-long" {
		t.Errorf("%d results, %v", len(results), issues)
	}
}

// A message of 1 MB that refers to itself everywhere is read in time.
func TestHostileReferences(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"resourceType": "Bundle", "entry": [{"fullUrl": "urn:x",
		"resource": {"resourceType": "Patient", "id": "p", "name": [{"text": "` +
		strings.Repeat("x", 200_000) + `"}]}}`)
	for range 8000 {
		b.WriteString(`,{"resource": {"resourceType": "Observation", "status": "final",
			"code": {"coding": [{"system": "LN", "code": "94500-6"}]}, "subject": {"reference": "urn:x"}}}`)
	}
	b.WriteString(`]}`)
	start := time.Now()
	results, issues := fhir.Parse([]byte(b.String()))
	if took := time.Since(start); len(results) != 0 || len(issues) != 8000*4 || took > 10*time.Second {
		t.Errorf("%d results, %d issues in %v", len(results), len(issues), took)
	}
}

func TestOutcome(t *testing.T) {
	_, issues := fhir.Parse(with(t, `"status": "final"`, `"status": "preliminary"`))
	outcome := fhir.NewOutcome(issues)
	outcome.Taken("Bundle.entry[7]", "entered")
	data, err := json.Marshal(outcome)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"resourceType":"OperationOutcome","issue":[` +
		`{"severity":"error","code":"value",` +
		`"diagnostics":"the status is preliminary: send the result again when it is final",` +
		`"expression":["Bundle.entry[3]"]},` +
		`{"severity":"information","code":"informational","diagnostics":"entered","expression":["Bundle.entry[7]"]}]}`
	if string(data) != want {
		t.Errorf("%s\nwant %s", data, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(strings.ReplaceAll(message, "SYSTEM", fhir.System)))
	f.Add([]byte(`{"resourceType": "Parameters",
		"parameter": [{"resource": {"resourceType": "Observation", "contained": [{}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		results, issues := fhir.Parse(data)
		if len(results) == 0 && len(issues) == 0 {
			t.Error("no result and no reason")
		}
		again, _ := fhir.Parse(bytes.Clone(data))
		if fmt.Sprint(again) != fmt.Sprint(results) {
			t.Error("two readings differ")
		}
		samples := map[string]bool{}
		for _, r := range results {
			withdrawn := r.Action == fhir.Withdraw
			if r.IIN == "" || r.Sample == "" || samples[r.Sample] || (r.Outcome == "") != withdrawn ||
				r.Taken.IsZero() != withdrawn || len(r.Why) > 200 {
				t.Errorf("incomplete or double result %+v", r)
			}
			samples[r.Sample] = true
		}
	})
}
