package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

func TestDerive(t *testing.T) {
	now := time.Date(2021, 4, 20, 12, 0, 0, 0, time.UTC)
	const hour = time.Hour
	ago := func(kind store.Kind, age time.Duration) store.Record {
		return store.Record{Kind: kind, At: now.Add(-age)}
	}
	in := func(d time.Duration) time.Time { return now.Add(d) }
	never := time.Time{}

	for _, test := range []struct {
		name    string
		records []store.Record
		want    standing
	}{
		{"nothing is known", nil, standing{status: statuslist.Valid}},
		{"fresh positive", []store.Record{ago(store.Positive, hour)},
			standing{statuslist.Red, in(14*day - hour), in(14*day - hour), 0, never}},
		{"the last second of a positive", []store.Record{ago(store.Positive, 14*day-time.Second)},
			standing{statuslist.Red, in(time.Second), in(time.Second), 0, never}},
		{"positive of 14 days ago", []store.Record{ago(store.Positive, 14*day)}, standing{status: statuslist.Valid}},
		{"the later of two positives counts", []store.Record{ago(store.Positive, day), ago(store.Positive, 3*day)},
			standing{statuslist.Red, in(13 * day), in(13 * day), 0, never}},
		{"contact", []store.Record{ago(store.Contact, 2*day)},
			standing{statuslist.Yellow, in(12 * day), in(12 * day), 0, never}},
		{"contact of 14 days ago", []store.Record{ago(store.Contact, 14*day)}, standing{status: statuslist.Valid}},
		{"fresh negative", []store.Record{ago(store.Negative, hour)},
			standing{statuslist.Green, in(71 * hour), in(71 * hour), 0, never}},
		{"the last second of a negative", []store.Record{ago(store.Negative, 72*hour-time.Second)},
			standing{statuslist.Green, in(time.Second), in(time.Second), 0, never}},
		{"negative of 72 hours ago", []store.Record{ago(store.Negative, 72*hour)}, standing{status: statuslist.Valid}},
		{"a contact who fell ill", []store.Record{ago(store.Contact, 2*day), ago(store.Positive, day)},
			standing{statuslist.Red, in(13 * day), in(12 * day), 0, never}},
		{"positive beats a later negative", []store.Record{ago(store.Positive, 2*day), ago(store.Negative, hour)},
			standing{statuslist.Red, in(12 * day), in(71 * hour), statuslist.Green, in(-hour)}},
		{"positive beats an earlier negative", []store.Record{ago(store.Negative, 2*day), ago(store.Positive, hour)},
			standing{statuslist.Red, in(14*day - hour), in(day), statuslist.Green, in(-hour)}},
		{"contact beats a fresh negative", []store.Record{ago(store.Negative, hour), ago(store.Contact, day)},
			standing{statuslist.Yellow, in(13 * day), in(71 * hour), statuslist.Green, in(-hour)}},
		{"all three", []store.Record{ago(store.Negative, hour), ago(store.Contact, 13*day), ago(store.Positive, 2*day)},
			standing{statuslist.Red, in(12 * day), in(day), statuslist.Green, in(-hour)}},
		{"an old negative disagrees with nobody", []store.Record{ago(store.Negative, 80*hour), ago(store.Positive, day)},
			standing{statuslist.Red, in(13 * day), in(13 * day), 0, never}},
		{"from red back to the contact that lasts longer", []store.Record{ago(store.Positive, 14*day), ago(store.Contact, 10*day)},
			standing{statuslist.Yellow, in(4 * day), in(4 * day), 0, never}},
		{"both stand", []store.Record{{Kind: store.Positive, At: now.Add(-day), Upheld: true}, {Kind: store.Negative, At: now.Add(-hour), Upheld: true}},
			standing{statuslist.Red, in(13 * day), in(71 * hour), 0, never}},
		{"both stand, and a new negative comes", []store.Record{{Kind: store.Positive, At: now.Add(-day), Upheld: true},
			{Kind: store.Negative, At: now.Add(-hour), Upheld: true}, ago(store.Negative, hour)},
			standing{statuslist.Red, in(13 * day), in(71 * hour), statuslist.Green, in(-hour)}},
		{"inconclusive", []store.Record{ago(store.Inconclusive, hour)}, standing{status: statuslist.Valid}},
		{"recovered", []store.Record{ago(store.Recovered, 30*day)},
			standing{statuslist.Green, in(150 * day), in(150 * day), 0, never}},
		{"recovered half a year ago", []store.Record{ago(store.Recovered, 180*day)}, standing{status: statuslist.Valid}},
		{"vaccinated", []store.Record{ago(store.Vaccinated, 30*day)},
			standing{statuslist.Green, in(335 * day), in(335 * day), 0, never}},
		{"green until the last green record ends", []store.Record{ago(store.Vaccinated, 30*day), ago(store.Negative, hour), ago(store.Recovered, day)},
			standing{statuslist.Green, in(335 * day), in(71 * hour), 0, never}},
		{"a vaccinated contact", []store.Record{ago(store.Vaccinated, 30*day), ago(store.Contact, day)},
			standing{statuslist.Yellow, in(13 * day), in(13 * day), 0, never}},
		{"fell ill again", []store.Record{ago(store.Recovered, 30*day), ago(store.Positive, day)},
			standing{statuslist.Red, in(13 * day), in(13 * day), 0, never}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := derive(test.records, now); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// Every set of kinds, each of a day ago: the whole colour rule to read.
func TestDeriveEverySet(t *testing.T) {
	now := time.Date(2021, 4, 20, 12, 0, 0, 0, time.UTC)
	kinds := []store.Kind{store.Positive, store.Contact, store.Negative, store.Recovered, store.Vaccinated, store.Inconclusive}
	var table strings.Builder
	for set := range 1 << len(kinds) {
		var records []store.Record
		for i, kind := range kinds {
			if set>>i&1 == 1 {
				records = append(records, store.Record{Kind: kind, At: now.Add(-day), Source: "source"})
				fmt.Fprintf(&table, "%s ", kind)
			}
		}
		is := derive(records, now)
		fmt.Fprintf(&table, "-> %v", is.status)
		if !is.until.IsZero() {
			fmt.Fprintf(&table, " until %s", is.until.Format(time.DateOnly))
		}
		for _, why := range explain(records, now) {
			fmt.Fprintf(&table, ", %s of %s counts until %s", why.Kind, why.At.Format(time.DateOnly), why.Until.Format(time.DateOnly))
		}
		if !is.since.IsZero() {
			fmt.Fprintf(&table, "; contradicted: %v", is.other)
		}
		table.WriteByte('\n')
	}
	golden := filepath.Join("testdata", "colours.txt")
	want, err := os.ReadFile(golden)
	if err != nil || table.String() != string(want) {
		t.Errorf("%v: the rule gives another table than %s:\n%s", err, golden, table.String())
	}
}

// A decree changes a duration from a day on; records from before keep what they had.
func TestDurationsHaveADate(t *testing.T) {
	decree := time.Date(2021, 12, 1, 0, 0, 0, 0, time.UTC)
	row := derivation{store.Positive, statuslist.Red, []lasting{{time.Time{}, 14 * day}, {decree, 7 * day}}}
	for at, want := range map[time.Time]time.Duration{
		decree.Add(-time.Second): 14 * day, decree: 7 * day, decree.Add(day): 7 * day,
	} {
		if is := row.live([]store.Record{{Kind: store.Positive, At: at}}, at); is.end.Sub(at) != want {
			t.Errorf("of %v: counts for %v, want %v", at, is.end.Sub(at), want)
		}
	}
}
