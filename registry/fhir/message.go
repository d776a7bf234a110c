package fhir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The elements that are read. Everything else in a message is passed over.
type (
	header struct {
		Type      string           `json:"resourceType"`
		ID        string           `json:"id"`
		Contained []jsontext.Value `json:"contained"`
	}
	bundle struct {
		Entry []struct {
			FullURL  string         `json:"fullUrl"`
			Resource jsontext.Value `json:"resource"`
		} `json:"entry"`
	}
	parameters struct {
		Parameter []struct {
			Resource jsontext.Value `json:"resource"`
		} `json:"parameter"`
	}
	coding struct {
		System  string `json:"system"`
		Code    string `json:"code"`
		Display string `json:"display"`
	}
	concept struct {
		Coding []coding `json:"coding"`
		Text   string   `json:"text"`
	}
	identifier struct {
		System string  `json:"system"`
		Value  string  `json:"value"`
		Type   concept `json:"type"`
	}
	reference struct {
		Reference  string      `json:"reference"`
		Identifier *identifier `json:"identifier"`
	}
	period struct {
		Start string `json:"start"`
	}
	effective struct {
		DateTime string `json:"effectiveDateTime"`
		Instant  string `json:"effectiveInstant"`
		Period   period `json:"effectivePeriod"`
	}
	observation struct {
		Status         string     `json:"status"`
		Code           concept    `json:"code"`
		Subject        *reference `json:"subject"`
		Specimen       *reference `json:"specimen"`
		effective      `json:",inline"`
		Value          *concept  `json:"valueCodeableConcept"`
		String         string    `json:"valueString"`
		Interpretation []concept `json:"interpretation"`
		Note           []struct {
			Text string `json:"text"`
		} `json:"note"`
	}
	report struct {
		Status    string      `json:"status"`
		Code      concept     `json:"code"`
		Subject   *reference  `json:"subject"`
		Specimen  []reference `json:"specimen"`
		effective `json:",inline"`
		Result    []reference `json:"result"`
	}
	patient struct {
		Identifier []identifier `json:"identifier"`
	}
	specimen struct {
		Accession  *identifier  `json:"accessionIdentifier"`
		Identifier []identifier `json:"identifier"`
		Collection struct {
			DateTime string `json:"collectedDateTime"`
			Period   period `json:"collectedPeriod"`
		} `json:"collection"`
	}
)

// resource is one resource of a message, and how others can refer to it.
type resource struct {
	header
	at      int // place in the message
	path    string
	fullURL string
	within  int // place of the resource that contains it; its own where nothing does
	data    jsontext.Value
}

// message is a message taken apart.
type message struct {
	root         string
	resources    []resource
	observations []resource
	reports      []listing
	listed       map[int][]int // place of an Observation -> reports that list it

	named     map[string][]int // what a reference may say -> places
	patients  map[int][]string // place -> its IINs, read already
	specimens map[int]*specimen
}

// listing is a report with the place of each of its results; -1 where that is not in the message.
type listing struct {
	resource
	report
	results []int
}

// deepest is how far messages may be in each other: Parameters, Bundle, Bundle.
const deepest = 3

// open takes a message apart.
func open(data []byte) (*message, []Issue) {
	m := &message{root: "message", listed: map[int][]int{}, patients: map[int][]string{}, specimens: map[int]*specimen{}}
	if err := unambiguous(data); err != nil {
		return m, []Issue{{Path: m.root, Code: "structure", Reason: err.Error()}}
	}
	issues := m.add(data, "", "", 0)
	m.index()
	for i := range m.resources {
		r := &m.resources[i]
		switch r.Type {
		case "Observation":
			m.observations = append(m.observations, *r)
		case "DiagnosticReport":
			l := listing{resource: *r}
			if err := decode(r.data, &l.report); err != nil {
				issues = append(issues, r.refuse("", "structure", err.Error()))
				continue
			}
			for _, ref := range l.Result {
				place := m.find(ref, r, "Observation")
				if l.results = append(l.results, place); place >= 0 {
					m.listed[place] = append(m.listed[place], len(m.reports))
				}
			}
			m.reports = append(m.reports, l)
		}
	}
	return m, issues
}

// errJSON does not quote the message.
var errJSON = errors.New("it is not JSON in UTF-8 in which every name occurs once")

// unread are elements that are never looked into. In real messages they have names twice.
var unread = map[string]bool{"address": true, "contact": true, "extension": true, "name": true, "telecom": true, "text": true}

// unambiguous refuses a message that two readers may understand differently: a name that occurs
// twice in what is read here.
func unambiguous(data []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true))
	names := []map[string]bool{nil} // of each object that is open; nil for an array
	for {
		kind, members := dec.StackIndex(dec.StackDepth())
		token, err := dec.ReadToken()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return errJSON
		case token.Kind() == '{':
			names = append(names, map[string]bool{})
		case token.Kind() == '[':
			names = append(names, nil)
		case token.Kind() == '}' || token.Kind() == ']':
			names = names[:len(names)-1]
		case kind == '{' && members%2 == 0:
			name := token.String()
			if here := names[len(names)-1]; here[name] {
				return errJSON
			} else if here[name] = true; unread[name] {
				if err := dec.SkipValue(); err != nil {
					return errJSON
				}
			}
		}
	}
}

