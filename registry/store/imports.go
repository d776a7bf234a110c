package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// The states of an import.
const (
	Running     = "running"
	Finished    = "finished"
	Interrupted = "interrupted" // the registry stopped; the rows up to Import.Line are decided on
	Failed      = "failed"      // Import.Reason says why
)

// ErrRunning says that a source uploads one file at a time.
var ErrRunning = errors.New("another file of this source is being read")

// keepImports is how long a source can look at what became of a file.
const keepImports = 30 * 24 * time.Hour

// Import is a file of records, and how far the registry got with it.
type Import struct {
	ID      int64     `json:"id"`
	Person  string    `json:"person"`
	State   string    `json:"state"`
	Started time.Time `json:"started"`
	Alive   time.Time `json:"alive"` // when it last got on
	Size    int64     `json:"size"`  // bytes
	Done    int64     `json:"done"`  // of them
	Line    int       `json:"line"`  // the last one that was decided on
	Entered int       `json:"entered"`
	Known   int       `json:"known"`
	Waits   int       `json:"waits"`
	Refused int       `json:"refused"`
	Reason  string    `json:"reason,omitempty"`
}

// RowRefusal is a line that was not taken.
type RowRefusal struct {
	Line   int    `json:"line"`
	Field  string `json:"field"` // empty: the whole line
	Reason string `json:"reason"`
}

// StartImport begins a file. Errors: ErrRunning.
func (s *Store) StartImport(ctx context.Context, source int64, person string, size int64,
	now time.Time) (id int64, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		// Locking the source keeps two files from starting at the same moment.
		if _, err := tx.ExecContext(ctx, `UPDATE sources SET hourly = hourly WHERE id = $1`, source); err != nil {
			return err
		}
		var running bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM imports WHERE source = $1 AND state = 'running')`,
			source).Scan(&running)
		if err == nil && running {
			err = ErrRunning
		}
		if err != nil {
			return err
		}
		const old = `SELECT id FROM imports WHERE started < $1`
		for _, forget := range []string{`DELETE FROM import_refusals WHERE import IN (` + old + `)`, `DELETE FROM imports
			WHERE id IN (` + old + `)`} {
			if _, err := tx.ExecContext(ctx, forget, now.Add(-keepImports).Unix()); err != nil {
				return err
			}
		}
		return tx.QueryRowContext(ctx, `INSERT INTO imports (source, person, state, started, alive,
			size, done, line, entered, known, waits, refused, reason)
			VALUES ($1, $2, 'running', $3, $3, $4, 0, 0, 0, 0, 0, 0, '')
			RETURNING id`, source, person, now.Unix(), size).Scan(&id)
	})
	if err != nil {
		return 0, fmt.Errorf("start an import: %w", err)
	}
	return id, nil
}

// NoteImport writes down how far an import got, and what it refused since the last time.
// ErrNotFound says that it does not run any more.
func (s *Store) NoteImport(ctx context.Context, i Import, refused []RowRefusal, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		found, err := changed(tx.ExecContext(ctx, `UPDATE imports
			SET state = $2, alive = $3, done = $4, line = $5, entered = $6, known = $7,
			waits = $8, refused = $9, reason = $10 WHERE id = $1 AND state = 'running'`,
			i.ID, i.State, now.Unix(), i.Done, i.Line, i.Entered, i.Known, i.Waits, i.Refused, i.Reason))
		if err == nil && !found {
			err = ErrNotFound
		}
		for _, r := range refused {
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT INTO import_refusals (import, line, field, reason) VALUES ($1, $2, $3, $4)`,
					i.ID, r.Line, r.Field, r.Reason)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("note an import's progress: %w", err)
	}
	return nil
}

// InterruptImports ends those that have not got on since then: their registry has stopped.
func (s *Store) InterruptImports(ctx context.Context, since time.Time) error {
	_, err := s.write.ExecContext(ctx, `UPDATE imports SET state = 'interrupted' WHERE state = 'running' AND alive < $1`,
		since.Unix())
	if err != nil {
		return fmt.Errorf("mark interrupted imports: %w", err)
	}
	return nil
}

const importColumns = `SELECT id, person, state, started, alive, size, done, line, entered, known, waits, refused,
	reason FROM imports`

func (i *Import) scan(scan func(...any) error) error {
	var started, alive int64
	err := scan(&i.ID, &i.Person, &i.State, &started, &alive, &i.Size, &i.Done, &i.Line, &i.Entered, &i.Known, &i.Waits,
		&i.Refused, &i.Reason)
	i.Started, i.Alive = time.Unix(started, 0).UTC(), time.Unix(alive, 0).UTC()
	return err
}

// ImportOf returns one import of a source. Others' are ErrNotFound.
func (s *Store) ImportOf(ctx context.Context, source, id int64) (i Import, err error) {
	err = i.scan(s.read.QueryRowContext(ctx, importColumns+` WHERE source = $1 AND id = $2`, source, id).Scan)
	if err != nil {
		return Import{}, fmt.Errorf("look an import up: %w", notFound(err))
	}
	return i, nil
}

// Imports lists a source's last ten, the newest first.
func (s *Store) Imports(ctx context.Context, source int64) ([]Import, error) {
	imports := []Import{}
	err := s.look(ctx, func(tx *sql.Tx) error {
		return rows(ctx, tx, func(found *sql.Rows) error {
			var i Import
			err := i.scan(found.Scan)
			imports = append(imports, i)
			return err
		}, importColumns+` WHERE source = $1 ORDER BY id DESC LIMIT 10`, source)
	})
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", err)
	}
	return imports, nil
}

// RefusedRows calls each for every line that an import of a source refused.
func (s *Store) RefusedRows(ctx context.Context, source, id int64, each func(RowRefusal) error) error {
	err := s.look(ctx, func(tx *sql.Tx) error {
		return rows(ctx, tx, func(found *sql.Rows) error {
			var r RowRefusal
			if err := found.Scan(&r.Line, &r.Field, &r.Reason); err != nil {
				return err
			}
			return each(r)
		}, `SELECT import_refusals.line, field, import_refusals.reason FROM import_refusals
			JOIN imports ON imports.id = import
			WHERE source = $1 AND import = $2 ORDER BY import_refusals.line`, source, id)
	})
	if err != nil {
		return fmt.Errorf("list refused rows: %w", err)
	}
	return nil
}

// Shared tells whether other registries may use the same database.
func (s *Store) Shared() bool { return s.turn == nil }
