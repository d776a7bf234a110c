package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// door is one of the country's. It has no camera: what it reports is made up.
type door struct {
	server.SheetDoor
	venue  store.Venue
	place  business
	size   float64 // how many more people come than to others of its kind
	device string  // api.HeaderDevice
	health api.Health
	seen   time.Time // when the registry heard of it last
	line   line      // to the registry; nil: nobody has installed the door yet
	lost   bool      // the line is cut
}

// line is how a door reaches the registry.
type line interface {
	report(ctx context.Context, d *door, count map[string]uint64, at time.Time) error
}

// wire is the network, as any real door has it.
type wire struct{ *client.Client }

func (w wire) report(ctx context.Context, d *door, count map[string]uint64, at time.Time) error {
	if err := w.Hello(ctx, d.health); err != nil || len(count) == 0 {
		return err
	}
	body, err := json.Marshal(api.Counts{ID: d.reportID(at), From: d.seen, To: at, Count: count})
	if err != nil {
		return err
	}
	return w.SendCounts(ctx, body)
}

// ledger writes what the registry would write if the door reported over the network. It can do so
// for any time in the past.
type ledger struct {
	db          *store.Store
	certificate store.Certificate
	said        store.Said
}

func (l *ledger) report(ctx context.Context, d *door, count map[string]uint64, at time.Time) error {
	if _, err := l.db.DoorBy(ctx, l.certificate, d.device, l.said, at); err != nil {
		return err
	}
	if err := l.db.PutHealth(ctx, d.ID, d.health, at); err != nil || len(count) == 0 {
		return err
	}
	return l.db.AddCounts(ctx, d.ID, d.reportID(at), d.seen, count, at)
}

func (d *door) reportID(at time.Time) string { return fmt.Sprint(d.device, "-", at.UnixMilli()) }

// said is what the door says of itself with each request.
func (d *door) said() store.Said {
	return store.Said{Version: "demo", Venue: d.venue.Kind, Zone: d.venue.Zone, Way: d.Way, Config: d.device}
}

// enrol enrols the door over the network, as it would do it itself, and makes its client.
func (d *door) enrol(ctx context.Context, dir string) error {
	code, err := enrol.Parse(d.Code)
	if err != nil {
		return err
	}
	said := d.said()
	config := client.Config{URL: code.URL, Device: d.device, Version: said.Version, Venue: said.Venue, Zone: said.Zone,
		Way: said.Way, Config: said.Config}
	enroller := enrol.Enroller{Dir: dir, Device: d.device, Check: func([]byte) error { return nil },
		Dial: func(code enrol.Code) (enrol.Registry, error) {
			first := config
			first.Authority = code.Trusts
			return client.New(first)
		}}
	if err := enroller.Enrol(ctx, code); err != nil {
		return err
	}
	identity, err := enrol.Open(filepath.Join(dir, "identity.pem"), filepath.Join(dir, "ca.pem"))
	if err != nil {
		return err
	}
	config.Identity = identity.TLS
	c, err := client.New(config)
	d.line = wire{c}
	return err
}

// write enrols the door in the registry's database.
func (d *door) write(ctx context.Context, db *store.Store) (*ledger, error) {
	code, err := enrol.Parse(d.Code)
	if err != nil {
		return nil, err
	}
	certificate := store.Certificate{Door: d.ID, Print: store.SecretOf(d.device),
		Until: time.Now().Add(80 * 24 * time.Hour)}
	l := &ledger{db, certificate, d.said()}
	d.line = l
	sealKey := store.SecretOf("seals nothing to " + d.device)
	by := store.Enrollee{Device: d.device, Key: store.SecretOf(d.Code), SealKey: sealKey[:]}
	return l, db.Enrol(ctx, tokenOf(code), by, time.Now(),
		func(store.Door) (store.Certificate, error) { return certificate, nil })
}

// tokenOf is a code's token as the database knows it.
func tokenOf(code enrol.Code) store.Secret {
	return store.SecretOf(base64.RawURLEncoding.EncodeToString(code.Token))
}

// How many doors are not like the others.
const (
	neverInstalled = 14
	silentDoors    = 12 // from the start
	onTheNetwork   = 60 // enrolled as real doors, which the others only seem to be
)

// soonSilent are doors that become silent while somebody watches, so long after the start.
var soonSilent = []time.Duration{25 * time.Second, 2 * time.Minute, 5 * time.Minute, 9 * time.Minute, 14 * time.Minute,
	20 * time.Minute}

// troubles are what boards complain about, a door each.
var troubles = []func(*api.Health){
	tooHot, tooHot, tooHot, lowPower, lowPower, lowPower, lowPower, opened, opened, weakRadio, weakRadio, weakRadio,
	noCamera, wornOut, full,
}

func tooHot(h *api.Health)    { h.Celsius, h.Throttled = new(84), api.Now }
func lowPower(h *api.Health)  { h.Undervoltage, h.Restart = api.Past, api.PowerCut }
func opened(h *api.Health)    { h.Faults = []api.Fault{api.CaseOpen} }
func weakRadio(h *api.Health) { h.WiFi = new(-86) }
func noCamera(h *api.Health)  { h.Faults = []api.Fault{api.NoCamera} }
func wornOut(h *api.Health)   { h.LifeUsed = new(100) }
func full(h *api.Health)      { h.Free = h.Size / 50 }

