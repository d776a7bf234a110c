// Package decree tells people what a rules document does before doors get it: how it differs from
// another one, what in it can never happen, and what it would have decided. It asks the door's own
// code, package kiosk, and does no I/O.
package decree

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"ashyq-kiosk/kiosk"
)

// Changes lead from one document to another.
type Changes struct {
	Head    []FieldChange `json:"head,omitempty"`    // of the document itself
	Added   []kiosk.Rule  `json:"added,omitempty"`   // in the order of the document
	Removed []kiosk.Rule  `json:"removed,omitempty"` // so, too
	Changed []RuleChange  `json:"changed,omitempty"`
	Moved   []Move        `json:"moved,omitempty"`
}

// FieldChange is a field with another value. A value is JSON; null: the field is absent.
type FieldChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// RuleChange is a rule of which fields have changed.
type RuleChange struct {
	Rule   string        `json:"rule"`
	Fields []FieldChange `json:"fields"`
}

// Move is a rule at another place among the rules that both documents have, counted from 1 in each
// document.
type Move struct {
	Rule   string `json:"rule"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// Parse reads a document as doors do.
func Parse(document []byte) (*kiosk.Rules, error) { return kiosk.ParseRules(document) }

// Problems are what keeps a document from being used, as far as rule and field are known.
func Problems(err error) []kiosk.RuleProblem {
	found, _ := errors.AsType[kiosk.RuleProblems](err)
	return found
}

// None tells whether both documents say the same.
func (c Changes) None() bool {
	return len(c.Head)+len(c.Added)+len(c.Removed)+len(c.Changed)+len(c.Moved) == 0
}

// Compare tells how to get from one document to another. A rule is known by its name.
func Compare(before, after *kiosk.Rules) (c Changes) {
	c.Head = fieldChanges(fieldsOf(before), fieldsOf(after), "rules")
	old, next := placesOf(before), placesOf(after)
	for _, rule := range before.Rules {
		if _, stays := next[rule.Name]; !stays {
			c.Removed = append(c.Removed, rule)
		}
	}
	var common []string // in the order after
	for _, rule := range after.Rules {
		i, was := old[rule.Name]
		if !was {
			c.Added = append(c.Added, rule)
			continue
		}
		common = append(common, rule.Name)
		if fields := fieldChanges(fieldsOf(before.Rules[i]), fieldsOf(rule)); len(fields) > 0 {
			c.Changed = append(c.Changed, RuleChange{rule.Name, fields})
		}
	}
	still := inOrder(common, old)
	for _, name := range common {
		if !still[name] {
			c.Moved = append(c.Moved, Move{name, old[name] + 1, next[name] + 1})
		}
	}
	return c
}

func placesOf(r *kiosk.Rules) map[string]int {
	places := make(map[string]int, len(r.Rules))
	for i, rule := range r.Rules {
		places[rule.Name] = i
	}
	return places
}

func fieldsOf(v any) map[string]json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic("decree: encode what was parsed: " + err.Error())
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		panic("decree: read what was encoded: " + err.Error())
	}
	return fields
}

func fieldChanges(before, after map[string]json.RawMessage, without ...string) (list []FieldChange) {
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, field := range slices.Sorted(maps.Keys(all)) {
		if !bytes.Equal(before[field], after[field]) && !slices.Contains(without, field) {
			list = append(list, FieldChange{field, before[field], after[field]})
		}
	}
	return list
}

// inOrder finds the largest set of names that have kept their order: the others were moved.
func inOrder(names []string, old map[string]int) map[string]bool {
	best, from := make([]int, len(names)), make([]int, len(names))
	last := -1
	for i := range names {
		best[i], from[i] = 1, -1
		for j := range i {
			if old[names[j]] < old[names[i]] && best[j] >= best[i] {
				best[i], from[i] = best[j]+1, j
			}
		}
		if last < 0 || best[i] >= best[last] {
			last = i
		}
	}
	still := map[string]bool{}
	for i := last; i >= 0; i = from[i] {
		still[names[i]] = true
	}
	return still
}
