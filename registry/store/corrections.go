package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Actor is who changes a record.
type Actor struct {
	Source int64  // 0: the administrator, who may change any record; a source only its own
	Person string // as they name themselves
}

// What the log says.
const (
	Entered   = "entered"
	Approved  = "approved"
	Dropped   = "discarded" // while it waited
	Corrected = "corrected" // another record replaces it
	Withdrawn = "withdrawn"
	Disputed  = "disputed" // by the citizen
	Upheld    = "upheld"   // the administrator has settled that it stands
	Settled   = "settled"  // the administrator has settled that it does not
)

// Why a record is not corrected or withdrawn. ErrNotFound, too: a source does not learn of others'
// records.
var (
	ErrEnded       = errors.New("the record is not in force any more")
	ErrUnchanged   = errors.New("the correction changes nothing")
	ErrTooManyEnds = errors.New("too many positive results and contacts of this source were corrected or withdrawn in " +
		"an hour")
)

// note writes an event.
func note(ctx context.Context, tx *sql.Tx, record int64, what string, by Actor, why string, now int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO events (record, what, source, person, at, why)
		VALUES ($1, $2, $3, $4, $5, $6)`,
		record, what, sql.NullInt64{Int64: by.Source, Valid: by.Source != 0}, by.Person, now, why)
	return err
}

// row is a record in the database.
type row struct {
	Entry
	id, source, citizen int64
	state               string
	upheld              bool
}

func (r row) isLive() bool { return r.state == Waiting || r.state == InForce }

func findRow(ctx context.Context, tx *sql.Tx, where string, arg any) (r row, err error) {
	var at int64
	err = tx.QueryRowContext(ctx, `SELECT records.id, source, citizen, iin, sample, kind, at, laboratory, index_case,
		state, upheld IS NOT NULL
		FROM records JOIN citizens ON citizens.id = citizen WHERE `+where, arg).
		Scan(&r.id, &r.source, &r.citizen, &r.IIN, &r.Sample, &r.Kind, &at, &r.Laboratory, &r.IndexCase, &r.state, &r.upheld)
	r.At = time.Unix(at, 0).UTC()
	return r, notFound(err)
}

// lockRow finds a record that the actor may change, with its source locked. What the administrator
// has upheld is not the source's to change.
func lockRow(ctx context.Context, tx *sql.Tx, by Actor, record int64) (r row, hourly int, err error) {
	r, err = findRow(ctx, tx, `records.id = $1`, record)
	if err == nil && by.Source != 0 && by.Source != r.source {
		err = ErrNotFound
	}
	if err != nil {
		return r, 0, err
	}
	if hourly, err = lockSource(ctx, tx, r.source); by.Source == 0 &&
		(errors.Is(err, ErrSuspended) || errors.Is(err, ErrKeyRevoked)) {
		err = nil
	}
	if err != nil {
		return r, 0, err
	}
	r, err = findRow(ctx, tx, `records.id = $1`, record) // as it is now
	if err == nil && by.Source != 0 && r.upheld && r.isLive() {
		err = ErrDecided
	}
	return r, hourly, err
}

// checkEnds limits how many people one source frees in an hour.
func checkEnds(ctx context.Context, tx *sql.Tx, by Actor, r row, hourly int, now int64) error {
	if by.Source == 0 || r.state != InForce || !r.Kind.Strict() {
		return nil
	}
	var lately int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM events JOIN records ON records.id = record
		WHERE events.source = $1
		AND what IN ('corrected', 'withdrawn') AND events.at > $2 AND state = 'ended' AND `+strict,
		by.Source, now-int64(time.Hour/time.Second)).Scan(&lately)
	if err == nil && lately >= hourly {
		err = ErrTooManyEnds
	}
	return err
}

// end takes a record out of force, or away from those that wait.
func (r row) end(ctx context.Context, tx *sql.Tx, what string, by Actor, why string, now int64) error {
	next := map[string]string{InForce: Ended, Waiting: Discarded}[r.state]
	if _, err := tx.ExecContext(ctx, `UPDATE records SET state = $2 WHERE id = $1`, r.id, next); err != nil {
		return err
	}
	return note(ctx, tx, r.id, what, by, why, now)
}