// decode never quotes what it was given.
func decode(data jsontext.Value, into any) error {
	err := json.Unmarshal(data, into, jsontext.AllowDuplicateNames(true)) // unambiguous has looked
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		return fmt.Errorf("%s has the wrong type", strings.Trim(strings.ReplaceAll(string(wrong.JSONPointer), "/", "."), "."))
	}
	if err != nil {
		return errJSON
	}
	return nil
}

// add takes a resource and what is in it.
func (m *message) add(data jsontext.Value, path, fullURL string, depth int) []Issue {
	r := resource{at: len(m.resources), fullURL: fullURL, data: data}
	r.within = r.at
	if err := decode(data, &r.header); err != nil {
		return []Issue{{Path: orRoot(path), Code: "structure", Reason: err.Error(), at: r.at}}
	}
	if path == "" {
		m.root = orRoot(r.Type)
		path = m.root
	}
	r.path = path
	switch r.Type {
	case "":
		return []Issue{r.refuse("", "structure", "it has no resourceType")}
	case "Bundle", "Parameters":
		if depth == deepest {
			return []Issue{r.refuse("", "structure", "there are too many messages in each other")}
		}
		return m.addAll(r, depth)
	}
	m.resources = append(m.resources, r)
	var issues []Issue
	for i, inner := range r.Contained {
		c := resource{at: len(m.resources), path: fmt.Sprintf("%s.contained[%d]", path, i), within: r.at, data: inner}
		if err := decode(inner, &c.header); err != nil {
			issues = append(issues, c.refuse("", "structure", err.Error()))
			continue
		}
		m.resources = append(m.resources, c)
	}
	return issues
}

func (m *message) addAll(r resource, depth int) (issues []Issue) {
	var b bundle
	var p parameters
	if err := decode(r.data, &b); err != nil {
		return []Issue{r.refuse("", "structure", err.Error())}
	}
	if err := decode(r.data, &p); err != nil {
		return []Issue{r.refuse("", "structure", err.Error())}
	}
	for i, e := range b.Entry {
		if len(e.Resource) > 0 {
			issues = append(issues, m.add(e.Resource, fmt.Sprintf("%s.entry[%d]", r.path, i), e.FullURL, depth+1)...)
		}
	}
	for i, e := range p.Parameter {
		if len(e.Resource) > 0 {
			issues = append(issues, m.add(e.Resource, fmt.Sprintf("%s.parameter[%d]", r.path, i), "", depth+1)...)
		}
	}
	return issues
}

func orRoot(name string) string {
	if name == "" {
		return "message"
	}
	return name
}

func (r *resource) refuse(field, code, reason string) Issue {
	return Issue{r.path, field, code, reason, r.at}
}

// index notes under which names each resource can be referred to: "#id" of the same container, its
// full URL, and "Type/id".
func (m *message) index() {
	m.named = map[string][]int{}
	for i, r := range m.resources {
		names := []string{r.fullURL, tail(r.fullURL), r.Type + "/" + r.ID}
		if r.at != r.within {
			names = []string{inner(r.within, r.ID)}
		}
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			m.named[name] = append(m.named[name], i)
		}
	}
}

func inner(within int, id string) string { return fmt.Sprintf("#%d %s", within, id) }

// tail is the "Type/id" at the end of a URL.
func tail(url string) string {
	if i := strings.LastIndexByte(url, '/'); i > 0 {
		return url[strings.LastIndexByte(url[:i], '/')+1:]
	}
	return url
}

// find gives the place of what a reference from a resource names; -1 where that is not in the
// message or not of this type, or where two are.
func (m *message) find(ref reference, from *resource, kind string) int {
	names := []string{ref.Reference, tail(ref.Reference)}
	if id, ok := strings.CutPrefix(ref.Reference, "#"); ok {
		names = []string{inner(from.within, id)}
	}
	if ref.Reference == "" || strings.HasSuffix(ref.Reference, "/") {
		return -1
	}
	for _, name := range names {
		place, n := -1, 0
		for _, i := range m.named[name] {
			if m.resources[i].Type == kind {
				place = i
				n++
			}
		}
		if n == 1 {
			return place
		} else if n > 1 {
			return -1
		}
	}
	return -1
}

// missing lists the results that reports name and the message does not have, of reports about a PCR
// test only.
func (m *message) missing() (issues []Issue) {
	for i := range m.reports {
		r := &m.reports[i]
		if what, _ := test(r.Code); what != virus && what != gene {
			continue
		}
		for n, place := range r.results {
			if place < 0 {
				issues = append(issues, r.refuse("result", "not-found", fmt.Sprintf("result[%d] is not an Observation of this message", n)))
			}
		}
		if len(r.results) == 0 {
			issues = append(issues, r.refuse("result", "required", "it lists no Observation"))
		}
	}
	return issues
}
