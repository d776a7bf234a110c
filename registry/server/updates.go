package server

import (
	"errors"
	"net/http"
	"strconv"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// releases gives the doors of a rollout ring a bundle.
func (s *Server) releases(r *http.Request) (any, error) {
	req, err := decode[store.ReleaseRequest](r)
	if err != nil {
		return nil, err
	}
	if err := checkRing(req.Ring); err != nil {
		return nil, err
	}
	if req.Bundle != "" {
		if !versionForm.MatchString(req.Version) {
			return nil, badRequest("the version is missing or has other characters", "write it as the bundle has it: letters, digits and . + ~ : _ -")
		}
		one, err := s.bundles.use(req.Bundle)
		if err != nil {
			return nil, err
		}
		if err := s.bundles.leave(req.Bundle, one); err != nil {
			return nil, err
		}
	}
	return nil, s.opt.Store.PutRelease(r.Context(), req)
}

// hello keeps how a door's board is.
func (s *Server) hello(r *http.Request, door int64) (any, error) {
	health, err := decode[api.Health](r)
	if err != nil {
		return nil, err
	}
	if err := health.Check(); err != nil {
		return nil, badRequest(err.Error(), "no board says this; a newer door needs a newer registry")
	}
	if !s.hellos.of(store.SecretOf(strconv.FormatInt(door, 10))).Allow() {
		return nil, &failure{http.StatusTooManyRequests, "this door says hello too often", "once in five minutes is enough", nil}
	}
	return nil, s.opt.Store.PutHealth(r.Context(), door, health, now())
}

// update tells a door which version it should run.
func (s *Server) update(r *http.Request, door int64) (any, error) {
	release, err := s.opt.Store.ReleaseFor(r.Context(), door)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return api.UpdateAnswer{Version: release.Version, Bundle: api.PathBundle + "/" + release.Bundle}, nil
}
