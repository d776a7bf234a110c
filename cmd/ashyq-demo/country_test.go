package main

import (
	"maps"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/csvfile"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// adminPage finds the link to the overview in the terminal.
var adminPage = regexp.MustCompile(`http://\S+/admin#key=(\S+)`)

// TestCountry asks the registry of a running demo for its country, until its day has gone on and a
// door has become silent meanwhile.
func TestCountry(t *testing.T) {
	d := start(t, "--camera", doorway(t))
	seen := d.follow([]string{"The country is made", "hold it to the camera"})
	defer d.end(seen)
	link := adminPage.FindStringSubmatch(seen)
	if link == nil {
		t.Fatal("no link to the overview: ", seen)
	}
	page, err := url.Parse(link[0])
	if err != nil {
		t.Fatal(err)
	}
	as := &town{url: page.Scheme + "://" + page.Host, admin: link[1]}

	var sources server.SourcesAnswer
	as.look(t, server.PathSources, &sources)
	kinds, want := map[string]int{}, map[string]int{server.Laboratory: 3, server.PCRPortal: 1, server.Covid19Centre: 1}
	for _, s := range sources.Sources {
		kinds[s.Kind]++
		if s.Records == 0 {
			t.Errorf("%s has sent nothing", s.Name)
		}
	}
	if !maps.Equal(kinds, want) {
		t.Errorf("the sources are %v, want %v", kinds, want)
	}

	var first, now store.Overview
	as.look(t, server.PathOverview, &first)
	checkCountry(t, first)
	deadline := time.Now().Add(2 * time.Minute)
	for {
		as.look(t, server.PathOverview, &now)
		if !now.Hours[0].Hour.Equal(first.Hours[0].Hour) { // the counts of an hour are no longer in the sum
			first, deadline = now, time.Now().Add(2*time.Minute)
		}
		if sum(now.Counts) > sum(first.Counts) && now.People["green"] > first.People["green"] &&
			now.Doors.Wrong[store.Silent] > silentDoors {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing goes on: the overview was\n%+v\nand is\n%+v", first, now)
		}
		time.Sleep(time.Second)
	}
}

// look reads from the registry.
func (t *town) look(test *testing.T, path string, into any) {
	test.Helper()
	if err := t.call(test.Context(), "GET", path, t.admin, nil, into); err != nil {
		test.Fatal(err)
	}
}

func sum(counts map[string]int) (n int) {
	for _, one := range counts {
		n += one
	}
	return n
}

// checkCountry looks for all that there is to see.
func checkCountry(t *testing.T, o store.Overview) {
	t.Helper()
	venues := 0
	for _, r := range o.Regions {
		venues += r.Venues
		if r.Code == "" || r.Venues == 0 || r.People["blue"] == 0 || r.Doors.All < r.Venues || sum(r.Counts) == 0 {
			t.Errorf("a region is %+v", r)
		}
	}
	if len(o.Regions) != len(regions) || venues != 500 || sum(o.People) != inhabitants {
		t.Errorf("%d regions, %d venues, %d people; want %d, 500, %d", len(o.Regions), venues, sum(o.People),
			len(regions), inhabitants)
	}
	for _, kind := range []string{store.Silent, store.NeverSeen, store.Copied, store.UsedTwice, store.Differs,
		store.Reconfigured, string(api.Hot), string(api.LowPower), string(api.Tampered),
		string(api.WeakRadio), string(api.Broken)} {
		if o.Doors.Wrong[kind] == 0 {
			t.Errorf("no door has %q: %v", kind, o.Doors.Wrong)
		}
	}
	if len(o.Hours) < 24 || o.Waiting == 0 || o.Disagreements == 0 || o.People["red"] == 0 || o.People["yellow"] == 0 {
		t.Errorf("the overview is %+v", o)
	}
}

// TestInventedVenues reads the file as the registry does.
func TestInventedVenues(t *testing.T) {
	file := inventVenues(rand.New(rand.NewPCG(seed, 0)))
	if file != inventVenues(rand.New(rand.NewPCG(seed, 0))) {
		t.Error("the same seed gives other venues")
	}
	reader, err := csvfile.OpenTable(strings.NewReader(file), server.VenueColumns)
	if err != nil {
		t.Fatal(err)
	}
	var known []store.Region
	for _, r := range regions {
		known = append(known, store.Region{Code: r.code})
	}
	rows, found := server.NewVenueRows(known), map[string]int{}
	for range 499 {
		row, err := reader.Fields()
		if err != nil {
			t.Fatal(err)
		}
		v, field, reason := rows.Read(row)
		if reason != "" {
			t.Fatalf("%v: %s: %s", row, field, reason)
		}
		found[v.Name]++
	}
	if len(found) != 499 {
		t.Errorf("%d names of 499 venues", len(found))
	}
}

// TestOpeningHours: nobody comes at night but where it is open.
func TestOpeningHours(t *testing.T) {
	night := time.Date(2026, 11, 27, 3, 30, 0, 0, kazakhstan)
	for _, b := range businesses {
		if open := b.rate(night) > 0; open != (b.closes-b.opens == 24) {
			t.Errorf("%s: open at night: %v", b.kind, open)
		}
		if b.rate(night.Add(14*time.Hour+10*time.Minute)) <= 0 { // 17:40
			t.Errorf("%s: closed in the afternoon", b.kind)
		}
	}
	shares := 0
	for _, m := range mix {
		shares += m.share
	}
	if shares != 1000 {
		t.Errorf("the shares of mix are %d", shares)
	}
}
