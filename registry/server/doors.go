package server

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

func (s *Server) manifest(r *http.Request) (any, error) {
	query := r.URL.Query()
	if query.Has("after") {
		after, err := strconv.ParseUint(query.Get("after"), 10, 64)
		if err != nil {
			return nil, badRequest(`"after" is not a version`, "write ?after=VERSION&wait=25s")
		}
		wait, err := time.ParseDuration(query.Get("wait"))
		if err != nil || wait < 0 {
			return nil, badRequest(`"wait" is not a duration`, "write ?after=VERSION&wait=25s")
		}
		if leave, ok := s.waits.enter(s.waiter(r)); ok {
			return waiting{after, min(wait, LongestWait), leave}, nil
		}
	}
	return s.sealed()
}

func (s *Server) sealed() (any, error) {
	sealed, err := s.publisher.public.current()
	if err != nil {
		return nil, err
	}
	return raw{"application/cose", "no-store", sealed, nil}, nil
}

func (s *Server) blob(r *http.Request) (any, error) {
	var h api.Hash
	text := r.PathValue("hash")
	if n, err := hex.Decode(h[:], []byte(text[:min(len(text), 2*len(h))])); err != nil || n != len(h) || h.String() != text {
		return nil, badRequest("this is not a blob's name", "it is 64 hex digits in lower case, as in the manifest")
	}
	data, sent, err := s.blobs.lend(h, func() ([]byte, error) { return s.opt.Store.Blob(r.Context(), h) })
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusNotFound, "no such blob", "ask for the manifest again: it names the current ones", err}
	}
	if err != nil {
		return nil, err
	}
	return raw{"application/octet-stream", "public, max-age=31536000, immutable", data, sent}, nil
}

// personAt finds the records of this moment, which may be newer than what is published.
func (s *Server) personAt(ctx context.Context, index uint64, since statuslist.Edition) (store.Person, error) {
	if index >= 1<<32 || since.Version >= 1<<32 { // as in passes
		return store.Person{}, store.ErrNotFound
	}
	return s.opt.Store.PersonAt(ctx, index, since)
}

// standingOf is the status of a pass, and until when.
func standingOf(p store.Person, at time.Time) (statuslist.Status, time.Time) {
	switch {
	case p.Revoked:
		return statuslist.Invalid, time.Time{}
	case p.Suspended:
		return statuslist.Suspended, time.Time{}
	}
	is := derive(p.Records, at)
	if held := stricter(is.status, p.Held); held != is.status {
		return held, time.Time{}
	}
	return is.status, is.until
}

// Limits of a door's report.
const (
	oldestCounts = 30 * 24 * time.Hour // longer than that, a report is not remembered and could count twice
	clockSkew    = 5 * time.Minute     // by which other machines' clocks may be ahead
)

func (s *Server) counts(r *http.Request, door int64) (any, error) {
	req, err := decode[api.Counts](r)
	if err != nil {
		return nil, err
	}
	at := now()
	switch {
	case req.ID == "" || len(req.ID) > 64:
		return nil, badRequest("the id has a wrong length", "make a unique id of 1 to 64 characters for each report")
	case req.From.IsZero() || req.To.Before(req.From) || req.To.After(at.Add(clockSkew)):
		return nil, badRequest(`"from" and "to" are not a period in the past`, "check the door's clock")
	case req.From.Before(at.Add(-oldestCounts)):
		return nil, badRequest("the report is too old", "drop it: reports are accepted for 30 days")
	}
	for name, n := range req.Count {
		if !api.IsCount(name) || n > 1<<32 {
			return nil, badRequest("a count has a wrong name or value", `write them as "admitted/green": 12; a newer door needs a newer registry`)
		}
	}
	err = s.opt.Store.AddCounts(r.Context(), door, req.ID, req.From, req.Count, at)
	if errors.Is(err, store.ErrTooManyReports) {
		return nil, &failure{http.StatusBadRequest, "too many reports of this hour", "drop it: a door sends one in five minutes", err}
	}
	return nil, err
}

// healthy is how long ago the publisher may have got on last.
const healthy = time.Minute

func (s *Server) health(*http.Request) (any, error) {
	if now().Sub(s.publisher.public.alive()) > healthy {
		return nil, &failure{http.StatusServiceUnavailable, "the registry has stopped publishing", "the registry's log says why", nil}
	}
	return raw{"text/plain; charset=utf-8", "no-store", []byte("ok\n"), nil}, nil
}
