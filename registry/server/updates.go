package server

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strconv"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// bundleName excludes directories and hidden files.
var bundleName = regexp.MustCompile(`^[0-9A-Za-z_-][0-9A-Za-z._-]{0,127}$`)

// openBundle opens a file in the directory of bundles. It does not follow a link out of it.
func (s *Server) openBundle(name string) (*os.File, fs.FileInfo, error) {
	const hint = "put the bundle into the directory of --bundles; its name has only letters, digits and . _ -"
	missing := func(err error) error { return &failure{http.StatusNotFound, "no such bundle", hint, err} }
	if s.opt.Bundles == "" || !bundleName.MatchString(name) {
		return nil, nil, missing(nil)
	}
	dir, err := os.OpenRoot(s.opt.Bundles)
	if err != nil {
		return nil, nil, missing(err)
	}
	defer dir.Close()
	info, err := dir.Stat(name) // first: opening a pipe would wait
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil, missing(err)
	}
	file, err := dir.Open(name)
	if err != nil {
		return nil, nil, missing(err)
	}
	if info, err = file.Stat(); err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

func (s *Server) bundle(r *http.Request) (any, error) {
	file, info, err := s.openBundle(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	return download{file, info.ModTime(), info.Size()}, nil
}

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
		file, _, err := s.openBundle(req.Bundle)
		if err != nil {
			return nil, err
		}
		if err := file.Close(); err != nil {
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
