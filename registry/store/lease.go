package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrOvertaken says that another registry publishes into this database.
var ErrOvertaken = errors.New("another registry publishes into this database")

// Lease says which of the registries over one database publishes. It is a row in a table, because
// all engines that speak PostgreSQL's protocol have tables and not all of them have other locks.
//
// The holder beats. Whoever sees the same beat for long enough, by its own clock, may take the
// lease: so no two clocks have to agree. The term grows with each holder, and a transaction that
// publishes or vouches checks it: one that has slept through the end of its lease changes nothing
// any more.
type Lease struct {
	Term    int64     // 0: nobody has published yet
	Holder  string    // empty: nobody, it was given back
	Beat    int64     // grows while the holder lives
	Looked  time.Time // the holders have found all up to date as of then; zero: never
	Worked  time.Time // when a holder last got on with a change that takes longer; zero: never
	Version uint64    // that is published; at least the one that was vouched for; 0: none yet
}

const beatOfLease = `COALESCE((SELECT n FROM beats WHERE beats.term = lease.term), 0)`

// Lease looks at the lease.
func (s *Store) Lease(ctx context.Context) (Lease, error) {
	var l Lease
	var looked, worked sql.NullInt64
	var version int64
	err := s.quick.QueryRowContext(ctx, `SELECT term, holder, looked, worked, `+beatOfLease+`,
		COALESCE((SELECT version FROM registry), 0) FROM lease`).Scan(&l.Term, &l.Holder, &looked, &worked, &l.Beat, &version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Lease{}, fmt.Errorf("look at the lease: %w", err)
	}
	l.Looked, l.Worked, l.Version = moment(looked), moment(worked), uint64(version)
	return l, nil
}

// TakeLease makes holder the one that publishes, if the lease is still as it was seen, and returns
// the new term. Errors: ErrOvertaken.
func (s *Store) TakeLease(ctx context.Context, seen Lease, holder string) (term int64, err error) {
	term = seen.Term + 1
	err = s.quickly(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO lease (one, term, holder) VALUES (1, 0, '')
			ON CONFLICT (one) DO NOTHING`)
		if err != nil {
			return err
		}
		took, err := changed(tx.ExecContext(ctx, `UPDATE lease SET term = $1, holder = $2
			WHERE term = $3 AND holder = $4 AND `+beatOfLease+` = $5`, term, holder, seen.Term, seen.Holder, seen.Beat))
		if err == nil && !took {
			err = ErrOvertaken
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO beats (one, term, n) VALUES (1, $1, 1)
			ON CONFLICT (one) DO UPDATE SET term = excluded.term, n = 1`, term)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("take the lease: %w", err)
	}
	return term, nil
}

// Beat shows that the holder lives. Errors: ErrOvertaken. Its row is another one than the lease's,
// so that neither waits for a transaction that publishes nor makes it start again.
func (s *Store) Beat(ctx context.Context, term int64) error {
	return s.asHolder(ctx, "renew the lease", `UPDATE beats SET n = n + 1 WHERE term = $1`, term)
}

// Vouch notes that all that was committed by then is published, and returns as of when that counts. A
// clock that is behind does not make the list older. But a time that the database's clock has not
// reached either came from a clock that was ahead: doors would take nothing until then. Errors:
// ErrOvertaken.
func (s *Store) Vouch(ctx context.Context, term int64, looked time.Time) (asOf time.Time, err error) {
	clock := `CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)`
	if s.sqlite() {
		clock = `unixepoch()`
	}
	err = s.quickly(ctx, func(tx *sql.Tx) error {
		var noted int64
		err := tx.QueryRowContext(ctx, `UPDATE lease SET looked = CASE
			WHEN looked > CAST($2 AS BIGINT) AND looked <= `+clock+` + $3 THEN looked ELSE CAST($2 AS BIGINT) END
			WHERE term = $1 RETURNING looked`, term, looked.Unix(), int64(ClocksDiffer.Seconds())).Scan(&noted)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrOvertaken
		}
		asOf = time.Unix(noted, 0).UTC()
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("vouch for the list: %w", err)
	}
	return asOf, nil
}

// ClocksDiffer is by how much machines' clocks may differ. Doors allow two minutes.
const ClocksDiffer = time.Minute

