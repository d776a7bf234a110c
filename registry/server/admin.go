package server

import (
	"errors"
	"io"
	"net/http"
)

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
	o.Version, o.Issued = s.publisher.public.state()
	return o, nil
}
