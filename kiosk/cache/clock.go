package cache

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk/sign1"
)

// writeEvery is how much newer than the time on the card a time must be to be written. A write each
// minute for years wears a card out, and after a power cut data may look some minutes older than it
// is.
const writeEvery = 15 * time.Minute

// Refresh notes that the registry vouched again, at asOf, for the version that the cache holds.
// Lookups see it at once; the card gets it when it is writeEvery ahead of the time there. A time
// that is not newer changes nothing. Without a version, the error is kiosk.ErrNoData.
func (c *Cache) Refresh(asOf time.Time) error {
	if err := c.refresh(asOf.Unix()); err != nil {
		return fmt.Errorf("refresh the cache: %w", err)
	}
	return nil
}

func (c *Cache) refresh(asOf int64) error {
	if err := sign1.CheckTime(asOf); err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	p := c.pending.Load()
	var write bool
	err := c.db.View(func(tx *bbolt.Tx) error {
		h, err := readHead(tx)
		if err != nil {
			return err
		}
		if p != nil {
			h = p.head()
		}
		if asOf > c.asOf(h) {
			c.vouched.Store(&vouch{h.edition, asOf})
			write = ahead(asOf, h.asOf)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case p != nil && write: // it reaches the card with the version that it vouches for
		next := *p
		next.update.AsOf = unixTime(asOf)
		c.pending.Store(&next)
	case write:
		return c.db.Update(func(tx *bbolt.Tx) error {
			h, err := readHead(tx)
			if err != nil {
				return err
			}
			h.asOf = max(h.asOf, asOf)
			return writeHead(tx, h)
		})
	}
	c.flushIfDue()
	return nil
}

// NoteTime notes t as the newest trusted time, for the next start of a board whose clock has no
// battery. The card gets it when it is writeEvery ahead of the time there. A time that is not newer
// changes nothing; ForgetTime does.
func (c *Cache) NoteTime(t time.Time) error {
	seen := t.Unix()
	if err := sign1.CheckTime(seen); err != nil {
		return fmt.Errorf("note the time: %w", err)
	}
	c.clock.Lock()
	defer c.clock.Unlock()
	c.clock.seen = max(c.clock.seen, seen)
	if !ahead(seen, c.clock.written) {
		return nil
	}
	if err := c.noteTime(seen); err != nil {
		return fmt.Errorf("note the time: %w", err)
	}
	return nil
}

// ForgetTime notes t in the place of every time before, for those that turned out to be wrong. It
// is written at once.
func (c *Cache) ForgetTime(t time.Time) error {
	c.clock.Lock()
	defer c.clock.Unlock()
	if err := c.noteTime(t.Unix()); err != nil {
		return fmt.Errorf("forget a wrong time: %w", err)
	}
	c.clock.seen = t.Unix()
	return nil
}

// noteTime writes; the caller holds c.clock.
func (c *Cache) noteTime(seen int64) error {
	if err := sign1.CheckTime(seen); err != nil {
		return err
	}
	err := c.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keySeen, binary.BigEndian.AppendUint64(nil, uint64(seen)))
	})
	if err != nil {
		return err
	}
	c.clock.written = seen
	return nil
}

// SeenTime returns the newest time noted, in whole seconds; zero: no time was noted yet.
func (c *Cache) SeenTime() (time.Time, error) {
	c.clock.Lock()
	defer c.clock.Unlock()
	if c.clock.seen == 0 {
		return time.Time{}, nil
	}
	return unixTime(c.clock.seen), nil
}

func (c *Cache) loadSeen() error {
	return c.db.View(func(tx *bbolt.Tx) error {
		switch v := tx.Bucket(bucketMeta).Get(keySeen); len(v) {
		case 0:
		case 8:
			c.clock.written = int64(binary.BigEndian.Uint64(v))
			c.clock.seen = c.clock.written
		default:
			return damaged("the time seen has %d bytes, want 8", len(v))
		}
		return nil
	})
}

func ahead(t, written int64) bool { return t-written >= int64(writeEvery/time.Second) }
