package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
)

// ErrNotEmpty says that a database holds something where an empty one is needed.
var ErrNotEmpty = errors.New("the database is not empty")

// DumpedTable begins a table in a dump. Its rows follow, each a JSON array of its columns: numbers,
// texts, null, and bytes as {"b": base64}. The same dump fits both kinds of database.
type DumpedTable struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

// dumpedBytes are bytes in a dumped row.
type dumpedBytes struct {
	Base64 string `json:"b"`
}

var createTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\);`)

// tables lists the tables in an order in which references lead back.
func tables() (names []string, numbered map[string]bool, err error) {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return nil, nil, fmt.Errorf("list the migrations: %w", err)
	}
	numbered = map[string]bool{}
	for _, file := range files {
		text, err := migrations.ReadFile("migrations/" + file.Name())
		if err != nil {
			return nil, nil, fmt.Errorf("read migration %q: %w", file.Name(), err)
		}
		for _, found := range createTable.FindAllStringSubmatch(string(text), -1) {
			names = append(names, found[1])
			numbered[found[1]] = strings.Contains(found[2], "{{serial}}")
		}
	}
	return names, numbered, nil
}

// Schema is the number of the schema, for the head of a dump.
func Schema() int {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		panic("store: list the embedded migrations: " + err.Error())
	}
	return len(files)
}

// Dump writes everything in the database as of one moment. Others may write meanwhile.
func (s *Store) Dump(ctx context.Context, write func(any) error) error {
	names, _, err := tables()
	if err != nil {
		return err
	}
	err = s.look(ctx, func(tx *sql.Tx) error {
		if err := s.mayIdle(ctx, tx); err != nil {
			return err
		}
		for _, name := range names {
			if err := dumpTable(ctx, tx, name, write); err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("dump the database: %w", err)
	}
	return nil
}

func dumpTable(ctx context.Context, tx *sql.Tx, name string, write func(any) error) error {
	found, err := tx.QueryContext(ctx, `SELECT * FROM `+name+` ORDER BY 1`)
	if err != nil {
		return err
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		return err
	}
	if err := write(DumpedTable{name, columns}); err != nil {
		return err
	}
	row, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return err
		}
		for i, value := range row {
			if b, ok := value.([]byte); ok {
				row[i] = dumpedBytes{base64.StdEncoding.EncodeToString(b)}
			}
		}
		if err := write(row); err != nil {
			return err
		}
	}
	return found.Err()
}

// Restoring fills an empty database from a dump, in one transaction.
type Restoring struct {
	s    *Store
	tx   *sql.Tx
	done func()

	names    []string
	numbered map[string]bool
	table    DumpedTable
	rows     []any // values that wait to be written
	Rows     int   // so far
}

// Restore begins to fill the database. Errors: ErrNotEmpty.
func (s *Store) Restore(ctx context.Context) (*Restoring, error) {
	r := &Restoring{s: s, done: func() {}}
	var err error
	if r.names, r.numbered, err = tables(); err != nil {
		return nil, err
	}
	if s.turn != nil {
		if err := s.turn.Acquire(ctx, 1); err != nil {
			return nil, fmt.Errorf("wait for the database: %w", err)
		}
		r.done = func() { s.turn.Release(1) }
	}
	if r.tx, err = s.write.BeginTx(ctx, nil); err != nil {
		r.done()
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	if err := s.mayIdle(ctx, r.tx); err != nil {
		return nil, errors.Join(fmt.Errorf("begin a transaction: %w", err), r.Abort())
	}
	for _, name := range r.names {
		var any bool
		if err := r.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+name+`)`).Scan(&any); err != nil {
			return nil, errors.Join(fmt.Errorf("look into table %s: %w", name, err), r.Abort())
		}
		if any {
			return nil, errors.Join(ErrNotEmpty, r.Abort())
		}
	}
	return r, nil
}

// Abort leaves the database as it was. After Commit it does nothing.
func (r *Restoring) Abort() error {
	defer r.end()
	if err := r.tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

func (r *Restoring) end() {
	r.done()
	r.done = func() {}
}

// Table begins a table. Its columns must be this schema's.
func (r *Restoring) Table(ctx context.Context, t DumpedTable) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	for len(r.names) > 0 && r.names[0] != t.Table {
		r.names = r.names[1:]
	}
	if len(r.names) == 0 {
		return fmt.Errorf("table %q is unknown, or not in its place", t.Table)
	}
	found, err := r.tx.QueryContext(ctx, `SELECT * FROM `+t.Table+` WHERE 1 = 0`)
	if err != nil {
		return err
	}
	columns, err := found.Columns()
	if err = errors.Join(err, found.Close()); err != nil {
		return err
	}
	if strings.Join(columns, " ") != strings.Join(t.Columns, " ") {
		return fmt.Errorf("table %s has the columns %v, want %v", t.Table, t.Columns, columns)
	}
	r.table = t
	return nil
}

// Row adds a row to the table that was begun last.
func (r *Restoring) Row(ctx context.Context, row []any) error {
	if len(row) != len(r.table.Columns) {
		return fmt.Errorf("table %q: a row of %d values, want %d", r.table.Table, len(row), len(r.table.Columns))
	}
	for i, value := range row {
		parsed, err := restored(value)
		if err != nil {
			return fmt.Errorf("table %s, column %s: %w", r.table.Table, r.table.Columns[i], err)
		}
		r.rows = append(r.rows, parsed)
	}
	r.Rows++
	if len(r.rows) < insertAtOnce*len(r.table.Columns) {
		return nil
	}
	return r.flush(ctx)
}

// restored turns a value of a dump, as json.Decoder with UseNumber reads it, into one for the
// database.
func restored(value any) (any, error) {
	switch v := value.(type) {
	case nil, string:
		return v, nil
	case json.Number:
		return v.Int64()
	case map[string]any:
		text, ok := v["b"].(string)
		if !ok || len(v) != 1 {
			return nil, errors.New("not bytes")
		}
		return base64.StdEncoding.Strict().DecodeString(text)
	}
	return nil, fmt.Errorf("a value of type %T", value)
}

func (r *Restoring) flush(ctx context.Context) error {
	if len(r.rows) == 0 {
		return nil
	}
	into := r.table.Table + " (" + strings.Join(r.table.Columns, ", ") + ")"
	err := insert(ctx, r.tx, into, len(r.table.Columns), r.rows, "")
	if err != nil {
		return fmt.Errorf("write into table %s: %w", r.table.Table, err)
	}
	r.rows = r.rows[:0]
	return nil
}

// Commit opens a new epoch and makes the restored database durable. backup is the moment of the
// dump; published is what a newer list says, and may be empty.
func (r *Restoring) Commit(ctx context.Context, backup, now time.Time,
	published map[uint64]statuslist.Status) (statuslist.Edition, error) {
	defer r.end()
	next, err := r.commit(ctx, backup, now, published)
	if err != nil {
		return next, errors.Join(fmt.Errorf("complete the restored database: %w", err), r.Abort())
	}
	return next, nil
}

func (r *Restoring) commit(ctx context.Context, backup, now time.Time,
	published map[uint64]statuslist.Status) (next statuslist.Edition, err error) {
	if err := r.flush(ctx); err != nil {
		return next, err
	}
	if !r.s.sqlite() {
		for name := range r.numbered {
			if !r.numbered[name] {
				continue
			}
			_, err := r.tx.ExecContext(ctx, `SELECT setval(pg_get_serial_sequence('`+name+`', 'id'), MAX(id)) FROM `+name+` HAVING MAX(id) IS NOT NULL`)
			if err != nil {
				return next, err
			}
		}
	}
	var epoch, version int64
	if err := r.tx.QueryRowContext(ctx, `SELECT epoch, version FROM registry`).Scan(&epoch, &version); err != nil {
		return next, notFound(err)
	}
	var earlier int
	if err := r.tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM epochs`).Scan(&earlier); err != nil {
		return next, err
	}
	if earlier >= statuslist.MaxEpochs {
		return next, fmt.Errorf("this registry was restored %d times, more often than doors take: make a new one", earlier)
	}
	if now.Unix() <= epoch {
		return next, fmt.Errorf("this machine's clock says %s, and the backup was already restored once at %s: set the clock",
			now.UTC().Format(time.DateTime), time.Unix(epoch, 0).UTC().Format(time.DateTime))
	}
	for _, change := range []struct {
		statement string
		values    []any
	}{
		{`INSERT INTO epochs (epoch, version) VALUES ($1, $2)`, []any{epoch, version}},
		{`UPDATE registry SET epoch = $1, backup = COALESCE(backup, $2)`, []any{now.Unix(), backup.Unix()}},
		// Nothing is sealed with it.
		{`DELETE FROM list_keys WHERE generation > (SELECT generation FROM registry)`, nil},
		{`DELETE FROM lease`, nil}, // whoever had it published into another database
		{`DELETE FROM beats`, nil},
		// What was not used yet may have been used since, by others than those who find it now.
		{`DELETE FROM codes`, nil},
		{`DELETE FROM signins`, nil},
		{`DELETE FROM enrolments WHERE key IS NULL`, nil},
	} {
		if _, err := r.tx.ExecContext(ctx, change.statement, change.values...); err != nil {
			return next, err
		}
	}
	if err := r.turnListKey(ctx, now); err != nil {
		return next, err
	}
	if err := hold(ctx, r.tx, published, now); err != nil {
		return next, err
	}
	next = statuslist.Edition{Epoch: uint32(now.Unix()), Version: uint64(version)}
	return next, r.tx.Commit()
}

