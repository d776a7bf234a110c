package server

import (
	"errors"
	"net/http"

	"ashyq-kiosk/registry/store"
)

// restored ends the time after a restore in which the registry vouches for nothing newer than the
// backup.
func (s *Server) restored(r *http.Request) (any, error) {
	err := s.opt.Store.ConfirmRestored(r.Context(), now())
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusConflict, "this registry does not wait for that", "it was not restored from a backup, or somebody has confirmed it already", err}
	}
	if err != nil {
		return nil, err
	}
	s.opt.Log.Info("the administrator has confirmed that all sources have sent again")
	s.publisher.poke()
	return nil, nil
}
