package server

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

const day = 24 * time.Hour

// How long a record counts. The project's source article (April 2021) gives the 72 hours of a
// negative PCR; 14 days were the quarantine of that time for cases and for contacts. Those of
// recovered and vaccinated people are defaults.
const (
	PositiveLasts   = 14 * day       // from the sample
	ContactLasts    = 14 * day       // from the contact
	NegativeLasts   = 72 * time.Hour // from the sample, not from its entry
	RecoveredLasts  = 180 * day      // from the recovery
	VaccinatedLasts = 365 * day      // from the vaccination
)

// derivation is one row of the colour rule. The rows are in order of precedence: the stricter
// colour wins, and green comes last because it must not hide another record. Blue, nothing known,
// needs no row, and an inconclusive result changes nothing.
type derivation struct {
	kind   store.Kind
	status statuslist.Status
	lasts  []lasting
}

// lasting is how long records count whose own time is not before from. A decree that changes a
// duration adds one with its first day, for example
//
//	{time.Date(2021, 12, 1, 0, 0, 0, 0, time.FixedZone("", 5*60*60)), 7 * day}
//
// and records from before keep what they had. The last one that applies counts.
type lasting struct {
	from  time.Time
	lasts time.Duration
}

func always(lasts time.Duration) []lasting { return []lasting{{time.Time{}, lasts}} }

var derivations = []derivation{
	{store.Positive, statuslist.Red, always(PositiveLasts)},
	{store.Contact, statuslist.Yellow, always(ContactLasts)},
	{store.Negative, statuslist.Green, always(NegativeLasts)},
	{store.Recovered, statuslist.Green, always(RecoveredLasts)},
	{store.Vaccinated, statuslist.Green, always(VaccinatedLasts)},
}

// colourRule names the rule by a hash of all that it says. The publisher compares it with the one
// that the database was derived with (again.go). A text that reads otherwise and says the same only
// has everybody derived once more.
func colourRule() store.ColourRule {
	var text []byte
	for _, d := range derivations {
		text = fmt.Appendf(text, "%s %d", d.kind, d.status)
		for _, l := range d.lasts {
			text = fmt.Appendf(text, " %d:%d", l.from.Unix(), l.lasts)
		}
		text = append(text, '\n')
	}
	return sha256.Sum256(text)
}

// of is how long a record of that time counts.
func (d derivation) of(at time.Time) (lasts time.Duration) {
	for _, l := range d.lasts {
		if !at.Before(l.from) {
			lasts = l.lasts
		}
	}
	return lasts
}

// oldest is how long ago a record of this kind may have been. Older ones change no colour, and most
// of them have a wrong year.
func oldest(kind store.Kind) time.Duration {
	most := PositiveLasts // of a result that says nothing
	for _, d := range derivations {
		if d.kind == kind {
			most = 0
			for _, l := range d.lasts {
				most = max(most, l.lasts)
			}
		}
	}
	return most
}

// standing is what the records say at one moment.
type standing struct {
	status statuslist.Status
	until  time.Time // when the status changes by itself; zero: never
	next   time.Time // when any part of it changes by itself, at the latest at until; zero: never
	other  statuslist.Status
	since  time.Time // of the disagreement between the fresh negative and a stricter record; zero: they agree
}

// derive applies the colour rule to the records in force. A record counts at once, and stops
// counting when its duration has passed; records from the future were refused on arrival. Only
// "positive" or "contact" beside a fresh "negative" is a disagreement, unless the administrator has
// settled that both stand. A contact who fell ill is not, nor is a vaccinated one.
func derive(records []store.Record, now time.Time) standing {
	s := standing{status: statuslist.Valid}
	var strict span
	for _, row := range derivations {
		is := row.live(records, now)
		if is.end.IsZero() {
			continue
		}
		switch {
		case s.status == statuslist.Valid:
			s.status, s.until, s.next, strict = row.status, is.end, is.end, is
		case s.status == row.status:
			s.until = later(s.until, is.end)
		case row.kind == store.Negative && (is.open || strict.open):
			s.other, s.since = row.status, later(strict.first, is.first)
		}
		s.next = earlier(s.next, is.end)
	}
	return s
}

// span is when the first of some records began and when the last ends.
type span struct {
	first, end time.Time
	open       bool // the administrator has not settled that all of them stand
}

// live finds the records of this row that count.
func (d derivation) live(records []store.Record, now time.Time) (s span) {
	for _, r := range records {
		ends := r.At.Add(d.of(r.At))
		if r.Kind != d.kind || !now.Before(ends) {
			continue
		}
		if s.end.IsZero() {
			s.first, s.end = r.At, ends
		}
		s = span{earlier(s.first, r.At), later(s.end, ends), s.open || !r.Upheld}
	}
	return s
}

// explain finds the records that give the status, the longest-lasting first.
func explain(records []store.Record, now time.Time) []Reason {
	reasons := []Reason{}
	status := derive(records, now).status
	for _, row := range derivations {
		if row.status != status {
			continue
		}
		for _, r := range records {
			if until := r.At.Add(row.of(r.At)); r.Kind == row.kind && now.Before(until) {
				reasons = append(reasons, Reason{Kind: r.Kind, At: r.At, Source: r.Source, Until: until})
			}
		}
	}
	slices.SortStableFunc(reasons, func(a, b Reason) int { return b.Until.Compare(a.Until) })
	return reasons
}

// untilOf is when a record stops counting by itself; zero: it never counts.
func untilOf(k store.Kept) time.Time {
	for _, row := range derivations {
		if row.kind == k.Kind {
			return k.At.Add(row.of(k.At))
		}
	}
	return time.Time{}
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
