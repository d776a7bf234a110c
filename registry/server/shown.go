package server

import (
	"errors"
	"net/http"
	"regexp"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// errOutdated says that a door's certificate has expired.
var errOutdated = errors.New("the certificate has expired")

// shown is the door's certificate of a request and the board that shows it. The certificate may
// have expired for as long as grace. TLS has only verified that the other side has its key; the
// store decides whether it was revoked.
func (s *Server) shown(r *http.Request, grace time.Duration) (c store.Certificate, device string, err error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return c, "", &failure{http.StatusUnauthorized, "no certificate", "only enrolled doors may ask this, over TLS to the address that serve --doors-listen opens", nil}
	}
	if c, err = s.opt.Authority.door(r.TLS.PeerCertificates[0]); err != nil {
		return c, "", &failure{http.StatusUnauthorized, "unknown certificate", "this registry did not issue it; enrol the door again", err}
	}
	if now().After(c.Until.Add(grace)) {
		hint := "renew it"
		if grace > 0 {
			hint = "it can no longer be renewed: make a new code for this door"
		}
		return c, "", &failure{http.StatusForbidden, "the door's certificate has expired", hint, errOutdated}
	}
	device = r.Header.Get(api.HeaderDevice)
	if err := checkDevice(device); err != nil {
		return c, "", err
	}
	return c, device, nil
}

// turnedAway is the answer to a door that the store rejects.
func turnedAway(err error) error {
	const anew = "make a new code for this door"
	switch {
	case errors.Is(err, store.ErrRevoked):
		return &failure{http.StatusForbidden, "this door was revoked", anew + " to bring it back", err}
	case errors.Is(err, store.ErrCopied):
		return &failure{http.StatusForbidden, "another device has this door's identity", "this card is a copy or is in another board: " + anew + " and enrol this board", err}
	case errors.Is(err, store.ErrUnapproved):
		return &failure{http.StatusForbidden, "the door's certificate has expired, and the administrator has not approved a new one",
			"approve it on the registry's page for administrators; the door goes on asking", err}
	case errors.Is(err, store.ErrTokenUsed):
		return &failure{http.StatusConflict, "another device has used this code", "each code enrols one device: " + anew, err}
	case errors.Is(err, store.ErrTokenExpired):
		return &failure{http.StatusForbidden, "this code has expired", anew, err}
	case errors.Is(err, store.ErrNotFound):
		return &failure{http.StatusUnauthorized, "unknown certificate", "the registry's records are older than this door's: " + anew, err}
	}
	return err
}

// codes are the refusals that a door or a phone acts on by itself.
var codes = []struct {
	cause error
	code  string
}{
	{store.ErrRevoked, api.CodeRevoked}, {store.ErrPassRevoked, api.CodeRevoked}, {store.ErrTokenUsed, api.CodeUsed}, {store.ErrTokenExpired, api.CodeExpired}, {errOutdated, api.CodeExpired},
	{store.ErrUnapproved, api.CodeUnapproved}, {store.ErrLedgerEnded, api.CodeLedger},
}

func codeOf(err error) string {
	for _, c := range codes {
		if errors.Is(err, c.cause) {
			return c.code
		}
	}
	return ""
}

// versionForm keeps a door from writing other text on the administrator's page.
var versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+~:_-]{0,63}$`)

// placeForm is the form of venues, zones and ways, and configForm that of HeaderConfig.
var (
	placeForm  = regexp.MustCompile(`^[a-z][a-z-]{0,31}$`)
	configForm = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// said is what a door says of itself.
func said(r *http.Request) store.Said {
	header := func(name string, form *regexp.Regexp) string {
		if text := r.Header.Get(name); form.MatchString(text) {
			return text
		}
		return ""
	}
	return store.Said{
		Version: header(api.HeaderVersion, versionForm), Venue: header(api.HeaderVenue, placeForm), Zone: header(api.HeaderZone, placeForm),
		Way: header(api.HeaderWay, placeForm), Config: header(api.HeaderConfig, configForm),
	}
}
