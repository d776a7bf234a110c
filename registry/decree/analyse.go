package decree

import (
	"cmp"
	"errors"
	"math/bits"
	"slices"
	"time"

	"ashyq-kiosk/kiosk"
)

// Findings are what is odd about a document, though doors would take it.
type Findings struct {
	Never []Never `json:"never,omitempty"`
	Gaps  []Gap   `json:"gaps,omitempty"`
}

// Never is a rule that decides about nobody.
type Never struct {
	Rule string `json:"rule"`
	Over bool   `json:"over,omitempty"` // its time is over
	// By are the earlier rules that decide instead, as far as they take something from it.
	By []string `json:"by,omitempty"`
}

// Gap is what no rule covers: doors ask the staff.
type Gap struct {
	Colour kiosk.Colour  `json:"colour"`
	Venues []kiosk.Venue `json:"venues"`
	Zones  []kiosk.Zone  `json:"zones"`
	// Seats: only where the share of seats taken is unknown, or too high for the rules.
	Seats bool `json:"seats,omitempty"`
	// Always: at every time from now on. Otherwise First is when it happens first.
	Always bool      `json:"always,omitempty"`
	First  time.Time `json:"first"`
}

// ErrTooComplex says that a document has more different times than are looked at.
var ErrTooComplex = errors.New("the rules change too often to look at every moment")

const mostMoments = 200_000

// Analyse looks at every situation from now on: each kind of venue, zone, colour and share of
// seats, at each moment at which a rule begins or ends. It is exact, not a sample: between two
// moments nothing changes, and after the last date a week repeats.
func Analyse(rules *kiosk.Rules, now time.Time) (Findings, error) {
	moments, err := momentsOf(rules, now)
	if err != nil {
		return Findings{}, err
	}
	s := newSurvey(rules)
	for _, at := range moments {
		s.look(at)
	}
	return Findings{Never: s.never(now), Gaps: s.gaps()}, nil
}

// momentsOf lists a moment of every stretch of time in which nothing changes.
func momentsOf(rules *kiosk.Rules, now time.Time) ([]time.Time, error) {
	location, err := time.LoadLocation(rules.Timezone)
	if err != nil {
		return nil, err
	}
	dates := []time.Time{now}
	clocks := []kiosk.Clock{0}
	for _, rule := range rules.Rules {
		for _, date := range []time.Time{rule.From, rule.Until} {
			if date.After(now) {
				dates = append(dates, date)
			}
		}
		if rule.Hours != nil {
			clocks = append(clocks, rule.Hours.From, rule.Hours.Until)
		}
	}
	slices.SortFunc(dates, time.Time.Compare)
	slices.Sort(clocks)
	dates, clocks = slices.CompactFunc(dates, time.Time.Equal), slices.Compact(clocks)
	if len(dates)*len(clocks)*8 > mostMoments {
		return nil, ErrTooComplex
	}
	var moments []time.Time
	for i, from := range dates {
		until := from.AddDate(0, 0, 8)
		if i+1 < len(dates) && dates[i+1].Before(until) {
			until = dates[i+1]
		}
		moments = append(moments, from)
		local := from.In(location)
		for day := range 9 {
			for _, c := range clocks {
				at := time.Date(local.Year(), local.Month(), local.Day()+day, int(c)/60, int(c)%60, 0, 0, location)
				if at.After(from) && at.Before(until) {
					moments = append(moments, at)
				}
			}
		}
	}
	return moments, nil
}

// cells is a set of situations at one moment: a bit for each kind of venue, zone, colour and share
// of seats.
type cells []uint64

func (c cells) each(f func(int)) {
	for w, word := range c {
		for ; word != 0; word &= word - 1 {
			f(w*64 + bits.TrailingZeros64(word))
		}
	}
}

// survey collects what rules do at many moments.
type survey struct {
	rules  *kiosk.Rules
	shares []float64 // of seats: one of each that the rules tell apart; -1 is unknown
	covers []cells   // by rule: what it matches while it is in force
	all    cells

	known   map[string]bool // sets of rules in force that were looked at
	decides []bool          // by rule: it decides about somebody
	takes   []map[int]bool  // by rule: the earlier rules that decide instead
	open    cells           // what was left without a rule at some moment
	first   map[int]time.Time
	closed  cells // what a rule decided at some moment
}

var zones = []kiosk.Zone{kiosk.RedZone, kiosk.YellowZone, kiosk.GreenZone}

func newSurvey(rules *kiosk.Rules) *survey {
	s := &survey{rules: rules, shares: []float64{-1, 0}, known: map[string]bool{}, first: map[int]time.Time{}}
	for _, rule := range rules.Rules {
		if rule.OccupancyBelow > 0 {
			s.shares = append(s.shares, rule.OccupancyBelow)
		}
	}
	slices.Sort(s.shares)
	s.shares = slices.Compact(s.shares)
	n := len(kiosk.Venues) * len(zones) * len(kiosk.Colours) * len(s.shares)
	empty := func() cells { return make(cells, (n+63)/64) }
	s.all, s.open, s.closed = empty(), empty(), empty()
	s.covers = make([]cells, len(rules.Rules))
	s.decides, s.takes = make([]bool, len(rules.Rules)), make([]map[int]bool, len(rules.Rules))
	for i := range s.covers {
		s.covers[i], s.takes[i] = empty(), map[int]bool{}
	}
	for cell := range n {
		s.all[cell/64] |= 1 << (cell % 64)
		for i, rule := range rules.Rules {
			if covers(rule, s.situation(cell)) {
				s.covers[i][cell/64] |= 1 << (cell % 64)
			}
		}
	}
	return s
}

