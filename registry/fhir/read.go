package fhir

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ashyq-kiosk/registry/pcr"
)

// reading collects what is wrong with one Observation, so that its sender learns all of it at once.
type reading struct {
	*resource
	observation
	reports []*listing
	issues  []Issue
}

func (r *reading) wrong(field, code, reason string) {
	r.issues = append(r.issues, r.refuse(field, code, reason))
}

// read takes one Observation. Both are nil where it is about something else.
func (m *message) read(from *resource) (*finding, []Issue) {
	r := reading{resource: from}
	if err := decode(from.data, &r.observation); err != nil {
		return nil, []Issue{from.refuse("", "structure", err.Error())}
	}
	what, contradicts := test(r.Code)
	switch {
	case contradicts:
		return nil, []Issue{from.refuse("code", "conflict", "its LOINC codes are of different tests")}
	case what == noPCR:
		return nil, []Issue{from.refuse("code", "not-supported", "it is an antigen or antibody test or a culture: only PCR counts")}
	case what == other || what == amount:
		return nil, nil
	case r.empty():
		return nil, nil // a panel, whose results are observations of their own
	}
	for _, i := range m.listed[from.at] {
		r.reports = append(r.reports, &m.reports[i])
	}
	f := finding{Result: Result{Path: from.path}, whole: what == virus, at: from.at}
	f.Action = r.action()
	f.IIN = m.iin(&r)
	f.Sample, f.Taken = m.sample(&r, f.Action)
	f.Outcome = r.outcome(f.Action)
	f.Why = r.why(f.Action)
	if len(r.issues) > 0 {
		return nil, r.issues
	}
	return &f, nil
}

// test tells what a code is about, and whether it says two things.
func test(code concept) (what about, contradicts bool) {
	for _, c := range code.Coding {
		if found := loinc[strings.TrimSpace(c.Code)]; loincSystems[c.System] && found != other {
			if what != other && what != found {
				return what, true
			}
			what = found
		}
	}
	return what, false
}

// empty reports a panel that only holds its members together.
func (r *reading) empty() bool {
	panel := slices.ContainsFunc(r.Code.Coding, func(c coding) bool {
		return slices.Contains([]string{"94531-1", "94306-8", "95826-4", "96897-4"}, c.Code)
	})
	return panel && r.Value == nil && r.String == "" && len(r.Interpretation) == 0
}

// action takes the Observation's status together with those of its reports.
func (r *reading) action() Action {
	action, ok := actions[r.Status]
	if !ok || r.Status == "appended" {
		r.wrong("status", "value", statusReason("status", r.Status))
		return ""
	}
	for _, l := range r.reports {
		of, ok := actions[l.Status]
		switch {
		case l.Status == "partial": // further results will follow; this one has a status of its own
		case !ok:
			r.wrong("status", "value", statusReason("status of its DiagnosticReport", l.Status))
		case of == Withdraw || of == Correct && action == Enter:
			action = of
		}
	}
	return action
}

func statusReason(what, status string) string {
	switch status {
	case "":
		return "the " + what + " is missing"
	case "preliminary", "registered":
		return "the " + what + " is " + status + ": send the result again when it is final"
	case "cancelled":
		return "the " + what + " is cancelled: a result that was sent before is withdrawn with entered-in-error"
	case "unknown":
		return "the " + what + " is unknown"
	}
	return "the " + what + " is not one that a result can have: final, amended, corrected or entered-in-error"
}

// iin finds the citizen. The Observation's own subject comes first.
func (m *message) iin(r *reading) string {
	refs := []*reference{r.Subject}
	for _, l := range r.reports {
		refs = append(refs, l.Subject)
	}
	var found []string
	for _, ref := range refs {
		if ref == nil || len(found) > 0 {
			continue
		}
		if ref.Identifier != nil {
			found = append(found, iins([]identifier{*ref.Identifier})...)
		}
		place := m.find(*ref, r.resource, "Patient")
		if place < 0 {
			continue
		}
		known, ok := m.patients[place]
		if !ok {
			var p patient
			if err := decode(m.resources[place].data, &p); err != nil {
				r.wrong("iin", "structure", "its Patient cannot be read: "+err.Error())
				return ""
			}
			known = iins(p.Identifier)
			m.patients[place] = known
		}
		found = append(found, known...)
	}
	slices.Sort(found)
	found = slices.Compact(found)
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		r.wrong("iin", "required", "no Patient.identifier of its subject is an IIN: system "+System+", or type NNKAZ")
	default:
		r.wrong("iin", "conflict", "its subject has several IINs")
	}
	return ""
}

func iins(all []identifier) (found []string) {
	for _, id := range all {
		national := slices.ContainsFunc(id.Type.Coding, func(c coding) bool { return c.Code == "NNKAZ" })
		if value := strings.TrimSpace(id.Value); value != "" && (id.System == System || national) {
			found = append(found, value)
		}
	}
	return found
}