// oddities are what the registry notices about doors, a door each, before they first report.
var oddities = []oddity{copied, usedTwice, inAnotherZone, reconfigured, reconfigured}

type oddity func(context.Context, *door, *ledger) error

// copied lets a second board show the door's identity.
func copied(ctx context.Context, d *door, l *ledger) error {
	_, err := l.db.DoorBy(ctx, l.certificate, "ffff"+d.device[4:], l.said, d.seen)
	return expect(err, store.ErrCopied)
}

// usedTwice lets a second board use the door's code.
func usedTwice(ctx context.Context, d *door, l *ledger) error {
	code, err := enrol.Parse(d.Code)
	if err != nil {
		return err
	}
	stranger := store.Enrollee{Device: d.device, Key: store.SecretOf("a stranger")}
	err = l.db.Enrol(ctx, tokenOf(code), stranger, time.Now(), nil)
	return expect(err, store.ErrTokenUsed)
}

func inAnotherZone(_ context.Context, d *door, l *ledger) error {
	l.said.Zone = map[string]string{"green": "yellow", "yellow": "green", "red": "green"}[d.venue.Zone]
	return nil
}

func reconfigured(ctx context.Context, d *door, l *ledger) error {
	before := l.said
	before.Config = "0123456789abcdef"
	_, err := l.db.DoorBy(ctx, l.certificate, d.device, before, d.seen.Add(-time.Hour))
	return err
}

func expect(err, want error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("the registry says %v, want %w", err, want)
}

// install gives doors their lines, and lets the registry hear of them.
func (c *country) install(ctx context.Context) error {
	c.dice.Shuffle(len(c.doors), func(i, j int) { c.doors[i], c.doors[j] = c.doors[j], c.doors[i] })
	now := time.Now()
	left := c.doors
	take := func(n int) (some []*door) {
		some, left = left[:n], left[n:]
		return some
	}
	c.doors = c.doors[neverInstalled:]
	take(neverInstalled)
	network := take(onTheNetwork)
	for _, d := range left {
		d.seen = now.Add(-time.Duration(c.dice.IntN(300)) * time.Second)
	}
	written := left
	for _, d := range take(silentDoors) {
		d.seen, d.lost = now.Add(-time.Hour-time.Duration(c.dice.IntN(500))*time.Minute), true
	}
	for i, d := range take(len(soonSilent)) {
		d.seen, d.lost = now.Add(soonSilent[i]-silentAfter), true
	}
	odd := map[*door]oddity{}
	for i, d := range take(len(oddities)) {
		odd[d] = oddities[i]
	}
	for i, d := range take(len(troubles)) {
		troubles[i](&d.health)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.connect(ctx, network) })
	group.Go(func() error { return c.write(ctx, written, odd) })
	return group.Wait()
}

// connect enrols doors over the network, a few at the same time.
func (c *country) connect(ctx context.Context, doors []*door) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, d := range doors {
		group.Go(func() error {
			if err := d.enrol(ctx, filepath.Join(c.dir, fmt.Sprint(d.ID))); err != nil {
				return fmt.Errorf("enrol the door %q: %w", d.Name, err)
			}
			d.seen = time.Now()
			return d.line.report(ctx, d, nil, d.seen)
		})
	}
	return group.Wait()
}

// write enrols doors in the database.
func (c *country) write(ctx context.Context, doors []*door, odd map[*door]oddity) error {
	for _, d := range doors {
		err := c.politely(func() error {
			l, err := d.write(ctx, c.db)
			if err == nil && odd[d] != nil {
				err = odd[d](ctx, d, l)
			}
			if err == nil {
				err = l.report(ctx, d, nil, d.seen)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("make the door %q: %w", d.Name, err)
		}
	}
	return nil
}

// recall writes what doors have counted in the last 24 hours, the last hour first.
func (c *country) recall(ctx context.Context) error {
	now := time.Now()
	for back := range 25 {
		from := now.Add(-time.Duration(back) * time.Hour).Truncate(time.Hour)
		var reports []store.Report
		for _, d := range c.doors {
			to := from.Add(time.Hour)
			if d.seen.Before(to) {
				to = d.seen
			}
			if count := d.count(c.dice, from, to); len(count) > 0 {
				reports = append(reports, store.Report{Door: d.ID, ID: d.reportID(from), From: from, Count: count})
			}
		}
		for some := range slices.Chunk(reports, 50) {
			if err := c.politely(func() error { return c.db.AddReports(ctx, some, now) }); err != nil {
				return fmt.Errorf("write the last day: %w", err)
			}
		}
	}
	return nil
}

// politely does something with the database, and then leaves it to the registry for half as long:
// who waits for SQLite only looks now and then whether it is free.
func (c *country) politely(do func() error) error {
	start := time.Now()
	err := do()
	time.Sleep(time.Since(start) / 2)
	return err
}
