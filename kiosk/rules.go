package kiosk

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rules is the decree in force: a table of venue kind x colour x zone x weekday x hour x occupancy,
// in reading order. It comes from the registry as a JSON document whose hash is in the signed
// manifest:
//
//	{
//	  "name": "...",                        which decree, for people
//	  "timezone": "Asia/Almaty",            IANA name; hours and weekdays are local there
//	  "ages": {"quiet": "15m", "full": "24h", "limit": "72h"},
//	  "rules": [ {
//	    "name": "...",                      unique; every verdict names its rule
//	    "colours": ["yellow"],              at least one
//	    "venues": ["shop", "pharmacy"],     absent: all
//	    "zones": ["red"],                   absent: all
//	    "weekdays": ["saturday"],           absent: all
//	    "hours": {"from": "07:00", "until": "01:00"},   absent: all day; may cross midnight
//	    "occupancy_below": 0.5,             share of seats; absent: any
//	    "from": "2021-04-01T00:00:00+06:00", "until": "...",   in force; absent: always
//	    "then": "admitted-here",            admitted, admitted-here, turned-back or ask-staff
//	    "text": {"kk": "...", "ru": "...", "en": "..."}        the rule in plain words
//	  } ]
//	}
//
// The first rule that matches decides.
type Rules struct {
	Name     string `json:"name"`
	Timezone string `json:"timezone"`
	Ages     Ages   `json:"ages"`
	Rules    []Rule `json:"rules"`
	location *time.Location
}

// Ages are the limits on the age of the status data, graded by the cost of a mistake.
type Ages struct {
	Quiet Duration `json:"quiet"` // beyond it the screen shows the age
	Full  Duration `json:"full"`  // beyond it blue and green become "ask the staff"
	Limit Duration `json:"limit"` // beyond it the door is out of order
}

// Duration is a time.Duration that reads and writes as "15m".
type Duration time.Duration

// UnmarshalText reads a duration in the format of time.ParseDuration, and rejects negative ones.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	if v < 0 {
		return fmt.Errorf("negative duration %q", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the duration as time.Duration prints it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Rule is one line of the decree.
type Rule struct {
	Name           string    `json:"name"`
	Colours        []Colour  `json:"colours"`
	Venues         []Venue   `json:"venues,omitempty"`
	Zones          []Zone    `json:"zones,omitempty"`
	Weekdays       []Weekday `json:"weekdays,omitempty"`
	Hours          *Hours    `json:"hours,omitempty"`
	OccupancyBelow float64   `json:"occupancy_below,omitempty"`
	From           time.Time `json:"from,omitzero"`
	Until          time.Time `json:"until,omitzero"`
	Then           Signal    `json:"then"`
	Text           Text      `json:"text"`
}

// Weekday reads as an English name in lower case.
type Weekday time.Weekday

// UnmarshalText reads a weekday.
func (w *Weekday) UnmarshalText(text []byte) error {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.ToLower(d.String()) == string(text) {
			*w = Weekday(d)
			return nil
		}
	}
	return fmt.Errorf("unknown weekday %q, want monday to sunday in lower case", text)
}

// MarshalText writes a weekday.
func (w Weekday) MarshalText() ([]byte, error) {
	return []byte(strings.ToLower(time.Weekday(w).String())), nil
}

// Hours is a span of the day; Until before From crosses midnight.
type Hours struct {
	From  Clock `json:"from"`
	Until Clock `json:"until"`
}

// Clock is a time of day in minutes since midnight.
type Clock int

// UnmarshalText reads "HH:MM".
func (c *Clock) UnmarshalText(text []byte) error {
	t, err := time.Parse("15:04", string(text))
	if err != nil || len(text) != len("15:04") {
		return fmt.Errorf("time of day %q, want HH:MM", text)
	}
	*c = Clock(t.Hour()*60 + t.Minute())
	return nil
}

// MarshalText writes "HH:MM".
func (c Clock) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%02d:%02d", c/60, c%60), nil }

//go:embed rules.default.json
var defaultRules []byte

// DefaultRulesJSON is the rule of the source article as a document: red nowhere, yellow only in a
// shop or a pharmacy, blue and green everywhere.
func DefaultRulesJSON() []byte { return bytes.Clone(defaultRules) }

// MaxRules is the largest size of a rules document, bytes.
const MaxRules = 1 << 20