// sample finds the sample's number, and when it was taken, which a withdrawal does not need.
func (m *message) sample(r *reading, action Action) (number string, taken time.Time) {
	times := r.effective.times()
	refs := []*reference{r.Specimen}
	for _, l := range r.reports {
		if len(l.Specimen) == 1 {
			refs = append(refs, &l.Specimen[0])
		}
		times = append(times, l.effective.times()...)
	}
	for _, ref := range refs {
		if ref == nil || number != "" {
			continue
		}
		place := m.find(*ref, r.resource, "Specimen")
		if place < 0 {
			if ref.Identifier != nil {
				number = strings.TrimSpace(ref.Identifier.Value)
			}
			continue
		}
		s := m.specimens[place]
		if s == nil {
			s = &specimen{}
			if err := decode(m.resources[place].data, s); err != nil {
				r.wrong("sample", "structure", "its Specimen cannot be read: "+err.Error())
				return "", time.Time{}
			}
			m.specimens[place] = s
		}
		number = s.number()
		times = append([]string{s.Collection.DateTime, s.Collection.Period.Start}, times...)
	}
	if number == "" {
		r.wrong("sample", "required", "its Specimen has no accessionIdentifier, and no single identifier of the laboratory")
	}
	if action == Withdraw {
		return number, time.Time{}
	}
	times = slices.DeleteFunc(times, func(text string) bool { return text == "" })
	if len(times) == 0 {
		r.wrong("taken", "required", "neither Specimen.collection nor Observation.effective tells when the sample was taken")
		return number, time.Time{}
	}
	taken, ok := dateTime(times[0])
	if !ok {
		r.wrong("taken", "value", "the time is not a day, and not a time with its zone like 2026-11-26T09:30:00+05:00")
	}
	return number, taken
}

func (e effective) times() []string { return []string{e.DateTime, e.Instant, e.Period.Start} }

// number prefers what the laboratory gave the sample: ACSN is an accession number, FGN and FILL are
// a filler's own. Of those of one rank there has to be one.
func (s *specimen) number() string {
	if s.Accession != nil && strings.TrimSpace(s.Accession.Value) != "" {
		return strings.TrimSpace(s.Accession.Value)
	}
	ranked := map[string][]string{}
	for _, id := range s.Identifier {
		rank := "other"
		if len(id.Type.Coding) == 0 {
			rank = ""
		}
		for _, c := range id.Type.Coding {
			if c.Code == "ACSN" || c.Code == "FGN" || c.Code == "FILL" {
				rank = c.Code
			}
		}
		if value := strings.TrimSpace(id.Value); value != "" && !slices.Contains(ranked[rank], value) {
			ranked[rank] = append(ranked[rank], value)
		}
	}
	for _, rank := range []string{"ACSN", "FGN", "FILL", "", "other"} {
		switch len(ranked[rank]) {
		case 0:
		case 1:
			return ranked[rank][0]
		default:
			return ""
		}
	}
	return ""
}

// dateTime reads FHIR's type of this name. A year or a month alone is not enough.
func dateTime(text string) (time.Time, bool) {
	if day, err := time.ParseInLocation(time.DateOnly, text, kazakhstan); err == nil {
		return day.UTC(), true
	}
	t, err := time.Parse(time.RFC3339, text)
	return t.UTC().Truncate(time.Second), err == nil
}

// outcome takes value and interpretation, which must not contradict each other. A withdrawal needs
// none.
func (r *reading) outcome(action Action) pcr.Outcome {
	var said []pcr.Outcome
	unknown := false
	if r.Value != nil {
		var coded []pcr.Outcome
		for _, c := range r.Value.Coding {
			outcome, ok := snomed[c.Code], false
			if snomedSystems[c.System] {
				if ok = outcome != ""; !ok {
					unknown = true
				}
			} else if outcome, ok = pcr.Read(c.Display); !ok {
				outcome, ok = pcr.Read(c.Code)
			}
			if ok {
				coded = append(coded, outcome)
			}
		}
		if outcome, ok := pcr.Read(r.Value.Text); ok {
			coded = append(coded, outcome)
		}
		unknown = unknown && len(coded) == 0
		said = coded
	}
	if r.String != "" {
		outcome, ok := pcr.Read(r.String)
		if ok {
			said = append(said, outcome)
		}
		unknown = unknown || !ok
	}
	for _, i := range r.Interpretation {
		for _, c := range i.Coding {
			if outcome, ok := interpretations[c.Code]; ok {
				said = append(said, outcome)
			}
		}
	}
	slices.Sort(said)
	said = slices.Compact(said)
	switch {
	case action == Withdraw:
	case unknown:
		r.wrong("result", "value", "the value is not one that is known here: see the list of SNOMED CT codes and words")
	case len(said) > 1:
		r.wrong("result", "conflict", "value and interpretation contradict each other")
	case len(said) == 0:
		r.wrong("result", "required", "it has no value and no interpretation that says positive, negative or inconclusive")
	default:
		return said[0]
	}
	return ""
}

// why takes the first note. What does not fit is cut off.
func (r *reading) why(action Action) string {
	if action == Enter {
		return ""
	}
	const most = 200
	for _, n := range r.Note {
		text := strings.Join(strings.Fields(n.Text), " ")
		if len(text) > most {
			text = text[:most]
			for !utf8.ValidString(text) {
				text = text[:len(text)-1]
			}
		}
		if text != "" {
			return text
		}
	}
	return ""
}
