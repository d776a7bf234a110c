package server

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/store"
)

// MaxDoorName is the length of a door's name, bytes: that of a venue and one of its entrances.
const MaxDoorName = MaxVenueName + 2 + MaxEntrance + len(" (990140000007)")

const (
	maxDoors    = 500 // that get codes in one request
	defaultDays = 14
	longestDays = 90
	maxOrder    = 1 << 20 // bytes of such a request
)

// enrolCodes makes one-time codes for doors.
func (s *Server) enrolCodes(r *http.Request) (any, error) {
	req, err := decode[EnrolCodesRequest](r)
	if err != nil {
		return nil, err
	}
	if err := s.place(r.Context(), req.Doors); err != nil {
		return nil, err
	}
	doors, err := s.checkOrder(req)
	if err != nil {
		return nil, err
	}
	c, err := s.newCodes(req.WiFi, req.Days)
	if err != nil {
		return nil, err
	}
	answer := EnrolCodesAnswer{Codes: make([]EnrolCode, len(doors))}
	tokens := make([]store.Secret, len(doors))
	for i, d := range doors {
		tokens[i] = c.next(d.Name)
		answer.Codes[i] = EnrolCode{Name: d.Name, Venue: d.Venue, Code: c.made[d.Name], Expires: c.expires}
	}
	if err := s.opt.Store.PutTokens(r.Context(), doors, tokens, c.expires); err != nil {
		return nil, err
	}
	return answer, nil
}

func newToken() []byte {
	token := make([]byte, enrol.TokenSize)
	if _, err := rand.Read(token); err != nil {
		panic("server: no random numbers: " + err.Error()) // crypto/rand documents that it does not happen
	}
	return token
}

func tokenSecret(token []byte) store.Secret {
	return store.SecretOf(base64.RawURLEncoding.EncodeToString(token))
}

// place gives doors of a venue its kind and zone.
func (s *Server) place(ctx context.Context, doors []EnrolDoor) error {
	for i, d := range doors {
		if d.Place == 0 {
			continue
		}
		v, err := s.opt.Store.VenueOf(ctx, d.Place)
		if err != nil {
			return noVenue(err)
		}
		if d.Venue != "" && d.Venue != v.Kind || d.Zone != "" && d.Zone != v.Zone {
			return badRequest("a door has another kind or zone than its venue", "leave both out, or change the venue")
		}
		doors[i].Venue, doors[i].Zone = v.Kind, v.Zone
	}
	return nil
}

func (s *Server) checkOrder(req EnrolCodesRequest) ([]store.Door, error) {
	if len(req.Doors) == 0 || len(req.Doors) > maxDoors {
		return nil, badRequest("there are no doors, or too many", "name 1 to 500 doors at once")
	}
	doors := make([]store.Door, len(req.Doors))
	names := map[string]bool{}
	for i, want := range req.Doors {
		if err := s.checkDoor(want.Name, want.Venue); err != nil {
			return nil, err
		}
		if names[want.Name] {
			return nil, badRequest("two doors have the same name", "give each door a name of its own")
		}
		names[want.Name] = true
		d := store.Door{Name: want.Name, Place: want.Place, Venue: want.Venue, Zone: want.Zone, Way: cmp.Or(want.Way, "entry"), Ring: want.Ring}
		if d.Zone == "" {
			d.Zone = "green"
		}
		if d.Ring == "" {
			d.Ring = "all"
		}
		if err := checkZone(d.Zone); err != nil {
			return nil, err
		}
		if err := checkRing(d.Ring); err != nil {
			return nil, err
		}
		if d.Way != "entry" && d.Way != "exit" {
			return nil, badRequest("the way is not known", "write entry or exit")
		}
		doors[i] = d
	}
	return doors, nil
}

func (s *Server) checkDoor(name, venue string) error {
	if err := checkNameOf("name", name, MaxDoorName); err != nil {
		return err
	}
	if err := checkName("venue", venue); err != nil {
		return err
	}
	if s.opt.CheckVenue != nil {
		if err := s.opt.CheckVenue(venue); err != nil {
			return badRequest(err.Error(), "write a kind of venue that the doors know")
		}
	}
	return nil
}

func checkZone(zone string) error {
	if !slices.Contains([]string{"red", "yellow", "green"}, zone) {
		return badRequest("the zone is not known", "write red, yellow or green")
	}
	return nil
}

func checkRing(ring string) error {
	if !slices.Contains(api.Rings, ring) {
		return badRequest("the rollout ring is not known", "write "+strings.Join(api.Rings, ", "))
	}
	return nil
}

