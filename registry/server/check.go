package server

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/store"
)

// A door sends codes here that its list does not answer. Whoever stole a door can do so too, and
// only with codes that they see: a code of a phone is good for seconds, and of the codes on paper,
// which stay, a door may ask about few. How fast a door may ask is counted in the memory of each
// registry; all of them together count the codes on paper.
const (
	doorChecksEvery = time.Second
	doorChecksBurst = 30
	doorPaperADay   = 100

	// standingSize is the size of an answer, in bytes: its length does not tell the colour.
	standingSize = 256

	// doorWaits is the longest deadline of a door's question, which may have been on its way so
	// long.
	doorWaits = 10 * time.Second
)

// doorChecks are what each door has asked lately; there are no more than doors.
type doorChecks struct {
	mu   sync.Mutex // guards door
	door map[int64]*rate.Limiter
}

func newDoorChecks() *doorChecks { return &doorChecks{door: map[int64]*rate.Limiter{}} }

var (
	errChecksFast  = &failure{http.StatusTooManyRequests, "this door asks about codes too often", "wait a moment", nil}
	errChecksPaper = &failure{http.StatusTooManyRequests, "this door has asked about too many paper codes today",
		"let it follow the list: a door with a list of this hour need not ask", nil}
)

// may tells whether a door may ask about a code now.
func (d *doorChecks) may(door int64, at time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.door[door] == nil {
		d.door[door] = rate.NewLimiter(rate.Every(doorChecksEvery), doorChecksBurst)
	}
	return d.door[door].AllowN(at, 1)
}

// paperOf limits how many paper codes a door may ask about.
func paperOf(door int64) store.Limit {
	name := fmt.Sprint("paper codes of door ", door)
	return store.Limit{Name: name, Every: 24 * time.Hour / doorPaperADay, AtOnce: doorPaperADay}
}

// check tells a door how whoever shows it a code stands. The code says who is at which door, so
// neither it nor what is in it is kept or logged.
func (s *Server) check(r *http.Request, door int64) (any, error) {
	req, err := decode[api.CheckRequest](r)
	if err != nil {
		return nil, err
	}
	if !s.checks.may(door, now()) {
		return nil, errChecksFast
	}
	code, err := s.verifyCode(r, req.Code)
	if err != nil {
		return nil, err
	}
	if code.IsPaper() {
		wait, err := s.opt.Store.Use(r.Context(), paperOf(door), time.Now())
		if err != nil {
			return nil, err
		}
		if wait > 0 {
			return nil, errChecksPaper
		}
	}
	place, _ := code.Place()
	at := s.publisher.public.truth(now()) // before the look, as with a manifest
	person, err := s.personAt(r.Context(), uint64(place.Index), place.Since)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{http.StatusNotFound, "no list has held this pass", "send the person to the staff", err}
	}
	if err != nil {
		return nil, err
	}
	status, until := standingOf(person, now())
	return alike{api.CheckAnswer{Status: status.String(), AsOf: at, Until: until}, standingSize}, nil
}

// verifyCode reads a code as the door has done when it saw it, and opens it.
func (s *Server) verifyCode(r *http.Request, text string) (*pass.Code, error) {
	code, err := pass.Parse([]byte(text))
	if err != nil {
		return nil, notTaken(err)
	}
	err = code.Verify(s.issuers, now())
	if errors.Is(err, pass.ErrStale) || errors.Is(err, pass.ErrExpired) {
		err = code.Verify(s.issuers, now().Add(-doorWaits))
	}
	if err != nil {
		return nil, notTaken(err)
	}
	keys, err := s.placeKeys(r.Context())
	if err != nil {
		return nil, err
	}
	if _, err := code.Open(keys); err != nil {
		return nil, notTaken(err)
	}
	return code, nil
}

// notTaken is the answer about a code that no door here would take. Why must not go into the log
// with it.
func notTaken(err error) error {
	return &failure{http.StatusUnprocessableEntity, "this is not a code that is good now", "hold up the newest code of the phone", err}
}
