package server

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"ashyq-kiosk/registry/store"
)

// maxSearch is the longest text that is looked for, bytes.
const maxSearch = 100

// fleet reads which doors a request asks about.
func (s *Server) fleet(r *http.Request, within string) (store.Fleet, error) {
	query, at := r.URL.Query(), now()
	f := store.Fleet{Region: query.Get("region"), Text: query.Get("q"), Wrong: query.Get("wrong"),
		Silent: at.Add(-s.alerts.opt.SilentAfter), Now: at}
	for name, into := range map[string]*int64{"venue": &f.Venue, "page": &f.Page} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return f, badRequest("the address names no venue or page", "write ?region=KZ-75&venue=ID&q=TEXT&wrong=KIND&page=0")
		}
		*into = n
	}
	if len(f.Text) > maxSearch {
		return f, badRequest("the text to look for is too long", "write at most 100 bytes")
	}
	if f.Wrong != "" && !slices.Contains(append(store.Wrongs(), store.Anything, store.Trouble), f.Wrong) {
		return f, badRequest("unknown kind of trouble", "GET "+PathOverview+" names those that there are; or write any")
	}
	if within == "" {
		return f, nil
	}
	if f.Region != "" && f.Region != within {
		return f, otherRegion()
	}
	f.Region = within
	if f.Venue == 0 {
		return f, nil
	}
	venue, err := s.opt.Store.VenueOf(r.Context(), f.Venue)
	if err == nil && venue.Region != within {
		return f, otherRegion()
	}
	return f, noVenue(err)
}

func otherRegion() error {
	return &failure{http.StatusForbidden, "this is another region", "ask a national administrator", nil}
}

func (s *Server) overview(r *http.Request, within string) (any, error) {
	f, err := s.fleet(r, within)
	if err != nil {
		return nil, err
	}
	o, err := s.opt.Store.Overview(r.Context(), f)
	if errors.Is(err, store.ErrNotFound) && f.Venue == 0 {
		return nil, noRegion(err)
	}
	if err != nil {
		return nil, noVenue(err)
	}
	o.Version, o.Issued = s.publisher.public.state()
	o.SilentMinutes = int(s.alerts.opt.SilentAfter.Minutes())
	o.Backup, err = s.opt.Store.Backup(r.Context())
	return o, err
}

func (s *Server) overviewVenues(r *http.Request, within string) (any, error) {
	f, err := s.fleet(r, within)
	if err != nil {
		return nil, err
	}
	return s.opt.Store.FleetVenues(r.Context(), f)
}

func (s *Server) overviewDoors(r *http.Request, within string) (any, error) {
	f, err := s.fleet(r, within)
	if err != nil {
		return nil, err
	}
	return s.opt.Store.Doors(r.Context(), f)
}

func (s *Server) doorDetail(r *http.Request, within string) (any, error) {
	f, err := s.fleet(r, within)
	if err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, badRequest("the address names no door", "write /v1/doors/ID")
	}
	d, err := s.opt.Store.Door(r.Context(), id, f)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusNotFound, "there is no such door", "GET " + PathDoors + " lists them", err}
	}
	if err == nil && within != "" && (d.Place == nil || d.Place.Region != within) {
		return nil, otherRegion()
	}
	return d, err
}

// listSources lists the sources, and for a national administrator the records that wait.
func (s *Server) listSources(r *http.Request, within string) (any, error) {
	list, err := s.opt.Store.Sources(r.Context(), within)
	if err != nil || within != "" {
		return SourcesAnswer{Sources: list, Waiting: []store.WaitingRecord{}}, err
	}
	waiting, err := s.opt.Store.WaitingRecords(r.Context())
	return SourcesAnswer{list, waiting}, err
}

func (s *Server) listReleases(r *http.Request) (any, error) { return s.opt.Store.Releases(r.Context()) }
