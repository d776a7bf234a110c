package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// OwnVenue is a venue as its owner sees it: doors and counts, and never a person.
type OwnVenue struct {
	Venue
	Doors   int            `json:"doors"`
	Silent  int            `json:"silent"`  // enrolled and not heard of lately
	Waiting int            `json:"waiting"` // without a device
	Trouble int            `json:"trouble"` // of their boards, or copied
	Counts  map[string]int `json:"counts"`  // of the last 24 hours, by name
}

// Hour is what the doors of a venue counted in an hour.
type Hour struct {
	Hour   time.Time      `json:"hour"` // its first second
	Counts map[string]int `json:"counts"`
}

// OwnVenues lists the venues of an organisation by name, in a region or, where it is empty,
// everywhere. A door is silent that was not heard of since the given time.
func (s *Store) OwnVenues(ctx context.Context, bin, region string, silent, now time.Time) ([]OwnVenue, error) {
	list := []OwnVenue{}
	at := map[int64]int{}
	err := s.look(ctx, func(tx *sql.Tx) error {
		err := rows(ctx, tx, func(found *sql.Rows) error {
			v, err := scanVenue(found)
			at[v.ID] = len(list)
			list = append(list, OwnVenue{Venue: v, Counts: map[string]int{}})
			return err
		}, `SELECT `+venueColumns+` FROM venues WHERE bin = $1 AND (region = $2 OR $2 = '') ORDER BY name`, bin, region)
		if err != nil {
			return err
		}
		err = rows(ctx, tx, func(found *sql.Rows) error {
			var venue int64
			var v OwnVenue
			err := found.Scan(&venue, &v.Doors, &v.Silent, &v.Waiting, &v.Trouble)
			to := &list[at[venue]]
			to.Doors, to.Silent, to.Waiting, to.Trouble = v.Doors, v.Silent, v.Waiting, v.Trouble
			return err
		}, `SELECT place, COUNT(*), SUM(CASE WHEN cert IS NOT NULL AND revoked IS NULL
			AND (seen IS NULL OR seen < $3) THEN 1 ELSE 0 END),
			SUM(CASE WHEN cert IS NULL OR revoked IS NOT NULL THEN 1 ELSE 0 END),
			SUM(CASE WHEN troubles <> '' OR copied IS NOT NULL THEN 1 ELSE 0 END)
			FROM doors JOIN venues ON venues.id = place WHERE bin = $1 AND (region = $2 OR $2 = '')
			GROUP BY place`, bin, region, silent.Unix())
		if err != nil {
			return err
		}
		return rows(ctx, tx, func(found *sql.Rows) error {
			var venue int64
			var name string
			var n int
			err := found.Scan(&venue, &name, &n)
			list[at[venue]].Counts[name] = n
			return err
		}, `SELECT place, counts.name, CAST(SUM(n) AS BIGINT) FROM venues JOIN doors ON place = venues.id
			JOIN counts ON door = doors.id
			WHERE bin = $1 AND (region = $2 OR $2 = '') AND hour >= $3 GROUP BY place, counts.name`, bin, region,
			now.Add(-24*time.Hour).Truncate(time.Hour).Unix())
	})
	if err != nil {
		return nil, fmt.Errorf("list an owner's venues: %w", err)
	}
	return list, nil
}

// VenueHours gives the counts of a venue by hour, from a time on, the oldest first. Hours without a
// count are left out.
func (s *Store) VenueHours(ctx context.Context, venue int64, from time.Time) ([]Hour, error) {
	var list []Hour
	err := s.look(ctx, func(tx *sql.Tx) (err error) {
		list, err = hours(ctx, tx, `SELECT hour, name, n FROM venue_counts WHERE venue = $1 AND hour >= $2`, venue, from.Truncate(time.Hour).Unix())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the counts of a venue: %w", err)
	}
	return list, nil
}
