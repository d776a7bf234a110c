package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
)

// maxWaitingShown bounds the list on the page of sources.
const maxWaitingShown = 100

// Overview is what the registry knows about the country, a region or a venue, but for the
// manifest's version and time. Errors: ErrNotFound.
func (s *Store) Overview(ctx context.Context, f Fleet) (Overview, error) {
	o := Overview{Doors: DoorTotals{Wrong: map[string]int{}}, Counts: map[string]int{}}
	err := s.look(ctx, func(tx *sql.Tx) error {
		switch {
		case f.Venue != 0:
			return o.ofVenue(ctx, tx, f)
		case f.Region != "":
			return o.ofRegion(ctx, tx, f)
		}
		return o.ofCountry(ctx, tx, f)
	})
	if err != nil {
		return Overview{}, fmt.Errorf("read the overview: %w", err)
	}
	for _, hour := range o.Hours {
		for name, n := range hour.Counts {
			o.Counts[name] += n
		}
	}
	return o, nil
}

func (o *Overview) ofVenue(ctx context.Context, tx *sql.Tx, f Fleet) error {
	venue, err := scanVenue(tx.QueryRowContext(ctx, `SELECT `+venueColumns+` FROM venues WHERE id = $1`, f.Venue))
	if err != nil {
		return notFound(err)
	}
	o.Venue = &venue
	totals, err := doorTotals[int64](ctx, tx, f, `place`)
	if err != nil {
		return err
	}
	if t := totals[f.Venue]; t != nil {
		o.Doors = *t
	}
	hall, err := hallNow(ctx, tx, f.Venue, f.Now)
	if err != nil {
		return err
	}
	o.Hall = &hall
	if o.StaffChecks, err = staffChecks(ctx, tx, f.Venue, f.day()); err != nil {
		return err
	}
	o.Hours, err = hours(ctx, tx, `SELECT hour, name, n FROM venue_counts WHERE venue = $1 AND hour >= $2`, f.Venue, f.day())
	return err
}

func (o *Overview) ofRegion(ctx context.Context, tx *sql.Tx, f Fleet) error {
	if err := knownRegion(ctx, tx, f.Region); err != nil {
		return err
	}
	if err := o.regions(ctx, tx, f); err != nil {
		return err
	}
	if len(o.Regions) > 0 {
		o.People, o.Doors = o.Regions[0].People, o.Regions[0].Doors
	} else {
		o.People = map[string]int{}
	}
	var err error
	o.Hours, err = hours(ctx, tx, `SELECT hour, name, n FROM region_counts WHERE region = $1 AND hour >= $2`, f.Region, f.day())
	return err
}

func (o *Overview) ofCountry(ctx context.Context, tx *sql.Tx, f Fleet) error {
	for query, into := range map[string]*int{
		`SELECT COUNT(*) FROM credentials WHERE revoked IS NULL AND suspended IS NOT NULL`: &o.Suspended,
		`SELECT COUNT(*) FROM credentials WHERE revoked IS NOT NULL`:                       &o.Revoked,
		`SELECT COUNT(*) FROM records WHERE state = 'waiting'`:                             &o.Waiting,
		`SELECT COUNT(*) FROM citizens WHERE since IS NOT NULL`:                            &o.Disagreements,
	} {
		if err := tx.QueryRowContext(ctx, query).Scan(into); err != nil {
			return err
		}
	}
	if err := o.regions(ctx, tx, f); err != nil {
		return err
	}
	o.People = map[string]int{}
	for _, region := range o.Regions {
		for colour, n := range region.People {
			o.People[colour] += n
		}
		o.Doors.All += region.Doors.All
		o.Doors.Trouble += region.Doors.Trouble
		for kind, n := range region.Doors.Wrong {
			o.Doors.Wrong[kind] += n
		}
	}
	var err error
	o.Hours, err = hours(ctx, tx, `SELECT hour, name, CAST(SUM(n) AS BIGINT) FROM region_counts WHERE hour >= $1 GROUP BY hour, name`, f.day())
	return err
}

