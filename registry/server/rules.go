package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/decree"
	"ashyq-kiosk/registry/store"
)

// RulesAnswer is a version of the rules with its document, byte for byte.
type RulesAnswer struct {
	store.RulesVersion
	Document string `json:"document"`
	AtDoors  bool   `json:"atDoors"` // doors that ask get it
	Alone    bool   `json:"alone"`   // who asks may put a version in force alone
}

// RulesStored is the number of a new version.
type RulesStored struct {
	Version int64 `json:"version"`
	Waits   bool  `json:"waits"` // for a second person
}

// RulesConflict says what has changed since the version that somebody has changed.
type RulesConflict struct {
	api.Error
	Current store.RulesVersion `json:"current"`
	Changes decree.Changes     `json:"changes"` // from the version that was changed to the one in force
}

// RulesProblem keeps a document from being stored.
type RulesProblem struct {
	Rule  string `json:"rule,omitempty"`  // its name, or its place where it has no name; empty: the document
	Field string `json:"field,omitempty"` // its key
	Why   string `json:"why"`             // in the language of the request
}

// RulesCheck is what is known about a document before it is stored.
type RulesCheck struct {
	api.Error                // of a document that cannot be stored
	Problems  []RulesProblem `json:"problems,omitempty"`
	decree.Findings
	Unknown bool           `json:"unknown,omitempty"` // too complex to look for Findings
	Changes decree.Changes `json:"changes"`           // from the version in force
}

// RulesPreview is decree.Preview with what was assumed.
type RulesPreview struct {
	decree.Preview
	Counts   string `json:"counts"` // the day of the counts, as 2021-04-20
	On       string `json:"on"`     // the day on which the same people are taken to come
	Timezone string `json:"timezone"`
}

// RulesVersionRequest names a version.
type RulesVersionRequest struct {
	Version int64 `json:"version"`
}

// RollBackRequest goes back to the document of an earlier version.
type RollBackRequest struct {
	Version int64  `json:"version"`
	Changes int64  `json:"changes"` // the version in force, as far as the sender knows
	Why     string `json:"why"`
	Alone   bool   `json:"alone,omitempty"`
}

const (
	longestWhy   = 500 // characters
	versionsPage = 100
)

func (s *Server) rulesByMethod(r *http.Request, by store.Account) (any, error) {
	return getOrPut(
		func(r *http.Request) (any, error) { return s.wantedRules(r, by) },
		func(r *http.Request) (any, error) { return s.putRules(r, by) },
	)(r)
}

// wantedRules tells which version is in force. It is published a moment later, or as long as the
// registry cannot publish, not.
func (s *Server) wantedRules(r *http.Request, by store.Account) (any, error) {
	v, err := s.opt.Store.WantedRules(r.Context())
	if err != nil {
		return nil, err
	}
	answer, err := s.rulesAnswer(r.Context(), v.Version)
	answer.Alone = by.ID == 0
	return answer, err
}

func (s *Server) rulesAnswer(ctx context.Context, version int64) (RulesAnswer, error) {
	v, document, err := s.opt.Store.RulesOf(ctx, version)
	return RulesAnswer{RulesVersion: v, Document: string(document), AtDoors: v.Hash == s.publisher.public.rules()}, err
}

func (s *Server) rulesVersions(r *http.Request) (any, error) {
	before, err := number(r, "before", 0)
	if err != nil {
		return nil, err
	}
	return s.opt.Store.RulesVersions(r.Context(), before, versionsPage)
}

func (s *Server) rulesVersion(r *http.Request) (any, error) {
	version, err := strconv.ParseInt(r.PathValue("version"), 10, 64)
	if err != nil {
		return nil, noVersion(store.ErrNotFound)
	}
	answer, err := s.rulesAnswer(r.Context(), version)
	if err != nil {
		return nil, noVersion(err)
	}
	return answer, nil
}

func noVersion(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &failure{http.StatusNotFound, "there is no such version of the rules", "GET " + PathRulesVersions + " lists them", err}
	}
	return err
}

// number reads a number of the query.
func number(r *http.Request, name string, missing int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, badRequest("a number of the query cannot be read", "write a number, such as 3")
	}
	return n, nil
}

func (s *Server) compareRules(r *http.Request) (any, error) {
	from, err := number(r, "from", 0)
	if err != nil {
		return nil, err
	}
	to, err := number(r, "to", 0)
	if err != nil {
		return nil, err
	}
	return s.changes(r.Context(), from, to)
}

