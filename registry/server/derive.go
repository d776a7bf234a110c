package server

import (
	"slices"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// How long a record counts. The project's source article (April 2021) gives the 72 hours of a
// negative PCR; 14 days were the quarantine of that time for cases and for contacts.
const (
	PositiveLasts = 14 * 24 * time.Hour // from the sample
	ContactLasts  = 14 * 24 * time.Hour // from the contact
	NegativeLasts = 72 * time.Hour      // from the sample, not from its entry
)

// derivation is one row of the colour rule. The rows are in order of precedence: the stricter
// colour wins, and green comes last because it must not hide another record. Blue, nothing known,
// needs no row.
type derivation struct {
	kind   store.Kind
	status statuslist.Status
	lasts  time.Duration
}

var derivations = []derivation{
	{store.Positive, statuslist.Red, PositiveLasts},
	{store.Contact, statuslist.Yellow, ContactLasts},
	{store.Negative, statuslist.Green, NegativeLasts},
}

// standing is what the records say at one moment.
type standing struct {
	status statuslist.Status
	until  time.Time // when the status changes by itself; zero: never
	next   time.Time // when any part of it changes by itself, at the latest at until; zero: never
	other  statuslist.Status
	since  time.Time // of the disagreement between the fresh negative and a stricter record; zero: they agree
}

// derive applies the colour rule. A record counts at once, and stops counting when its duration has
// passed; records from the future were refused on arrival. Only "positive" or "contact" beside a
// fresh "negative" is a disagreement. A contact who fell ill is not.
func derive(records []store.Record, now time.Time) standing {
	s := standing{status: statuslist.Valid}
	var began time.Time
	for _, row := range derivations {
		first, end := row.live(records, now)
		switch {
		case end.IsZero():
			continue
		case s.status == statuslist.Valid:
			s.status, s.until, s.next, began = row.status, end, end, first
		case row.status == statuslist.Green:
			s.other, s.since = row.status, later(began, first)
		}
		s.next = earlier(s.next, end)
	}
	return s
}

// live finds the records of this row that count: when the first began and when the last ends.
func (d derivation) live(records []store.Record, now time.Time) (first, end time.Time) {
	for _, r := range records {
		ends := r.At.Add(d.lasts)
		switch {
		case r.Kind != d.kind || !now.Before(ends):
		case end.IsZero():
			first, end = r.At, ends
		default:
			first, end = earlier(first, r.At), later(end, ends)
		}
	}
	return first, end
}

// strictness orders the statuses: a stricter one keeps more doors closed.
var strictness = []statuslist.Status{
	statuslist.Green, statuslist.Valid, statuslist.Yellow, statuslist.Red, statuslist.Suspended, statuslist.Invalid,
}

func stricter(a, b statuslist.Status) statuslist.Status {
	if slices.Index(strictness, a) < slices.Index(strictness, b) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
