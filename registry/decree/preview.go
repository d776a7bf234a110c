package decree

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/kiosk"
)

// Checks are how many people of one colour doors have judged in an hour, as they were counted.
type Checks struct {
	Venue  string // kiosk.Venue
	Zone   string // kiosk.Zone
	Region string // may be empty
	Hour   time.Time
	Name   string // signal/colour, as in package api
	N      int64
}

// Assumed is what counts do not tell.
type Assumed struct {
	Shift     time.Duration // the hours count as if they were so much later
	Occupancy float64       // share of seats taken; negative: unknown
}

// Outcome is what the rules decide about some people.
type Outcome struct {
	Admitted   int64 `json:"admitted"`
	Here       int64 `json:"here"` // admitted only here
	TurnedBack int64 `json:"turnedBack"`
	AskStaff   int64 `json:"askStaff"`
}

// Line is a comparison for a part of the checks.
type Line struct {
	Venue  kiosk.Venue  `json:"venue,omitempty"`
	Zone   kiosk.Zone   `json:"zone,omitempty"`
	Colour kiosk.Colour `json:"colour,omitempty"`
	Region string       `json:"region,omitempty"`
	Hour   *int         `json:"hour,omitempty"` // of the day, in the document's time zone
	Before Outcome      `json:"before"`
	After  Outcome      `json:"after"`
}

// Preview compares two documents on what doors have counted.
type Preview struct {
	All      Line   `json:"all"`
	Kinds    []Line `json:"kinds"`    // by kind of venue, zone and colour: those that change
	Regions  []Line `json:"regions"`  // so, by region
	Hours    []Line `json:"hours"`    // so, by hour of the day
	Excluded int64  `json:"excluded"` // codes that were not valid, full venues, exits: no rule decided
	Others   int64  `json:"others"`   // door and rules in force disagree, for old data or other rules
}

// Compute tries both documents on counts. Within an hour people are taken to come evenly: where a
// rule begins or ends in it, they are divided by the minutes. The data of doors is taken to be
// fresh.
func Compute(before, after *kiosk.Rules, counts []Checks, assumed Assumed) Preview {
	var p Preview
	kinds, regions, hours := lines[Line]{}, lines[string]{}, lines[int]{}
	location, err := time.LoadLocation(after.Timezone)
	if err != nil {
		panic("decree: the zone of a parsed document: " + err.Error())
	}
	splits := splitsOf(before, after)
	for _, c := range counts {
		signal, colour, ok := counted(c.Name)
		if !ok {
			p.Excluded += c.N
			continue
		}
		at := c.Hour.Add(assumed.Shift)
		s := kiosk.Situation{Venue: kiosk.Venue(c.Venue), Zone: kiosk.Zone(c.Zone), Colour: colour, Occupancy: assumed.Occupancy}
		decided := func(part part) bool {
			was := s
			was.Time = part.at
			return before.Decide(was).Signal == signal
		}
		if !slices.ContainsFunc(splits.of(c.Hour, c.N), decided) {
			p.Others += c.N
		}
		var old, next Outcome
		for _, part := range splits.of(at, c.N) {
			s.Time = part.at
			old.add(before.Decide(s).Signal, part.n)
			next.add(after.Decide(s).Signal, part.n)
		}
		hour := at.In(location).Hour()
		p.All.add(old, next)
		kind := Line{Venue: s.Venue, Zone: s.Zone, Colour: colour}
		kinds.at(kind, kind).add(old, next)
		regions.at(c.Region, Line{Region: c.Region}).add(old, next)
		hours.at(hour, Line{Hour: &hour}).add(old, next)
	}
	p.Kinds, p.Regions, p.Hours = kinds.changed(), regions.changed(), hours.changed()
	return p
}

// counted reads the name of a count that is about a person whom rules decided on.
func counted(name string) (kiosk.Signal, kiosk.Colour, bool) {
	first, second, _ := strings.Cut(name, "/")
	var signal kiosk.Signal
	var colour kiosk.Colour
	if signal.UnmarshalText([]byte(first)) != nil || colour.UnmarshalText([]byte(second)) != nil || colour == kiosk.NoColour {
		return 0, 0, false
	}
	switch signal {
	case kiosk.Admitted, kiosk.AdmittedHere, kiosk.TurnedBack, kiosk.AskStaff:
		return signal, colour, true
	}
	return 0, 0, false
}

