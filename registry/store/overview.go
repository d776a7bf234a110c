package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
)

// The lists on the administrator's page are bounded.
const (
	maxDisagreements = 100
	maxWaitingShown  = 100
)

// Overview is what the administrator's page shows, but for the manifest's version and time.
func (s *Store) Overview(ctx context.Context, now time.Time) (Overview, error) {
	o := Overview{
		Statuses: map[string]int{}, Doors: []DoorState{}, Sources: []SourceState{}, Disagreements: []Disagreement{},
		Releases: []ReleaseRequest{}, Waiting: []WaitingRecord{},
	}
	err := s.look(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM credentials WHERE revoked IS NULL AND expires > $1`,
			now.Unix()).Scan(&o.Credentials)
		if err != nil {
			return err
		}
		for _, part := range []func(context.Context, *sql.Tx, *Overview) error{statuses, sources, waiting, disagreements, releases} {
			if err := part(ctx, tx, &o); err != nil {
				return err
			}
		}
		return doors(ctx, tx, &o, now)
	})
	if err != nil {
		return Overview{}, fmt.Errorf("read the overview: %w", err)
	}
	return o, nil
}

// statuses counts citizens by colour, and passes by what is wrong with them.
func statuses(ctx context.Context, tx *sql.Tx, o *Overview) error {
	for status, where := range map[statuslist.Status]string{
		statuslist.Invalid: `revoked IS NOT NULL`, statuslist.Suspended: `revoked IS NULL AND suspended IS NOT NULL`,
	} {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM credentials WHERE `+where).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			o.Statuses[status.String()] = n
		}
	}
	return rows(ctx, tx, func(found *sql.Rows) error {
		var status, n int
		err := found.Scan(&status, &n)
		o.Statuses[statuslist.Status(status).String()] = n
		o.Citizens += n
		return err
	}, `SELECT status, COUNT(*) FROM citizens GROUP BY status`)
}

func sources(ctx context.Context, tx *sql.Tx, o *Overview) error {
	return rows(ctx, tx, func(found *sql.Rows) error {
		var s SourceState
		var last, since sql.NullInt64
		err := found.Scan(&s.Name, &s.Kind, &s.Region, &s.Records, &last, &s.Hourly, &s.Suspended, &s.Revoked, &s.Waiting, &since, &s.WaitingLast)
		s.Last, s.WaitingSince = moment(last), moment(since)
		o.Sources = append(o.Sources, s)
		return err
	}, `SELECT name, kind, COALESCE(region, ''), records, last, hourly, suspended IS NOT NULL, revoked IS NOT NULL, COALESCE(n, 0), since, COALESCE(newest, 0)
		FROM sources LEFT JOIN (SELECT source, COUNT(*) AS n, MIN(came) AS since, MAX(id) AS newest FROM records WHERE state = 'waiting' GROUP BY source) AS w
		ON w.source = sources.id ORDER BY name`)
}

func waiting(ctx context.Context, tx *sql.Tx, o *Overview) error {
	return rows(ctx, tx, func(found *sql.Rows) error {
		var w WaitingRecord
		var at, came int64
		err := found.Scan(&w.Source, &w.IIN, &w.Kind, &at, &came)
		w.At, w.Came = time.Unix(at, 0).UTC(), time.Unix(came, 0).UTC()
		o.Waiting = append(o.Waiting, w)
		return err
	}, `SELECT sources.name, iin, records.kind, at, came FROM records JOIN sources ON sources.id = source JOIN citizens ON citizens.id = citizen
		WHERE state = 'waiting' ORDER BY records.id DESC LIMIT $1`, maxWaitingShown)
}

func disagreements(ctx context.Context, tx *sql.Tx, o *Overview) error {
	return rows(ctx, tx, func(found *sql.Rows) error {
		var d Disagreement
		var counts, other int
		var since sql.NullInt64
		err := found.Scan(&d.IIN, &counts, &other, &since)
		d.Counts, d.Other = statuslist.Status(counts).String(), statuslist.Status(other).String()
		d.Since = moment(since)
		o.Disagreements = append(o.Disagreements, d)
		return err
	}, `SELECT iin, status, other, since FROM citizens WHERE since IS NOT NULL ORDER BY since DESC, id LIMIT $1`, maxDisagreements)
}

func doors(ctx context.Context, tx *sql.Tx, o *Overview, now time.Time) error {
	var ids []int64
	err := rows(ctx, tx, func(found *sql.Rows) error {
		k := DoorState{Counts: map[string]uint64{}}
		var id int64
		var seen, until, next, asked, approved, since, healthAt sql.NullInt64
		var running, venue, zone, way, config, health sql.NullString
		err := found.Scan(&id, &k.Name, &k.Venue, &k.Zone, &k.Way, &k.Ring, &seen, &until, &next, &running, &k.Revoked, &k.Copied, &k.CodeUsedTwice,
			&k.Strays, &asked, &approved, &venue, &zone, &way, &config, &since, &health, &healthAt)
		if err == nil {
			k.Health, err = readHealth(health, healthAt)
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
		o.Doors, ids = append(o.Doors, k), append(ids, id)
		return err
	}, `SELECT doors.id, name, venue, zone, way, ring, seen, cert_until, next_until, running, revoked IS NOT NULL, copied IS NOT NULL,
		twice IS NOT NULL, strays, asked, approved, said_venue, said_zone, said_way, config, config_since, health, health_at
		FROM doors LEFT JOIN enrolments ON enrolments.door = doors.id ORDER BY name`)
	if err != nil {
		return err
	}
	at := map[int64]int{}
	for i, id := range ids {
		at[id] = i
	}
	// Counts are kept by the hour: the hour in which the last 24 hours begin counts as a whole.
	day := now.Add(-24 * time.Hour).Truncate(time.Hour).Unix()
	return rows(ctx, tx, func(found *sql.Rows) error {
		var door, n int64
		var name string
		err := found.Scan(&door, &name, &n)
		if i, ok := at[door]; ok && err == nil {
			o.Doors[i].Counts[name] = uint64(n)
		}
		return err
	}, `SELECT door, name, CAST(SUM(n) AS BIGINT) FROM counts WHERE hour >= $1 GROUP BY door, name`, day)
}

func releases(ctx context.Context, tx *sql.Tx, o *Overview) error {
	return rows(ctx, tx, func(found *sql.Rows) error {
		var r ReleaseRequest
		err := found.Scan(&r.Ring, &r.Bundle, &r.Version)
		o.Releases = append(o.Releases, r)
		return err
	}, `SELECT ring, bundle, version FROM releases ORDER BY ring`)
}