func (s *Server) changes(ctx context.Context, from, to int64) (decree.Changes, error) {
	_, document, err := s.opt.Store.RulesOf(ctx, to)
	if err != nil {
		return decree.Changes{}, noVersion(err)
	}
	return s.changesTo(ctx, from, document)
}

// changesTo compares a version with a document that was parsed before.
func (s *Server) changesTo(ctx context.Context, from int64, document []byte) (decree.Changes, error) {
	_, before, err := s.opt.Store.RulesOf(ctx, from)
	if err != nil {
		return decree.Changes{}, noVersion(err)
	}
	old, err := decree.Parse(before)
	if err != nil {
		return decree.Changes{}, err
	}
	next, err := decree.Parse(document)
	if err != nil {
		return decree.Changes{}, err
	}
	return decree.Compare(old, next), nil
}

func body(r *http.Request) ([]byte, error) {
	document, err := io.ReadAll(r.Body)
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, err
		}
		return nil, badRequest("the body ended early", "send it again")
	}
	return document, nil
}

// checked says what is wrong with a document; ok: nothing.
func checked(r *http.Request, document []byte) (check RulesCheck, ok bool) {
	_, err := decree.Parse(document)
	if err == nil {
		return check, true
	}
	say := wanted(r)
	for _, p := range decree.Problems(err) {
		check.Problems = append(check.Problems, RulesProblem{p.Rule, p.Field, say(p.Why)})
	}
	if len(check.Problems) == 0 {
		check.Problems = []RulesProblem{{Why: say("the document cannot be read") + ": " + err.Error()}}
	}
	lines := make([]string, len(check.Problems))
	for i, p := range check.Problems {
		lines[i] = p.Why
		for _, where := range []string{p.Field, p.Rule} {
			if where != "" {
				lines[i] = where + ": " + lines[i]
			}
		}
	}
	check.Error = api.Error{
		Error: say("the rules have problems") + ": " + strings.Join(lines, "; "),
		Hint:  say("nothing was changed; correct the document and send it again"),
	}
	return check, false
}

func (s *Server) checkRules(r *http.Request) (any, error) {
	document, err := body(r)
	if err != nil {
		return nil, err
	}
	check, ok := checked(r, document)
	if !ok {
		return check, nil
	}
	wanted, err := s.opt.Store.WantedRules(r.Context())
	if err != nil {
		return nil, err
	}
	if check.Changes, err = s.changesTo(r.Context(), wanted.Version, document); err != nil {
		return nil, err
	}
	rules, err := decree.Parse(document)
	if err != nil {
		return nil, err
	}
	check.Findings, err = decree.Analyse(rules, now())
	check.Unknown = errors.Is(err, decree.ErrTooComplex)
	if check.Unknown {
		err = nil
	}
	return check, err
}

func (s *Server) putRules(r *http.Request, by store.Account) (any, error) {
	document, err := body(r)
	if err != nil {
		return nil, err
	}
	if check, ok := checked(r, document); !ok {
		data, err := json.Marshal(check)
		return refusedAll{raw{"application/json", "no-store", data, nil}}, err
	}
	query := r.URL.Query()
	base, err := strconv.ParseInt(query.Get("changes"), 10, 64)
	if err != nil {
		return nil, badRequest("it is not said which version the document changes", "send it with ?changes=VERSION&why=TEXT; GET "+PathRules+" says which version is in force")
	}
	return s.storeRules(r, by, document, RollBackRequest{Changes: base, Why: query.Get("why"), Alone: query.Get("alone") == "1"})
}

func (s *Server) storeRules(r *http.Request, by store.Account, document []byte, req RollBackRequest) (any, error) {
	why := names.Compose(strings.Join(strings.Fields(req.Why), " "))
	if why == "" || utf8.RuneCountInString(why) > longestWhy {
		return nil, badRequest("it is not said why the rules change", "write a reason of at most 500 characters, such as the decree's number")
	}
	if err := names.Check(why); err != nil {
		return nil, badRequest("the reason cannot be used: "+err.Error(), "type it again: copied text may have invisible characters")
	}
	if req.Alone && by.ID != 0 {
		return nil, &failure{http.StatusForbidden, "rules need a second person", "store them without \"alone\"; another national administrator publishes them", nil}
	}
	v := store.RulesVersion{Base: req.Changes, Person: by.Name, Why: why}
	if req.Alone {
		v.Publisher = by.Name
	}
	version, err := s.opt.Store.PutRules(r.Context(), document, v, now())
	if err != nil {
		return s.overtaken(r, req.Changes, err)
	}
	if req.Alone {
		s.opt.Log.Warn("rules were put in force by one person alone", "version", version)
		s.publisher.poke()
	}
	return RulesStored{Version: version, Waits: !req.Alone}, nil
}

