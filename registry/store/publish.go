package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
)

// keepRetired is how long a blob stays available after the last manifest that named it: a door on a
// slow line may still be loading it.
const keepRetired = 2 * time.Minute

// Citizen is a citizen whose status is due.
type Citizen struct {
	ID      int64
	Records []Record // in force, without their sources
	Passes  []Pass
	touched int64
	due     int64
	group   group
}

// Pass is a credential's place in the status list.
type Pass struct {
	Index     uint64
	Revoked   bool
	Suspended bool
	New       bool              // no list holds it yet
	Held      statuslist.Status // at least as strict as this; Green, the mildest: nothing is held
}

// Derived is the outcome for one citizen.
type Derived struct {
	Citizen *Citizen
	Status  statuslist.Status
	Due     time.Time         // when to derive again; zero: only after news
	Other   statuslist.Status // what a disagreeing record would give
	Since   time.Time         // when the disagreement began; zero: no disagreement
}

// News is since when those are due, as DueAfter takes it, who have news.
var News = time.Unix(0, 0)

// News tells whether something has happened since the citizen was derived last. Others are due
// because time has passed, or with many at once.
func (c *Citizen) News() bool { return c.due <= 0 }

// dueWithMany lets citizens be due now, with many others. Those with news come first.
func dueWithMany(now time.Time) string {
	return fmt.Sprintf(`due = CASE WHEN due < %[1]d THEN due ELSE %[1]d END`, now.Unix())
}

// DueAt is since when the citizen is due; long ago: with news.
func (c *Citizen) DueAt() time.Time { return time.Unix(c.due, 0) }

// AfterNews is where DueAfter goes on after all citizens with news.
func AfterNews() *Citizen { return &Citizen{ID: math.MaxInt64} }

// Due lists at most limit citizens whose status may have changed by now, those with news first,
// then those who are due for longest.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]*Citizen, error) {
	return s.DueAfter(ctx, nil, now, limit)
}

