package server

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/registry/alert"
	"ashyq-kiosk/registry/store"
)

// alarmsShown is how many alarms the page lists.
const alarmsShown = 200

func (s *Server) alertsByMethod(r *http.Request, within string) (any, error) {
	get := func(r *http.Request) (any, error) { return s.recipients(r, within) }
	post := func(r *http.Request) (any, error) { return s.addRecipient(r, within) }
	return getOrPost(get, post)(r)
}

// recipients lists who is told what, and what is wrong now. within is the region of whoever asks;
// empty: the whole country. So in all that follows.
func (s *Server) recipients(r *http.Request, within string) (any, error) {
	list, err := s.opt.Store.Recipients(r.Context(), within)
	if err != nil {
		return nil, err
	}
	alarms, err := s.opt.Store.AlarmsNow(r.Context(), within, alarmsShown)
	if err != nil {
		return nil, err
	}
	return AlertsAnswer{Recipients: list, Alarms: alarms, Mail: s.alerts.opt.Mail.Server != "",
		SilentMinutes: int(s.alerts.opt.SilentAfter.Minutes())}, nil
}

func (s *Server) addRecipient(r *http.Request, within string) (any, error) {
	req, err := decode[RecipientRequest](r)
	if err != nil {
		return nil, err
	}
	if within != "" && req.Region != within {
		return nil, errNotYourRegion
	}
	if err := s.checkRecipient(req, within); err != nil {
		return nil, err
	}
	to := store.Recipient{Name: req.Name, Region: req.Region, Kinds: req.Kinds, Language: req.Language,
		Mail: req.Mail, Hook: req.Hook}
	to.ID, err = s.opt.Store.AddRecipient(r.Context(), to)
	switch {
	case errors.Is(err, store.ErrExists):
		return nil, &failure{http.StatusConflict, "this name is taken", "choose another one", err}
	case errors.Is(err, store.ErrManyRecipients):
		return nil, &failure{http.StatusConflict, "there are many recipients already", "remove some of them first", err}
	case err != nil:
		return nil, noRegion(err)
	}
	answer := RecipientAnswer{ID: to.ID}
	if to.Hook != "" {
		answer.Secret, err = s.alerts.secret(to)
	}
	return answer, err
}

func (s *Server) checkRecipient(req RecipientRequest, within string) error {
	if err := checkName("name", req.Name); err != nil {
		return err
	}
	kinds := make([]string, len(alert.Kinds))
	for i, kind := range alert.Kinds {
		kinds[i] = string(kind)
	}
	if len(req.Kinds) == 0 || slices.ContainsFunc(req.Kinds,
		func(kind string) bool { return !alert.IsKind(kind) }) || len(req.Kinds) > len(kinds) {
		return badRequest("there are no kinds of alerts, or unknown ones", "choose among "+strings.Join(kinds, ", "))
	}
	if !slices.Contains(alert.Languages, req.Language) {
		return badRequest("the language is not known", "write kk, ru or en")
	}
	switch {
	case within != "" && slices.Contains(req.Kinds, string(alert.Publisher)):
		return badRequest("the registry itself is not in your region", "leave this kind out")
	case (req.Mail == "") == (req.Hook == ""):
		return badRequest("a recipient has either a mail address or a webhook", "give one of them")
	case req.Mail != "" && alert.CheckAddress(req.Mail) != nil:
		return badRequest("the mail address cannot be used", "write it like dispatch@example.kz")
	case req.Hook != "" && alert.CheckURL(req.Hook) != nil:
		return badRequest("the webhook's address cannot be used", "write it like https://example.kz/ashyq")
	case req.Mail != "" && s.alerts.opt.Mail.Server == "":
		return &failure{http.StatusConflict, "this registry has no mail server",
			"serve --smtp names one; a webhook works without", nil}
	}
	return nil
}

func (s *Server) removeRecipient(r *http.Request, within string) (any, error) {
	req, err := decode[IDRequest](r)
	if err != nil {
		return nil, err
	}
	return nil, noRecipient(s.opt.Store.RemoveRecipient(r.Context(), req.ID, within))
}

func noRecipient(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &failure{http.StatusNotFound, "there is no such recipient", "look at the list again", err}
	}
	return err
}

// testRecipient sends a message at once, and says what went wrong.
func (s *Server) testRecipient(r *http.Request, within string) (any, error) {
	req, err := decode[IDRequest](r)
	if err != nil {
		return nil, err
	}
	to, err := s.opt.Store.RecipientOf(r.Context(), req.ID, within)
	if err != nil {
		return nil, noRecipient(err)
	}
	if !s.alerts.mayTry(within) {
		return nil, &failure{http.StatusTooManyRequests, "too many tests", "wait a minute", nil}
	}
	m := alert.Message{ID: fmt.Sprintf("test-%d-%d", now().Unix(), to.ID), Kind: alert.Kind(to.Kinds[0]),
		At: now(), Test: true}
	if err := s.alerts.deliver(r.Context(), to, m); err != nil {
		return nil, &failure{http.StatusBadGateway, "the message could not be sent", brief(err), err}
	}
	return nil, nil
}

func (q *RecipientRequest) compose() { q.Name = names.Compose(q.Name) }
