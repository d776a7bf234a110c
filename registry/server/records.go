package server

import (
	"net/http"
	"time"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/store"
)

// oldestRecord is how long ago a sample or a contact may have been. Older ones change no colour,
// and most of them have a wrong year.
const oldestRecord = max(PositiveLasts, ContactLasts, NegativeLasts)

func (s *Server) results(r *http.Request, source int64) (any, error) {
	req, err := decode[ResultRequest](r)
	if err != nil {
		return nil, err
	}
	iin, err := parseIIN(req.IIN)
	if err != nil {
		return nil, err
	}
	kind := store.Kind(req.Result)
	if kind != store.Positive && kind != store.Negative {
		return nil, badRequest("unknown result", `write "positive" or "negative"`)
	}
	if err := checkName("sample", req.Sample); err != nil {
		return nil, err
	}
	if err := checkRecordTime("taken", req.Taken); err != nil {
		return nil, err
	}
	waiting, err := s.opt.Store.AddResult(r.Context(), source, iin, req.Sample, store.Record{Kind: kind, At: req.Taken}, now())
	return s.recorded(waiting, err)
}

func (s *Server) contacts(r *http.Request, source int64) (any, error) {
	req, err := decode[ContactRequest](r)
	if err != nil {
		return nil, err
	}
	iin, err := parseIIN(req.IIN)
	if err != nil {
		return nil, err
	}
	if err := checkRecordTime("since", req.Since); err != nil {
		return nil, err
	}
	waiting, err := s.opt.Store.AddContact(r.Context(), source, iin, req.Since, now())
	return s.recorded(waiting, err)
}

// recorded is the answer to a record.
func (s *Server) recorded(waiting bool, err error) (any, error) {
	switch {
	case err != nil:
		return nil, refusedSource(err)
	case waiting:
		return itWaits(), nil
	}
	s.publisher.poke()
	return nil, nil
}

func parseIIN(text string) (store.IIN, error) {
	iin, err := store.ParseIIN(text)
	if err != nil {
		return "", badRequest(err.Error(), "check the number for a typing error")
	}
	return iin, nil
}

func checkRecordTime(field string, t time.Time) error {
	at := now()
	switch {
	case t.IsZero():
		return badRequest(field+" is missing", "times are written as 2021-04-20T12:00:00Z")
	case t.After(at.Add(clockSkew)):
		return badRequest(field+" is in the future", "check the date, the time zone and this machine's clock")
	case t.Before(at.Add(-oldestRecord)):
		return badRequest(field+" is more than 14 days ago", "check the date: a record that old changes no status")
	}
	return nil
}

// checkName takes a name that somebody chose: 1 to 64 bytes of visible characters.
func checkName(field, name string) error {
	if name == "" || len(name) > 64 {
		return badRequest("the "+field+" is missing or too long", "write 1 to 64 bytes")
	}
	if err := names.Check(name); err != nil {
		return badRequest("the "+field+" cannot be used: "+err.Error(), "type it again: copied text may have invisible characters")
	}
	return nil
}
