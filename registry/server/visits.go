package server

import (
	"errors"
	"net/http"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// visits relays between the doors of a venue whom they have let in. The registry has not the key of
// the hashes.
func (s *Server) visits(r *http.Request, door int64) (any, error) {
	q, err := decode[api.VisitsRequest](r)
	if err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, badRequest(err.Error(), "send what the last answer asked for; a newer door needs a newer registry")
	}
	a, err := s.opt.Store.Visits(r.Context(), door, q, now())
	if errors.Is(err, store.ErrWrongDay) {
		return nil, badRequest("the day is not today", "check the door's clock")
	}
	return a, err
}
