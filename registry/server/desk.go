package server

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// A Desk decides about passes at one venue as a door there would: the staff's own phone shows it
// what it sees. It is not for several goroutines.
type Desk interface {
	Decide(ctx context.Context, code, rules []byte, now time.Time) (Decision, error)
}

// DeskParts are what a desk decides by.
type DeskParts struct {
	Kind, Zone string // of the venue
	Issuers    pass.Issuers
	Keys       func(ctx context.Context) (*pass.PlaceKeys, error)
	Standing   func(ctx context.Context, index uint64, since statuslist.Edition) (Standing, error)
	Seat       func(ctx context.Context) error // takes a place; store.ErrFull
	Occupancy  func(ctx context.Context) float64
}

// Standing is a pass's status. An index that is not in use is store.ErrNotFound.
type Standing struct {
	Status      statuslist.Status
	AsOf, Until time.Time
}

// Decision is what a door would show. It does not say who the person is.
type Decision struct {
	Signal string          `json:"signal"`
	Colour string          `json:"colour"`
	Reason string          `json:"reason,omitempty"`
	Rule   string          `json:"rule,omitempty"`
	Lines  map[string]Line `json:"lines"` // by language: kk, ru, en
}

// Line is what a door's screen says.
type Line struct {
	Head  string `json:"head"`
	Body  string `json:"body,omitempty"`
	Until string `json:"until,omitempty"`
}

const (
	checkEvery   = time.Second // how often one session may check
	checkAtOnce  = 10
	maxDesks     = 1000      // that are kept
	decisionSize = 2 << 10   // of what an answer's size is a multiple, in bytes
	deskIdle     = time.Hour // after which a desk is forgotten: longer than a used code is good
)

// desks are the venues whose staff check, and how often each session does.
type desks struct {
	mu       sync.Mutex // guards both
	open     map[int64]*desk
	sessions map[int64]*rate.Limiter
}

// desk is one venue's. Its replay guard is in memory only.
type desk struct {
	mu         sync.Mutex // guards Desk
	Desk                  // made for
	kind, zone string
	used       time.Time // guarded by desks.mu
}

var errTooFast = &failure{http.StatusTooManyRequests, "this session checks too often", "wait a few seconds", nil}

// of finds or opens the desk of a venue. A venue of another kind or zone than before gets a new
// one.
func (d *desks) of(v store.Venue, at time.Time, open func() Desk) *desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.open[v.ID]
	if one == nil || one.kind != v.Kind || one.zone != v.Zone {
		if len(d.open) >= maxDesks {
			maps.DeleteFunc(d.open, func(_ int64, old *desk) bool { return at.Sub(old.used) > deskIdle })
		}
		one = &desk{Desk: open(), kind: v.Kind, zone: v.Zone}
		d.open[v.ID] = one
	}
	one.used = at
	return one
}

// may tells whether a session may check now.
func (d *desks) may(session int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	limit := d.sessions[session]
	if limit == nil {
		if len(d.sessions) >= maxDesks {
			maps.DeleteFunc(d.sessions, func(_ int64, l *rate.Limiter) bool { return l.Tokens() >= checkAtOnce })
		}
		limit = rate.NewLimiter(rate.Every(checkEvery), checkAtOnce)
		d.sessions[session] = limit
	}
	return limit.Allow()
}

func (s *Server) deskByMethod(r *http.Request, by store.Account) (any, error) {
	return getOrPost(
		func(r *http.Request) (any, error) { return s.desk(r, by) },
		func(r *http.Request) (any, error) { return s.checkAtDesk(r, by) },
	)(r)
}

// desk says where the staff of a session work, and how full it is there.
func (s *Server) desk(r *http.Request, by store.Account) (any, error) {
	v, err := s.opt.Store.VenueOf(r.Context(), by.Venue)
	if err != nil {
		return nil, noVenue(err)
	}
	a := DeskAnswer{Venue: v, Expires: by.Expires}
	if a.Hall, err = s.opt.Store.HallOf(r.Context(), v.ID, now()); err != nil {
		return nil, err
	}
	a.Checks, err = s.opt.Store.Checks(r.Context(), v.ID, now().Add(-24*time.Hour).Truncate(time.Hour))
	return a, err
}

// checkAtDesk decides about a pass that the staff hold their phone to.
func (s *Server) checkAtDesk(r *http.Request, by store.Account) (any, error) {
	req, err := decode[DeskRequest](r)
	if err != nil {
		return nil, err
	}
	if s.opt.NewDesk == nil {
		return nil, &failure{http.StatusNotFound, "this registry decides about no passes", "hold them to a door", nil}
	}
	if !s.desks.may(by.ID) {
		return nil, errTooFast
	}
	v, err := s.opt.Store.VenueOf(r.Context(), by.Venue)
	if err != nil {
		return nil, noVenue(err)
	}
	rules, err := s.opt.Store.Blob(r.Context(), s.publisher.public.rules())
	if err != nil {
		return nil, err
	}
	own := s.desks.of(v, now(), func() Desk { return s.opt.NewDesk(s.deskParts(v)) })
	own.mu.Lock()
	defer own.mu.Unlock()
	d, err := own.Decide(r.Context(), []byte(req.Code), rules, now())
	if err != nil {
		return nil, err
	}
	name := d.Signal + "/" + d.Colour
	if !api.IsCount(name) {
		return nil, errors.New("a desk has decided " + name)
	}
	if err := s.opt.Store.AddCheck(r.Context(), v.ID, name, now()); err != nil {
		return nil, err
	}
	hall, err := s.opt.Store.HallOf(r.Context(), v.ID, now())
	return alike{DeskDecision{d, hall}, decisionSize}, err
}

func (s *Server) deskParts(v store.Venue) DeskParts {
	return DeskParts{
		Kind: v.Kind, Zone: v.Zone, Issuers: s.issuers, Keys: s.placeKeys,
		Standing: func(ctx context.Context, index uint64, since statuslist.Edition) (Standing, error) {
			at := s.publisher.public.truth(now())
			person, err := s.personAt(ctx, index, since)
			if err != nil {
				return Standing{}, err
			}
			status, until := standingOf(person, now())
			return Standing{status, at, until}, nil
		},
		Seat: func(ctx context.Context) error {
			_, err := s.opt.Store.Seat(ctx, v.ID, now())
			return err
		},
		Occupancy: func(ctx context.Context) float64 {
			h, err := s.opt.Store.HallOf(ctx, v.ID, now())
			if err != nil || h.Capacity == 0 {
				return -1
			}
			return float64(h.Inside) / float64(h.Capacity)
		},
	}
}
