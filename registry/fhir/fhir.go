// Package fhir reads results of SARS-CoV-2 PCR tests out of HL7 FHIR R4 messages in JSON
// (https://hl7.org/fhir/R4/). It does no I/O.
//
// It takes a Bundle of any type, a Parameters resource around one, or a bare Observation or
// DiagnosticReport with what it needs in "contained". What a message has besides is ignored: other
// resources, other observations, extensions, unknown elements. A dozen small structs are clearer
// for that than generated types of all R4 resources (google/fhir/go), which refuse what they do not
// know. Names are case-sensitive, and in what is read none may occur twice: two readers of one
// message must not see two different results. encoding/json takes such messages, so it is not used.
//
// Of an Observation it takes
//
//	code               a LOINC code in codes.go; antigen and antibody tests are refused, others ignored
//	status             final: entered. amended, corrected: corrects what the sample had.
//	                   entered-in-error: withdraws it. Others are refused.
//	value              valueCodeableConcept (SNOMED CT, or a word of package pcr) or valueString
//	interpretation     POS, NEG, IND and the like, where there is no value; it may not contradict one
//	subject            Patient.identifier with System, or with the type NNKAZ of HL7 table 0203
//	specimen           Specimen.accessionIdentifier, else Specimen.identifier (the laboratory's own one first)
//	specimen           Specimen.collection.collected[x] for the time, else effective[x]
//	note               why it was corrected or withdrawn
//
// A DiagnosticReport that lists the Observation supplies subject, specimen and time where the
// Observation lacks them, and its status counts, too: a report that was entered in error withdraws
// its results.
//
// A date without a time is the start of that day in Kazakhstan.
//
// Several results of one sample are one result when they agree. Where they do not, the one about
// the virus decides over those about its genes; where there is no such result, all are refused.
package fhir

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ashyq-kiosk/registry/pcr"
)

// System is the URI of the individual identification number (IIN) as Identifier.system: a UUID as
// an OID (ITU-T X.667), since HL7 lists no other for Kazakhstan.
const System = "urn:oid:2.25.113696896455922643095605233780127510094"

// MaxResults is how many results one message may have.
const MaxResults = 1000

// Action is what becomes of a result.
type Action string

// The actions. Correct also enters a result that was never sent before.
const (
	Enter    Action = "enter"
	Correct  Action = "correct"
	Withdraw Action = "withdraw"
)

// Result is one result of one sample.
type Result struct {
	Path    string // of its Observation, like "Bundle.entry[3]"
	Action  Action
	IIN     string // as sent; its check digit is not checked here
	Sample  string // as sent
	Outcome pcr.Outcome
	Taken   time.Time
	Why     string // of a correction or withdrawal; may be empty
}

// Issue says why something was not taken.
type Issue struct {
	Path   string // of the resource, like "Bundle.entry[3]"
	Field  string // element that is missing or wrong: iin, sample, taken, result, status, code; empty: all of it
	Code   string // of http://hl7.org/fhir/issue-type: required, value, invalid, conflict, not-supported, structure
	Reason string // never quotes an identifier or a name

	at int // place in the message, to sort by
}

// Kazakhstan has had one time zone since 1 March 2024.
var kazakhstan = time.FixedZone("+05", 5*60*60)

// Parse gives the results of a message, and an issue for each thing that was not taken. A message
// without any of both does not exist: where there is no result, there is an issue.
func Parse(data []byte) ([]Result, []Issue) {
	m, issues := open(data)
	var found []finding
	for i := range m.observations {
		f, wrong := m.read(&m.observations[i])
		issues = append(issues, wrong...)
		if f != nil {
			found = append(found, *f)
		}
	}
	issues = append(issues, m.missing()...)
	results, wrong := merge(found)
	issues = append(issues, wrong...)
	switch {
	case len(results) > MaxResults:
		return nil, []Issue{{Path: m.root, Code: "too-long", Reason: fmt.Sprintf("%d results in one message, send at most %d", len(results), MaxResults)}}
	case len(results) == 0 && len(issues) == 0:
		issues = append(issues, Issue{Path: m.root, Field: "code", Code: "not-supported",
			Reason: "no result of a SARS-CoV-2 PCR test is in it"})
	}
	slices.SortStableFunc(issues, func(a, b Issue) int { return cmp.Compare(a.at, b.at) })
	return results, issues
}

// finding is a Result before those of the same sample are compared.
type finding struct {
	Result
	whole bool // about the virus and not about one of its genes
	at    int
}

// merge makes one result of each sample.
func merge(found []finding) (results []Result, issues []Issue) {
	var order []string
	bySample := map[string][]finding{}
	for _, f := range found {
		if bySample[f.Sample] == nil {
			order = append(order, f.Sample)
		}
		bySample[f.Sample] = append(bySample[f.Sample], f)
	}
	for _, sample := range order {
		same := bySample[sample]
		if result, ok := agree(same); ok {
			results = append(results, result)
			continue
		}
		for _, f := range same {
			issues = append(issues, Issue{f.Path, "result", "conflict",
				"other results of this sample in this message contradict it", f.at})
		}
	}
	return results, issues
}

// agree makes one result of those of one sample. A result beside one that was entered in error
// replaces it.
func agree(same []finding) (Result, bool) {
	standing := slices.DeleteFunc(slices.Clone(same), func(f finding) bool { return f.Action == Withdraw })
	if len(standing) == 0 {
		standing = same
	}
	if whole := slices.DeleteFunc(slices.Clone(standing), func(f finding) bool { return !f.whole }); len(whole) > 0 {
		standing = whole
	}
	result := standing[0].Result
	for _, f := range standing {
		if f.Outcome != result.Outcome || !f.Taken.Equal(result.Taken) {
			return Result{}, false
		}
	}
	for _, f := range same {
		if f.IIN != result.IIN {
			return Result{}, false
		}
		if f.Action != result.Action {
			result.Action = Correct
		}
		if result.Why == "" {
			result.Why = f.Why
		}
	}
	return result, true
}
