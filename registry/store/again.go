package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"time"
)

// ColourRule names a colour rule, by a SHA-256 of its text. Zero: no rule.
type ColourRule [sha256.Size]byte

// ColourRule is the rule that everybody was derived with, but for those who are due. Zero: a
// DeriveAgain has not come to its end, or nothing was derived yet.
func (s *Store) ColourRule(ctx context.Context) (rule ColourRule, err error) {
	var noted []byte
	err = s.read.QueryRowContext(ctx, `SELECT colour_rule FROM registry`).Scan(&noted)
	if err != nil {
		return rule, fmt.Errorf("ask for the colour rule: %w", notFound(err))
	}
	copy(rule[:], noted)
	return rule, nil
}

// DeriveAgain makes those due whose records may count: of the next limit citizens after that one;
// 0: from the start. It returns the last of them, or 0 where nobody follows, and how many are due
// now who were not. Until nobody follows the database has no colour rule, and then this one: so
// whoever takes over in between has everybody derived again, whatever its own rule is. The term
// must be that of the lease (ErrOvertaken).
//
// All in one transaction would keep laboratories waiting for minutes.
func (s *Store) DeriveAgain(
	ctx context.Context, term int64, rule ColourRule, after int64, limit int, now time.Time,
) (last int64, people int, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		var n int
		err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0), COUNT(*)
			FROM (SELECT id FROM citizens WHERE id > $1 ORDER BY id LIMIT $2) AS part`, after, limit).Scan(&last, &n)
		if err != nil {
			return err
		}
		to, noted := last, any(nil)
		if n < limit {
			last, noted = 0, rule[:]
		}
		if _, err := tx.ExecContext(ctx, `UPDATE registry SET colour_rule = $1`, noted); err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `UPDATE citizens SET due = $1
			WHERE id > $2 AND id <= $3 AND (due IS NULL OR due > $1) AND id IN
			(SELECT citizen FROM records WHERE citizen > $2 AND citizen <= $3 AND state = 'in force')`, now.Unix(), after, to)
		if err != nil {
			return err
		}
		made, err := done.RowsAffected()
		if err != nil {
			return err
		}
		people = int(made)
		return fence(ctx, tx, term)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("have everybody derived again: %w", err)
	}
	return last, people, nil
}
