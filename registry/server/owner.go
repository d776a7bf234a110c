package server

import (
	"net/http"
	"strconv"
	"time"

	"ashyq-kiosk/registry/store"
)

const (
	ownSilent = 15 * time.Minute // after which an owner's door counts as silent: three hellos
	ownHours  = 48 * time.Hour
)

// own lists the venues of an owner.
func (s *Server) own(r *http.Request, owner store.Account) (any, error) {
	return s.opt.Store.OwnVenues(r.Context(), owner.BIN, owner.Region, now().Add(-ownSilent), now())
}

// ownVenue is one venue of an owner. Another owner's counts as unknown.
func (s *Server) ownVenue(r *http.Request, owner store.Account) (any, error) {
	id, err := strconv.ParseInt(r.URL.Query().Get("venue"), 10, 64)
	if err != nil {
		return nil, badRequest(`"venue" is not the id of a venue`, "write ?venue=ID")
	}
	v, err := s.opt.Store.VenueOf(r.Context(), id)
	if err == nil && !owner.Reaches(v) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, noVenue(err)
	}
	var a OwnVenueAnswer
	if a.Doors, err = s.opt.Store.VenueDoors(r.Context(), v.ID, now()); err != nil {
		return nil, err
	}
	if a.Hall, err = s.opt.Store.HallOf(r.Context(), v.ID, now()); err != nil {
		return nil, err
	}
	day := now().Add(-24 * time.Hour).Truncate(time.Hour)
	if a.StaffChecks, err = s.opt.Store.Checks(r.Context(), v.ID, day); err != nil {
		return nil, err
	}
	a.Hours, err = s.opt.Store.VenueHours(r.Context(), v.ID, now().Add(-ownHours))
	return a, err
}
