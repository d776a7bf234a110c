package server

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"net/http"

	"ashyq-kiosk/registry/store"
)

func (s *Server) kiosks(r *http.Request) (any, error) {
	req, err := decode[KioskRequest](r)
	if err != nil {
		return nil, err
	}
	if err := s.checkDoor(req.Name, req.Venue); err != nil {
		return nil, err
	}
	token := NewKey()
	if err := s.opt.Store.AddKiosk(r.Context(), req.Name, req.Venue, store.SecretOf(token)); err != nil {
		return nil, taken(err)
	}
	key := s.opt.RegistryKey.Public().(ed25519.PublicKey)
	return KioskAnswer{Token: token, RegistryKey: base64.RawURLEncoding.EncodeToString(key), List: s.publisher.board.list()}, nil
}

func (s *Server) sources(r *http.Request) (any, error) {
	req, err := decode[SourceRequest](r)
	if err != nil {
		return nil, err
	}
	if err := checkName("name", req.Name); err != nil {
		return nil, err
	}
	if req.Kind != Laboratory && req.Kind != ControlCentre {
		return nil, badRequest("the kind of source is not known", `write "`+Laboratory+`" or "`+ControlCentre+`"`)
	}
	key := NewKey()
	if err := s.opt.Store.AddSource(r.Context(), req.Name, req.Kind, store.SecretOf(key)); err != nil {
		return nil, taken(err)
	}
	return SourceAnswer{Key: key}, nil
}

func taken(err error) error {
	if errors.Is(err, store.ErrExists) {
		return &failure{http.StatusConflict, "this name is taken", "choose another one", err}
	}
	return err
}

func (s *Server) rules(r *http.Request) (any, error) {
	document, err := io.ReadAll(r.Body)
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, err
		}
		return nil, badRequest("the body ended early", "send it again")
	}
	if s.opt.CheckRules != nil {
		if err := s.opt.CheckRules(document); err != nil {
			return nil, badRequest(err.Error(), "nothing was changed; correct the document and send it again")
		}
	}
	if err := s.opt.Store.PutRules(r.Context(), document); err != nil {
		return nil, err
	}
	s.publisher.poke()
	return nil, nil
}

func (s *Server) overview(r *http.Request) (any, error) {
	o, err := s.opt.Store.Overview(r.Context(), now())
	if err != nil {
		return nil, err
	}
	o.Version, o.Issued = s.publisher.board.state()
	return o, nil
}