// RecordOf finds the record in force or waiting that has a source's sample number, or else the last
// one that had it.
func (s *Store) RecordOf(ctx context.Context, source int64, sample string) (id int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT id FROM records WHERE source = $1 AND sample = $2
		ORDER BY CASE WHEN `+live+` THEN 0 ELSE 1 END, id DESC LIMIT 1`, source, sample).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("find a sample: %w", notFound(err))
	}
	return id, nil
}

// EntryOf returns what a record says, for a correction of parts of it. Errors: ErrNotFound.
func (s *Store) EntryOf(ctx context.Context, by Actor, record int64) (e Entry, source Source, err error) {
	err = s.look(ctx, func(tx *sql.Tx) error {
		r, err := findRow(ctx, tx, `records.id = $1`, record)
		if err == nil && by.Source != 0 && by.Source != r.source {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		e, source.ID = r.Entry, r.source
		if e.Sample = ""; e.number() != r.Sample {
			e.Sample = r.Sample
		}
		return tx.QueryRowContext(ctx, `SELECT name, kind FROM sources WHERE id = $1`,
			r.source).Scan(&source.Name, &source.Kind)
	})
	if err != nil {
		return Entry{}, Source{}, fmt.Errorf("read a record: %w", err)
	}
	return e, source, nil
}

// Correct replaces a record that is in force or waits. The same correction again changes nothing.
// Where the next record makes more people red or yellow than the source's limit allows, it waits;
// the replaced one has ended all the same. Errors: ErrNotFound, ErrEnded, ErrUnchanged,
// ErrTooManyEnds, ErrTooManyWait, ErrDecided, ErrSuspended, ErrKeyRevoked, and ErrConflict for a
// sample number that another record has.
func (s *Store) Correct(ctx context.Context, by Actor, record int64, next Entry, why string,
	now time.Time) (Outcome, error) {
	var to Outcome
	err := s.change(ctx, func(tx *sql.Tx) error {
		to = Outcome{}
		old, hourly, err := lockRow(ctx, tx, by, record)
		if err != nil {
			return err
		}
		if !old.isLive() {
			return corrected(ctx, tx, old, next, &to)
		}
		if next.number() == old.Sample && same(next, old.Entry) {
			return ErrUnchanged
		}
		if err := checkEnds(ctx, tx, by, old, hourly, now.Unix()); err != nil {
			return err
		}
		in := &intake{tx: tx, by: by, source: old.source, hourly: hourly, now: now.Unix()}
		if err := in.replace(ctx, old, next, why, &to); err != nil {
			return err
		}
		return newPeople(ctx, tx, in.fresh)
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("correct a record: %w", err)
	}
	return to, nil
}

// corrected recognises a correction that came before: its answer was lost.
func corrected(ctx context.Context, tx *sql.Tx, old row, next Entry, to *Outcome) error {
	r, err := findRow(ctx, tx, `replaces = $1`, old.id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err != nil || !r.isLive() || r.Sample != next.number() || !same(r.Entry, next) {
		return ErrEnded
	}
	*to = Outcome{Record: r.id, Known: true, Waits: r.state == Waiting}
	return nil
}

func (in *intake) replace(ctx context.Context, old row, next Entry, why string, to *Outcome) error {
	if err := old.end(ctx, in.tx, Corrected, in.by, why, in.now); err != nil {
		return err
	}
	if err := in.recall(ctx, next, to); err != nil {
		return err
	}
	switch {
	case to.Known || errors.Is(to.Err, ErrConflict):
		return ErrConflict
	case errors.Is(to.Err, ErrDecided) && in.by.Source != 0:
		return ErrDecided
	}
	*to = Outcome{} // what was withdrawn before is entered again: a person says so
	// Who corrects the date of a positive result makes nobody red who was not.
	worse := old.state != InForce || old.Kind != next.Kind || old.IIN != next.IIN
	if in.by.Source != 0 && worse {
		if err := in.count(ctx); err != nil {
			return err
		}
		if in.limit(next.Kind, to); to.Err != nil {
			return to.Err
		}
	}
	t := taken{Entry: next, to: to}
	citizens := []int64{old.citizen}
	err := in.tx.QueryRowContext(ctx, `SELECT id FROM citizens WHERE iin = $1`, string(next.IIN)).Scan(&t.citizen)
	if err == nil {
		citizens = append(citizens, t.citizen)
	} else if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	slices.Sort(citizens) // as the publisher locks them
	for _, c := range slices.Compact(citizens) {
		if err := touchCitizen(ctx, in.tx, c); err != nil {
			return err
		}
	}
	return in.store(ctx, t, old.id)
}

// Withdraw ends a record that is in force or waits. The same again changes nothing. Errors:
// ErrNotFound, ErrEnded, ErrTooManyEnds, ErrDecided, ErrSuspended, ErrKeyRevoked.
func (s *Store) Withdraw(ctx context.Context, by Actor, record int64, why string, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		r, hourly, err := lockRow(ctx, tx, by, record)
		if err != nil {
			return err
		}
		if !r.isLive() {
			return ended(ctx, tx, r)
		}
		if err := checkEnds(ctx, tx, by, r, hourly, now.Unix()); err != nil {
			return err
		}
		if err := touchCitizen(ctx, tx, r.citizen); err != nil {
			return err
		}
		return r.end(ctx, tx, Withdrawn, by, why, now.Unix())
	})
	if err != nil {
		return fmt.Errorf("withdraw a record: %w", err)
	}
	return nil
}

// ended allows the withdrawal of what was withdrawn.
func ended(ctx context.Context, tx *sql.Tx, r row) error {
	var withdrawn bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM events WHERE record = $1 AND what = 'withdrawn')`,
		r.id).Scan(&withdrawn)
	if err == nil && !withdrawn {
		err = ErrEnded
	}
	return err
}

