package store

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// What the comparison of laboratories and PCR portal looks at.
const (
	comparedFor  = 30 * 24 * time.Hour // since the entry
	missingAfter = 24 * time.Hour      // the other side may be late
	maxCases     = 100
	maxMissing   = 100
)

// Comparison counts the tests of laboratories and PCR portal in the last 30 days.
type Comparison struct {
	Portal        bool      `json:"portal"`        // there is one; without it nothing is missing
	Matched       int       `json:"matched"`       // of the portal's records
	Contradicting int       `json:"contradicting"` // of the portal's records
	AtLaboratory  int       `json:"at_laboratory"` // the portal's records that no laboratory has after 24 hours
	AtPortal      int       `json:"at_portal"`     // laboratories' records that the portal has not after 24 hours
	OldestThere   time.Time `json:"oldest_at_laboratory,omitzero"`
	OldestHere    time.Time `json:"oldest_at_portal,omitzero"`
	Missing       []Missing `json:"missing"` // the oldest first, at most 100
}

// Missing is a test that one side has and the other one has not.
type Missing struct {
	At     string    `json:"at"` // the kind of source that lacks it
	Source string    `json:"source"`
	Sample string    `json:"sample"`
	Kind   Kind      `json:"kind"`
	Came   time.Time `json:"came"`
}

// Case is a citizen about whom records disagree or who disputes one.
type Case struct {
	IIN     string    `json:"iin"`
	Why     []string  `json:"why"`   // CaseColours, CaseComparison, CaseDispute
	Since   time.Time `json:"since"` // of the newest of these
	Records []Kept    `json:"records"`
}

// Why somebody has to look at a person's records.
const (
	CaseColours    = "colours"    // a fresh negative beside a positive or a contact
	CaseComparison = "comparison" // laboratory and portal say different things about a test
	CaseDispute    = "dispute"    // the citizen says that a record is wrong
)

// Cases are what the administrator has to settle.
type Cases struct {
	Comparison Comparison `json:"comparison"`
	Cases      []Case     `json:"cases"` // the newest first, at most 100
}

// pairs finds for each of the portal's records those of laboratories about the same test: with the
// same sample of the named laboratory or, where the portal names none, of the same person and day
// in Kazakhstan. Both in force; $1 is the oldest entry. All that is asked about them is one
// statement, compare, because finding them is nearly all of its work.
const pairs = `WITH pairs AS MATERIALIZED (
	SELECT p.id AS portal, l.id AS lab, ` + agree + ` FROM records p
		JOIN sources sp ON sp.id = p.source AND sp.kind = 'pcr-portal'
		JOIN sources sl ON sl.name = p.laboratory AND sl.kind = 'laboratory'
		JOIN records l ON l.source = sl.id AND l.sample = p.sample AND l.state = 'in force'
		WHERE p.state = 'in force' AND p.came > $1
	UNION ALL
	SELECT p.id AS portal, l.id AS lab, ` + agree + ` FROM records p
		JOIN sources sp ON sp.id = p.source AND sp.kind = 'pcr-portal'
		JOIN records l ON l.citizen = p.citizen AND l.state = 'in force' AND (l.at + 18000) / 86400 = (p.at + 18000) / 86400
		JOIN sources sl ON sl.id = l.source AND sl.kind = 'laboratory'
		WHERE p.state = 'in force' AND p.came > $1 AND p.laboratory = ''
)`

// compare has rows of four forms, each with a word, two numbers, four texts and another number.
// What one side lacks counts as missing if it was entered until $2.
const compare = pairs + `,
best AS MATERIALIZED (SELECT portal, MAX(agree) AS agree FROM pairs GROUP BY portal),
paired AS MATERIALIZED (SELECT portal AS id FROM pairs UNION SELECT lab FROM pairs),
missing AS MATERIALIZED (
	SELECT records.id, sources.kind AS has, name, sample, records.kind, came FROM records
	JOIN sources ON sources.id = source
		LEFT JOIN paired ON paired.id = records.id
		WHERE sources.kind IN ('pcr-portal', 'laboratory') AND state = 'in force' AND came > $1 AND came <= $2
		AND paired.id IS NULL
)
SELECT 'pairs', CAST(COALESCE(SUM(agree), 0) AS BIGINT), CAST(COALESCE(SUM(1 - agree), 0) AS BIGINT), '', '', '', '',
CAST(0 AS BIGINT) FROM best
UNION ALL
SELECT 'sum', COUNT(*), MIN(came), has, '', '', '', 0 FROM missing GROUP BY has
UNION ALL
SELECT * FROM (SELECT 'missing', 0, came, has, name, sample, kind, id FROM missing ORDER BY came, id LIMIT $3) AS oldest
UNION ALL
SELECT * FROM (SELECT 'case', p.citizen, CASE WHEN p.came > l.came THEN p.came ELSE l.came END AS since, '', '', '',
'', l.id
	FROM best JOIN pairs ON pairs.portal = best.portal JOIN records p ON p.id = best.portal
	JOIN records l ON l.id = pairs.lab
	WHERE best.agree = 0 ORDER BY since DESC LIMIT $4) AS newest`

