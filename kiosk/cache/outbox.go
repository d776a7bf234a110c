package cache

import (
	"encoding/binary"
	"fmt"
	"math"

	"go.etcd.io/bbolt"
)

// outboxSize is how many reports wait at most. If the registry is away for longer, the oldest are
// dropped.
const outboxSize = 1000

// Queue puts a report at the end of the outbox. The ID has 1 to 65535 bytes; no two reports ever
// have the same. Beyond outboxSize reports, the oldest is dropped.
func (c *Cache) Queue(id string, body []byte) error {
	if id == "" || len(id) > math.MaxUint16 {
		return fmt.Errorf("queue a report: its ID has %d bytes, want 1 to %d", len(id), math.MaxUint16)
	}
	v := binary.BigEndian.AppendUint16(nil, uint16(len(id)))
	v = append(append(v, id...), body...)
	err := c.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketOutbox)
		seq, err := b.NextSequence()
		if err != nil {
			return err
		}
		if err := b.Put(binary.BigEndian.AppendUint64(nil, seq), v); err != nil {
			return err
		}
		return trim(b)
	})
	if err != nil {
		return fmt.Errorf("queue report %q: %w", id, err)
	}
	return nil
}

func trim(b *bbolt.Bucket) error {
	n := 0
	cursor := b.Cursor()
	for k, _ := cursor.First(); k != nil; k, _ = cursor.Next() {
		n++
	}
	for ; n > outboxSize; n-- {
		oldest, _ := b.Cursor().First()
		if err := b.Delete(oldest); err != nil {
			return err
		}
	}
	return nil
}

// Next returns the oldest report of the outbox and leaves it there; an empty id: the outbox is
// empty.
func (c *Cache) Next() (id string, body []byte, err error) {
	err = c.db.View(func(tx *bbolt.Tx) error {
		_, v := tx.Bucket(bucketOutbox).Cursor().First()
		if v == nil {
			return nil
		}
		first, rest, err := parseReport(v)
		id, body = string(first), append([]byte{}, rest...)
		return err
	})
	if err != nil {
		return "", nil, fmt.Errorf("read the next report: %w", err)
	}
	return id, body, nil
}

// Done removes a report. It is no error if the report is not there, because it was dropped
// meanwhile.
func (c *Cache) Done(id string) error {
	err := c.db.Update(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketOutbox).Cursor()
		for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
			queued, _, err := parseReport(v)
			if err != nil {
				return err
			}
			if string(queued) == id {
				return cursor.Delete()
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove report %q: %w", id, err)
	}
	return nil
}

// parseReport splits v; id and body share its memory.
func parseReport(v []byte) (id, body []byte, err error) {
	if len(v) < 2 || len(v)-2 < int(binary.BigEndian.Uint16(v)) {
		return nil, nil, damaged("report of %d bytes", len(v))
	}
	n := 2 + binary.BigEndian.Uint16(v)
	return v[2:n], v[n:], nil
}
