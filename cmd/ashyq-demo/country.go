package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// What the country has, with what the demo has anyway: a venue, a laboratory and the Covid-19
// centre.
const (
	inhabitants = 20_000
	negatives   = 2_400 // PCR results of three days
	positives   = 84    // PCR results of two weeks
	seed        = 20211016
)

// silentAfter is how long a door may not be heard of.
const silentAfter = 30 * time.Minute

// country is what there is to see in the overview around the demo's door: venues, doors and people,
// who are made when the demo starts, and a day that goes on. It does not need the demo's door, nor
// does the door need it.
type country struct {
	town   *town
	data   string // the registry's directory
	dir    string // of the doors' identities
	log    *slog.Logger
	dice   *rand.Rand
	people []store.Resident
	next   int // of people, about whom there is no record yet
	labs   []laboratory
	portal string  // key
	doors  []*door // those that report
	tests  int     // so far
	later  []batch // what follows from the last result
	db     *store.Store
}

// laboratory is one of three.
type laboratory struct {
	name, region, samples string // samples is how its numbers of samples begin
	hourly                int    // as server.SourceRequest.Hourly
	key                   string
}

// laboratories are those beside the demo's own one. One has so low a limit that records wait.
var laboratories = []laboratory{
	{"«Есіл» зертханасы", "KZ-71", "ESL", 0, ""},
	{"«Ертіс» зертханасы", "KZ-55", "ERT", 20, ""},
}

// batch is records of one source.
type batch struct {
	key     string
	records []server.EntryRequest
}

// test is a PCR result.
type test struct {
	server.EntryRequest
	lab laboratory
}

// run makes the country, tells so, and lets its day go on until ctx ends.
func (c *country) run(ctx context.Context, say func(string)) error {
	log, err := os.Create(filepath.Join(c.dir, "country.log"))
	if err != nil {
		return fmt.Errorf("make the log of the country: %w", err)
	}
	defer log.Close()
	c.log = slog.New(slog.NewTextHandler(log, nil))
	if c.db, err = store.Open(ctx, filepath.Join(c.data, "registry.db")); err != nil {
		return fmt.Errorf("open the registry's database: %w", err)
	}
	if err = c.found(ctx); err == nil {
		say(fmt.Sprintf("The country is made: %d regions, 500 venues, %d people, %d laboratories. "+
			"Its day is in the registry's admin.", len(regions), inhabitants, len(c.labs)))
		c.day(ctx)
	}
	if closed := c.db.Close(); ctx.Err() != nil {
		return nil // whatever failed did so because the demo ends
	} else if err == nil {
		err = closed
	}
	return err
}

// found makes the country: first what somebody sees who looks at once.
func (c *country) found(ctx context.Context) error {
	c.dice = rand.New(rand.NewPCG(seed, 0))
	venues := inventVenues(c.dice)
	c.people = inventPeople(c.dice, inhabitants-len(c.town.people)-1)
	var taken server.VenueImportAnswer
	err := c.town.call(ctx, http.MethodPost, server.PathVenueImport, c.town.admin, venues, &taken)
	if err == nil && len(taken.Refused) > 0 {
		err = fmt.Errorf("the registry refuses venues: %v", taken.Refused[0])
	}
	if err != nil {
		return err
	}
	residents, file := slices.Concat(c.town.residents(), c.people), store.File(sha256.Sum256([]byte("country")))
	if err := c.db.LoadPeople(ctx, file, residents, len(residents)); err != nil {
		return err
	}
	if err := c.addSources(ctx); err != nil {
		return err
	}
	if err := c.hang(ctx); err != nil {
		return err
	}
	c.log.Info("venues, people and sources are made")
	records := c.history()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		err := c.enter(ctx, records)
		c.log.Info("records are entered")
		return err
	})
	group.Go(func() error {
		if err := c.install(ctx); err != nil {
			return err
		}
		c.log.Info("doors are installed")
		return c.recall(ctx)
	})
	return group.Wait()
}

func (c *country) addSources(ctx context.Context) error {
	c.labs = append(c.labs, laboratory{townLab, "KZ-75", "ALT", 0, c.town.lab})
	for _, l := range laboratories {
		request := server.SourceRequest{Name: l.name, Kind: server.Laboratory, Region: l.region, Hourly: l.hourly}
		var answer server.SourceAnswer
		if err := c.town.post(ctx, server.PathSources, c.town.admin, request, &answer); err != nil {
			return err
		}
		l.key = answer.Key
		c.labs = append(c.labs, l)
	}
	var answer server.SourceAnswer
	request := server.SourceRequest{Name: "ПТР порталы", Kind: server.PCRPortal}
	err := c.town.post(ctx, server.PathSources, c.town.admin, request, &answer)
	c.portal = answer.Key
	return err
}

