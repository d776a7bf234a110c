package server

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// byActor lets in every source, for its own records, and national administrators.
func (s *Server) byActor(f func(r *http.Request, source store.Source) (any, error)) func(*http.Request) (any, error) {
	bySource := s.bySource(f)
	return func(r *http.Request) (any, error) {
		key, err := bearer(r)
		if err != nil {
			return nil, err
		}
		account, err := s.accountOf(r.Context(), key)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return bySource(r)
		case err != nil:
			return nil, err
		case account.Role != store.National:
			return nil, notOfRole(account)
		}
		return f(r, store.Source{Name: account.Name})
	}
}

// target finds the record that a request names, and who asks.
func (s *Server) target(ctx context.Context, source store.Source, t Target) (by store.Actor, record int64, err error) {
	person, err := Signed{Person: t.Person}.by(source.Name)
	if err != nil {
		return by, 0, err
	}
	if err := checkWhy(t.Why); err != nil {
		return by, 0, err
	}
	by = store.Actor{Source: source.ID, Person: person}
	switch {
	case (t.Record == 0) == (t.Sample == ""), t.Record == 0 && source.ID == 0:
		return by, 0, badRequest("the request does not name one record",
			`write its id as "record", or a sample number of this source as "sample"`)
	case t.Record != 0:
		return by, t.Record, nil
	}
	record, err = s.opt.Store.RecordOf(ctx, source.ID, t.Sample)
	return by, record, noRecord(err)
}

// checkWhy takes a reason: 1 to 200 bytes of visible characters.
func checkWhy(why string) error {
	if why == "" || len(why) > 200 {
		return badRequest("the reason is missing or too long", "write 1 to 200 bytes")
	}
	if err := names.Check(why); err != nil {
		return badRequest("the reason cannot be used: "+err.Error(),
			"type it again: copied text may have invisible characters")
	}
	return nil
}

// noRecord is the answer where a record cannot be changed.
func noRecord(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &failure{http.StatusNotFound, "this source has no such record",
			"write the sample number as it was entered", err}
	case errors.Is(err, store.ErrEnded):
		return &failure{http.StatusConflict, "this record was corrected or withdrawn meanwhile",
			"look at the list again", err}
	case errors.Is(err, store.ErrUnchanged):
		return badRequest("the correction changes nothing", "say what is right instead")
	case errors.Is(err, store.ErrTooManyEnds):
		return &failure{http.StatusTooManyRequests,
			"this source has corrected or withdrawn too many positive results and contacts in an hour",
			"ask the registry's administrator, or go on in an hour", err}
	}
	return refusedSource(err)
}

func (s *Server) withdraw(r *http.Request, source store.Source) (any, error) {
	req, err := decode[Target](r)
	if err != nil {
		return nil, err
	}
	by, record, err := s.target(r.Context(), source, req)
	if err != nil {
		return nil, err
	}
	if err := s.opt.Store.Withdraw(r.Context(), by, record, req.Why, now()); err != nil {
		return nil, noRecord(err)
	}
	s.publisher.poke()
	return nil, nil
}

func (s *Server) correct(r *http.Request, source store.Source) (any, error) {
	req, err := decode[CorrectRequest](r)
	if err != nil {
		return nil, err
	}
	by, record, err := s.target(r.Context(), source, req.Target)
	if err != nil {
		return nil, err
	}
	old, of, err := s.opt.Store.EntryOf(r.Context(), by, record)
	if err != nil {
		return nil, noRecord(err)
	}
	next, wrong := req.Next.over(old).check(of.Kind, now())
	if wrong != nil {
		return nil, badRequest(wrong.Error(), wrong.Hint)
	}
	to, err := s.opt.Store.Correct(r.Context(), by, record, next, req.Why, now())
	if errors.Is(err, store.ErrConflict) {
		return nil, &failure{http.StatusConflict, "another record has this sample number",
			"correct or withdraw that one", err}
	}
	if err != nil {
		return nil, noRecord(err)
	}
	s.publisher.poke()
	return entryAnswer(to), nil
}

