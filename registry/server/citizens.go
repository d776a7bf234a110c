package server

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

const codeLasts = 7 * 24 * time.Hour

// crockford is Crockford's base32: no I, L, O or U, so that a code can be read out and typed.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// A code has three groups of five characters, of five bits each.
const (
	codeGroups = 3
	codeGroup  = 5
	codeBits   = 5 * codeGroups * codeGroup
)

// NewCode makes a one-time code, like "7Q2MX-0KD4R-9HT3W".
func NewCode() string {
	var random [codeGroups * codeGroup]byte
	if _, err := rand.Read(random[:]); err != nil {
		panic("server: no random numbers: " + err.Error()) // never, says crypto/rand
	}
	for i, b := range random {
		random[i] = crockford[b%32]
	}
	return grouped(string(random[:]))
}

func grouped(plain string) string {
	groups := make([]string, codeGroups)
	for i := range groups {
		groups[i] = plain[i*codeGroup:][:codeGroup]
	}
	return strings.Join(groups, "-")
}

// readCode brings a typed code into the form that was hashed; empty: it cannot be one.
func readCode(typed string) string {
	plain := strings.NewReplacer("-", "", " ", "", "I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(typed))
	if len(plain) != codeGroups*codeGroup || strings.Trim(plain, crockford) != "" {
		return ""
	}
	return grouped(plain)
}

func (s *Server) citizens(r *http.Request) (any, error) {
	iin, err := s.citizen(r)
	if err != nil {
		return nil, err
	}
	code, until := NewCode(), now().Add(codeLasts)
	if err := s.opt.Store.PutCode(r.Context(), iin, store.SecretOf(code), until); err != nil {
		return nil, err
	}
	s.publisher.poke()
	return CitizenAnswer{Code: code, URL: s.opt.PublicURL + "/#" + code, Expires: until}, nil
}

func (s *Server) citizen(r *http.Request) (store.IIN, error) {
	req, err := decode[CitizenRequest](r)
	if err != nil {
		return "", err
	}
	return parseIIN(req.IIN)
}

func (s *Server) activate(r *http.Request) (any, error) {
	req, err := decode[ActivateRequest](r)
	if err != nil {
		return nil, err
	}
	key, err := phoneKey(req.Key)
	if err != nil {
		return nil, err
	}
	secret, err := s.knownCode(r, req.Code)
	if err != nil {
		return nil, err
	}
	_, err = s.opt.Store.Activate(r.Context(), secret, newCredential(key, req.Name), now())
	switch {
	case errors.Is(err, store.ErrNotFound): // replaced a moment ago
		return nil, errNoCode
	case errors.Is(err, store.ErrCodeExpired):
		return nil, &failure{http.StatusForbidden, "this code has expired", "ask for a new one: a code is valid for 7 days", err}
	case errors.Is(err, store.ErrCodeUsed):
		return nil, &failure{http.StatusForbidden, "another phone has used this code", "ask for a new one: each code activates one phone", err}
	case errors.Is(err, store.ErrKeyUsed):
		return nil, errKeyUsed
	case err != nil:
		return nil, err
	}
	s.publisher.poke() // the phone tops up next, and that waits for the list
	return nil, nil
}

var errKeyUsed = &failure{http.StatusConflict, "the phone's key belongs to another pass", "make another key for this one", nil}

func phoneKey(text string) (ed25519.PublicKey, error) {
	key, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || sign1.CheckKey(key) != nil {
		return nil, badRequest("the phone's key cannot be used", "send its Ed25519 public key: 32 bytes in base64url without padding")
	}
	return key, nil
}

// knownCode reads a typed code and refuses what is not one, at the price of one look into the
// database.
func (s *Server) knownCode(r *http.Request, typed string) (store.Secret, error) {
	code := readCode(typed)
	if code == "" {
		return store.Secret{}, errNoCode
	}
	secret, known := store.SecretOf(code), false
	err := s.lookUps.try(r.Context(), remote(r).Addr(), func() (err error) {
		known, err = s.opt.Store.HasCode(r.Context(), secret)
		return err
	})
	switch {
	case err != nil:
		return store.Secret{}, err
	case !known:
		return store.Secret{}, errNoCode
	case !s.codes.of(secret).Allow():
		return store.Secret{}, errTriedTooOften
	}
	return secret, nil
}

var errNoCode = &failure{http.StatusForbidden, "this code is not valid", "check it for a typing error, or ask for a new one", nil}

func newCredential(phone ed25519.PublicKey, name string) store.Credential {
	return store.Credential{Phone: phone, Name: phoneName(name)}
}

func (s *Server) paper(r *http.Request) (any, error) {
	iin, err := s.citizen(r)
	if err != nil {
		return nil, err
	}
	got, err := s.opt.Store.Print(r.Context(), iin, newCredential(nil, ""), now())
	if err != nil {
		return nil, err
	}
	month := pass.MonthOf(now()) + paperMonths
	sealed, err := s.issuePaper(r.Context(), got, month)
	if err != nil {
		return nil, err
	}
	code, err := pass.Paper(sealed)
	if err != nil {
		return nil, err
	}
	return PaperAnswer{Code: code, Expires: month.End()}, nil
}

func (s *Server) revoke(r *http.Request) (any, error) {
	iin, err := s.citizen(r)
	if err != nil {
		return nil, err
	}
	if err := s.opt.Store.Revoke(r.Context(), iin, now()); err != nil {
		return nil, notRegistered(err)
	}
	s.publisher.poke()
	return nil, nil
}

// colours are those of a self-check. A revoked or suspended pass has no colour.
var colours = map[statuslist.Status]string{
	statuslist.Red: "red", statuslist.Yellow: "yellow", statuslist.Valid: "blue", statuslist.Green: "green",
}

// self answers the phone itself. It refuses the codes that doors see, of a phone and on paper: with
// a photo of one, anybody could follow that person's health from home.
func (s *Server) self(r *http.Request) (any, error) {
	req, err := decode[SelfRequest](r)
	if err != nil {
		return nil, err
	}
	phone, err := readSelf(req.Self)
	if err != nil {
		return nil, err
	}
	if req.Wait < 0 {
		return nil, badRequest(`"wait" is negative`, "it is how many seconds the answer may take, 60 at most")
	}
	if req.Seen == "" {
		return noPass(s.ownStatus(r.Context(), phone))
	}
	longest := time.Duration(min(req.Wait, int(LongestWait/time.Second))) * time.Second
	return noPass(s.newStatus(r.Context(), phone, req.Seen, longest))
}

// readSelf verifies a self-check and gives the phone's key.
func readSelf(text string) (ed25519.PublicKey, error) {
	sealed, err := signedBytes(text)
	if err != nil {
		return nil, err
	}
	q, err := pass.ParseSelfCheck(sealed)
	if err != nil {
		return nil, notSigned(err)
	}
	return q.Phone, verifySigned(&q.Request)
}

// selfSize is of what an answer's size is a multiple, in bytes. With two reasons it has some 600.
const selfSize = 1 << 10

// noPass says of an unknown phone what to do.
func noPass(a SelfAnswer, err error) (any, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoPass(err)
	}
	return alike{a, selfSize}, err
}
