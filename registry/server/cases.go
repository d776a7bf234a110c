package server

import (
	"crypto/ed25519"
	"errors"
	"net/http"
	"slices"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/store"
)

const maxSettled = 50 // records in one decision

func (s *Server) cases(r *http.Request) (any, error) { return s.opt.Store.Cases(r.Context(), now()) }

func (s *Server) settle(r *http.Request) (any, error) {
	req, err := decode[SettleRequest](r)
	if err != nil {
		return nil, err
	}
	person, err := Signed{Person: req.Person}.by(store.Administrator)
	if err != nil {
		return nil, err
	}
	if err := checkWhy(req.Why); err != nil {
		return nil, err
	}
	all := slices.Sorted(slices.Values(slices.Concat(req.Stand, req.End)))
	if n := len(all); n == 0 || n > maxSettled || len(slices.Compact(all)) != n {
		return nil, badRequest("the decision does not name each record once", `write the ids of 1 to 50 records, each in "stand" or in "end"`)
	}
	err = s.opt.Store.Settle(r.Context(), req.Stand, req.End, person, req.Why, now())
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusNotFound, "there is no such record", "look at the cases again", err}
	}
	if err != nil {
		return nil, noRecord(err)
	}
	s.publisher.poke()
	return nil, nil
}

// dispute takes a citizen's word, behind the path, that the records behind the own colour are
// wrong. It changes no colour: a person has to look.
func (s *Server) dispute(r *http.Request, phone ed25519.PublicKey, argument string) (any, error) {
	why := names.Compose(argument)
	if err := checkWhy(why); err != nil {
		return nil, err
	}
	err := s.opt.Store.Dispute(r.Context(), phone, why, now())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, &failure{http.StatusNotFound, "there is nothing to dispute", "your colour does not come from a positive test or a contact", nil}
	case errors.Is(err, store.ErrDecided):
		return nil, &failure{http.StatusConflict, "a person has looked at these records, and they stand", "ask where you registered", err}
	}
	return nil, err
}
