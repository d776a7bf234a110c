package server

import (
	"errors"
	"net/http"

	"ashyq-kiosk/registry/store"
)

// approve lets a door whose certificate has expired have the next one.
func (s *Server) approve(r *http.Request, within string) (any, error) {
	req, err := decode[ApproveRequest](r)
	if err != nil {
		return nil, err
	}
	if err = s.doorWithin(r, req.Name, within); err == nil {
		err = s.opt.Store.Approve(r.Context(), req.Name, now())
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusNotFound, "no door of this name waits for approval", "write it as the overview does; the door has to ask first", err}
	}
	return nil, err
}
