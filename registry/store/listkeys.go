package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"time"
)

// ListKey is a key under which the status list is sealed for doors. At most two are live: the one
// in use, and the next while a turnover is announced.
type ListKey struct {
	Generation uint32 // the Unix time when it was made, so no generation ever repeats
	Key        [32]byte
	Since      time.Time // when it is used
	// Known says that somebody may have it who must not read the list any more: a door that was
	// revoked or replaced since it was made.
	Known bool
}

// ListKeys returns the live keys, the oldest first.
func (s *Store) ListKeys(ctx context.Context) (keys []ListKey, err error) {
	err = s.look(ctx, func(tx *sql.Tx) error {
		keys, err = listKeys(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the keys of the list: %w", err)
	}
	return keys, nil
}

func listKeys(ctx context.Context, tx *sql.Tx) (keys []ListKey, err error) {
	err = rows(ctx, tx, func(found *sql.Rows) error {
		var k ListKey
		var generation, since int64
		var key []byte
		if err := found.Scan(&generation, &key, &since, &k.Known); err != nil {
			return err
		}
		if len(key) != len(k.Key) {
			return fmt.Errorf("list key %d has %d bytes", generation, len(key))
		}
		k.Generation, k.Key, k.Since = uint32(generation), [32]byte(key), time.Unix(since, 0).UTC()
		keys = append(keys, k)
		return nil
	}, `SELECT generation, key, since, known IS NOT NULL FROM list_keys ORDER BY generation`)
	return keys, err
}

// TurnListKey makes the first key, or the next one where the only one is known to a door that must
// not have it. The next one is used after lead: until then doors fetch it. It returns the live
// keys, the oldest first.
func (s *Store) TurnListKey(ctx context.Context, now time.Time, lead time.Duration) ([]ListKey, error) {
	keys, err := s.ListKeys(ctx)
	if err != nil || !turns(keys, now, lead) {
		return keys, err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		if err := lockListKeys(ctx, tx); err != nil {
			return err
		}
		if keys, err = listKeys(ctx, tx); err != nil || !turns(keys, now, lead) {
			return err
		}
		switch len(keys) {
		case 0:
			err = makeListKey(ctx, tx, keys, now, now)
		case 1:
			err = makeListKey(ctx, tx, keys, now, now.Add(lead))
		default: // the clock was set back since it was announced
			_, err = tx.ExecContext(ctx, `UPDATE list_keys SET since = $1 WHERE since > $1`, now.Add(lead).Unix())
		}
		if err != nil {
			return err
		}
		keys, err = listKeys(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make a key of the list: %w", err)
	}
	return keys, nil
}

// turns tells whether TurnListKey has something to do.
func turns(keys []ListKey, now time.Time, lead time.Duration) bool {
	switch len(keys) {
	case 0:
		return true
	case 1:
		return keys[0].Known
	}
	return keys[len(keys)-1].Since.After(now.Add(lead))
}

// makeListKey adds a key with a later generation than all before it, also where the clock was set
// back.
func makeListKey(ctx context.Context, tx *sql.Tx, before []ListKey, now, since time.Time) error {
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return err
	}
	generation := now.Unix()
	for _, k := range before {
		generation = max(generation, int64(k.Generation)+1)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO list_keys (generation, key, since) VALUES ($1, $2, $3)`, generation, key[:], since.Unix())
	return err
}

// lockListKeys lets one transaction at a time make a key or want one: a door that is being revoked
// may get a key that is being made, and then that one is known, too. The row that it locks is
// always there, and only migrations change it.
func lockListKeys(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `UPDATE schema_version SET version = version`)
	return err
}

// wantTurnover notes that a door that has the live keys must not read the list any more.
func wantTurnover(ctx context.Context, tx *sql.Tx, now time.Time) error {
	if err := lockListKeys(ctx, tx); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE list_keys SET known = COALESCE(known, $1)`, now.Unix())
	return err
}
