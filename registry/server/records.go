package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/store"
)

const maxRecords = 1000 // in one request

func (s *Server) results(r *http.Request, source store.Source) (any, error) {
	req, err := decode[ResultRequest](r)
	if err != nil {
		return nil, err
	}
	entry := EntryRequest{IIN: req.IIN, Sample: req.Sample, Kind: req.Result, At: req.Taken}
	return s.one(r, source, entry, req.Signed, map[string]string{"kind": "result", "at": "taken"})
}

func (s *Server) contacts(r *http.Request, source store.Source) (any, error) {
	req, err := decode[ContactRequest](r)
	if err != nil {
		return nil, err
	}
	entry := EntryRequest{IIN: req.IIN, Kind: string(store.Contact), At: req.Since}
	return s.one(r, source, entry, req.Signed, map[string]string{"at": "since"})
}

// one enters a single record. Its fields have other names in that request.
func (s *Server) one(r *http.Request, source store.Source, entry EntryRequest, signed Signed,
	fields map[string]string) (any, error) {
	outcomes, err := s.enter(r.Context(), source, []EntryRequest{entry}, signed)
	if err != nil {
		return nil, err
	}
	to := outcomes[0]
	if wrong, ok := errors.AsType[*FieldError](to.Err); ok {
		if name, ok := fields[wrong.Field]; ok {
			wrong.Field = name
		}
		return nil, badRequest(wrong.Error(), wrong.Hint)
	}
	switch {
	case to.Err != nil:
		return nil, refusedSource(to.Err)
	case to.Waits:
		return itWaits(), nil
	}
	return nil, nil
}

func (s *Server) records(r *http.Request, source store.Source) (any, error) {
	req, err := decode[RecordsRequest](r)
	if err != nil {
		return nil, err
	}
	if len(req.Records) > maxRecords {
		return nil, badRequest("too many records", fmt.Sprintf("send at most %d at once", maxRecords))
	}
	outcomes, err := s.enter(r.Context(), source, req.Records, req.Signed)
	if err != nil {
		return nil, err
	}
	answer := RecordsAnswer{Records: make([]EntryAnswer, len(outcomes))}
	say := wanted(r)
	for i, to := range outcomes {
		a := entryAnswer(to)
		a.Error, a.Hint = say(a.Error), say(a.Hint)
		answer.Records[i] = a
	}
	return answer, nil
}

func entryAnswer(to store.Outcome) EntryAnswer {
	if wrong, ok := errors.AsType[*FieldError](to.Err); ok {
		return EntryAnswer{Outcome: "refused", Field: wrong.Field, Code: wrong.Code, Error: wrong.Error(), Hint: wrong.Hint}
	}
	switch {
	case to.Err != nil:
		f := asFailure(refusedSource(to.Err))
		return EntryAnswer{Outcome: "refused", Code: refusalCode(to.Err), Error: f.text, Hint: f.hint}
	case to.Waits:
		return EntryAnswer{Outcome: "waits", Record: to.Record}
	case to.Known:
		return EntryAnswer{Outcome: "known", Record: to.Record}
	}
	return EntryAnswer{Outcome: "entered", Record: to.Record}
}

// refusalCode tells a page what it can do about a record that is right in itself.
func refusalCode(err error) string {
	switch {
	case errors.Is(err, store.ErrConflict):
		return "conflict"
	case errors.Is(err, store.ErrWithdrawn):
		return "withdrawn"
	}
	return ""
}

// enter checks records and stores those that are right: an outcome for each, in their order. A
// wrong one, whose Outcome.Err is a *FieldError, stops no other.
func (s *Server) enter(ctx context.Context, source store.Source, requests []EntryRequest,
	signed Signed) ([]store.Outcome, error) {
	person, err := signed.by(source.Name)
	if err != nil {
		return nil, err
	}
	outcomes := make([]store.Outcome, len(requests))
	var entries []store.Entry
	var at []int
	for i, req := range requests {
		entry, wrong := req.check(source.Kind, now())
		if wrong != nil {
			outcomes[i].Err = wrong
			continue
		}
		entry.Again = signed.Again
		entries, at = append(entries, entry), append(at, i)
	}
	got, err := s.opt.Store.Enter(ctx, source.ID, entries, person, now())
	if err != nil {
		return nil, refusedSource(err)
	}
	for i, to := range got {
		outcomes[at[i]] = to
	}
	s.publisher.poke()
	return outcomes, nil
}