func (s *survey) situation(cell int) kiosk.Situation {
	take := func(n int) int {
		i := cell % n
		cell /= n
		return i
	}
	return kiosk.Situation{
		Occupancy: s.shares[take(len(s.shares))], Zone: zones[take(len(zones))],
		Venue: kiosk.Venues[take(len(kiosk.Venues))], Colour: kiosk.Colours[take(len(kiosk.Colours))],
	}
}

// covers tells whether a rule matches at any time. It asks the door's code.
func covers(rule kiosk.Rule, at kiosk.Situation) bool {
	rule.Hours, rule.Weekdays, rule.From, rule.Until = nil, nil, time.Time{}, time.Time{}
	return rule.Matches(at, time.UTC)
}

// inForce tells whether a rule matches anybody at a moment, in a situation that it is made for.
func inForce(rule kiosk.Rule, at time.Time, location *time.Location) bool {
	rule.Venues, rule.Zones, rule.OccupancyBelow = nil, nil, 0
	return rule.Matches(kiosk.Situation{Colour: rule.Colours[0], Time: at, Occupancy: -1}, location)
}

// look takes a moment into account.
func (s *survey) look(at time.Time) {
	location := at.Location()
	if zone, err := time.LoadLocation(s.rules.Timezone); err == nil {
		location = zone
	}
	set := make([]byte, len(s.rules.Rules))
	for i, rule := range s.rules.Rules {
		if inForce(rule, at, location) {
			set[i] = 1
		}
	}
	if s.known[string(set)] {
		return
	}
	s.known[string(set)] = true
	left := slices.Clone(s.all)
	for i, yes := range set {
		if yes == 0 {
			continue
		}
		if !s.decides[i] {
			s.blame(i, set[:i])
		}
		for w, word := range s.covers[i] {
			s.decides[i] = s.decides[i] || word&left[w] != 0
			s.closed[w] |= word & left[w]
			left[w] &^= word
		}
	}
	left.each(func(cell int) {
		if _, seen := s.first[cell]; !seen {
			s.first[cell] = at
		}
	})
	for w, word := range left {
		s.open[w] |= word
	}
}

// blame notes which rules in force before rule i take something from it.
func (s *survey) blame(i int, before []byte) {
	rest := slices.Clone(s.covers[i])
	for j, yes := range before {
		if yes == 0 {
			continue
		}
		for w, word := range s.covers[j] {
			if rest[w]&word != 0 {
				s.takes[i][j] = true
			}
			rest[w] &^= word
		}
	}
}

func (s *survey) never(now time.Time) (list []Never) {
	for i, rule := range s.rules.Rules {
		if s.decides[i] {
			continue
		}
		n := Never{Rule: rule.Name, Over: !rule.Until.IsZero() && !rule.Until.After(now)}
		for j := range i {
			if s.takes[i][j] {
				n.By = append(n.By, s.rules.Rules[j].Name)
			}
		}
		list = append(list, n)
	}
	return list
}

// opening is what one colour finds without a rule in one kind of venue and zone.
type opening struct {
	seats, always bool
	first         time.Time
}

// gaps puts together what is open alike.
func (s *survey) gaps() (list []Gap) {
	for _, colour := range kiosk.Colours {
		var mine []Gap
		for _, venue := range kiosk.Venues {
			found := s.openingsOf(colour, venue)
			for _, zone := range zones {
				o, ok := found[zone]
				if !ok {
					continue
				}
				gap := Gap{colour, []kiosk.Venue{venue}, []kiosk.Zone{zone}, o.seats, o.always, o.first}
				mine = add(mine, gap, func(g *Gap) bool { return slices.Equal(g.Venues, gap.Venues) },
					func(g *Gap) { g.Zones = append(g.Zones, zone) })
			}
		}
		var merged []Gap
		for _, gap := range mine {
			merged = add(merged, gap, func(g *Gap) bool { return slices.Equal(g.Zones, gap.Zones) },
				func(g *Gap) { g.Venues = append(g.Venues, gap.Venues...) })
		}
		list = append(list, merged...)
	}
	slices.SortStableFunc(list, func(a, b Gap) int { return cmp.Compare(len(b.Venues), len(a.Venues)) })
	return list
}

// add joins a gap to the first one that is like it.
func add(list []Gap, gap Gap, like func(*Gap) bool, join func(*Gap)) []Gap {
	for i := range list {
		g := &list[i]
		if g.Seats == gap.Seats && g.Always == gap.Always && g.First.Equal(gap.First) && like(g) {
			join(g)
			return list
		}
	}
	return append(list, gap)
}

// openingsOf finds the zones in which a colour has no rule in a kind of venue. Every opening at a
// known share of seats comes with one at the unknown share: no rule with a limit matches there.
func (s *survey) openingsOf(colour kiosk.Colour, venue kiosk.Venue) map[kiosk.Zone]opening {
	found := map[kiosk.Zone]opening{}
	s.open.each(func(cell int) {
		at := s.situation(cell)
		if at.Colour != colour || at.Venue != venue {
			return
		}
		o, seen := found[at.Zone]
		if !seen {
			o = opening{seats: true, always: true, first: s.first[cell]}
		}
		if at.Occupancy == 0 {
			o.seats = false // an empty venue is not too full
		}
		o.always = o.always && s.closed[cell/64]&(1<<(cell%64)) == 0
		if first := s.first[cell]; first.Before(o.first) {
			o.first = first
		}
		found[at.Zone] = o
	})
	return found
}
