package server

import (
	"context"
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

const (
	codeLasts       = 7 * 24 * time.Hour
	credentialLasts = 180 * 24 * time.Hour
)

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
	got, err := s.opt.Store.Activate(r.Context(), secret, s.newCredential(key, req.Name), now())
	switch {
	case errors.Is(err, store.ErrNotFound): // replaced a moment ago
		return nil, errNoCode
	case errors.Is(err, store.ErrCodeExpired):
		return nil, &failure{http.StatusForbidden, "this code has expired", "ask for a new one: a code is valid for 7 days", err}
	case errors.Is(err, store.ErrCodeUsed):
		return nil, &failure{http.StatusForbidden, "another phone has used this code", "ask for a new one: each code activates one phone", err}
	case err != nil:
		return nil, err
	}
	return s.activated(r.Context(), got)
}

// activated is the answer to a phone, however it showed whose it is.
func (s *Server) activated(ctx context.Context, c store.Credential) (any, error) {
	sealed, err := s.issue(ctx, c)
	if err != nil {
		return nil, err
	}
	return ActivateAnswer{Credential: base64.RawURLEncoding.EncodeToString(sealed), Expires: c.Expires}, nil
}

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

func (s *Server) newCredential(holder ed25519.PublicKey, name string) store.Credential {
	return store.Credential{Holder: holder, Expires: now().Add(credentialLasts), Name: phoneName(name)}
}

// issueWithin is how long a phone waits for its pass. It covers the publisher's gather and gap, and
// a busy database.
const issueWithin = 8 * time.Second

// issue has the credential's status published and then seals the credential, which names the first
// edition of the list that holds it. A door believes no earlier one, so a red person is never shown
// as blue.
func (s *Server) issue(ctx context.Context, c store.Credential) ([]byte, error) {
	if c.Since.Version == 0 {
		s.publisher.poke()
		var err error
		if c.Since, err = s.listed(ctx, c.Index); err != nil {
			return nil, err
		}
	}
	return pass.Issue(s.opt.IssuerKey, pass.Credential{
		Since: c.Since, Expires: c.Expires, Holder: c.Holder, List: s.publisher.public.list(), Index: c.Index,
	})
}

// listed waits for the first edition of the list that holds the index.
func (s *Server) listed(ctx context.Context, index uint64) (since statuslist.Edition, err error) {
	timeout := time.NewTimer(issueWithin)
	defer timeout.Stop()
	for {
		looked := s.publisher.public.nextLook()
		since, err = s.opt.Store.SinceOf(ctx, index)
		if err != nil || since.Version != 0 {
			return since, err
		}
		select {
		case <-looked:
		case <-timeout.C:
			return since, errNotListed
		case <-s.publisher.public.closing:
			return since, errNotListed
		case <-ctx.Done():
			return since, ctx.Err()
		}
	}
}

var errNotListed = &failure{http.StatusServiceUnavailable, "the pass is not ready yet", "try again in a moment, with the same code", nil}

func (s *Server) paper(r *http.Request) (any, error) {
	iin, err := s.citizen(r)
	if err != nil {
		return nil, err
	}
	got, err := s.opt.Store.Print(r.Context(), iin, s.newCredential(nil, ""), now())
	if err != nil {
		return nil, err
	}
	sealed, err := s.issue(r.Context(), got)
	if err != nil {
		return nil, err
	}
	code, err := pass.Paper(sealed)
	if err != nil {
		return nil, err
	}
	return PaperAnswer{Code: code, Expires: got.Expires}, nil
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

// self verifies the rotating code as a door does. It refuses printed codes: with a photo of one,
// anybody could follow that person's health from home.
func (s *Server) self(r *http.Request) (any, error) {
	req, err := decode[SelfRequest](r)
	if err != nil {
		return nil, err
	}
	credential, err := s.holder(req.Code)
	if err != nil {
		return nil, err
	}
	if req.Wait < 0 {
		return nil, badRequest(`"wait" is negative`, "it is how many seconds the answer may take, 60 at most")
	}
	if req.Seen == "" {
		s.noteUsed(r, credential)
		return s.ownStatus(r.Context(), credential)
	}
	longest := time.Duration(min(req.Wait, int(LongestWait/time.Second))) * time.Second
	return s.newStatus(r.Context(), credential, req.Seen, longest)
}

// holder verifies a rotating code and gives its pass.
func (s *Server) holder(text string) (c pass.Credential, err error) {
	code, err := pass.Parse([]byte(text))
	if err != nil {
		return c, badRequest("this is not a pass", "send the text of the code as the phone shows it")
	}
	if code.IsPaper() {
		return c, &failure{http.StatusForbidden, "a printed pass cannot show its status", "ask at the service centre, or activate a phone", nil}
	}
	return code.Credential, s.verify(code)
}

// verify checks what a phone has signed.
func (s *Server) verify(code *pass.Code) error {
	if err := code.Verify(s.issuers, time.Now()); err != nil {
		return &failure{http.StatusForbidden, "this pass is not valid", selfHint(err), err}
	}
	if code.Credential.List != s.publisher.public.list() {
		return &failure{http.StatusForbidden, "another registry issued this pass", "ask that registry", nil}
	}
	return nil
}

func selfHint(err error) string {
	switch {
	case errors.Is(err, pass.ErrStale), errors.Is(err, pass.ErrFuture):
		return "check the phone's clock: the code is not from this minute"
	case errors.Is(err, pass.ErrExpired):
		return "the pass has expired: ask for a new one-time code"
	}
	return "activate the phone again with a new one-time code"
}