// ListKeys are the list keys of the dump.
func (r *Restoring) ListKeys(ctx context.Context) ([]ListKey, error) {
	if err := r.flush(ctx); err != nil {
		return nil, err
	}
	keys, err := listKeys(ctx, r.tx)
	if err != nil {
		return nil, fmt.Errorf("read the list keys: %w", err)
	}
	return keys, nil
}

// turnListKey lets the registry begin with another key: who knew the one of the backup is not
// known, and neither are the keys that were lost.
func (r *Restoring) turnListKey(ctx context.Context, now time.Time) error {
	keys, err := listKeys(ctx, r.tx)
	if err != nil {
		return err
	}
	return makeListKey(ctx, r.tx, keys, now, now)
}

// hold keeps what a newer list says, for the passes that the database knows. Passes that it says
// are revoked or suspended are so from now on.
func hold(ctx context.Context, tx *sql.Tx, published map[uint64]statuslist.Status, now time.Time) error {
	for index, status := range published {
		var statement string
		values := []any{int64(index), now.Unix()}
		switch status {
		case statuslist.Invalid:
			statement = `UPDATE credentials SET revoked = COALESCE(revoked, $2) WHERE idx = $1`
		case statuslist.Suspended:
			statement = `UPDATE credentials SET suspended = COALESCE(suspended, $2) WHERE idx = $1`
		default:
			values[1] = int64(status)
			statement = `INSERT INTO held (idx, status) SELECT idx, CAST($2 AS INTEGER) FROM credentials WHERE idx = $1
				ON CONFLICT (idx) DO UPDATE SET status = excluded.status`
		}
		if _, err := tx.ExecContext(ctx, statement, values...); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE citizens SET `+dueWithMany(now)+`, touched = touched + 1
		WHERE id IN (SELECT citizen FROM credentials WHERE revoked = $1 OR suspended = $1 OR idx IN (SELECT idx
		FROM held))`, now.Unix())
	return err
}

// heldStatus is Pass.Held in a query that joins held.
var heldStatus = fmt.Sprintf(`COALESCE(held.status, %d)`, statuslist.Green)

// Backup is the time of the backup that the database was restored from. Zero: it was not, or the
// administrator has confirmed that all sources have sent again what came after it.
func (s *Store) Backup(ctx context.Context) (time.Time, error) {
	var backup sql.NullInt64
	err := s.read.QueryRowContext(ctx, `SELECT backup FROM registry`).Scan(&backup)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("ask for the backup: %w", err)
	}
	return moment(backup), nil
}

// ConfirmRestored says that all sources have sent again what came after the backup. From then on
// the records alone decide. ErrNotFound: nothing waits for it.
func (s *Store) ConfirmRestored(ctx context.Context, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		done, err := changed(tx.ExecContext(ctx, `UPDATE registry SET backup = NULL WHERE backup IS NOT NULL`))
		if err == nil && !done {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE citizens SET `+dueWithMany(now)+`, touched = touched + 1
			WHERE id IN (SELECT citizen FROM credentials WHERE idx IN (SELECT idx FROM held))`)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM held`)
		return err
	})
	if err != nil {
		return fmt.Errorf("confirm that all sources have sent again: %w", err)
	}
	return nil
}