// deviceForm is the form of HeaderDevice.
var deviceForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

func checkDevice(device string) error {
	if !deviceForm.MatchString(device) {
		return badRequest("the device's identifier cannot be read", "send the start of SHA-256 of the board's serial number, 16 hex digits in lower case")
	}
	return nil
}

// enrol exchanges a one-time token for a door's certificate.
func (s *Server) enrol(r *http.Request) (any, error) {
	req, err := decode[api.EnrolRequest](r)
	if err != nil {
		return nil, err
	}
	if err := checkDevice(req.Device); err != nil {
		return nil, err
	}
	token, err := s.knownToken(r, req.Token)
	if err != nil {
		return nil, err
	}
	public, err := readRequest(req.CSR)
	if err != nil {
		return nil, err
	}
	sealKey, err := readSealKey(req.SealKey)
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	var answer api.EnrolAnswer
	by := store.Enrollee{Device: req.Device, Key: sha256.Sum256(spki), SealKey: sealKey.Bytes()}
	err = s.opt.Store.Enrol(r.Context(), token, by, now(), func(d store.Door) (store.Certificate, error) {
		certificate, err := s.opt.Authority.signDoor(d.ID, public)
		if err != nil {
			return store.Certificate{}, err
		}
		answer = api.EnrolAnswer{
			Certificate: certificatePEM(certificate), CA: certificatePEM(s.opt.Authority.Certificate), Name: d.Name, Venue: d.Venue, Zone: d.Zone, Way: d.Way,
			RegistryKey: api.FormatKey(s.opt.RegistryKey.Public().(ed25519.PublicKey)),
		}
		return given(d.ID, certificate), nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoToken // replaced a moment ago
	}
	if err != nil {
		return nil, turnedAway(err)
	}
	return answer, nil
}

var errNoToken = &failure{http.StatusForbidden, "this code is not valid", "make a new code for this door: a newer one replaced it, or the door was revoked", nil}

// knownToken reads a token and refuses what is not one of a door, at the price of one look into the
// database. Addresses do not count: behind a proxy that passes TLS through, doors and strangers
// have the same one. Nobody guesses a token, but whoever found a used one could keep the registry
// busy.
func (s *Server) knownToken(r *http.Request, text string) (store.Secret, error) {
	token, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(token) != enrol.TokenSize {
		return store.Secret{}, badRequest("the one-time token cannot be read", "send the 16 bytes of the code in base64url without padding")
	}
	secret := tokenSecret(token)
	switch known, err := s.opt.Store.HasToken(r.Context(), secret); {
	case err != nil:
		return store.Secret{}, err
	case !known:
		return store.Secret{}, errNoToken
	case !s.tokens.of(secret).Allow():
		return store.Secret{}, errTriedTooOften
	}
	return secret, nil
}

func given(door int64, c *x509.Certificate) store.Certificate {
	return store.Certificate{Door: door, Print: sha256.Sum256(c.Raw), Until: c.NotAfter}
}

// renew gives a door that shows its certificate a new one.
func (s *Server) renew(r *http.Request) (any, error) {
	shown, device, err := s.shown(r, api.RenewGrace)
	if err != nil {
		return nil, err
	}
	req, err := decode[api.RenewRequest](r)
	if err != nil {
		return nil, err
	}
	public, err := readRequest(req.CSR)
	if err != nil {
		return nil, err
	}
	var answer api.RenewAnswer
	sign := func(d store.Door) (store.Certificate, error) {
		certificate, err := s.opt.Authority.signDoor(d.ID, public)
		if err != nil {
			return store.Certificate{}, err
		}
		answer = api.RenewAnswer{Certificate: certificatePEM(certificate), CA: certificatePEM(s.opt.Authority.Certificate)}
		return given(d.ID, certificate), nil
	}
	err = s.boards.try(shown.Door, r, func() error { return s.opt.Store.Renew(r.Context(), shown, device, now(), sign) })
	if err != nil {
		return nil, turnedAway(err)
	}
	return answer, nil
}

// revokeDoor makes everything a door could show worthless.
func (s *Server) revokeDoor(r *http.Request, within string) (any, error) {
	req, err := decode[RevokeDoorRequest](r)
	if err != nil {
		return nil, err
	}
	if err = s.doorWithin(r, req.Name, within); err == nil {
		err = s.opt.Store.RevokeDoor(r.Context(), req.Name, now())
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusNotFound, "there is no door of this name", "write it as the overview does", err}
	}
	return nil, err
}