const agree = `CASE WHEN p.citizen = l.citizen AND p.kind = l.kind
	OR p.upheld IS NOT NULL AND l.upheld IS NOT NULL THEN 1 ELSE 0 END AS agree`

// Cases looks for what the administrator has to settle.
func (s *Store) Cases(ctx context.Context, now time.Time) (Cases, error) {
	c := Cases{Comparison: Comparison{Missing: []Missing{}}, Cases: []Case{}}
	err := s.look(ctx, func(tx *sql.Tx) error {
		return c.read(ctx, tx, now)
	})
	if err != nil {
		return Cases{}, fmt.Errorf("look for cases: %w", err)
	}
	return c, nil
}

// read also tells about each of a laboratory's records that contradicts the portal's about a
// citizen.
func (c *Comparison) read(ctx context.Context, tx *sql.Tx, now time.Time,
	contradicts func(citizen, lab int64, since time.Time)) error {
	since, late := now.Add(-comparedFor).Unix(), now.Add(-missingAfter).Unix()
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sources WHERE kind = 'pcr-portal')`).Scan(&c.Portal)
	if err != nil || !c.Portal {
		return err
	}
	lacks := map[string]string{"pcr-portal": "laboratory", "laboratory": "pcr-portal"}
	return rows(ctx, tx, func(found *sql.Rows) error {
		var what, has, name, sample, kind string
		var n, at, id int64
		if err := found.Scan(&what, &n, &at, &has, &name, &sample, &kind, &id); err != nil {
			return err
		}
		when := time.Unix(at, 0).UTC()
		switch {
		case what == "pairs":
			c.Matched, c.Contradicting = int(n), int(at)
		case what == "sum" && has == "pcr-portal":
			c.AtLaboratory, c.OldestThere = int(n), when
		case what == "sum":
			c.AtPortal, c.OldestHere = int(n), when
		case what == "missing":
			c.Missing = append(c.Missing, Missing{lacks[has], name, sample, Kind(kind), when})
		default:
			contradicts(n, id, when)
		}
		return nil
	}, compare, since, late, maxMissing, maxCases)
}

func (c *Cases) read(ctx context.Context, tx *sql.Tx, now time.Time) error {
	found := map[int64]*Case{}
	others := map[int64][]int64{} // records of other people about the same test, by citizen
	add := func(citizen int64, why string, since time.Time) {
		one, ok := found[citizen]
		if !ok {
			one = &Case{}
			found[citizen] = one
		}
		if !slices.Contains(one.Why, why) {
			one.Why = append(one.Why, why)
		}
		if since.After(one.Since) {
			one.Since = since
		}
	}
	for why, query := range map[string]string{
		CaseColours: `SELECT id, since FROM citizens WHERE since IS NOT NULL ORDER BY since DESC LIMIT $1`,
		CaseDispute: `SELECT citizen, disputed FROM records WHERE disputed IS NOT NULL AND state = 'in force'
			ORDER BY disputed DESC LIMIT $1`,
	} {
		err := rows(ctx, tx, func(r *sql.Rows) error {
			var citizen, since int64
			err := r.Scan(&citizen, &since)
			add(citizen, why, time.Unix(since, 0).UTC())
			return err
		}, query, maxCases)
		if err != nil {
			return err
		}
	}
	err := c.Comparison.read(ctx, tx, now, func(citizen, lab int64, since time.Time) {
		add(citizen, CaseComparison, since)
		others[citizen] = append(others[citizen], lab)
	})
	if err != nil {
		return err
	}
	newest := slices.SortedFunc(maps.Keys(found), func(a, b int64) int {
		return cmp.Or(found[b].Since.Compare(found[a].Since), cmp.Compare(a, b))
	})
	for _, citizen := range newest[:min(len(newest), maxCases)] {
		one := found[citizen]
		if err := tx.QueryRowContext(ctx, `SELECT iin FROM citizens WHERE id = $1`, citizen).Scan(&one.IIN); err != nil {
			return err
		}
		slices.Sort(one.Why)
		which, args := `SELECT id FROM records WHERE state = 'in force' AND (citizen = $1`, []any{citizen}
		for _, id := range others[citizen] {
			args = append(args, id)
			which += fmt.Sprintf(` OR id = $%d`, len(args))
		}
		if one.Records, err = kept(ctx, tx, which+`)`, args...); err != nil {
			return err
		}
		c.Cases = append(c.Cases, *one)
	}
	return nil
}

// Settle writes the administrator's decision: which records stand and which end. A record that is
// not in force is ErrEnded, and nothing was changed.
func (s *Store) Settle(ctx context.Context, stand, end []int64, person, why string, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		records, err := lockRows(ctx, tx, slices.Concat(stand, end))
		if err != nil {
			return err
		}
		by := Actor{Person: person}
		for _, r := range records {
			// The case is gone at once; where records still disagree, the publisher finds that.
			_, err := tx.ExecContext(ctx, `UPDATE citizens SET due = 0, touched = touched + 1, other = NULL, since = NULL
				WHERE id = $1`, r.citizen)
			if err != nil {
				return err
			}
			if slices.Contains(end, r.id) {
				err = r.end(ctx, tx, Settled, by, why, now.Unix())
			} else {
				err = r.uphold(ctx, tx, by, why, now.Unix())
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle a case: %w", err)
	}
	return nil
}

func (r row) uphold(ctx context.Context, tx *sql.Tx, by Actor, why string, now int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE records SET upheld = $2, disputed = NULL WHERE id = $1`, r.id,
		now); err != nil {
		return err
	}
	return note(ctx, tx, r.id, Upheld, by, why, now)
}

