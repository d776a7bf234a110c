package store

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"math/rand/v2"
	"slices"

	"ashyq-kiosk/kiosk/statuslist"
)

// Counting a million people, or the checks of ten thousand doors, takes a second. So sums are kept
// in the transactions that change what they are sums of: people by region and status, and counts by
// venue, by region, and by kind, zone and region. What a door counted stays with the venue, the
// kind and the region that it had at that moment.

// tallySlots is how many rows of people add up to one number. Writers in PostgreSQL take any one of
// them, so that each does not wait for the commit of another.
const tallySlots = 16

// group is people who are counted together.
type group struct {
	region string // code; empty: not known
	status statuslist.Status
}

func compareGroups(a, b group) int {
	return cmp.Or(cmp.Compare(a.region, b.region), cmp.Compare(a.status, b.status))
}

// addPeople changes how many people are in groups. It has to be the last statement of a transaction
// that takes locks: then nobody waits in a circle.
func addPeople(ctx context.Context, tx *sql.Tx, change map[group]int) error {
	slot := rand.IntN(tallySlots)
	var values []any
	for _, g := range slices.SortedFunc(maps.Keys(change), compareGroups) {
		if n := change[g]; n != 0 {
			values = append(values, g.region, int(g.status), slot, n)
		}
	}
	return insert(ctx, tx, `people (region, status, slot, n)`, 4, values,
		` ON CONFLICT (region, status, slot) DO UPDATE SET n = people.n + excluded.n`)
}

// newPeople counts people who have just come in, of whom only the number is known.
func newPeople(ctx context.Context, tx *sql.Tx, n int) error {
	return addPeople(ctx, tx, map[group]int{{"", statuslist.Valid}: n})
}

// people reads how many people have a status, in a region or, where it is empty, everywhere.
func people(ctx context.Context, tx *sql.Tx, region string) (map[group]int, error) {
	all := map[group]int{}
	err := rows(ctx, tx, func(found *sql.Rows) error {
		var g group
		var n int
		err := found.Scan(&g.region, &g.status, &n)
		all[g] = n
		return err
	}, `SELECT region, status, CAST(SUM(n) AS BIGINT) FROM people WHERE region = $1 OR $1 = ''
		GROUP BY region, status HAVING SUM(n) <> 0`, region)
	return all, err
}

// addTallies adds a door's counts to those of its venue, its region and its kind.
func addTallies(ctx context.Context, tx *sql.Tx, door, hour int64, names []string, count map[string]uint64) error {
	var venue int64
	var region, kind, zone string
	err := tx.QueryRowContext(ctx, `SELECT COALESCE(place, 0), COALESCE(region, ''), venue, doors.zone FROM doors
		LEFT JOIN venues ON venues.id = place WHERE doors.id = $1`, door).Scan(&venue, &region, &kind, &zone)
	if err != nil {
		return err
	}
	var ofVenue, ofRegion, ofKind []any
	for _, name := range names {
		ofVenue = append(ofVenue, venue, hour, name, int64(count[name]))
		ofRegion = append(ofRegion, region, hour, name, int64(count[name]))
		ofKind = append(ofKind, kind, zone, region, hour, name, int64(count[name]))
	}
	err = insert(ctx, tx, `venue_counts (venue, hour, name, n)`, 4, ofVenue,
		` ON CONFLICT (venue, hour, name) DO UPDATE SET n = venue_counts.n + excluded.n`)
	if err != nil {
		return err
	}
	err = insert(ctx, tx, `region_counts (region, hour, name, n)`, 4, ofRegion,
		` ON CONFLICT (region, hour, name) DO UPDATE SET n = region_counts.n + excluded.n`)
	if err != nil {
		return err
	}
	return insert(ctx, tx, `kind_counts (kind, zone, region, hour, name, n)`, 6, ofKind,
		` ON CONFLICT (hour, kind, zone, region, name) DO UPDATE SET n = kind_counts.n + excluded.n`)
}
