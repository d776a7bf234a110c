package server

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/registry/store"
)

const maxHourly = 1_000_000

func (s *Server) sources(r *http.Request) (any, error) {
	req, err := decode[SourceRequest](r)
	if err != nil {
		return nil, err
	}
	if err := checkName("name", req.Name); err != nil {
		return nil, err
	}
	kind, ok := sourceKinds[req.Kind]
	if !ok {
		return nil, badRequest("unknown kind of source", `write one of "`+strings.Join(slices.Sorted(maps.Keys(sourceKinds)), `", "`)+`"`)
	}
	if req.Hourly == 0 {
		req.Hourly = kind.hourly
	}
	if err := checkHourly(req.Hourly); err != nil {
		return nil, err
	}
	key := NewKey()
	err = s.opt.Store.AddSource(r.Context(), req.Name, req.Kind, req.Region, store.SecretOf(key), req.Hourly)
	if errors.Is(err, store.ErrExists) {
		return nil, &failure{http.StatusConflict, "this name is taken", "choose another one", err}
	}
	if err != nil {
		return nil, noRegion(err)
	}
	return SourceAnswer{Key: key}, nil
}

func checkHourly(n int) error {
	if n < 0 || n > maxHourly {
		return badRequest("the limit cannot be used", "write 0 to 1000000 records an hour; with 0 all of them wait")
	}
	return nil
}

// byName is an operation on the source that a NameRequest names.
func (s *Server) byName(do func(ctx context.Context, name string) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		req, err := decode[NameRequest](r)
		if err != nil {
			return nil, err
		}
		answer, err := do(r.Context(), req.Name)
		return answer, noSource(err)
	}
}

func noSource(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &failure{http.StatusNotFound, "there is no source of this name", "write it as the overview does", err}
	}
	return err
}

func (s *Server) suspendSource(ctx context.Context, name string) (any, error) {
	return nil, s.opt.Store.SuspendSource(ctx, name, now())
}

func (s *Server) resumeSource(ctx context.Context, name string) (any, error) {
	return nil, s.opt.Store.ResumeSource(ctx, name)
}

func (s *Server) revokeSource(ctx context.Context, name string) (any, error) {
	return nil, s.opt.Store.RevokeSource(ctx, name, now())
}

func (s *Server) rotateSource(ctx context.Context, name string) (any, error) {
	key := NewKey()
	if err := s.opt.Store.RotateSource(ctx, name, store.SecretOf(key)); err != nil {
		return nil, err
	}
	return SourceAnswer{Key: key}, nil
}

func (s *Server) who(_ *http.Request, source store.Source) (any, error) {
	return WhoAnswer{Name: source.Name, Kind: source.Kind}, nil
}

func (s *Server) limitSource(r *http.Request) (any, error) {
	req, err := decode[LimitRequest](r)
	if err != nil {
		return nil, err
	}
	if req.Hourly == nil {
		return nil, badRequest("the limit is missing", "write 0 to 1000000 records an hour; with 0 all of them wait")
	}
	if err := checkHourly(*req.Hourly); err != nil {
		return nil, err
	}
	return nil, noSource(s.opt.Store.LimitSource(r.Context(), req.Name, *req.Hourly))
}

// decided is an answer to a DecideRequest.
func (s *Server) decided(
	decide func(ctx context.Context, name string, last int64, now time.Time) (int, error),
) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		req, err := decode[DecideRequest](r)
		if err != nil {
			return nil, err
		}
		n, err := decide(r.Context(), req.Name, req.Last, now())
		if err != nil {
			return nil, noSource(err)
		}
		s.publisher.poke()
		return DecideAnswer{Records: n}, nil
	}
}

// itWaits is the answer to a record that waits for the administrator.
func itWaits() any {
	return accepted{WaitingAnswer{true, "stored, and waiting for the registry's administrator",
		"this source has reached its limit for an hour; the record counts when the administrator has approved it, so do not send it again"}}
}

// refusedSource is the answer to a source that the store rejects.
func refusedSource(err error) error {
	switch {
	case errors.Is(err, store.ErrSuspended):
		return &failure{http.StatusForbidden, "this key is suspended", "ask the registry's administrator", err}
	case errors.Is(err, store.ErrKeyRevoked):
		return &failure{http.StatusUnauthorized, "this key was revoked",
			"the registry's administrator gives you another one", err}
	case errors.Is(err, store.ErrTooManyWait):
		return &failure{http.StatusTooManyRequests, "too many records of this source wait",
			"send this one again when the registry's administrator has decided on them", err}
	case errors.Is(err, store.ErrConflict):
		return &failure{http.StatusConflict, "this sample was reported before with different content",
			"correct that sample's record if it is wrong; nothing was changed", err}
	case errors.Is(err, store.ErrWithdrawn):
		return &failure{http.StatusConflict, "the same record was withdrawn or discarded before",
			`if it is right after all, send it with "again": true`, err}
	case errors.Is(err, store.ErrDecided):
		return &failure{http.StatusConflict, "the registry's administrator has decided that this record does not stand",
			"ask the administrator", err}
	}
	return err
}
