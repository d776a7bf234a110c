// Package store keeps what the registry knows: citizens and records about them, credentials, doors,
// and what is published. It speaks SQL to an embedded SQLite file or to PostgreSQL, with the same
// statements.
//
// Times are Unix seconds in the database and UTC in Go. Keys, tokens and one-time codes are stored
// as SHA-256 only. A method that changes something has committed it to disk when it returns without
// an error.
package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"golang.org/x/sync/semaphore"
	_ "modernc.org/sqlite" // driver "sqlite"
)

var (
	// ErrNotFound says that there is no such citizen, credential, source or door.
	ErrNotFound = errors.New("not found")
	// ErrExists says that the name is taken.
	ErrExists = errors.New("already exists")
	// ErrConflict says that a record came a second time with different content.
	ErrConflict = errors.New("was reported before with different content")
)

// Secret is the SHA-256 of a key, token or code: the database holds nothing else of it.
type Secret [sha256.Size]byte

// SecretOf hashes a key, token or code. They are random and long, so a plain hash is enough.
func SecretOf(text string) Secret { return sha256.Sum256([]byte(text)) }

// Store is the registry's memory. Its methods may be called from any goroutine.
type Store struct {
	write *sql.DB // SQLite: one connection, so that writers queue here instead of failing there
	read  *sql.DB
	turn  *semaphore.Weighted // of SQLite's writers, the first come first; nil: any number may write
}

// Open opens the database and brings its schema up to date. The address is a postgres:// URL, or
// the path of an SQLite file, which Open creates if it is missing.
func Open(ctx context.Context, address string) (*Store, error) {
	s, words, err := connect(address)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, words); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func connect(address string) (*Store, *strings.Replacer, error) {
	if IsPostgres(address) {
		db, err := sql.Open("pgx", address)
		if err != nil {
			return nil, nil, fmt.Errorf("open PostgreSQL: %w", err)
		}
		db.SetMaxOpenConns(16)
		words := strings.NewReplacer("{{serial}}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "{{bytes}}", "BYTEA")
		return &Store{write: db, read: db}, words, nil
	}
	write, err := openSQLite(address, 1)
	if err != nil {
		return nil, nil, err
	}
	read, err := openSQLite(address, 8)
	if err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	words := strings.NewReplacer("{{serial}}", "INTEGER PRIMARY KEY", "{{bytes}}", "BLOB")
	return &Store{write: write, read: read, turn: semaphore.NewWeighted(1)}, words, nil
}

// IsPostgres tells a URL of PostgreSQL from the path of a file.
func IsPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// openSQLite opens the file in WAL mode. With synchronous=FULL a commit is on disk before it
// returns: a result that was confirmed to a laboratory survives a power cut.
func openSQLite(path string, connections int) (*sql.DB, error) {
	query := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"},
		"_txlock": {"immediate"},
	}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("open database %q: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// Close closes the database.
func (s *Store) Close() error {
	if s.read == s.write {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// change runs f in a writing transaction, which is committed when f returns nil. Who waits for the
// connection alone is served in any order: with many doors reporting, the publisher would wait for
// seconds.
func (s *Store) change(ctx context.Context, f func(*sql.Tx) error) error {
	if s.turn != nil {
		if err := s.turn.Acquire(ctx, 1); err != nil {
			return fmt.Errorf("wait for the database: %w", err)
		}
		defer s.turn.Release(1)
	}
	return inTx(ctx, s.write, nil, f)
}

// look runs f in a reading transaction that sees one moment of the database.
func (s *Store) look(ctx context.Context, f func(*sql.Tx) error) error {
	return inTx(ctx, s.read, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}, f)
}

func inTx(ctx context.Context, db *sql.DB, options *sql.TxOptions, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	if err := f(tx); err != nil {
		if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			return errors.Join(err, fmt.Errorf("roll back: %w", undo))
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// rows runs a query and calls each for every row.
func rows(ctx context.Context, tx *sql.Tx, each func(*sql.Rows) error, query string, args ...any) error {
	found, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		if err := each(found); err != nil {
			return err
		}
	}
	return found.Err()
}

// changed reports whether a statement had an effect.
func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// notFound turns the driver's empty answer into ErrNotFound.
func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// unix is a time as the database has it; the zero time is NULL.
func unix(t time.Time) sql.NullInt64 { return sql.NullInt64{Int64: t.Unix(), Valid: !t.IsZero()} }

// moment is a time out of the database.
func moment(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.Unix(n.Int64, 0).UTC()
}