// Bulk is all that a source has entered since a time and that is in force or waits.
type Bulk struct {
	Last    int64 // the newest record
	Kinds   map[Kind]int
	Waiting int // of them
	People  []Affected
}

// Affected is one citizen with the records in force.
type Affected struct {
	Stay, Go []Record
}

// BulkOf looks at what WithdrawSince would withdraw. A source that is not there is ErrNotFound.
func (s *Store) BulkOf(ctx context.Context, name string, since time.Time) (Bulk, error) {
	b := Bulk{Kinds: map[Kind]int{}}
	err := s.look(ctx, func(tx *sql.Tx) error {
		var source int64
		if err := tx.QueryRowContext(ctx, `SELECT id FROM sources WHERE name = $1`, name).Scan(&source); err != nil {
			return notFound(err)
		}
		err := rows(ctx, tx, func(found *sql.Rows) error {
			var kind Kind
			var n, waiting int
			var last int64
			err := found.Scan(&kind, &n, &waiting, &last)
			b.Kinds[kind], b.Waiting, b.Last = n, b.Waiting+waiting, max(b.Last, last)
			return err
		}, `SELECT kind, COUNT(*), CAST(SUM(CASE state WHEN 'waiting' THEN 1 ELSE 0 END) AS BIGINT), MAX(id) FROM records
			WHERE source = $1 AND came >= $2 AND `+live+` GROUP BY kind`, source, since.Unix())
		if err != nil {
			return err
		}
		var citizen int64
		return rows(ctx, tx, func(found *sql.Rows) error {
			var r Record
			var of, at int64
			var goes bool
			if err := found.Scan(&of, &r.Kind, &at, &goes); err != nil {
				return err
			}
			if of != citizen {
				citizen, b.People = of, append(b.People, Affected{})
			}
			r.At = time.Unix(at, 0).UTC()
			a := &b.People[len(b.People)-1]
			if goes {
				a.Go = append(a.Go, r)
			} else {
				a.Stay = append(a.Stay, r)
			}
			return nil
		}, `SELECT citizen, kind, at, source = $1 AND came >= $2 FROM records WHERE state = 'in force' AND citizen IN
			(SELECT citizen FROM records WHERE source = $1 AND came >= $2 AND state = 'in force')
			ORDER BY citizen`, source, since.Unix())
	})
	if err != nil {
		return Bulk{}, fmt.Errorf("look at a source's records: %w", err)
	}
	return b, nil
}

// WithdrawSince withdraws all that a source has entered since a time, up to the newest record that
// the administrator has seen, and tells how many that were. A source that is not there is
// ErrNotFound.
func (s *Store) WithdrawSince(ctx context.Context, name string, since time.Time, last int64, person, why string,
	now time.Time) (n int, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		var source int64
		err := tx.QueryRowContext(ctx, `UPDATE sources SET hourly = hourly WHERE name = $1 RETURNING id`, name).Scan(&source)
		if err != nil {
			return notFound(err)
		}
		const which = `source = $1 AND came >= $2 AND id <= $3 AND ` + live
		_, err = tx.ExecContext(ctx, `UPDATE citizens SET `+dueWithMany(now)+`, touched = touched + 1
			WHERE id IN (SELECT citizen FROM records WHERE `+which+`)`, source, since.Unix(), last)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO events (record, what, person, at, why)
			SELECT id, 'withdrawn', $4, $5, $6 FROM records WHERE `+which, source, since.Unix(), last, person, now.Unix(), why)
		if err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `UPDATE records
			SET state = CASE state WHEN 'waiting' THEN 'discarded' ELSE 'ended' END
			WHERE `+which, source, since.Unix(), last)
		if err != nil {
			return err
		}
		gone, err := done.RowsAffected()
		n = int(gone)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("withdraw a source's records: %w", err)
	}
	return n, nil
}
