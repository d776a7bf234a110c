package server

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// The kinds of sources, as in SourceRequest.
const (
	Laboratory    = "laboratory"
	Covid19Centre = "covid-19-centre"
)

// sourceNames are the kinds as people say them.
var sourceNames = map[string]string{Laboratory: "laboratory", Covid19Centre: "Covid-19 centre"}

// NewKey makes a bearer key. It is random, so hashing it once is enough to store it.
func NewKey() string {
	var key [api.KeySize]byte
	if _, err := rand.Read(key[:]); err != nil {
		panic("server: no random numbers: " + err.Error()) // crypto/rand documents that it does not happen
	}
	return api.FormatKey(key[:])
}

// bearer hashes the key of a request.
func bearer(r *http.Request) (store.Secret, error) {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || key == "" {
		return store.Secret{}, &failure{http.StatusUnauthorized, "no key", "send the header Authorization: Bearer KEY", nil}
	}
	if _, err := api.ParseKey(key); err != nil {
		return store.Secret{}, &failure{http.StatusUnauthorized, err.Error(), "copy the whole key again: k1 and the 43 characters after it", err}
	}
	return store.SecretOf(key), nil
}

func (s *Server) byAdmin(f func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		key, err := bearer(r)
		if err != nil {
			return nil, err
		}
		if subtle.ConstantTimeCompare(key[:], s.admin[:]) != 1 {
			return nil, &failure{http.StatusUnauthorized, "unknown key", "this needs the administrator's key: the file admin.key in the registry's data directory", nil}
		}
		return f(r)
	}
}

// byDoor lets only enrolled doors in.
func (s *Server) byDoor(f func(r *http.Request, door int64) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		shown, device, err := s.shown(r, 0)
		if err != nil {
			return nil, err
		}
		var door int64
		err = s.boards.try(shown.Door, r, func() (err error) {
			door, err = s.opt.Store.DoorBy(r.Context(), shown, device, said(r), now())
			return err
		})
		if err != nil {
			return nil, turnedAway(err)
		}
		return f(r, door)
	}
}

func (s *Server) bySource(kind string, f func(r *http.Request, source int64) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		key, err := bearer(r)
		if err != nil {
			return nil, err
		}
		source, err := s.opt.Store.SourceOf(r.Context(), key)
		if errors.Is(err, store.ErrNotFound) {
			return nil, &failure{http.StatusUnauthorized, "unknown key", "this needs the key of a " + sourceNames[kind] + "; the administrator creates one", err}
		}
		if err != nil {
			return nil, refusedSource(err)
		}
		if source.Kind != kind {
			return nil, &failure{http.StatusForbidden, "this is the key of a " + sourceNames[source.Kind], "this needs the key of a " + sourceNames[kind], nil}
		}
		return f(r, source.ID)
	}
}
