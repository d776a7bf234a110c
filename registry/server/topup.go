package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// topUp gives a phone the credentials of the days that it asks for, each with the key that the
// phone made for that day. It may ask again for days that it has: an answer can be lost.
func (s *Server) topUp(r *http.Request) (any, error) {
	req, err := decode[TopUpRequest](r)
	if err != nil {
		return nil, err
	}
	q, err := readTopUp(req.TopUp)
	if err != nil {
		return nil, err
	}
	last := q.Days[len(q.Days)-1].Day
	got, err := s.opt.Store.TopUp(r.Context(), q.Phone, last, now())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errNoPass(err)
	case errors.Is(err, store.ErrPassRevoked):
		return nil, &failure{http.StatusForbidden, "this pass was revoked",
			"sign in again, or ask where you registered", err}
	case errors.Is(err, store.ErrTopUps):
		return nil, &failure{http.StatusTooManyRequests, "this phone asked for codes too often today",
			"it may again tomorrow", err}
	case err != nil:
		return nil, err
	}
	sealed, err := s.issue(r.Context(), got, q.Days)
	if err != nil {
		return nil, err
	}
	answer := TopUpAnswer{Credentials: make([]string, len(sealed))}
	for i, one := range sealed {
		answer.Credentials[i] = base64.RawURLEncoding.EncodeToString(one)
	}
	return answer, nil
}

// readTopUp verifies a top-up. Its days count from when the phone signed it, not from when it came:
// a request that is on its way at midnight is still good.
func readTopUp(text string) (*pass.TopUp, error) {
	sealed, err := signedBytes(text)
	if err != nil {
		return nil, err
	}
	q, err := pass.ParseTopUp(sealed)
	if err != nil {
		return nil, notSigned(err)
	}
	if err := verifySigned(&q.Request); err != nil {
		return nil, err
	}
	first, today := q.Days[0].Day, pass.DayOf(q.Signed)
	if last := q.Days[len(q.Days)-1].Day; first < today || last >= today+pass.MaxDays {
		return nil, badRequest("a day is past or too far ahead", "ask for today and the 30 days after it, by UTC")
	}
	return q, nil
}

// issueWithin is how long a phone waits for its credentials. It covers the publisher's gather and
// gap, and a busy database.
const issueWithin = 8 * time.Second

// issue seals the credentials of some days when the list holds the pass. Each names the first
// edition of the list that does. A door believes no earlier one, so a red person is never shown as
// blue.
func (s *Server) issue(ctx context.Context, c store.Credential, days []pass.DayKey) ([][]byte, error) {
	place, keys, err := s.placeOf(ctx, c)
	if err != nil {
		return nil, err
	}
	sealed := make([][]byte, len(days))
	for i, d := range days {
		block, err := keys.SealDay(d.Day, place)
		if err != nil {
			return nil, fmt.Errorf("seal the place of %v: %w", d.Day, err)
		}
		if sealed[i], err = pass.Issue(s.opt.IssuerKey, d.Day, block, d.Holder); err != nil {
			return nil, err
		}
	}
	return sealed, nil
}

// paperMonths is how many months after its own a paper code lasts.
const paperMonths = 6

// issuePaper seals a paper code as issue does those of a phone.
func (s *Server) issuePaper(ctx context.Context, c store.Credential, month pass.Month) ([]byte, error) {
	place, keys, err := s.placeOf(ctx, c)
	if err != nil {
		return nil, err
	}
	block, err := keys.SealMonth(month, place)
	if err != nil {
		return nil, fmt.Errorf("seal the place of %v: %w", month, err)
	}
	return pass.IssuePaper(s.opt.IssuerKey, month, block)
}

// placeOf waits until the list holds a pass.
func (s *Server) placeOf(ctx context.Context, c store.Credential) (place pass.Place, keys *pass.PlaceKeys, err error) {
	if c.Since.Version == 0 {
		s.publisher.poke()
		if c.Since, err = s.listed(ctx, c.Index); err != nil {
			return place, nil, err
		}
	}
	if c.Index > math.MaxUint32 {
		return place, nil, fmt.Errorf("index %d does not fit a credential", c.Index)
	}
	keys, err = s.placeKeys(ctx)
	return pass.Place{Index: uint32(c.Index), Since: c.Since}, keys, err
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

var errNotListed = &failure{http.StatusServiceUnavailable, "the pass is not ready yet", "try again in a moment", nil}

// signedBytes are those of what a phone signed.
func signedBytes(text string) ([]byte, error) {
	if strings.HasPrefix(text, pass.Prefix) {
		return nil, errCode
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, badRequest("this is not a request of a phone",
			"send what the phone signed, in base64url without padding")
	}
	return sealed, nil
}

// notSigned is the answer to what is no request of this kind, such as a code that doors see:
// whoever has a picture of it learns nothing here.
func notSigned(err error) error {
	if errors.Is(err, pass.ErrCode) {
		return errCode
	}
	return badRequest("this is not a request of a phone",
		"send what the phone signed for this, in base64url without padding")
}

var errCode = &failure{http.StatusForbidden, "a code for doors cannot ask this",
	"only the phone itself can, with the key that is in no code: open the pass on it", nil}

// verifySigned checks signature and time of what a phone signed.
func verifySigned(q *pass.Request) error {
	err := q.Verify(time.Now())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pass.ErrStale), errors.Is(err, pass.ErrFuture):
		return &failure{http.StatusForbidden, "this request is not from this minute", "check the phone's clock", err}
	}
	return &failure{http.StatusForbidden, "the phone has not signed this request", "open the pass again", err}
}

func errNoPass(err error) error {
	return &failure{http.StatusNotFound, "there is no such pass",
		"it may have been revoked: sign in again, or ask where you registered", err}
}
