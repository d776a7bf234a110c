package server

import (
	"crypto/ed25519"
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

// byPhone takes requests that a phone has signed for this path with the key that no code shows.
// argument is what follows the path.
func (s *Server) byPhone(
	f func(r *http.Request, phone ed25519.PublicKey, argument string) (any, error),
) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		req, err := decode[AskRequest](r)
		if err != nil {
			return nil, err
		}
		sealed, err := signedBytes(req.Ask)
		if err != nil {
			return nil, err
		}
		ask, err := pass.ParseAsk(sealed)
		if err != nil {
			return nil, notSigned(err)
		}
		if err := verifySigned(&ask.Request); err != nil {
			return nil, err
		}
		path, argument, _ := strings.Cut(ask.What, " ")
		if path != r.URL.Path {
			return nil, badRequest("the phone has signed another request", "sign the path that you send to")
		}
		answer, err := f(r, ask.Phone, argument)
		if errors.Is(err, store.ErrNotFound) {
			return nil, errNoPass(err)
		}
		return answer, err
	}
}

func (s *Server) ownPhones(r *http.Request, phone ed25519.PublicKey, _ string) (any, error) {
	phones, err := s.opt.Store.PhonesOf(r.Context(), phone)
	return PhonesAnswer{phones}, err
}

func (s *Server) removePhone(r *http.Request, phone ed25519.PublicKey, argument string) (any, error) {
	id, err := strconv.ParseInt(argument, 10, 64)
	if err != nil {
		return nil, badRequest("the request names no phone", "write its id behind the path")
	}
	if err := s.opt.Store.RevokePhone(r.Context(), phone, id, now()); err != nil {
		return nil, err
	}
	s.publisher.poke()
	return nil, nil
}

// moveCode makes a one-time code for another phone of the same person: no message is needed, and
// nobody can keep it from coming.
func (s *Server) moveCode(r *http.Request, phone ed25519.PublicKey, _ string) (any, error) {
	code, until := NewCode(), now().Add(moveLasts)
	err := s.opt.Store.PutCodeOf(r.Context(), phone, store.SecretOf(code), until, now())
	if errors.Is(err, store.ErrManyPasses) {
		return nil, &failure{http.StatusTooManyRequests, "many phones have got this pass today",
			"try again tomorrow, or ask where you registered for a one-time code", err}
	}
	if err != nil {
		return nil, err
	}
	return CitizenAnswer{Code: code, URL: s.opt.PublicURL + "/#" + code, Expires: until}, nil
}

func (s *Server) ownHistory(r *http.Request, phone ed25519.PublicKey, _ string) (any, error) {
	kept, err := s.opt.Store.OwnHistory(r.Context(), phone)
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
	return alike{answer, historySize}, nil
}

// historySize is of what the size of the own records is a multiple, in bytes: 20 of them or so.
const historySize = 4 << 10

// phoneName keeps what a phone says of itself short and on one line.
func phoneName(said string) string {
	said = names.Compose(strings.TrimSpace(said))
	if len(said) > maxName || names.Check(said) != nil || !utf8.ValidString(said) {
		return ""
	}
	return said
}
