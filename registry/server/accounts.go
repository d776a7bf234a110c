package server

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"time"

	"ashyq-kiosk/registry/store"
)

const (
	longestShift = 12 // hours that an account of staff works, at most
	accountsPage = 500
	accountsKept = 30 * 24 * time.Hour // so long an ended account is listed
)

// roles are how people call them.
var roles = map[string]string{
	store.National: "national administrator",
	store.Regional: "regional administrator",
	store.Owner:    "venue's owner",
	store.Staff:    "venue's staff",
}

// byAccount lets accounts of these roles in; without a role, all of them. The holder of admin.key
// is a national administrator.
func (s *Server) byAccount(
	f func(*http.Request, store.Account) (any, error), may ...string,
) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		key, err := bearer(r)
		if err != nil {
			return nil, err
		}
		account, err := s.accountOf(r.Context(), key)
		if errors.Is(err, store.ErrNotFound) {
			hint := "this needs the key of an account; a national administrator creates one"
			if slices.Equal(may, []string{store.National}) {
				hint = "this needs the administrator's key: the file admin.key in the registry's data directory"
			}
			return nil, &failure{http.StatusUnauthorized, "unknown key", hint, err}
		}
		if err != nil {
			return nil, err
		}
		if len(may) > 0 && !slices.Contains(may, account.Role) {
			return nil, notOfRole(account)
		}
		return f(r, account)
	}
}

func notOfRole(account store.Account) error {
	text := "this is the key of a " + roles[account.Role]
	return &failure{http.StatusForbidden, text, "ask a national administrator", nil}
}

// accountOf finds the account of a key. Errors: store.ErrNotFound, and failures.
func (s *Server) accountOf(ctx context.Context, key store.Secret) (store.Account, error) {
	if subtle.ConstantTimeCompare(key[:], s.admin[:]) == 1 {
		return store.Account{Name: store.Administrator, Role: store.National}, nil
	}
	account, err := s.opt.Store.AccountOf(ctx, key, now())
	const hint = "ask for another one where this one came from"
	switch {
	case errors.Is(err, store.ErrExpired):
		return account, &failure{http.StatusUnauthorized, "this key has expired", hint, err}
	case errors.Is(err, store.ErrKeyRevoked):
		return account, &failure{http.StatusUnauthorized, "this key was revoked", hint, err}
	}
	return account, err
}

// byAdmin lets national administrators in.
func (s *Server) byAdmin(f func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return s.byAccount(func(r *http.Request, _ store.Account) (any, error) { return f(r) }, store.National)
}

func (s *Server) me(_ *http.Request, account store.Account) (any, error) { return account, nil }

func (s *Server) accounts(r *http.Request, by store.Account) (any, error) {
	return getOrPost(func(r *http.Request) (any, error) {
		of := store.AccountsOf{Role: r.URL.Query().Get("role"), To: by, Ended: now().Add(-accountsKept), Limit: accountsPage}
		var err error
		if of.Before, err = number(r, "before", 0); err != nil {
			return nil, err
		}
		if _, ok := roles[of.Role]; !ok && of.Role != "" {
			return nil, badRequest("unknown role", "write national, regional, owner or staff")
		}
		list, err := s.opt.Store.Accounts(r.Context(), of)
		return AccountsAnswer{list}, err
	}, func(r *http.Request) (any, error) { return s.addAccount(r, by) })(r)
}

func (s *Server) addAccount(r *http.Request, by store.Account) (any, error) {
	req, err := decode[AccountRequest](r)
	if err != nil {
		return nil, err
	}
	if err := checkName("name", req.Name); err != nil {
		return nil, err
	}
	if err := req.check(); err != nil {
		return nil, err
	}
	account := store.Account{Name: req.Name, Role: req.Role, Region: req.Region, BIN: req.BIN, Venue: req.Venue}
	if req.Role == store.Staff {
		if req.Hours == 0 {
			req.Hours = longestShift
		}
		account.Expires = now().Add(time.Duration(req.Hours) * time.Hour)
	}
	if by.Role == store.Regional && req.Role == store.Owner && req.Region == "" {
		account.Region = by.Region
	}
	if err := s.mayManage(r.Context(), by, account); err != nil {
		return nil, err
	}
	key := NewKey()
	id, err := s.opt.Store.AddAccount(r.Context(), account, store.SecretOf(key), now())
	switch {
	case errors.Is(err, store.ErrExists):
		return nil, &failure{http.StatusConflict, "this name is taken", "choose another one", err}
	case req.Region != "":
		err = noRegion(err)
	default:
		err = noVenue(err)
	}
	return AccountAnswer{ID: id, Key: key, Expires: account.Expires}, err
}

// check takes what belongs to the role, and nothing else.
func (q AccountRequest) check() error {
	if _, ok := roles[q.Role]; !ok {
		return badRequest("unknown role", "write national, regional, owner or staff")
	}
	for _, part := range []struct {
		given bool
		of    string
	}{{q.Region != "", store.Regional}, {q.BIN != "", store.Owner}, {q.Venue != 0, store.Staff}} {
		ofRegion := part.of == store.Regional && q.Role == store.Owner // may have one
		if part.given != (q.Role == part.of) && !ofRegion {
			return badRequest("the account's rights are not clear",
				"a regional account has a region, an owner a BIN and maybe a region, staff a venue, a national account nothing of these")
		}
	}
	if q.Role == store.Owner {
		if _, err := store.ParseBIN(q.BIN); err != nil {
			return badRequest(err.Error(), "check the number for a typing error")
		}
	}
	if q.Hours < 0 || q.Hours > longestShift || q.Hours > 0 && q.Role != store.Staff {
		return badRequest("the hours cannot be used", "write 1 to 12 hours, for staff only")
	}
	return nil
}

// mayManage tells whether an account may create or revoke another one: an owner only staff of the
// own venues, a regional administrator also owners who see venues of that region only. Where a
// venue is elsewhere, or nowhere, makes no difference.
func (s *Server) mayManage(ctx context.Context, by, other store.Account) error {
	if by.Role == store.National {
		// A new one would be the second person for the own changes.
		if other.Role == store.National && other.ID == 0 && by.ID != 0 {
			return &failure{http.StatusForbidden, "a national administrator makes no other one",
				"ask the holder of admin.key", nil}
		}
		return nil
	}
	if other.Role == store.Staff {
		venue, err := s.opt.Store.VenueOf(ctx, other.Venue)
		if err == nil && by.Reaches(venue) {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if by.Role == store.Owner {
		return &failure{http.StatusForbidden, "an owner manages staff of the own venues only",
			"ask a national administrator", nil}
	}
	if other.Role == store.Owner && other.Region == by.Region {
		has, err := s.opt.Store.HasVenue(ctx, other.BIN, by.Region)
		if err == nil && !has && other.ID == 0 {
			err = &failure{http.StatusNotFound, "no venue of your region has this BIN", "enter the venue first", nil}
		}
		return err
	}
	return &failure{http.StatusForbidden,
		"a regional administrator manages owners and staff of the own region's venues only", "ask a national administrator", nil}
}

func (s *Server) revokeAccount(r *http.Request, by store.Account) (any, error) {
	req, err := decode[RevokeAccountRequest](r)
	if err != nil {
		return nil, err
	}
	other, err := s.opt.Store.AccountBy(r.Context(), req.ID)
	if err == nil {
		if err := s.mayManage(r.Context(), by, other); err != nil {
			return nil, err
		}
		err = s.opt.Store.RevokeAccount(r.Context(), req.ID, now())
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusNotFound, "there is no such account", "GET " + PathAccounts + " lists them", err}
	}
	return nil, err
}
