package main

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// How the simulated day goes on.
const (
	nextDoor   = 500 * time.Millisecond // each door reports once in five minutes, as real ones do
	nextResult = 3 * time.Second
	nextLine   = 4 * time.Minute // until a line is cut, and another one mended
)

// mix is what comes of a thousand checks. The rules let yellow people into a shop or a pharmacy.
var mix = []struct {
	signal, colour string
	share          int
}{
	{"admitted", "blue", 560}, {"admitted", "green", 385}, {"turned-back", "yellow", 14}, {"turned-back", "red", 4},
	{"code-problem", "none", 32}, {"code-refused", "none", 5},
}

// rate is how many people come to one of its doors in an hour.
func (b business) rate(at time.Time) float64 {
	at = at.In(kazakhstan)
	hour := float64(at.Hour()) + float64(at.Minute())/60
	if hour < float64(b.opens) || hour >= float64(b.closes) {
		return 0
	}
	opens, least := float64(b.opens), 0.2
	if b.closes-b.opens == 24 {
		opens, least = 5, 0.1 // few people come at night
	}
	return float64(b.busiest) * max(least, math.Sin(math.Pi*(hour-opens)/(float64(b.closes)-opens)))
}

// count is what a door counts in a part of an hour.
func (d *door) count(dice *rand.Rand, from, to time.Time) map[string]uint64 {
	length := to.Sub(from)
	people := int(d.size*d.place.rate(from.Add(length/2))*length.Hours() + dice.Float64())
	count := map[string]uint64{}
	for range people {
		count[d.check(dice)]++
	}
	return count
}

// check is one check.
func (d *door) check(dice *rand.Rand) string {
	if d.Way == "exit" {
		return "left/none"
	}
	n := dice.IntN(1000)
	for _, m := range mix {
		if n -= m.share; n >= 0 {
			continue
		}
		if m.colour == "yellow" && (d.venue.Kind == "shop" || d.venue.Kind == "pharmacy") {
			return "admitted-here/yellow"
		}
		return m.signal + "/" + m.colour
	}
	panic("ashyq-demo: the shares of mix are less than a thousand")
}

// day goes on until ctx ends. What fails is logged, and the day goes on.
func (c *country) day(ctx context.Context) {
	doors, results, lines := time.NewTicker(nextDoor), time.NewTicker(nextResult), time.NewTicker(nextLine)
	defer doors.Stop()
	defer results.Stop()
	defer lines.Stop()
	for n := 0; ; {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-doors.C:
			d := c.doors[n%len(c.doors)]
			n++
			err = c.report(ctx, d)
		case <-results.C:
			err = c.result(ctx)
		case <-lines.C:
			c.cutAndMend()
		}
		if err != nil && ctx.Err() == nil {
			c.log.Warn("a part of the simulated day was left out", "error", err)
		}
	}
}

// report sends what a door has counted since it last did so.
func (c *country) report(ctx context.Context, d *door) error {
	if d.lost {
		return nil
	}
	now := time.Now()
	from := d.seen
	if now.Sub(from) > time.Hour { // the line is mended; what was counted meanwhile stays untold
		from = now
	}
	err := d.line.report(ctx, d, d.count(c.dice, from, now), now)
	if err == nil {
		d.seen = now
	}
	return err
}

// cutAndMend takes one door from the network and brings another one back.
func (c *country) cutAndMend() {
	change := func(from, to bool) {
		for range len(c.doors) {
			if d := oneOf(c.dice, c.doors); d.lost == from {
				d.lost = to
				return
			}
		}
	}
	change(true, false)
	change(false, true)
}

// result lets a laboratory report somebody's result, the portal the one before, and the centre the
// contacts of who is positive.
func (c *country) result(ctx context.Context) error {
	later := c.later
	c.later = nil
	kind := store.Negative
	if c.dice.IntN(14) == 0 {
		kind = store.Positive
	}
	t := c.test(kind, time.Now().Add(-time.Duration(60+c.dice.IntN(600))*time.Minute))
	c.later = append(c.later, batch{c.portal, []server.EntryRequest{t.copied()}})
	if kind == store.Positive {
		c.later = append(c.later, batch{c.town.centre, c.contacts(t)})
	}
	return c.enter(ctx, append(later, batch{t.lab.key, []server.EntryRequest{t.EntryRequest}}))
}
