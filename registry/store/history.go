package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Event is one line of the log.
type Event struct {
	What   string    `json:"what"`
	Source string    `json:"source,omitempty"` // name; empty: the administrator or the citizen
	Person string    `json:"person"`
	At     time.Time `json:"at"`
	Why    string    `json:"why,omitempty"`
}

// Kept is a record with all that happened to it.
type Kept struct {
	ID         int64     `json:"id"`
	Source     string    `json:"source"` // name
	SourceKind string    `json:"source_kind"`
	Sample     string    `json:"sample"`
	Kind       Kind      `json:"kind"`
	At         time.Time `json:"at"`
	Came       time.Time `json:"came"`
	Laboratory string    `json:"laboratory,omitempty"`
	IndexCase  string    `json:"index_case,omitempty"`
	Replaces   int64     `json:"replaces,omitempty"`
	State      string    `json:"state"`
	Upheld     bool      `json:"upheld,omitempty"`
	Disputed   time.Time `json:"disputed,omitzero"`
	IIN        string    `json:"iin"`
	Events     []Event   `json:"events"`
}

// History returns the records about a citizen, the newest 200. Nobody with this number is
// ErrNotFound.
func (s *Store) History(ctx context.Context, iin IIN) ([]Kept, error) {
	var history []Kept
	err := s.look(ctx, func(tx *sql.Tx) error {
		var citizen int64
		if err := tx.QueryRowContext(ctx, `SELECT id FROM citizens WHERE iin = $1`, string(iin)).Scan(&citizen); err != nil {
			return notFound(err)
		}
		var err error
		history, err = kept(ctx, tx, `SELECT id FROM records WHERE citizen = $1`, citizen)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read a history: %w", err)
	}
	return history, nil
}

// maxKept bounds what is shown about one person.
const maxKept = 200

// kept reads records with their events, the newest first. which is a query of their ids, which may
// be followed by an order.
func kept(ctx context.Context, tx *sql.Tx, which string, args ...any) ([]Kept, error) {
	which += fmt.Sprintf(` ORDER BY id DESC LIMIT %d`, maxKept)
	records, at := []Kept{}, map[int64]int{}
	err := rows(ctx, tx, func(found *sql.Rows) error {
		k := Kept{Events: []Event{}}
		err := k.scan(found)
		at[k.ID], records = len(records), append(records, k)
		return err
	}, keptColumns+` WHERE records.id IN (`+which+`) ORDER BY records.id DESC`, args...)
	if err != nil {
		return nil, err
	}
	err = rows(ctx, tx, func(found *sql.Rows) error {
		var e Event
		var record, when int64
		err := found.Scan(&record, &e.What, &e.Source, &e.Person, &when, &e.Why)
		e.At = time.Unix(when, 0).UTC()
		if i, ok := at[record]; ok {
			records[i].Events = append(records[i].Events, e)
		}
		return err
	}, `SELECT record, what, COALESCE(name, ''), person, events.at, why FROM events LEFT
		JOIN sources ON sources.id = events.source
		WHERE record IN (`+which+`) ORDER BY events.id`, args...)
	return records, err
}

const keptColumns = `SELECT records.id, sources.name, sources.kind, sample, records.kind, at, came, laboratory, index_case, COALESCE(replaces, 0), state,
	upheld IS NOT NULL, disputed, iin FROM records JOIN sources ON sources.id = source
	JOIN citizens ON citizens.id = citizen`

func (k *Kept) scan(found *sql.Rows) error {
	var at, came int64
	var disputed sql.NullInt64
	err := found.Scan(&k.ID, &k.Source, &k.SourceKind, &k.Sample, &k.Kind, &at, &came, &k.Laboratory, &k.IndexCase, &k.Replaces, &k.State,
		&k.Upheld, &disputed, &k.IIN)
	k.At, k.Came, k.Disputed = time.Unix(at, 0).UTC(), time.Unix(came, 0).UTC(), moment(disputed)
	return err
}

// maxToday bounds what a source sees of its entries.
const maxToday = 500

// TodayEntry is one of a source's own records. Of the IIN it has the end, which tells two people
// apart and names nobody: whoever steals a source's key must not read who is ill.
type TodayEntry struct {
	ID     int64     `json:"id"`
	Sample string    `json:"sample"`
	IINEnd string    `json:"iin_end"` // four digits
	Kind   Kind      `json:"kind"`
	At     time.Time `json:"at"`
	Came   time.Time `json:"came"`
	State  string    `json:"state"`
	Last   string    `json:"last"` // what happened to it last, as in Event.What
	Person string    `json:"person"`
}

// Today lists what a source has entered since from, the newest first, at most 500.
func (s *Store) Today(ctx context.Context, source int64, from time.Time) ([]TodayEntry, error) {
	today := []TodayEntry{}
	err := s.look(ctx, func(tx *sql.Tx) error {
		return rows(ctx, tx, func(found *sql.Rows) error {
			var e TodayEntry
			var at, came int64
			var iin string
			err := found.Scan(&e.ID, &e.Sample, &iin, &e.Kind, &at, &came, &e.State, &e.Last, &e.Person)
			if err != nil {
				return err
			}
			e.IINEnd = iin[max(0, len(iin)-4):]
			e.At, e.Came = time.Unix(at, 0).UTC(), time.Unix(came, 0).UTC()
			today = append(today, e)
			return nil
		}, `SELECT records.id, sample, iin, records.kind, records.at, came, state, what, person FROM records
			JOIN citizens ON citizens.id = citizen JOIN events ON events.id = (SELECT MAX(id) FROM events
			WHERE record = records.id)
			WHERE records.source = $1 AND came >= $2 ORDER BY records.id DESC LIMIT $3`, source, from.Unix(), maxToday)
	})
	if err != nil {
		return nil, fmt.Errorf("list a source's entries: %w", err)
	}
	return today, nil
}
