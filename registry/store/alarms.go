package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Alarm is something that is wrong with a door, or with the registry itself.
type Alarm struct {
	Kind  string    `json:"kind"`           // alert.Kind
	Door  int64     `json:"door,omitempty"` // 0: the registry
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended,omitzero"` // zero: it lasts
	Told  time.Time `json:"told,omitzero"`  // when somebody was told last that it lasts; zero: never yet

	// Of the door.
	Name    string `json:"name,omitempty"`
	Venue   string `json:"venue,omitempty"`
	Region  string `json:"region,omitempty"`
	Address string `json:"address,omitempty"`
	Phone   string `json:"phone,omitempty"`

	Seen time.Time `json:"seen,omitzero"`
}

// Wrong are the doors with which something is wrong at this moment. Empty: the kind is not looked
// for.
type Wrong struct {
	Silent    string    // the kind of doors that were not heard of
	Before    time.Time // since when
	Copied    string
	Renewal   string
	Troubles  map[string]string // kind by api.Trouble
	Publisher string            // the kind of a registry that has stopped publishing; empty: it publishes
}

// alarmKey tells alarms apart.
type alarmKey struct {
	kind string
	door int64
}

// Told decides what is told of the alarms, and to whom. It is called in the transaction that notes
// it, perhaps more than once.
type Told func(alarms []Alarm, recipients []Recipient) ([]Telling, error)

// Telling is what is noted when a kind is told.
type Telling struct {
	Kind     string
	Messages map[int64][]byte // by recipient; nobody may want it
	All      bool             // also what lasts and was told before
}

// Alarms compares what is wrong now with what was known, and lets tell decide on messages. keep are
// kinds of which nobody can tell now whether they have ended or begun: they stay as they are.
// Nothing is written where nothing changes.
func (s *Store) Alarms(ctx context.Context, wrong Wrong, keep []string, tell Told, now time.Time) error {
	if quiet, err := s.quiet(ctx, wrong, keep, tell, now); quiet || err != nil {
		return err
	}
	err := s.change(ctx, func(tx *sql.Tx) error {
		// One registry at a time: none tells what another one has told.
		if _, err := tx.ExecContext(ctx, `UPDATE schema_version SET version = version`); err != nil {
			return err
		}
		changes, err := alarmChanges(ctx, tx, wrong, keep, now)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if err := c.write(ctx, tx); err != nil {
				return err
			}
		}
		return tellAll(ctx, tx, tell, now)
	})
	if err != nil {
		return fmt.Errorf("note alarms: %w", err)
	}
	return nil
}