// regions lists those in which there is anything, or the one that is asked about. The last one may
// be that of people and doors whose region is not known.
func (o *Overview) regions(ctx context.Context, tx *sql.Tx, f Fleet) error {
	states := map[string]*RegionState{}
	at := func(code string) *RegionState {
		if states[code] == nil {
			states[code] = &RegionState{Code: code, People: map[string]int{}, Doors: DoorTotals{Wrong: map[string]int{}}, Counts: map[string]int{}}
		}
		return states[code]
	}
	groups, err := people(ctx, tx, f.Region)
	if err != nil {
		return err
	}
	for g, n := range groups {
		at(g.region).People[colourOf(g.status)] += n
	}
	totals, err := doorTotals[string](ctx, tx, f, `COALESCE(region, '')`)
	if err != nil {
		return err
	}
	for code, t := range totals {
		at(code).Doors = *t
	}
	err = rows(ctx, tx, func(found *sql.Rows) error {
		var code string
		var n int
		err := found.Scan(&code, &n)
		at(code).Venues = n
		return err
	}, `SELECT region, COUNT(*) FROM venues WHERE region = $1 OR $1 = '' GROUP BY region`, f.Region)
	if err != nil {
		return err
	}
	err = rows(ctx, tx, func(found *sql.Rows) error {
		var code, name string
		var n int
		err := found.Scan(&code, &name, &n)
		at(code).Counts[name] = n
		return err
	}, `SELECT region, name, CAST(SUM(n) AS BIGINT) FROM region_counts WHERE hour >= $1 AND (region = $2 OR $2 = '') GROUP BY region, name`,
		f.day(), f.Region)
	for _, code := range slices.Sorted(maps.Keys(states)) {
		o.Regions = append(o.Regions, *states[code])
	}
	if len(o.Regions) > 1 && o.Regions[0].Code == "" {
		o.Regions = append(o.Regions[1:], o.Regions[0])
	}
	return err
}

// colourOf is the colour of a citizen's status.
func colourOf(status statuslist.Status) string {
	if status == statuslist.Valid {
		return "blue"
	}
	return status.String()
}

// Sources lists the sources of a region, or all where it is empty.
func (s *Store) Sources(ctx context.Context, region string) (list []SourceState, err error) {
	list = []SourceState{}
	err = s.look(ctx, func(tx *sql.Tx) error { return sources(ctx, tx, &list, region) })
	if err != nil {
		return nil, fmt.Errorf("list the sources: %w", err)
	}
	return list, nil
}

// WaitingRecords lists the newest 100.
func (s *Store) WaitingRecords(ctx context.Context) (list []WaitingRecord, err error) {
	list = []WaitingRecord{}
	err = s.look(ctx, func(tx *sql.Tx) error { return waiting(ctx, tx, &list) })
	if err != nil {
		return nil, fmt.Errorf("list waiting records: %w", err)
	}
	return list, nil
}

// Releases lists at most one for each rollout ring.
func (s *Store) Releases(ctx context.Context) (list []ReleaseRequest, err error) {
	list = []ReleaseRequest{}
	err = s.look(ctx, func(tx *sql.Tx) error { return releases(ctx, tx, &list) })
	if err != nil {
		return nil, fmt.Errorf("list the releases: %w", err)
	}
	return list, nil
}

func sources(ctx context.Context, tx *sql.Tx, list *[]SourceState, region string) error {
	return rows(ctx, tx, func(found *sql.Rows) error {
		var s SourceState
		var last, since sql.NullInt64
		err := found.Scan(&s.Name, &s.Kind, &s.Region, &s.Records, &last, &s.Hourly, &s.Suspended, &s.Revoked, &s.Waiting, &since, &s.WaitingLast)
		s.Last, s.WaitingSince = moment(last), moment(since)
		*list = append(*list, s)
		return err
	}, `SELECT name, kind, COALESCE(region, ''), records, last, hourly, suspended IS NOT NULL, revoked IS NOT NULL, COALESCE(n, 0), since, COALESCE(newest, 0)
		FROM sources LEFT JOIN (SELECT source, COUNT(*) AS n, MIN(came) AS since, MAX(id) AS newest FROM records WHERE state = 'waiting' GROUP BY source) AS w
		ON w.source = sources.id WHERE region = $1 OR $1 = '' ORDER BY name`, region)
}