// over is the old record with what the request changes.
func (e EntryRequest) over(old store.Entry) EntryRequest {
	if e.At.IsZero() {
		e.At = old.At
	}
	e.IIN, e.Sample, e.Kind = cmp.Or(e.IIN, string(old.IIN)), cmp.Or(e.Sample, old.Sample), cmp.Or(e.Kind,
		string(old.Kind))
	e.Laboratory, e.IndexCase = cmp.Or(e.Laboratory, old.Laboratory), cmp.Or(e.IndexCase, old.IndexCase)
	return e
}

// today lists what a source entered since a time, at first in the last 24 hours.
func (s *Server) today(r *http.Request, source store.Source) (any, error) {
	since := now().Add(-24 * time.Hour)
	if text := r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, badRequest("since is not a time", "times are written as 2021-04-20T12:00:00Z")
		}
	}
	return s.opt.Store.Today(r.Context(), source.ID, since)
}

func (s *Server) history(r *http.Request) (any, error) {
	iin, err := s.citizen(r)
	if err != nil {
		return nil, err
	}
	records, err := s.opt.Store.History(r.Context(), iin)
	return records, notRegistered(err)
}

func notRegistered(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &failure{http.StatusNotFound, "this IIN is not registered here", "check the number", err}
	}
	return err
}

// withdrawSource withdraws all that a source has entered since a time, after a look at it.
func (s *Server) withdrawSource(r *http.Request) (any, error) {
	req, err := decode[WithdrawSourceRequest](r)
	if err != nil {
		return nil, err
	}
	if req.Since.IsZero() {
		return nil, badRequest("since is missing", "times are written as 2021-04-20T12:00:00Z")
	}
	if req.Since.After(now().Add(clockSkew)) {
		return nil, badRequest("since is in the future", "write when the key was stolen, or earlier")
	}
	if req.Preview {
		bulk, err := s.opt.Store.BulkOf(r.Context(), req.Name, req.Since)
		if err != nil {
			return nil, noSource(err)
		}
		return preview(bulk, now()), nil
	}
	person, err := Signed{Person: req.Person}.by(store.Administrator)
	if err != nil {
		return nil, err
	}
	if err := checkWhy(req.Why); err != nil {
		return nil, err
	}
	if req.Last == 0 {
		return nil, badRequest("last is missing", `ask with "preview": true first, and send the "last" of that answer`)
	}
	n, err := s.opt.Store.WithdrawSince(r.Context(), req.Name, req.Since, req.Last, person, req.Why, now())
	if err != nil {
		return nil, noSource(err)
	}
	s.publisher.poke()
	return WithdrawSourceAnswer{Records: n}, nil
}

// preview says whose colour would change.
func preview(bulk store.Bulk, at time.Time) WithdrawSourceAnswer {
	a := WithdrawSourceAnswer{Kinds: bulk.Kinds, Waiting: bulk.Waiting, People: len(bulk.People), Last: bulk.Last,
		Changes: []ColourChange{}}
	for _, n := range bulk.Kinds {
		a.Records += n
	}
	changes := map[[2]statuslist.Status]int{}
	for _, p := range bulk.People {
		from, to := derive(slices.Concat(p.Stay, p.Go), at).status, derive(p.Stay, at).status
		if from != to {
			changes[[2]statuslist.Status{from, to}]++
		}
	}
	for change, n := range changes {
		a.Changes = append(a.Changes, ColourChange{From: colours[change[0]], To: colours[change[1]], People: n})
	}
	slices.SortFunc(a.Changes, func(x, y ColourChange) int {
		return cmp.Or(cmp.Compare(y.People, x.People), cmp.Compare(x.From+x.To, y.From+y.To))
	})
	return a
}

func (s *Server) suspend(r *http.Request) (any, error) {
	return s.hold(r, func(ctx context.Context, iin store.IIN) error { return s.opt.Store.Suspend(ctx, iin, now()) })
}

func (s *Server) resume(r *http.Request) (any, error) { return s.hold(r, s.opt.Store.Resume) }

// hold changes a citizen's passes.
func (s *Server) hold(r *http.Request, do func(context.Context, store.IIN) error) (any, error) {
	iin, err := s.citizen(r)
	if err != nil {
		return nil, err
	}
	if err := do(r.Context(), iin); err != nil {
		return nil, notRegistered(err)
	}
	s.publisher.poke()
	return nil, nil
}