func (o *Outcome) add(signal kiosk.Signal, n int64) {
	switch signal {
	case kiosk.Admitted:
		o.Admitted += n
	case kiosk.AdmittedHere:
		o.Here += n
	case kiosk.TurnedBack:
		o.TurnedBack += n
	default:
		o.AskStaff += n
	}
}

func (o Outcome) plus(other Outcome) Outcome {
	return Outcome{o.Admitted + other.Admitted, o.Here + other.Here, o.TurnedBack + other.TurnedBack, o.AskStaff + other.AskStaff}
}

func (l *Line) add(before, after Outcome) {
	l.Before, l.After = l.Before.plus(before), l.After.plus(after)
}

type lines[K comparable] map[K]*Line

func (l lines[K]) at(key K, empty Line) *Line {
	if l[key] == nil {
		l[key] = &empty
	}
	return l[key]
}

// changed lists the lines on which the documents differ, the largest difference first.
func (l lines[K]) changed() []Line {
	list := []Line{}
	for _, line := range l {
		if line.Before != line.After {
			list = append(list, *line)
		}
	}
	slices.SortFunc(list, func(a, b Line) int {
		return cmp.Or(cmp.Compare(b.difference(), a.difference()), cmp.Compare(a.Venue, b.Venue), cmp.Compare(a.Zone, b.Zone),
			cmp.Compare(a.Colour, b.Colour), cmp.Compare(a.Region, b.Region), cmp.Compare(a.hour(), b.hour()))
	})
	return list
}

func (l Line) hour() int {
	if l.Hour == nil {
		return -1
	}
	return *l.Hour
}

func (l Line) difference() int64 {
	far := func(a, b int64) int64 { return max(a-b, b-a) }
	return far(l.Before.Admitted, l.After.Admitted) + far(l.Before.Here, l.After.Here) +
		far(l.Before.TurnedBack, l.After.TurnedBack) + far(l.Before.AskStaff, l.After.AskStaff)
}

// splits are the moments at which rules begin or end.
type splits struct {
	dates   []time.Time
	clocks  map[string][]kiosk.Clock // by time zone
	located map[string]*time.Location
}

func splitsOf(documents ...*kiosk.Rules) splits {
	s := splits{clocks: map[string][]kiosk.Clock{}, located: map[string]*time.Location{}}
	for _, r := range documents {
		location, err := time.LoadLocation(r.Timezone)
		if err != nil {
			panic("decree: the zone of a parsed document: " + err.Error())
		}
		s.located[r.Timezone] = location
		s.clocks[r.Timezone] = append(s.clocks[r.Timezone], 0)
		for _, rule := range r.Rules {
			s.dates = append(s.dates, rule.From, rule.Until)
			if rule.Hours != nil {
				s.clocks[r.Timezone] = append(s.clocks[r.Timezone], rule.Hours.From, rule.Hours.Until)
			}
		}
	}
	return s
}

type part struct {
	at time.Time
	n  int64
}

// of divides the people of an hour.
func (s splits) of(hour time.Time, n int64) []part {
	end := hour.Add(time.Hour)
	starts := []time.Time{hour}
	take := func(at time.Time) {
		if at.After(hour) && at.Before(end) {
			starts = append(starts, at)
		}
	}
	for _, date := range s.dates {
		take(date)
	}
	for zone, clocks := range s.clocks {
		local := hour.In(s.located[zone])
		for _, c := range clocks {
			for day := range 2 {
				take(time.Date(local.Year(), local.Month(), local.Day()+day, int(c)/60, int(c)%60, 0, 0, s.located[zone]))
			}
		}
	}
	slices.SortFunc(starts, time.Time.Compare)
	starts = slices.CompactFunc(starts, time.Time.Equal)
	parts := make([]part, len(starts))
	given := int64(0)
	for i, at := range starts {
		until := end
		if i+1 < len(starts) {
			until = starts[i+1]
		}
		upTo := n * int64(until.Sub(hour)) / int64(time.Hour)
		parts[i] = part{at, upTo - given}
		given = upTo
	}
	return parts
}
