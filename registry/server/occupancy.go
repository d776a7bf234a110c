package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// giveSeats gives a door places of its venue, and hears what became of the last ones.
func (s *Server) giveSeats(r *http.Request, door int64) (any, error) {
	q, err := decode[api.PlacesRequest](r)
	if err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, badRequest(err.Error(), "send the door's ledger; a newer door needs a newer registry")
	}
	a, err := s.opt.Store.Places(r.Context(), door, q, now())
	switch {
	case errors.Is(err, store.ErrLate):
		return nil, &failure{http.StatusConflict, "a newer request of this door came first", "ask again with the next number", err}
	case errors.Is(err, store.ErrLedgerEnded):
		return nil, &failure{http.StatusConflict, "this ledger has ended", "begin another one", err}
	case err != nil:
		return nil, err
	}
	return a, nil
}

// occupancy says how many people are in a venue, and lets the staff correct that: people leave by
// other ways, too.
func (s *Server) occupancy(r *http.Request, by store.Account) (any, error) {
	return getOrPost(func(r *http.Request) (any, error) {
		venue, err := strconv.ParseInt(r.URL.Query().Get("venue"), 10, 64)
		if err != nil {
			return nil, badRequest(`"venue" is not the id of a venue`, "write ?venue=ID")
		}
		if err := s.mayUse(r.Context(), by, venue); err != nil {
			return nil, err
		}
		return s.opt.Store.HallOf(r.Context(), venue, now())
	}, func(r *http.Request) (any, error) {
		req, err := decode[OccupancyRequest](r)
		if err != nil {
			return nil, err
		}
		if err := s.mayUse(r.Context(), by, req.Venue); err != nil {
			return nil, err
		}
		return s.correctHall(r.Context(), req)
	})(r)
}

// mayUse tells whether a venue is an account's.
func (s *Server) mayUse(ctx context.Context, by store.Account, venue int64) error {
	v, err := s.opt.Store.VenueOf(ctx, venue)
	if err != nil {
		return noVenue(err)
	}
	if by.Reaches(v) {
		return nil
	}
	return notOfRole(by)
}

func (s *Server) correctHall(ctx context.Context, req OccupancyRequest) (store.Hall, error) {
	several := req.Inside != nil && (req.Empties != nil || req.Add != 0) || req.Empties != nil && req.Add != 0
	switch {
	case several: // which one is meant?
	case req.Inside != nil && *req.Inside >= 0 && *req.Inside <= MaxCapacity:
		return s.opt.Store.SetHall(ctx, req.Venue, *req.Inside, now())
	case req.Empties != nil && *req.Empties >= -1 && *req.Empties < 24*60:
		return s.opt.Store.SetEmpties(ctx, req.Venue, *req.Empties, now())
	case req.Add != 0 && max(req.Add, -req.Add) <= MaxCapacity:
		return s.opt.Store.CorrectHall(ctx, req.Venue, req.Add, now())
	}
	return store.Hall{}, badRequest("the correction cannot be used", `write "add" (a number, not 0), "inside" (0 or more) or "empties" (minutes after midnight, -1 for never)`)
}