// lockRows finds records in force, with their sources locked, in the order of their citizens.
func lockRows(ctx context.Context, tx *sql.Tx, ids []int64) ([]row, error) {
	records := make([]row, len(ids))
	var sources []int64
	for i, id := range ids {
		var err error
		if records[i], err = findRow(ctx, tx, `records.id = $1`, id); err != nil {
			return nil, err
		}
		sources = append(sources, records[i].source)
	}
	slices.Sort(sources)
	for _, source := range slices.Compact(sources) {
		_, err := lockSource(ctx, tx, source)
		if err != nil && !errors.Is(err, ErrSuspended) && !errors.Is(err, ErrKeyRevoked) {
			return nil, err
		}
	}
	for i, id := range ids {
		var err error
		if records[i], err = findRow(ctx, tx, `records.id = $1`, id); err != nil {
			return nil, err
		}
		if records[i].state != InForce {
			return nil, ErrEnded
		}
	}
	slices.SortFunc(records, func(a, b row) int { return cmp.Compare(a.citizen, b.citizen) })
	return records, nil
}

// citizenPerson is how the log names who disputes a record.
const citizenPerson = "citizen"

// Dispute notes that the owner of a phone says that the records behind a red or yellow status are
// wrong. Once is enough: the same again changes nothing. Errors: ErrNotFound, ErrDecided where the
// administrator has settled that all of them stand.
func (s *Store) Dispute(ctx context.Context, phone ed25519.PublicKey, why string, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		citizen, err := ownerOf(ctx, tx, phone)
		if err != nil {
			return err
		}
		const which = ` FROM records WHERE citizen = $1 AND state = 'in force' AND ` + strict
		var all, open int
		err = tx.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE WHEN upheld IS NULL THEN 1 END)`+which,
			citizen).Scan(&all, &open)
		switch {
		case err != nil:
			return err
		case all == 0:
			return ErrNotFound
		case open == 0:
			return ErrDecided
		}
		var ids []int64
		err = rows(ctx, tx, func(found *sql.Rows) error {
			var id int64
			err := found.Scan(&id)
			ids = append(ids, id)
			return err
		}, `UPDATE records SET disputed = $2 WHERE citizen = $1 AND state = 'in force' AND upheld IS NULL
			AND disputed IS NULL AND `+strict+` RETURNING id`,
			citizen, now.Unix())
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := note(ctx, tx, id, Disputed, Actor{Person: citizenPerson}, why, now.Unix()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("dispute a record: %w", err)
	}
	return nil
}
