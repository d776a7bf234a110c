package server

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/store"
)

// moveLasts is how long a code lasts that one phone makes for another one.
const moveLasts = 10 * time.Minute

// maxName is the size of what a phone says of itself, bytes.
const maxName = 40

// byPhone takes requests that a phone has signed for this path. argument is what follows the path. A
// picture of a code is no such request, so whoever has one cannot look around or revoke.
func (s *Server) byPhone(f func(r *http.Request, c pass.Credential, argument string) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		req, err := decode[AskRequest](r)
		if err != nil {
			return nil, err
		}
		sealed, err := base64.RawURLEncoding.Strict().DecodeString(req.Ask)
		if err != nil {
			return nil, badRequest("this is not a request of a phone", "send what the phone signed, in base64url without padding")
		}
		ask, err := pass.ParseAsk(sealed)
		if err != nil {
			return nil, badRequest("this is not a request of a phone", "send what the phone signed, in base64url without padding")
		}
		if err := s.verify(&ask.Code); err != nil {
			return nil, err
		}
		path, argument, _ := strings.Cut(ask.What, " ")
		if path != r.URL.Path {
			return nil, badRequest("the phone has signed another request", "sign the path that you send to")
		}
		answer, err := f(r, ask.Credential, argument)
		if errors.Is(err, store.ErrNotFound) {
			return nil, &failure{http.StatusNotFound, "there is no such pass", "it may have been revoked: look at the list again", err}
		}
		return answer, err
	}
}

func (s *Server) ownPhones(r *http.Request, c pass.Credential, _ string) (any, error) {
	phones, err := s.opt.Store.PhonesOf(r.Context(), c.Index, c.Since, now())
	return PhonesAnswer{phones}, err
}

func (s *Server) removePhone(r *http.Request, c pass.Credential, argument string) (any, error) {
	id, err := strconv.ParseInt(argument, 10, 64)
	if err != nil {
		return nil, badRequest("the request names no phone", "write its id behind the path")
	}
	if err := s.opt.Store.RevokePhone(r.Context(), c.Index, c.Since, id, now()); err != nil {
		return nil, err
	}
	s.publisher.poke()
	return nil, nil
}

// moveCode makes a one-time code for another phone of the same person: no message is needed, and
// nobody can keep it from coming.
func (s *Server) moveCode(r *http.Request, c pass.Credential, _ string) (any, error) {
	code, until := NewCode(), now().Add(moveLasts)
	err := s.opt.Store.PutCodeOf(r.Context(), c.Index, c.Since, store.SecretOf(code), until, now())
	if errors.Is(err, store.ErrManyPasses) {
		return nil, &failure{http.StatusTooManyRequests, "many phones have got this pass today",
			"try again tomorrow, or ask where you registered for a one-time code", err}
	}
	if err != nil {
		return nil, err
	}
	return CitizenAnswer{Code: code, URL: s.opt.PublicURL + "/#" + code, Expires: until}, nil
}

func (s *Server) ownHistory(r *http.Request, c pass.Credential, _ string) (any, error) {
	kept, err := s.opt.Store.OwnHistory(r.Context(), c.Index, c.Since)
	if err != nil {
		return nil, err
	}
	answer := OwnHistoryAnswer{Records: make([]OwnRecord, 0, len(kept))}
	for _, k := range kept {
		own := OwnRecord{Kind: k.Kind, At: k.At, Came: k.Came, Source: k.SourceKind, InForce: k.State == store.InForce, Upheld: k.Upheld}
		if last := len(k.Events) - 1; !own.InForce && last >= 0 {
			own.Ended, own.How, own.Why = k.Events[last].At, k.Events[last].What, k.Events[last].Why
		} else if own.InForce {
			own.Until = untilOf(k)
		}
		answer.Records = append(answer.Records, own)
	}
	return answer, nil
}

// phoneName keeps what a phone says of itself short and on one line.
func phoneName(said string) string {
	said = names.Compose(strings.TrimSpace(said))
	if len(said) > maxName || names.Check(said) != nil || !utf8.ValidString(said) {
		return ""
	}
	return said
}

// noteUsed keeps the day of a pass's last use. That is for its holder, so a failure is only logged.
func (s *Server) noteUsed(r *http.Request, c pass.Credential) {
	if err := s.opt.Store.NoteUsed(r.Context(), c.Index, now().Truncate(24*time.Hour)); err != nil && !errors.Is(err, store.ErrNotFound) {
		s.opt.Log.Warn("note that a phone is used", "error", err)
	}
}
