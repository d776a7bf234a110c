package store

import (
	"errors"
	"slices"
	"time"

	"ashyq-kiosk/kiosk/api"
)

var (
	// ErrLate says that a newer request of the same door was answered before.
	ErrLate = errors.New("a newer request of this door came first")
	// ErrLedgerEnded says that a door has begun another ledger since.
	ErrLedgerEnded = errors.New("this ledger has ended")
	// ErrFull says that a venue has no free place.
	ErrFull = errors.New("the venue is full")
)

const (
	// shareLasts is how long a silent door keeps its share: an hour longer than the door uses it
	// (kiosk/places).
	shareLasts = 13 * time.Hour
	// heardStep is the precision with which it is noted when a door was heard: a request that
	// changes nothing else writes nothing.
	heardStep = 10 * time.Minute
	// emptiesAt is when a venue is empty unless somebody says otherwise: minutes after midnight.
	emptiesAt = 4 * 60
)

// Country is the time zone of closing hours: Kazakhstan has one.
var Country = time.FixedZone("UTC+5", 5*60*60)

// hall is a venue's people and places. It is pure; the store loads and keeps it. It gives a place
// away only while
//
//	inside + reserved < capacity
//
// where a share's reserved places are its limit less the people who came in. Whatever happens,
// there are at most inside + reserved people in the venue: a share that nobody will hear of again
// counts as people inside.
type hall struct {
	capacity int64 // 0: not limited
	inside   int64
	day      int64            // grows when inside begins anew
	emptied  int64            // Unix s
	empties  int64            // minutes after midnight; negative: never
	shares   map[int64]*share // by door
	gone     []*share         // of doors that were revoked or replaced, which may be cut off and go on
	changed  bool             // inside, emptied or empties; share.changed for shares
}

// share is what a door said last.
type share struct {
	door            int64
	ledger, before  string
	seq             int64
	in, out, limit  int64
	heard           int64 // Unix s
	entry           bool
	changed, remove bool
}

func (s *share) reserved() int64 { return s.limit - s.in }

func (h *hall) reserved() (sum int64) {
	for _, s := range h.shares {
		sum += s.reserved()
	}
	for _, s := range h.gone {
		sum += s.reserved()
	}
	return sum
}

// free are places that nobody has and no door may give away.
func (h *hall) free() int64 { return max(0, h.capacity-h.inside-h.reserved()) }

// add changes the number inside. It may be below 0, but not by more than people may have come in
// whom no door has reported yet.
func (h *hall) add(n int64) {
	if n != 0 {
		h.inside, h.changed = max(h.inside+n, -h.reserved()), true
	}
}

// fold counts the places of a share as people inside: nobody knows how many of them have come in.
func (h *hall) fold(s *share) {
	if n := s.reserved(); n != 0 {
		s.limit, s.changed = s.in, true
		h.add(n)
	}
}

// settle takes a door's request and gives it places. Errors: ErrLate, ErrLedgerEnded.
func (h *hall) settle(door int64, entry bool, q api.PlacesRequest, now time.Time) (api.PlacesAnswer, error) {
	h.pass(now)
	s := h.shares[door]
	switch {
	case slices.ContainsFunc(h.gone, func(s *share) bool { return s.ledger == q.Ledger }):
		return api.PlacesAnswer{}, ErrLedgerEnded
	case s == nil:
		s = &share{door: door, ledger: q.Ledger, changed: true}
		h.shares[door] = s
	case q.Ledger == s.before:
		return api.PlacesAnswer{}, ErrLedgerEnded
	case q.Ledger != s.ledger: // the door has lost the old one
		h.fold(s)
		*s = share{door: door, ledger: q.Ledger, before: s.ledger, changed: true}
	case q.Seq <= s.seq || q.In < s.in || q.Out < s.out:
		return api.PlacesAnswer{}, ErrLate
	}
	s.entry = entry
	h.note(s, q, now)
	h.give(s, q)
	return api.PlacesAnswer{Capacity: h.capacity, Day: h.day, Inside: max(0, h.inside), Limit: s.limit, Keep: max(h.target(), q.Want)}, nil
}

// note takes over what the door says. Its own word about its limit counts: a lower one gives places
// back, and after a lost answer it does not know of the higher one.
func (h *hall) note(s *share, q api.PlacesRequest, now time.Time) {
	if q.In != s.in || q.Out != s.out || q.Limit != s.limit || now.Unix()-s.heard >= int64(heardStep.Seconds()) {
		s.changed = true
	}
	came, left := q.In-s.in, q.Out-s.out
	s.seq, s.in, s.out, s.limit, s.heard = q.Seq, q.In, q.Out, q.Limit, now.Unix()
	h.add(came)
	if q.Day == h.day { // else somebody may have left before the number began anew
		h.add(-left)
	}
}

// give adds places to a share: for those who stand at the door as long as any are free, and some
// for later as long as there are many.
func (h *hall) give(s *share, q api.PlacesRequest) {
	if !s.entry {
		return
	}
	n := min(h.free(), max(0, q.Want-s.reserved()))
	s.limit += n
	if target := h.target(); !q.Off && s.reserved() <= target/2 {
		more := min(h.free(), target-s.reserved())
		s.limit += more
		n += more
	}
	if n > 0 {
		s.changed = true
	}
}

// target is how many places a door may have for later. Near the limit that is 0, so that nobody is
// turned back for a place that another door keeps.
func (h *hall) target() int64 {
	entries := int64(0)
	for _, s := range h.shares {
		if s.entry {
			entries++
		}
	}
	return max(0, h.capacity-h.inside) / (4 * max(1, entries))
}

// pass lets time pass: a door that was silent for too long does not use its share any more, and
// once a day everybody goes home.
func (h *hall) pass(now time.Time) {
	silent := func(s *share) bool { return now.Unix()-s.heard > int64(shareLasts.Seconds()) }
	for _, s := range h.shares {
		if silent(s) {
			h.fold(s)
		}
	}
	for _, s := range h.gone {
		if silent(s) {
			h.fold(s)
			s.changed, s.remove = true, true
		}
	}
	if h.empties < 0 {
		return
	}
	local := now.In(Country)
	home := time.Date(local.Year(), local.Month(), local.Day(), 0, int(h.empties), 0, 0, Country)
	if home.After(now) {
		home = home.AddDate(0, 0, -1)
	}
	if h.emptied < home.Unix() {
		h.emptied = now.Unix()
		h.begin(0)
	}
}

// begin sets the number of people inside, whatever was counted before.
func (h *hall) begin(n int64) {
	h.inside, h.day, h.changed = n, h.day+1, true
}

// seat takes a place without a door: the staff let somebody in. Errors: ErrFull.
func (h *hall) seat() error {
	if h.free() == 0 {
		return ErrFull
	}
	h.add(1)
	return nil
}