// by is the person's name for the log.
func (s Signed) by(usual string) (string, error) {
	if s.Person == "" {
		return usual, nil
	}
	return s.Person, checkName("person", s.Person)
}

// FieldError says what is wrong with one field of a record.
type FieldError struct {
	Field string // as in EntryRequest's JSON
	Code  string // for machines and for translations
	Text  string // goes on after the field's name
	Hint  string
}

// Error implements error.
func (e *FieldError) Error() string { return e.Field + " " + e.Text }

// What can be wrong with a field.
const (
	WrongMissing   = "missing"
	WrongIIN       = "iin"     // not 12 digits with a valid check digit
	WrongKind      = "kind"    // nothing that this kind of source sends
	WrongText      = "text"    // too long, or with an invisible character
	WrongFuture    = "future"  // a time
	WrongOld       = "old"     // a time
	WrongUnwelcome = "unusual" // a field that this kind of record does not have
)

// check reads a record that a source of this kind sends.
func (e EntryRequest) check(source string, at time.Time) (store.Entry, *FieldError) {
	entry := store.Entry{Sample: e.Sample, Kind: store.Kind(e.Kind), At: e.At, Laboratory: e.Laboratory,
		IndexCase: e.IndexCase}
	var err error
	if entry.IIN, err = store.ParseIIN(e.IIN); err != nil {
		return entry, &FieldError{"iin", WrongIIN, "is not 12 digits with a valid check digit",
			"check the number for a typing error"}
	}
	if sends := sourceKinds[source].sends; !slices.Contains(sends, entry.Kind) {
		return entry, &FieldError{"kind", WrongKind, "is unknown",
			fmt.Sprintf("a %s sends %q", sourceKinds[source].name, sends)}
	}
	if wrong := checkTime("at", e.At, at, oldest(entry.Kind)); wrong != nil {
		return entry, wrong
	}
	pcr := source == Laboratory || source == PCRPortal
	for _, text := range []struct {
		field, value   string
		needed, common bool // must be there, may be there
	}{
		{"sample", e.Sample, pcr, true},
		{"laboratory", e.Laboratory, false, source == PCRPortal},
		{"index_case", e.IndexCase, false, entry.Kind == store.Contact},
	} {
		if wrong := checkText(text.field, text.value, text.needed, text.common); wrong != nil {
			return entry, wrong
		}
	}
	return entry, nil
}

func checkText(field, value string, needed, common bool) *FieldError {
	switch {
	case value == "" && needed:
		return &FieldError{field, WrongMissing, "is missing", "write 1 to 64 bytes"}
	case value == "":
		return nil
	case !common:
		return &FieldError{field, WrongUnwelcome, "does not belong to this record", "leave it out"}
	case len(value) > 64:
		return &FieldError{field, WrongText, "is too long", "write at most 64 bytes"}
	}
	if err := names.Check(value); err != nil {
		return &FieldError{field, WrongText, "cannot be used: " + err.Error(),
			"type it again: copied text may have invisible characters"}
	}
	return nil
}

func checkTime(field string, t, now time.Time, oldest time.Duration) *FieldError {
	switch {
	case t.IsZero():
		return &FieldError{field, WrongMissing, "is missing", "times are written as 2021-04-20T12:00:00Z"}
	case t.After(now.Add(clockSkew)):
		return &FieldError{field, WrongFuture, "is in the future", "check the date, the time zone and this machine's clock"}
	case t.Before(now.Add(-oldest)):
		return &FieldError{field, WrongOld, fmt.Sprintf("is more than %d days ago", int(oldest/(24*time.Hour))),
			"check the date: a record that old changes no status"}
	}
	return nil
}

func parseIIN(text string) (store.IIN, error) {
	iin, err := store.ParseIIN(text)
	if err != nil {
		return "", badRequest(err.Error(), "check the number for a typing error")
	}
	return iin, nil
}

// checkName takes a name that somebody chose: 1 to 64 bytes of visible characters.
func checkName(field, name string) error { return checkNameOf(field, name, 64) }

func checkNameOf(field, name string, most int) error {
	if name == "" || len(name) > most {
		return badRequest("the "+field+" is missing or too long", fmt.Sprintf("write 1 to %d bytes", most))
	}
	if err := names.Check(name); err != nil {
		return badRequest("the "+field+" cannot be used: "+err.Error(),
			"type it again: copied text may have invisible characters")
	}
	return nil
}
