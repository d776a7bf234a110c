package kiosk

import (
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// Visits are the people whom the venue's other entry doors have let in (docs/adr/0017). Neither
// method waits for anybody.
type Visits interface {
	// Last is when another door let somebody in last; zero: as far as is known, none did.
	Last(index uint32) time.Time
	// Admitted notes that this door has let somebody in.
	Admitted(index uint32, at time.Time)
}

// wasElsewhere tells whether another door has let somebody in a moment ago. Without the key of the
// code's day nobody can tell.
func (j *judge) wasElsewhere(c *pass.Code, now time.Time) bool {
	place, ok := c.Place()
	if j.opt.Visits == nil || !ok {
		return false
	}
	last := j.opt.Visits.Last(place.Index)
	return !last.IsZero() && now.Sub(last) < j.opt.Again
}

// tellOthers tells the other doors that this one has let somebody in.
func (j *judge) tellOthers(c *pass.Code, now time.Time) {
	if place, ok := c.Place(); ok && j.opt.Visits != nil {
		j.opt.Visits.Admitted(place.Index, now)
	}
}
