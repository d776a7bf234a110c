package kiosk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// RuleProblem is what keeps a rules document from being used.
type RuleProblem struct {
	Rule  string // its name, or "2" where the second rule has no name; empty: the document's head
	Field string // its key in the document; empty: the whole rule
	Why   string // a fixed sentence with quoted values, so that it can be translated
}

// Error implements error.
func (p RuleProblem) Error() string {
	var where []string
	if p.Rule != "" {
		where = append(where, fmt.Sprintf("rule %q", p.Rule))
	}
	if p.Field != "" {
		where = append(where, p.Field)
	}
	return strings.Join(where, ", ") + ": " + p.Why
}

// RuleProblems are all that was found in a document.
type RuleProblems []RuleProblem

// Error implements error.
func (p RuleProblems) Error() string {
	all := make([]string, len(p))
	for i, problem := range p {
		all[i] = problem.Error()
	}
	return strings.Join(all, "; ")
}

// ParseRules reads and checks a document. Unknown keys are errors. Where rule and field are known,
// the error wraps RuleProblems.
func ParseRules(data []byte) (*Rules, error) {
	if len(data) > MaxRules {
		return nil, fmt.Errorf("rules have %d bytes, want at most %d", len(data), MaxRules)
	}
	r := &Rules{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(r); err != nil {
		if found := locate(data); len(found) > 0 {
			err = found
		}
		return nil, fmt.Errorf("read the rules: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("read the rules: something follows the document")
	}
	if found := r.check(); len(found) > 0 {
		return nil, fmt.Errorf("check the rules: %w", found)
	}
	return r, nil
}

// locate finds the fields of a JSON document that cannot be read. Empty: it is not that.
func locate(data []byte) (found RuleProblems) {
	var head map[string]json.RawMessage
	if json.Unmarshal(data, &head) != nil {
		return nil
	}
	rules := head["rules"]
	delete(head, "rules")
	found = unreadable[Rules]("", head)
	var raw []json.RawMessage
	if rules != nil && json.Unmarshal(rules, &raw) != nil {
		return append(found, RuleProblem{Field: "rules", Why: "has a value of the wrong kind"})
	}
	for i, one := range raw {
		name := fmt.Sprint(i + 1)
		var fields map[string]json.RawMessage
		if json.Unmarshal(one, &fields) != nil {
			found = append(found, RuleProblem{Rule: name, Why: "has a value of the wrong kind"})
			continue
		}
		var named string
		if json.Unmarshal(fields["name"], &named) == nil && named != "" {
			name = named
		}
		found = append(found, unreadable[Rule](name, fields)...)
	}
	return found
}

// unreadable tries each field by itself.
func unreadable[T any](rule string, fields map[string]json.RawMessage) (found RuleProblems) {
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		one, err := json.Marshal(map[string]json.RawMessage{key: fields[key]})
		if err != nil {
			continue // it was read a moment ago
		}
		var v T
		dec := json.NewDecoder(bytes.NewReader(one))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&v); err != nil {
			found = append(found, RuleProblem{rule, key, plainly(err)})
		}
	}
	return found
}

// plainly says what is wrong with a value without the words of the JSON package.
func plainly(err error) string {
	if bad, ok := errors.AsType[*time.ParseError](err); ok {
		return fmt.Sprintf("time %q, want the form 2021-04-01T00:00:00+06:00", bad.Value)
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "has a value of the wrong kind"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func (r *Rules) check() (found RuleProblems) {
	var err error
	if r.location, err = time.LoadLocation(r.Timezone); err != nil || r.Timezone == "" || r.Timezone == "Local" {
		found = append(found, RuleProblem{"", "timezone", fmt.Sprintf("timezone %q, want an IANA name such as Asia/Almaty", r.Timezone)})
	}
	if r.Ages.Quiet > r.Ages.Full || r.Ages.Full > r.Ages.Limit || r.Ages.Limit == 0 {
		found = append(found, RuleProblem{"", "ages", fmt.Sprintf(`quiet "%v", full "%v", limit "%v" are not in ascending order`,
			time.Duration(r.Ages.Quiet), time.Duration(r.Ages.Full), time.Duration(r.Ages.Limit))})
	}
	names := map[string]bool{}
	for i, rule := range r.Rules {
		name := rule.Name
		if name == "" || names[name] {
			found = append(found, RuleProblem{fmt.Sprint(i + 1), "name", fmt.Sprintf("name %q is empty or used twice", name)})
			name = fmt.Sprint(i + 1)
		}
		names[rule.Name] = true
		rule.check(func(field, why string, values ...any) {
			found = append(found, RuleProblem{name, field, fmt.Sprintf(why, values...)})
		})
	}
	return found
}

func (r Rule) check(bad func(field, why string, values ...any)) {
	if len(r.Colours) == 0 || slices.Contains(r.Colours, NoColour) {
		bad("colours", "names no colour")
	}
	for _, v := range r.Venues {
		if _, err := ParseVenue(string(v)); err != nil {
			bad("venues", "unknown kind of venue %q", v)
		}
	}
	for _, z := range r.Zones {
		if _, err := ParseZone(string(z)); err != nil {
			bad("zones", "%s", err.Error())
		}
	}
	switch r.Then {
	case Admitted, AdmittedHere, TurnedBack, AskStaff:
	default:
		bad("then", `decides "%v", want admitted, admitted-here, turned-back or ask-staff`, r.Then)
	}
	if r.OccupancyBelow < 0 || r.OccupancyBelow > 1 {
		bad("occupancy_below", `"%v" is not between 0 and 1`, r.OccupancyBelow)
	}
	if !r.Until.IsZero() && !r.From.Before(r.Until) {
		bad("until", "ends before it begins")
	}
	if r.Text.KK == "" || r.Text.RU == "" || r.Text.EN == "" {
		bad("text", "has no text in one of kk, ru, en")
	}
}