// DueAfter goes on after a citizen that was listed; nil: from the start. News since then may be
// about somebody who would have followed: only a new Due is sure to find everybody.
func (s *Store) DueAfter(ctx context.Context, after *Citizen, now time.Time, limit int) ([]*Citizen, error) {
	var due []*Citizen
	err := s.look(ctx, func(tx *sql.Tx) error {
		byID := map[int64]*Citizen{}
		var ids []int64
		err := whoIsDue(ctx, tx, after, now, limit, func(found *sql.Rows) error {
			c := &Citizen{}
			err := found.Scan(&c.ID, &c.touched, &c.due, &c.group.region, &c.group.status)
			due, byID[c.ID], ids = append(due, c), c, append(ids, c.ID)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		slices.Sort(ids)
		which := literals(ids)
		err = rows(ctx, tx, func(found *sql.Rows) error {
			var citizen, at int64
			var r Record
			err := found.Scan(&citizen, &r.Kind, &at, &r.Upheld)
			if c := byID[citizen]; c != nil {
				r.At = time.Unix(at, 0).UTC()
				c.Records = append(c.Records, r)
			}
			return err
		}, `SELECT citizen, kind, at, upheld IS NOT NULL FROM records WHERE state = 'in force' AND citizen IN `+which)
		if err != nil {
			return err
		}
		return rows(ctx, tx, func(found *sql.Rows) error {
			var citizen, index int64
			var p Pass
			err := found.Scan(&citizen, &index, &p.Revoked, &p.Suspended, &p.New, &p.Held)
			if c := byID[citizen]; c != nil {
				p.Index = uint64(index)
				c.Passes = append(c.Passes, p)
			}
			return err
		}, `SELECT citizen, credentials.idx, revoked IS NOT NULL, suspended IS NOT NULL, version IS NULL, `+heldStatus+`
			FROM credentials LEFT JOIN held ON held.idx = credentials.idx WHERE citizen IN `+which)
	})
	if err != nil {
		return nil, fmt.Errorf("list who is due: %w", err)
	}
	return due, nil
}

// whoIsDue takes the next rows of those who are due. It does not ask for (due, id) > ($1, $2):
// SQLite would walk through all who are due at the same moment.
func whoIsDue(ctx context.Context, tx *sql.Tx, after *Citizen, now time.Time, limit int, take func(*sql.Rows) error) error {
	const who = `SELECT id, touched, due, COALESCE(region, ''), status FROM citizens WHERE `
	before := int64(math.MinInt64)
	if after != nil {
		before = after.due
		err := rows(ctx, tx, func(found *sql.Rows) error { limit--; return take(found) },
			who+`due = $1 AND id > $2 AND due <= $3 ORDER BY id LIMIT $4`, before, after.ID, now.Unix(), limit)
		if err != nil || limit == 0 {
			return err
		}
	}
	return rows(ctx, tx, take, who+`due > $1 AND due <= $2 ORDER BY due, id LIMIT $3`, before, now.Unix(), limit)
}

// literals writes whole numbers into a statement. There are thousands of them, and both drivers are
// far slower with so many parameters.
func literals[T int64 | uint64](numbers []T) string {
	text := []byte{'('}
	for i, n := range numbers {
		if i > 0 {
			text = append(text, ',')
		}
		text = fmt.Append(text, n)
	}
	return string(append(text, ')'))
}

// NextDue returns when the next citizen is due; zero: nobody is.
func (s *Store) NextDue(ctx context.Context) (time.Time, error) {
	var due sql.NullInt64
	if err := s.read.QueryRowContext(ctx, `SELECT MIN(due) FROM citizens WHERE due IS NOT NULL`).Scan(&due); err != nil {
		return time.Time{}, fmt.Errorf("ask who is due next: %w", err)
	}
	return moment(due), nil
}

// Issued returns the number of credentials, or slightly more.
func (s *Store) Issued(ctx context.Context) (uint64, error) {
	var n int64
	if err := s.read.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) FROM credentials`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the credentials: %w", err)
	}
	return uint64(n), nil
}

// PutDerived stores outcomes, at most as many in one transaction as leave the database to others
// again soon. What they change in the list was published before: until it is stored, its citizens
// stay due and derive to the same. It leaves out everybody with news since Due: they stay due, too.
// The term must be that of the lease (ErrOvertaken): another registry's list may differ.
//
// PostgreSQL is slower at it than at all the rest of a mass change: it stores from two connections
// at once.
func (s *Store) PutDerived(ctx context.Context, term int64, derived []Derived) error {
	writers, ctx := errgroup.WithContext(ctx)
	if writers.SetLimit(2); s.sqlite() {
		writers.SetLimit(1)
	}
	for some := range slices.Chunk(derived, atOnce) {
		writers.Go(func() error {
			return s.change(ctx, func(tx *sql.Tx) error {
				if err := putDerived(ctx, tx, some); err != nil {
					return err
				}
				return fence(ctx, tx, term)
			})
		})
	}
	if err := writers.Wait(); err != nil {
		return fmt.Errorf("store derived statuses: %w", err)
	}
	return nil
}

const (
	atOnce       = 5000 // outcomes in one transaction
	perStatement = 500  // rows
)

func putDerived(ctx context.Context, tx *sql.Tx, derived []Derived) error {
	change := map[group]int{}
	for some := range slices.Chunk(derived, perStatement) {
		var outcomes []byte
		byID := map[int64]Derived{}
		for i, c := range some {
			if i > 0 {
				outcomes = append(outcomes, ',')
			}
			other := sql.NullInt64{Int64: int64(c.Other), Valid: !c.Since.IsZero()}
			outcomes = fmt.Appendf(outcomes, "(%d,%d,%d,%s,%s,%s,%d)", c.Citizen.ID, c.Citizen.touched, c.Status,
				literal(unix(c.Due)), literal(other), literal(unix(c.Since)), c.Citizen.group.status)
			byID[c.Citizen.ID] = c
		}
		// The sums follow what is really written: a new region is news, and two registries may
		// derive the same status when one takes over from the other.
		err := rows(ctx, tx, func(found *sql.Rows) error {
			var id int64
			err := found.Scan(&id)
			c := byID[id]
			change[c.Citizen.group]--
			change[group{c.Citizen.group.region, c.Status}]++
			return err
		}, `UPDATE citizens SET status = v.column3, due = CAST(v.column4 AS BIGINT),
			other = CAST(v.column5 AS INTEGER), since = CAST(v.column6 AS BIGINT)
			FROM (VALUES `+string(outcomes)+`) AS v
			WHERE citizens.id = v.column1 AND citizens.touched = v.column2 AND citizens.status = v.column7 RETURNING id`)
		if err != nil {
			return err
		}
	}
	return addPeople(ctx, tx, change)
}

func literal(n sql.NullInt64) string {
	if !n.Valid {
		return "NULL"
	}
	return strconv.FormatInt(n.Int64, 10)
}

// issue notes that this edition is the first to hold these passes. Due found their indexes, so they
// are in the list also if there was news since.
func issue(ctx context.Context, tx *sql.Tx, fresh []uint64, at statuslist.Edition) error {
	for some := range slices.Chunk(fresh, perStatement) {
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`UPDATE credentials SET epoch = %d, version = %d
			WHERE version IS NULL AND idx IN %s`, at.Epoch, at.Version, literals(some)))
		if err != nil {
			return err
		}
	}
	return nil
}

func putBlob(ctx context.Context, tx *sql.Tx, data []byte) error {
	hash := api.HashOf(data)
	_, err := tx.ExecContext(ctx, `INSERT INTO blobs (hash, data) VALUES ($1, $2)
		ON CONFLICT (hash) DO UPDATE SET retired = NULL`, hash[:], data)
	return err
}

// Blob returns a published blob; ErrNotFound for any other.
func (s *Store) Blob(ctx context.Context, h api.Hash) ([]byte, error) {
	var data []byte
	if err := s.read.QueryRowContext(ctx, `SELECT data FROM blobs WHERE hash = $1`, h[:]).Scan(&data); err != nil {
		return nil, fmt.Errorf("read a blob: %w", notFound(err))
	}
	return data, nil
}

// Published returns the current manifest without its times and the next turnover. ErrNotFound:
// nothing was published yet.
func (s *Store) Published(ctx context.Context) (api.Manifest, error) {
	var m api.Manifest
	err := s.look(ctx, func(tx *sql.Tx) error {
		var version, epoch, generation int64
		var rules, keys []byte
		err := tx.QueryRowContext(ctx, `SELECT version, epoch, list, rules, keys, generation, issued FROM registry`).
			Scan(&version, &epoch, &m.List, &rules, &keys, &generation, &m.Issued)
		if err != nil {
			return notFound(err)
		}
		m.Version, m.Epoch, m.Rules, m.Keys = uint64(version), uint32(epoch), api.Hash(rules), api.Hash(keys)
		m.Generation = uint32(generation)
		if err := readEpochs(ctx, tx, &m); err != nil {
			return err
		}
		if err := readSections(ctx, tx, &m); err != nil {
			return err
		}
		return readDeltas(ctx, tx, &m)
	})
	if err != nil {
		return api.Manifest{}, fmt.Errorf("read what is published: %w", err)
	}
	return m, nil
}

func readEpochs(ctx context.Context, tx *sql.Tx, m *api.Manifest) error {
	return rows(ctx, tx, func(found *sql.Rows) error {
		var end nullEdition
		err := found.Scan(&end.epoch, &end.version)
		m.Ended = append(m.Ended, api.Ended(end.edition()))
		return err
	}, `SELECT epoch, version FROM epochs ORDER BY epoch`)
}

func readSections(ctx context.Context, tx *sql.Tx, m *api.Manifest) error {
	return rows(ctx, tx, func(found *sql.Rows) error {
		var id, version, since, size int64
		var blob []byte
		if err := found.Scan(&id, &version, &since, &size, &blob); err != nil {
			return err
		}
		if id != int64(len(m.Sections)) {
			return fmt.Errorf("section %d is missing", len(m.Sections))
		}
		m.Sections = append(m.Sections, api.Section{Version: uint64(version), Changed: uint64(since), Size: uint32(size), Blob: api.Hash(blob)})
		return nil
	}, `SELECT id, version, changed, size, blob FROM sections ORDER BY id`)
}

func readDeltas(ctx context.Context, tx *sql.Tx, m *api.Manifest) error {
	m.Deltas = make([][]api.Delta, Levels)
	return rows(ctx, tx, func(found *sql.Rows) error {
		var level int
		var from, to, size int64
		var blob []byte
		if err := found.Scan(&level, &from, &to, &size, &blob); err != nil {
			return err
		}
		if level >= Levels {
			return fmt.Errorf("a delta of level %d", level)
		}
		m.Deltas[level] = append(m.Deltas[level], api.Delta{From: uint64(from), To: uint64(to), Size: uint32(size), Blob: api.Hash(blob)})
		return nil
	}, `SELECT level, from_version, to_version, size, blob FROM deltas ORDER BY level, to_version DESC`)
}

// Publish makes next the current manifest, with its new blobs and the new passes (their indexes),
// which it is the first to hold, all or nothing. The outcomes of whom was derived for it are for
// PutDerived afterwards. Its version must follow the current one, and the term be that of the lease
// (ErrOvertaken). Publish drops blobs that no manifest has named for a while.
func (s *Store) Publish(ctx context.Context, term int64, next api.Manifest, blobs [][]byte, fresh []uint64, now time.Time) error {
	if next.Version > math.MaxInt64 {
		return fmt.Errorf("publish: version %d does not fit the database", next.Version)
	}
	err := s.change(ctx, func(tx *sql.Tx) error {
		if err := putRegistry(ctx, tx, next, now); err != nil {
			return err
		}
		added := map[api.Hash]bool{}
		for _, data := range blobs {
			if err := putBlob(ctx, tx, data); err != nil {
				return err
			}
			added[api.HashOf(data)] = true
		}
		for id, section := range next.Sections {
			if err := putSection(ctx, tx, id, section); err != nil {
				return err
			}
		}
		for level, deltas := range next.Deltas {
			if err := putDeltas(ctx, tx, level, deltas, added); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM list_keys WHERE generation < $1`, int64(next.Generation)); err != nil {
			return err
		}
		if err := issue(ctx, tx, fresh, next.Edition()); err != nil {
			return err
		}
		if err := tidy(ctx, tx, now); err != nil {
			return err
		}
		return fence(ctx, tx, term)
	})
	if err != nil {
		return fmt.Errorf("publish version %d: %w", next.Version, err)
	}
	return nil
}