// overtaken tells what has changed since a version.
func (s *Server) overtaken(r *http.Request, base int64, err error) (any, error) {
	if !errors.Is(err, store.ErrRulesChanged) {
		return nil, err
	}
	current, err := s.opt.Store.WantedRules(r.Context())
	if err != nil {
		return nil, err
	}
	say := wanted(r)
	answer := RulesConflict{Current: current, Error: api.Error{
		Error: say("the rules have changed meanwhile"),
		Hint:  say("see what has changed, and make your change in the version that is in force now"),
	}}
	answer.Changes, err = s.changes(r.Context(), base, current.Version)
	return conflicted{answer}, err
}

func (s *Server) rollBackRules(r *http.Request, by store.Account) (any, error) {
	req, err := decode[RollBackRequest](r)
	if err != nil {
		return nil, err
	}
	_, document, err := s.opt.Store.RulesOf(r.Context(), req.Version)
	if err != nil {
		return nil, noVersion(err)
	}
	return s.storeRules(r, by, document, req)
}

func (s *Server) publishRules(r *http.Request, by store.Account) (any, error) {
	req, err := decode[RulesVersionRequest](r)
	if err != nil {
		return nil, err
	}
	err = s.opt.Store.PublishRules(r.Context(), req.Version, by.Name, now())
	switch {
	case errors.Is(err, store.ErrSamePerson):
		return nil, &failure{http.StatusForbidden, "rules need a second person", "another national administrator publishes what you have stored", err}
	case errors.Is(err, store.ErrExists):
		return nil, &failure{http.StatusConflict, "this version was in force already", "roll back to it to have it again", err}
	case errors.Is(err, store.ErrRulesChanged):
		v, _, lost := s.opt.Store.RulesOf(r.Context(), req.Version)
		if lost != nil {
			return nil, lost
		}
		return s.overtaken(r, v.Base, err)
	case err != nil:
		return nil, noVersion(err)
	}
	s.publisher.poke()
	return nil, nil
}

func (s *Server) previewRules(r *http.Request) (any, error) {
	document, err := body(r)
	if err != nil {
		return nil, err
	}
	if check, ok := checked(r, document); !ok {
		return nil, badRequest(check.Error.Error, check.Hint)
	}
	draft, err := decree.Parse(document)
	if err != nil {
		return nil, err
	}
	wanted, err := s.opt.Store.WantedRules(r.Context())
	if err != nil {
		return nil, err
	}
	_, current, err := s.opt.Store.RulesOf(r.Context(), wanted.Version)
	if err != nil {
		return nil, err
	}
	before, err := decree.Parse(current)
	if err != nil {
		return nil, err
	}
	counted, on, occupancy, err := previewed(r, draft.Timezone)
	if err != nil {
		return nil, err
	}
	sums, err := s.opt.Store.ChecksBetween(r.Context(), counted, counted.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	checks := make([]decree.Checks, len(sums))
	for i, c := range sums {
		checks[i] = decree.Checks{Venue: c.Kind, Zone: c.Zone, Region: c.Region, Hour: c.Hour, Name: c.Name, N: c.N}
	}
	return RulesPreview{
		Preview: decree.Compute(before, draft, checks, decree.Assumed{Shift: on.Sub(counted), Occupancy: occupancy}),
		Counts:  counted.Format(time.DateOnly), On: on.Format(time.DateOnly), Timezone: draft.Timezone,
	}, nil
}

// previewed reads what is assumed for a preview.
func previewed(r *http.Request, zone string) (counted, on time.Time, occupancy float64, err error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return counted, on, 0, err
	}
	query := r.URL.Query()
	day := func(name string, missing time.Time) time.Time {
		text := query.Get(name)
		if text == "" {
			return missing
		}
		t, parsed := time.ParseInLocation(time.DateOnly, text, location)
		if parsed != nil {
			err = badRequest("a day cannot be read", "write it as 2021-04-20")
		}
		return t
	}
	today := now().In(location)
	counted = day("counts", time.Date(today.Year(), today.Month(), today.Day()-1, 0, 0, 0, 0, location))
	on = day("on", counted)
	occupancy = -1
	if text := query.Get("occupancy"); text != "" {
		share, parsed := strconv.ParseFloat(text, 64)
		if parsed != nil || !(share >= 0 && share <= 1) {
			err = badRequest("the share of seats cannot be read", "write a number from 0 to 1")
		}
		occupancy = share
	}
	return counted, on, occupancy, err
}
