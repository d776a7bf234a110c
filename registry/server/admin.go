package server

import (
	"errors"
	"io"
	"net/http"

	"ashyq-kiosk/registry/store"
)

// wantedRules tells which document was stored last. It is published a moment later, or as long as
// the registry cannot publish, not.
func (s *Server) wantedRules(r *http.Request) (any, error) {
	hash, err := s.opt.Store.WantedRules(r.Context())
	if err != nil {
		return nil, err
	}
	document, err := s.opt.Store.Blob(r.Context(), hash)
	if err != nil {
		return nil, err
	}
	return RulesAnswer{Document: string(document), Published: hash == s.publisher.public.rules()}, nil
}

func (s *Server) putRules(r *http.Request) (any, error) {
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
	o.Version, o.Issued = s.publisher.public.state()
	if o.Backup, err = s.opt.Store.Backup(r.Context()); err != nil {
		return nil, err
	}
	return o, nil
}

// restored ends the time after a restore in which the registry vouches for nothing newer than the
// backup.
func (s *Server) restored(r *http.Request) (any, error) {
	err := s.opt.Store.ConfirmRestored(r.Context())
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusConflict, "this registry does not wait for that", "it was not restored from a backup, or somebody has confirmed it already", err}
	}
	if err != nil {
		return nil, err
	}
	s.opt.Log.Info("the administrator has confirmed that all sources have sent again")
	s.publisher.poke()
	return nil, nil
}