func waiting(ctx context.Context, tx *sql.Tx, list *[]WaitingRecord) error {
	return rows(ctx, tx, func(found *sql.Rows) error {
		var w WaitingRecord
		var at, came int64
		err := found.Scan(&w.Source, &w.IIN, &w.Kind, &at, &came)
		w.At, w.Came = time.Unix(at, 0).UTC(), time.Unix(came, 0).UTC()
		*list = append(*list, w)
		return err
	}, `SELECT sources.name, iin, records.kind, at, came FROM records JOIN sources ON sources.id = source JOIN citizens ON citizens.id = citizen
		WHERE state = 'waiting' ORDER BY records.id DESC LIMIT $1`, maxWaitingShown)
}

// doorStates reads all about some doors.
func doorStates(ctx context.Context, tx *sql.Tx, which []foundDoor, f Fleet) ([]DoorState, error) {
	list, at, ids := make([]DoorState, len(which)), map[int64]int{}, []int64{}
	for i, d := range which {
		at[d.id], ids = i, append(ids, d.id)
	}
	if len(ids) == 0 {
		return list, nil
	}
	err := rows(ctx, tx, func(found *sql.Rows) error {
		k, err := scanDoor(found, f.Now)
		k.Wrong = which[at[k.ID]].wrong
		list[at[k.ID]] = k
		return err
	}, `SELECT doors.id, doors.name, venue, doors.zone, way, ring, seen, cert_until, next_until, running, revoked IS NOT NULL, copied IS NOT NULL,
		twice IS NOT NULL, strays, asked, approved, said_venue, said_zone, said_way, config, config_since, health, health_at,
		COALESCE(venues.id, 0), COALESCE(venues.name, ''), COALESCE(region, ''), COALESCE(address, ''), COALESCE(phone, '')
		FROM doors LEFT JOIN enrolments ON enrolments.door = doors.id LEFT JOIN venues ON venues.id = place
		WHERE doors.id IN `+literals(ids))
	if err != nil {
		return nil, err
	}
	return list, rows(ctx, tx, func(found *sql.Rows) error {
		var door, n int64
		var name string
		err := found.Scan(&door, &name, &n)
		list[at[door]].Counts[name] = uint64(n)
		return err
	}, `SELECT door, name, CAST(SUM(n) AS BIGINT) FROM counts WHERE door IN `+literals(ids)+` AND hour >= $1 GROUP BY door, name`, f.day())
}

func scanDoor(found *sql.Rows, now time.Time) (DoorState, error) {
	k, at := DoorState{Counts: map[string]uint64{}}, DoorPlace{}
	var seen, until, next, asked, approved, since, healthAt sql.NullInt64
	var running, venue, zone, way, config, health sql.NullString
	err := found.Scan(&k.ID, &k.Name, &k.Venue, &k.Zone, &k.Way, &k.Ring, &seen, &until, &next, &running, &k.Revoked, &k.Copied, &k.CodeUsedTwice,
		&k.Strays, &asked, &approved, &venue, &zone, &way, &config, &since, &health, &healthAt, &at.ID, &at.Name, &at.Region, &at.Address, &at.Phone)
	if err == nil {
		k.Health, err = readHealth(health, healthAt)
	}
	if at.ID != 0 {
		k.Place = &at
	}
	k.Seen, k.Running = moment(seen), running.String
	k.SaidVenue, k.SaidZone, k.SaidWay = venue.String, zone.String, way.String
	k.Config, k.ConfigSince = config.String, moment(since)
	k.Differs = venue.Valid && venue.String != k.Venue || zone.Valid && zone.String != k.Zone || way.Valid && way.String != k.Way
	k.Asks, k.Approved = moment(asked), approved.Valid && now.Sub(moment(approved)) < approvalLasts
	if k.CertUntil = moment(until); next.Int64 > until.Int64 {
		k.CertUntil = moment(next) // issued and not seen yet
	}
	k.Enrolled = k.CertUntil.After(now) && !k.Revoked
	return k, err
}

func releases(ctx context.Context, tx *sql.Tx, list *[]ReleaseRequest) error {
	return rows(ctx, tx, func(found *sql.Rows) error {
		var r ReleaseRequest
		err := found.Scan(&r.Ring, &r.Bundle, &r.Version)
		*list = append(*list, r)
		return err
	}, `SELECT ring, bundle, version FROM releases ORDER BY ring`)
}