// quiet tells that there is nothing to write.
func (s *Store) quiet(
	ctx context.Context, wrong Wrong, keep []string, tell Told, now time.Time,
) (quiet bool, err error) {
	err = s.look(ctx, func(tx *sql.Tx) error {
		changes, err := alarmChanges(ctx, tx, wrong, keep, now)
		if err != nil || len(changes) > 0 {
			return err
		}
		tellings, err := decide(ctx, tx, tell)
		quiet = len(tellings) == 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for alarms: %w", err)
	}
	return quiet, nil
}

func decide(ctx context.Context, tx *sql.Tx, tell Told) ([]Telling, error) {
	known, err := alarms(ctx, tx)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	to, err := recipients(ctx, tx)
	if err != nil {
		return nil, err
	}
	return tell(known, to)
}

func tellAll(ctx context.Context, tx *sql.Tx, tell Told, now time.Time) error {
	tellings, err := decide(ctx, tx, tell)
	if err != nil {
		return err
	}
	for _, one := range tellings {
		for to, body := range one.Messages {
			if err := putMessage(ctx, tx, to, body, now); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM alarms WHERE kind = $1 AND ended IS NOT NULL`,
			one.Kind); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE alarms SET told = $2 WHERE kind = $1 AND (told IS NULL OR $3 = 1)`,
			one.Kind, now.Unix(), bit(one.All)); err != nil {
			return err
		}
	}
	return nil
}

// alarmChange is one row that changes.
type alarmChange struct {
	alarmKey
	statement string
	at        time.Time
}

func (c alarmChange) write(ctx context.Context, tx *sql.Tx) error {
	values := []any{c.kind, c.door}
	if !c.at.IsZero() {
		values = append(values, c.at.Unix())
	}
	_, err := tx.ExecContext(ctx, c.statement, values...)
	return err
}

// alarmChanges finds what has begun and what is over. What nobody was told of before it ended is
// forgotten; what begins again before anybody was told of its end has not ended.
func alarmChanges(
	ctx context.Context, tx *sql.Tx, wrong Wrong, keep []string, now time.Time,
) (changes []alarmChange, err error) {
	is, err := wrong.find(ctx, tx)
	if err != nil {
		return nil, err
	}
	known, err := alarms(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, a := range known {
		key := alarmKey{a.Kind, a.Door}
		now := now
		_, lasts := is[key]
		delete(is, key)
		statement := ""
		switch {
		case slices.Contains(keep, a.Kind):
		case lasts && !a.Ended.IsZero():
			statement, now = `UPDATE alarms SET ended = NULL WHERE kind = $1 AND door = $2`, time.Time{}
		case !lasts && a.Told.IsZero():
			statement, now = `DELETE FROM alarms WHERE kind = $1 AND door = $2`, time.Time{}
		case !lasts && a.Ended.IsZero():
			statement = `UPDATE alarms SET ended = $3 WHERE kind = $1 AND door = $2`
		}
		if statement != "" {
			changes = append(changes, alarmChange{key, statement, now})
		}
	}
	for key := range is {
		if !slices.Contains(keep, key.kind) {
			const begin = `INSERT INTO alarms (kind, door, began) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
			changes = append(changes, alarmChange{key, begin, now})
		}
	}
	return changes, nil
}

// find lists what is wrong. It reads each enrolled door once.
func (w Wrong) find(ctx context.Context, tx *sql.Tx) (map[alarmKey]struct{}, error) {
	is := map[alarmKey]struct{}{}
	note := func(kind string, door int64, true bool) {
		if kind != "" && true {
			is[alarmKey{kind, door}] = struct{}{}
		}
	}
	note(w.Publisher, 0, true)
	err := rows(ctx, tx, func(found *sql.Rows) error {
		var id int64
		var silent, copied, asks bool
		var troubles string
		err := found.Scan(&id, &silent, &copied, &asks, &troubles)
		note(w.Silent, id, silent)
		note(w.Copied, id, copied)
		note(w.Renewal, id, asks)
		for _, trouble := range strings.Fields(troubles) {
			note(w.Troubles[trouble], id, true)
		}
		return err
	}, `SELECT id, COALESCE(seen < $1, FALSE), copied IS NOT NULL, asked IS NOT NULL AND approved IS NULL,
		troubles FROM doors
		WHERE revoked IS NULL AND cert IS NOT NULL
			AND (seen < $1 OR copied IS NOT NULL OR asked IS NOT NULL OR troubles <> '')`, w.Before.Unix())
	return is, err
}

// alarms lists them all, by kind, region and name.
func alarms(ctx context.Context, tx *sql.Tx) ([]Alarm, error) {
	list := []Alarm{}
	err := rows(ctx, tx, func(found *sql.Rows) error {
		var a Alarm
		var began, ended, told, seen sql.NullInt64
		err := found.Scan(&a.Kind, &a.Door, &began, &ended, &told, &seen, &a.Name, &a.Venue, &a.Region,
			&a.Address, &a.Phone)
		a.Began, a.Ended, a.Told, a.Seen = moment(began), moment(ended), moment(told), moment(seen)
		list = append(list, a)
		return err
	}, `SELECT alarms.kind, alarms.door, began, ended, told, seen, COALESCE(doors.name, ''),
		COALESCE(venues.name, ''), COALESCE(region, ''),
		COALESCE(address, ''), COALESCE(phone, '') FROM alarms LEFT JOIN doors ON doors.id = alarms.door
			LEFT JOIN venues ON venues.id = doors.place
		ORDER BY alarms.kind, COALESCE(region, 'ZZ'), doors.name`)
	return list, err
}

// AlarmsNow lists what is wrong in a region, or everywhere where it is empty: at most limit.
func (s *Store) AlarmsNow(ctx context.Context, within string, limit int) (list []Alarm, err error) {
	err = s.look(ctx, func(tx *sql.Tx) error {
		list, err = alarms(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the alarms: %w", err)
	}
	list = slices.DeleteFunc(list, func(a Alarm) bool {
		return !a.Ended.IsZero() || within != "" &&
			a.Region != within
	})
	return list[:min(len(list), limit)], nil
}

// bit is a truth as both databases take it.
func bit(is bool) int {
	if is {
		return 1
	}
	return 0
}