// hang makes a door for each entrance of each venue, with a code on a sheet.
func (c *country) hang(ctx context.Context) error {
	for _, r := range regions {
		request := server.SheetsRequest{Region: r.code}
		for more := true; more; more = request.After != 0 {
			var sheets server.SheetsAnswer
			if err := c.town.post(ctx, server.PathSheets, c.town.admin, request, &sheets); err != nil {
				return err
			}
			for _, sheet := range sheets.Venues {
				c.hangAt(sheet)
			}
			request.After = sheets.Next
		}
	}
	return nil
}

// boards are the models of Raspberry Pi at doors.
var boards = []string{"Raspberry Pi 3 Model B Rev 1.2", "Raspberry Pi 3 Model B Plus Rev 1.3",
	"Raspberry Pi 4 Model B Rev 1.4", "Raspberry Pi 4 Model B Rev 1.5", "Raspberry Pi Zero 2 W Rev 1.0"}

func (c *country) hangAt(sheet server.VenueSheet) {
	i := slices.IndexFunc(businesses, func(b business) bool { return b.kind == sheet.Venue.Kind })
	size := 0.4 + 1.2*c.dice.Float64()
	for _, d := range sheet.Doors {
		if d.Code == "" {
			continue // the demo's door, whose code is somewhere else
		}
		health := api.Health{
			Board: oneOf(c.dice, boards), Celsius: new(44 + c.dice.IntN(18)),
			Undervoltage: api.Never, Throttled: api.Never,
			WiFi: new(-44 - c.dice.IntN(28)), Free: 180_000_000 + c.dice.Uint64N(30_000_000), Size: 240_000_000,
			Written: c.dice.Uint64N(2_000_000_000), Up: c.dice.Uint64N(4_000_000), Restart: api.Ordered,
		}
		c.doors = append(c.doors, &door{SheetDoor: d, venue: sheet.Venue, place: businesses[i], size: size,
			device: fmt.Sprintf("%016x", c.dice.Uint64()), health: health})
	}
}

// somebody is a person without a record: two records of one person may disagree, and few of them
// shall.
func (c *country) somebody() string {
	c.next++
	return string(c.people[c.next%len(c.people)].IIN)
}

// test makes a result of a laboratory.
func (c *country) test(result store.Kind, taken time.Time) test {
	c.tests++
	lab := oneOf(c.dice, c.labs)
	return test{server.EntryRequest{IIN: c.somebody(), Sample: fmt.Sprintf("%s-%06d", lab.samples, c.tests),
		Kind: string(result), At: taken.Truncate(time.Minute)}, lab}
}

// copied is the test as the portal has it.
func (t test) copied() server.EntryRequest {
	copied := t.EntryRequest
	copied.Laboratory = t.lab.name
	return copied
}

// contacts are those of a case.
func (c *country) contacts(of test) []server.EntryRequest {
	var list []server.EntryRequest
	for range 1 + c.dice.IntN(4) {
		list = append(list, server.EntryRequest{IIN: c.somebody(), Kind: string(store.Contact),
			At: of.At.Add(-time.Hour), IndexCase: of.Sample})
	}
	return list
}

// history are the records of the last two weeks. The portal has some other results than the
// laboratories, and lacks some.
func (c *country) history() []batch {
	now := time.Now()
	ago := func(hours int) time.Time { return now.Add(-time.Duration(1+c.dice.IntN(60*hours)) * time.Minute) }
	byKey := map[string][]server.EntryRequest{}
	for n := range negatives + positives {
		t := c.test(store.Negative, ago(71)) // an older one counts no more
		switch {
		case n < 3:
			t = c.test(store.Positive, ago(71))
		case n < positives:
			t = c.test(store.Positive, ago(13*24))
		}
		byKey[t.lab.key] = append(byKey[t.lab.key], t.EntryRequest)
		copied := t.copied()
		switch {
		case n < 3:
			copied.Kind = string(store.Negative)
		case n < 6:
			continue
		}
		byKey[c.portal] = append(byKey[c.portal], copied)
		if n < positives {
			byKey[c.town.centre] = append(byKey[c.town.centre], c.contacts(t)...)
		}
	}
	var list []batch
	for _, l := range c.labs {
		list = append(list, batch{l.key, byKey[l.key]})
	}
	return append(list, batch{c.portal, byKey[c.portal]}, batch{c.town.centre, byKey[c.town.centre]})
}

// enter sends records to the registry.
func (c *country) enter(ctx context.Context, batches []batch) error {
	for _, b := range batches {
		for some := range slices.Chunk(b.records, 500) {
			var answer server.RecordsAnswer
			err := c.town.post(ctx, server.PathRecords, b.key, server.RecordsRequest{Records: some}, &answer)
			if err != nil {
				return err
			}
			for _, r := range answer.Records {
				if r.Outcome == "refused" {
					return fmt.Errorf("the registry refuses a record: %s", r.Error)
				}
			}
		}
	}
	return nil
}
