package server

import (
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// The kinds of sources, as in SourceRequest.
const (
	Laboratory          = "laboratory"
	PCRPortal           = "pcr-portal" // the second record of the laboratories' tests
	Covid19Centre       = "covid-19-centre"
	VaccinationRegister = "vaccination-register"
)

// sourceKind is what one kind of source may do.
type sourceKind struct {
	name   string       // as people say it
	sends  []store.Kind // and nothing else
	hourly int          // store.Source.Hourly unless its setting says otherwise
}

// A laboratory that runs four plates of 94 samples an hour, a quarter of them positive, reports 94;
// the portal has the tests of all laboratories; a centre traces the contacts of some 40 cases. A
// country of 19 million that vaccinates 150,000 people a day, in ten hours, makes 15,000 an hour.
var sourceKinds = map[string]sourceKind{
	Laboratory:          {"laboratory", []store.Kind{store.Positive, store.Negative, store.Inconclusive}, 100},
	PCRPortal:           {"PCR portal", []store.Kind{store.Positive, store.Negative, store.Inconclusive}, 1000},
	Covid19Centre:       {"Covid-19 centre", []store.Kind{store.Contact, store.Recovered}, 300},
	VaccinationRegister: {"vaccination register", []store.Kind{store.Vaccinated}, 15_000},
}

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

// bySource lets sources of these kinds in; without a kind, all of them.
func (s *Server) bySource(
	f func(r *http.Request, source store.Source) (any, error), kinds ...string,
) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		key, err := bearer(r)
		if err != nil {
			return nil, err
		}
		source, err := s.opt.Store.SourceOf(r.Context(), key)
		if errors.Is(err, store.ErrNotFound) {
			return nil, &failure{http.StatusUnauthorized, "unknown key", "this needs the key of a " + named(kinds) + "; the administrator creates one", err}
		}
		if err != nil {
			return nil, refusedSource(err)
		}
		if len(kinds) > 0 && !slices.Contains(kinds, source.Kind) {
			return nil, &failure{http.StatusForbidden, "this is the key of a " + sourceKinds[source.Kind].name, "this needs the key of a " + named(kinds), nil}
		}
		return f(r, source)
	}
}

// named names kinds of sources.
func named(kinds []string) string {
	if len(kinds) == 0 {
		return "source of records"
	}
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = sourceKinds[kind].name
	}
	return strings.Join(names, " or a ")
}