// Situation is everything that a rule may look at.
type Situation struct {
	Venue     Venue
	Zone      Zone
	Colour    Colour
	Time      time.Time
	Occupancy float64       // share of seats taken; negative: unknown, so no rule with a limit matches
	Age       time.Duration // of the status data
}

// Decision is what the rules say.
type Decision struct {
	Signal Signal
	Reason Reason
	Rule   string    // empty if no rule decided
	Text   Text      // of that rule
	Until  time.Time // when the rule's hours end or a date changes the decision; zero: neither does
	Aged   bool      // the screen must show the age of the data
}

// Decide is pure: the same situation gives the same decision.
func (r *Rules) Decide(s Situation) Decision {
	aged := s.Age > time.Duration(r.Ages.Quiet)
	if s.Age > time.Duration(r.Ages.Limit) {
		return Decision{Signal: OutOfOrder, Reason: DataLimit, Aged: aged}
	}
	if s.Age > time.Duration(r.Ages.Full) && (s.Colour == Blue || s.Colour == Green) {
		return Decision{Signal: AskStaff, Reason: DataOld, Aged: aged}
	}
	i, until := r.find(s)
	if i < 0 {
		return Decision{Signal: AskStaff, Reason: NoRule, Aged: aged}
	}
	rule := r.Rules[i]
	until = firstOf(until, r.dated(i, s))
	return Decision{Signal: rule.Then, Rule: rule.Name, Text: rule.Text, Until: until, Aged: aged}
}

// find is the first rule that matches, and when its hours end; -1 if no rule matches.
func (r *Rules) find(s Situation) (int, time.Time) {
	for i, rule := range r.Rules {
		if until, ok := rule.matches(s, r.location); ok {
			return i, until
		}
	}
	return -1, time.Time{}
}

// dated is when a date ends what rule i decides: its own, or that of a rule before it. A date at
// which the rules go on to decide the same does not count. Zero: no date does.
func (r *Rules) dated(i int, s Situation) (until time.Time) {
	dates := []time.Time{r.Rules[i].Until}
	for _, earlier := range r.Rules[:i] {
		dates = append(dates, earlier.From)
	}
	for _, date := range dates {
		if !date.After(s.Time) {
			continue
		}
		then := s
		then.Time = date
		if next, _ := r.find(then); next < 0 || r.Rules[next].Then != r.Rules[i].Then {
			until = firstOf(until, date)
		}
	}
	return until
}

// firstOf is the earlier of two times; zero is no time.
func firstOf(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// NeedOccupancy tells whether a rule for this kind of venue looks at the share of seats taken.
func (r *Rules) NeedOccupancy(v Venue) bool {
	return slices.ContainsFunc(r.Rules, func(rule Rule) bool {
		return rule.OccupancyBelow > 0 && (len(rule.Venues) == 0 || slices.Contains(rule.Venues, v))
	})
}

// Matches tells whether the rule speaks about a situation. Hours and weekdays are those of
// location.
func (r Rule) Matches(s Situation, location *time.Location) bool {
	_, ok := r.matches(s, location)
	return ok
}

func (r Rule) matches(s Situation, location *time.Location) (until time.Time, ok bool) {
	local := s.Time.In(location)
	if r.Hours != nil {
		if until, ok = r.Hours.end(local); !ok {
			return time.Time{}, false
		}
	}
	ok = slices.Contains(r.Colours, s.Colour) &&
		(len(r.Venues) == 0 || slices.Contains(r.Venues, s.Venue)) &&
		(len(r.Zones) == 0 || slices.Contains(r.Zones, s.Zone)) &&
		(len(r.Weekdays) == 0 || slices.Contains(r.Weekdays, Weekday(local.Weekday()))) &&
		(r.OccupancyBelow == 0 || s.Occupancy >= 0 && s.Occupancy < r.OccupancyBelow) &&
		!s.Time.Before(r.From) && (r.Until.IsZero() || s.Time.Before(r.Until))
	return until, ok
}

// end reports whether now is within the hours, and when they end.
func (h Hours) end(now time.Time) (time.Time, bool) {
	at := func(day int, c Clock) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+day, int(c)/60, int(c)%60, 0, 0, now.Location())
	}
	night := 0
	if h.Until <= h.From {
		night = 1
	}
	for _, day := range []int{-1, 0} {
		from, until := at(day, h.From), at(day+night, h.Until)
		if !now.Before(from) && now.Before(until) {
			return until, true
		}
	}
	return time.Time{}, false
}
