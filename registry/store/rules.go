package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// Errors of the rules' versions.
var (
	ErrRulesChanged = errors.New("the rules have changed meanwhile")
	ErrSamePerson   = errors.New("it needs a second person")
)

// RulesVersion is a version of the rules of entry. It never changes, except that somebody puts it
// in force.
type RulesVersion struct {
	Version   int64     `json:"version"`
	Hash      api.Hash  `json:"hash"`             // of its document
	Base      int64     `json:"base,omitempty"`   // the version that it changes; 0: it is the first one
	Person    string    `json:"person,omitempty"` // who stored it; empty: it came with the program
	At        time.Time `json:"at"`
	Why       string    `json:"why,omitempty"`
	Publisher string    `json:"publisher,omitempty"` // who put it in force; empty: nobody
	Published time.Time `json:"published,omitzero"`
}

const rulesColumns = `id, document, base, person, at, why, COALESCE(publisher, ''), published`

func scanRules(row interface{ Scan(...any) error }) (v RulesVersion, err error) {
	var hash []byte
	var at, published sql.NullInt64
	err = row.Scan(&v.Version, &hash, &v.Base, &v.Person, &at, &v.Why, &v.Publisher, &published)
	if err != nil {
		return v, err
	}
	v.Hash, v.At, v.Published = api.Hash(hash), moment(at), moment(published)
	return v, nil
}

func insertRules(ctx context.Context, tx *sql.Tx, v RulesVersion, now time.Time) (id int64, err error) {
	published := sql.NullInt64{Int64: now.Unix(), Valid: v.Publisher != ""}
	err = tx.QueryRowContext(ctx, `INSERT INTO rules (document, base, person, at, why, publisher, published)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
		v.Hash[:], v.Base, v.Person, now.Unix(), v.Why, known(v.Publisher), published).Scan(&id)
	return id, err
}

// firstRules stores the rules that came with the program.
func firstRules(ctx context.Context, tx *sql.Tx, hash api.Hash, now time.Time) error {
	id, err := insertRules(ctx, tx, RulesVersion{Hash: hash}, now)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE registry SET wanted = $1`, id)
	return err
}

// PutRules stores a document as the next version, with Base, Person and Why of v, and returns its
// number. With a Publisher it is in force; the publisher's loop then publishes it. Without, it
// waits for PublishRules. Errors: ErrRulesChanged where Base is not in force any more.
func (s *Store) PutRules(ctx context.Context, document []byte, v RulesVersion, now time.Time) (id int64, err error) {
	v.Hash = api.HashOf(document)
	err = s.change(ctx, func(tx *sql.Tx) error {
		if err := putBlob(ctx, tx, document); err != nil {
			return err
		}
		if id, err = insertRules(ctx, tx, v, now); err != nil {
			return err
		}
		next := v.Base
		if v.Publisher != "" {
			next = id
		}
		return force(ctx, tx, v.Base, next)
	})
	if err != nil {
		return 0, fmt.Errorf("store the rules: %w", err)
	}
	return id, nil
}

// force replaces the version in force. It locks the row: of two at once, one fails.
func force(ctx context.Context, tx *sql.Tx, from, to int64) error {
	done, err := changed(tx.ExecContext(ctx, `UPDATE registry SET wanted = $2 WHERE wanted = $1`, from, to))
	if err == nil && !done {
		err = ErrRulesChanged
	}
	return err
}

// PublishRules puts a waiting version in force. Errors: ErrNotFound, ErrExists where it was in
// force already, ErrSamePerson where the publisher has stored it, ErrRulesChanged.
func (s *Store) PublishRules(ctx context.Context, id int64, publisher string, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		v, err := scanRules(tx.QueryRowContext(ctx, `SELECT `+rulesColumns+` FROM rules WHERE id = $1`, id))
		switch {
		case err != nil:
			return notFound(err)
		case v.Person == "" || v.Publisher != "":
			return ErrExists
		case v.Person == publisher:
			return ErrSamePerson
		}
		if err := force(ctx, tx, v.Base, id); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE rules SET publisher = $2, published = $3 WHERE id = $1`, id, publisher, now.Unix())
		return err
	})
	if err != nil {
		return fmt.Errorf("publish version %d of the rules: %w", id, err)
	}
	return nil
}

// WantedRules is the version in force, published or not yet.
func (s *Store) WantedRules(ctx context.Context) (RulesVersion, error) {
	v, err := scanRules(s.read.QueryRowContext(ctx, `SELECT `+rulesColumns+` FROM rules
		WHERE id = (SELECT wanted FROM registry)`))
	if err != nil {
		return v, fmt.Errorf("ask for the rules in force: %w", notFound(err))
	}
	return v, nil
}

// RulesOf returns a version and its document. Errors: ErrNotFound.
func (s *Store) RulesOf(ctx context.Context, id int64) (v RulesVersion, document []byte, err error) {
	v, err = scanRules(s.read.QueryRowContext(ctx, `SELECT `+rulesColumns+` FROM rules WHERE id = $1`, id))
	if err == nil {
		document, err = s.Blob(ctx, v.Hash)
	}
	if err != nil {
		return v, nil, fmt.Errorf("read version %d of the rules: %w", id, notFound(err))
	}
	return v, document, nil
}

// RulesVersions lists versions, the newest first, at most limit of those before one; 0: of all.
func (s *Store) RulesVersions(ctx context.Context, before int64, limit int) ([]RulesVersion, error) {
	list := []RulesVersion{}
	err := s.look(ctx, func(tx *sql.Tx) error {
		return rows(ctx, tx, func(found *sql.Rows) error {
			v, err := scanRules(found)
			list = append(list, v)
			return err
		}, `SELECT `+rulesColumns+` FROM rules WHERE $1 = 0 OR id < $1 ORDER BY id DESC LIMIT $2`, before, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list the versions of the rules: %w", err)
	}
	return list, nil
}

// Checks are how many people doors of one kind, zone and region have judged in an hour, with one
// outcome.
type Checks struct {
	Kind, Zone string
	Region     string // code; empty: the doors are of no venue that is known here
	Hour       time.Time
	Name       string // as api.IsCount knows it
	N          int64
}

// ChecksBetween reads the counts of the hours that begin in [from, until).
func (s *Store) ChecksBetween(ctx context.Context, from, until time.Time) ([]Checks, error) {
	var list []Checks
	err := s.look(ctx, func(tx *sql.Tx) error {
		return rows(ctx, tx, func(found *sql.Rows) error {
			var c Checks
			var hour int64
			err := found.Scan(&c.Kind, &c.Zone, &c.Region, &hour, &c.Name, &c.N)
			c.Hour = time.Unix(hour, 0)
			list = append(list, c)
			return err
		}, `SELECT kind, zone, region, hour, name, n FROM kind_counts WHERE hour >= $1 AND hour < $2
			ORDER BY kind, zone, region, hour, name`, from.Unix(), until.Unix())
	})
	if err != nil {
		return nil, fmt.Errorf("read the checks: %w", err)
	}
	return list, nil
}