// Works notes that the holder gets on, where it cannot vouch for anything newer yet. Errors:
// ErrOvertaken.
func (s *Store) Works(ctx context.Context, term int64, at time.Time) error {
	return s.asHolder(ctx, "note that the publisher works", `UPDATE lease SET worked = $2 WHERE term = $1`, term, at.Unix())
}

// GiveLease gives the lease back, so that nobody has to wait for its end. Errors: ErrOvertaken.
func (s *Store) GiveLease(ctx context.Context, term int64) error {
	return s.asHolder(ctx, "give the lease back", `UPDATE lease SET holder = '' WHERE term = $1`, term)
}

func (s *Store) asHolder(ctx context.Context, doing, statement string, args ...any) error {
	err := s.quickly(ctx, func(tx *sql.Tx) error {
		done, err := changed(tx.ExecContext(ctx, statement, args...))
		if err == nil && !done {
			err = ErrOvertaken
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// fence lets a transaction commit only as the holder. It comes last in it: until the commit, nobody
// else can take the lease.
func fence(ctx context.Context, tx *sql.Tx, term int64) error {
	holds, err := changed(tx.ExecContext(ctx, `UPDATE lease SET term = term WHERE term = $1`, term))
	if err == nil && !holds {
		err = ErrOvertaken
	}
	return err
}

// quickly is change over connections that nothing else uses: a busy registry must not lose its
// lease.
func (s *Store) quickly(ctx context.Context, f func(*sql.Tx) error) error {
	if s.sqlite() {
		return s.change(ctx, f)
	}
	return again(func() error { return inTx(ctx, s.quick, nil, f) })
}

// Notify tells all registries that listen. Where the database cannot, it does nothing or returns an
// error: nothing may depend on it.
func (s *Store) Notify(ctx context.Context, channel, what string) error {
	if s.sqlite() {
		return nil
	}
	if _, err := s.quick.ExecContext(ctx, `SELECT pg_notify($1, $2)`, channel, what); err != nil {
		return fmt.Errorf("tell the other registries: %w", err)
	}
	return nil
}

// Listen calls ready when it listens, and heard for everything that is told, until ctx ends or the
// connection does.
func (s *Store) Listen(ctx context.Context, channel string, ready func(), heard func(what string)) error {
	conn, err := pgx.Connect(ctx, s.address)
	if err != nil {
		return fmt.Errorf("connect to listen: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `LISTEN `+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	ready()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		heard(n.Payload)
	}
}

// SameKeys notes what the keys of the first registry over this database look like (hashes of public
// keys), and returns the name of one that is different here; empty: all are the same.
func (s *Store) SameKeys(ctx context.Context, prints map[string]Secret) (different string, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		different = ""
		for name, print := range prints {
			_, err := tx.ExecContext(ctx, `INSERT INTO prints (name, print) VALUES ($1, $2)
				ON CONFLICT (name) DO NOTHING`, name, print[:])
			if err != nil {
				return err
			}
			var noted []byte
			err = tx.QueryRowContext(ctx, `SELECT print FROM prints WHERE name = $1`, name).Scan(&noted)
			if err != nil {
				return err
			}
			if string(noted) != string(print[:]) {
				different = name
			}
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("compare the keys with the database's: %w", err)
	}
	return different, nil
}

// Mark changes whenever the publisher has to look, or has looked, at the holder of a pass.
type Mark struct{ Touched, Due, Status int64 }

// Marks are those of the passes with these indexes.
func (s *Store) Marks(ctx context.Context, indexes []uint64) (map[uint64]Mark, error) {
	marks := map[uint64]Mark{}
	err := s.look(ctx, func(tx *sql.Tx) error {
		return rows(ctx, tx, func(found *sql.Rows) error {
			var index int64
			var m Mark
			err := found.Scan(&index, &m.Touched, &m.Due, &m.Status)
			marks[uint64(index)] = m
			return err
		}, `SELECT idx, touched, COALESCE(due, -1), status FROM credentials JOIN citizens ON citizens.id = citizen
			WHERE idx IN `+literals(indexes))
	})
	if err != nil {
		return nil, fmt.Errorf("ask for news of passes: %w", err)
	}
	return marks, nil
}