func putRegistry(ctx context.Context, tx *sql.Tx, next api.Manifest, now time.Time) error {
	values := []any{int64(next.Version), next.List, next.Rules[:], next.Keys[:], int64(next.Generation), next.Issued}
	if next.Version == 1 {
		done, err := changed(tx.ExecContext(ctx, `INSERT INTO registry (one, version, epoch, list, rules, keys, generation, issued, wanted)
			VALUES (1, $1, 0, $2, $3, $4, $5, $6, 0) ON CONFLICT DO NOTHING`, values...))
		if err == nil && !done {
			err = ErrOvertaken
		}
		if err != nil {
			return err
		}
		return firstRules(ctx, tx, next.Rules, now)
	}
	done, err := changed(tx.ExecContext(ctx, `UPDATE registry SET version = $1, list = $2, rules = $3, keys = $4, generation = $5,
		issued = $6 WHERE version = $1 - 1`, values...))
	if err == nil && !done {
		err = ErrOvertaken
	}
	return err
}

// putSection writes a section that changed or whose blob did.
func putSection(ctx context.Context, tx *sql.Tx, id int, section api.Section) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO sections (id, version, changed, size, blob) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version, changed = excluded.changed, size = excluded.size, blob = excluded.blob
		WHERE sections.changed <> excluded.changed OR sections.blob <> excluded.blob`,
		id, int64(section.Version), int64(section.Changed), int64(section.Size), section.Blob[:])
	return err
}

// Levels is how many levels of deltas a manifest has.
const Levels = 6

// putDeltas writes the deltas of a level, of which those in added are new, and drops all others.
func putDeltas(ctx context.Context, tx *sql.Tx, level int, deltas []api.Delta, added map[api.Hash]bool) error {
	oldest := int64(math.MaxInt64)
	for _, d := range deltas {
		oldest = int64(d.To)
		if !added[d.Blob] {
			continue
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO deltas (level, from_version, to_version, size, blob) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (level, to_version) DO UPDATE SET size = excluded.size, blob = excluded.blob`,
			level, int64(d.From), int64(d.To), int64(d.Size), d.Blob[:])
		if err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM deltas WHERE level = $1 AND to_version < $2`, level, oldest)
	return err
}

func tidy(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE blobs SET retired = $1 WHERE retired IS NULL AND hash NOT IN (
		SELECT blob FROM sections UNION SELECT blob FROM deltas UNION SELECT rules FROM registry
		UNION SELECT document FROM rules UNION SELECT keys FROM registry)`,
		now.Unix())
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM blobs WHERE retired < $1`, now.Add(-keepRetired).Unix()); err != nil {
		return err
	}
	return dropCounts(ctx, tx, now)
}
