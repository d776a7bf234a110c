package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/uptime"
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
	v := c.view.Load()
	if v == nil {
		return kiosk.ErrNoData
	}
	if asOf > v.asOf {
		next := *v
		next.asOf = asOf
		c.view.Store(&next)
		c.signed(unixTime(asOf), v.edition.Epoch)
		switch p := c.pending; {
		case p == nil && ahead(asOf, c.asOf):
			if err := c.writeAsOf(asOf); err != nil {
				return err
			}
		case p != nil && ahead(asOf, p.asOf): // it reaches the card with the version that it vouches for
			p.asOf = asOf
		}
	}
	c.flushIfDue()
	return nil
}

func (c *Cache) writeAsOf(asOf int64) error {
	err := c.db.Update(func(tx *bbolt.Tx) error {
		h, err := readHead(tx)
		if err != nil {
			return err
		}
		h.asOf = asOf
		return writeHead(tx, h)
	})
	if err == nil {
		c.asOf = asOf
	}
	return err
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
	if err := c.writeClock(); err != nil {
		return fmt.Errorf("note the time: %w", err)
	}
	return nil
}

// ForgetTime notes t in the place of every time before, for those that turned out to be wrong. It
// is written at once. NotBefore stays: whoever sets the clock must not lower what was signed.
func (c *Cache) ForgetTime(t time.Time) error {
	if err := sign1.CheckTime(t.Unix()); err != nil {
		return fmt.Errorf("forget a wrong time: %w", err)
	}
	c.clock.Lock()
	defer c.clock.Unlock()
	c.clock.seen = t.Unix()
	if err := c.writeClock(); err != nil {
		return fmt.Errorf("forget a wrong time: %w", err)
	}
	return nil
}

// KeepTime writes how late it is at least (NotBefore): once after each start of the machine, and
// then if the card is behind by writeEvery; in the first half hour by half of the time since the
// start, so that short runs count as well, from 10 s on. It is to be called each second: a power
// cut loses what is not written.
func (c *Cache) KeepTime() error {
	c.clock.Lock()
	defer c.clock.Unlock()
	now := c.notBefore.read(c.Running())
	if c.clock.begun == (uptime.Reading{}) {
		c.clock.begun = now.at
	}
	every := min(max(now.at.Since(c.clock.begun)/2, 10*time.Second), writeEvery)
	gain := now.latest().Sub(c.clock.kept.latest())
	if gain < every && gain > -setBack && !now.unkept(c.clock.kept) {
		return nil
	}
	if err := c.writeClock(); err != nil {
		return fmt.Errorf("keep the time: %w", err)
	}
	return nil
}

// setBack is how far the card may be ahead of a bound that was corrected.
const setBack = time.Minute

// closeClock writes what a restart should know.
func (c *Cache) closeClock() error {
	c.clock.Lock()
	defer c.clock.Unlock()
	now := c.notBefore.read(c.Running())
	if c.clock.seen == c.clock.written && now.latest().Equal(c.clock.kept.latest()) && !now.unkept(c.clock.kept) {
		return nil
	}
	return c.writeClock()
}

// writeClock writes all times in one transaction; the caller holds c.clock.
func (c *Cache) writeClock() error {
	now := c.notBefore.read(c.Running())
	v := binary.BigEndian.AppendUint64(nil, uint64(c.clock.seen))
	v = append(v, now.at.Boot[:]...)
	v = binary.BigEndian.AppendUint64(v, uint64(now.at.For))
	v = binary.BigEndian.AppendUint64(v, uint64(millis(now.registry)))
	v = binary.BigEndian.AppendUint64(v, uint64(millis(now.source)))
	// Until the next attempt is due it counts as written: a failing card is not tried each second.
	c.clock.written, c.clock.kept = c.clock.seen, now
	return c.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyClock, v) })
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

// loadClock reads the times. The list on the card may be older than the newest one before a power
// cut, and then its manifest's time is, too.
func (c *Cache) loadClock() error {
	return c.db.View(func(tx *bbolt.Tx) error {
		n := &c.notBefore
		switch h, err := readHead(tx); {
		case err == nil:
			n.registry, n.asOf, n.epoch = unixTime(h.asOf), unixTime(h.asOf), h.edition.Epoch
		case !errors.Is(err, kiosk.ErrNoData):
			return err
		}
		v := tx.Bucket(bucketMeta).Get(keyClock)
		if len(v) != clockSize && len(v) != 0 {
			return damaged("the clock's record has %d bytes, want %d", len(v), clockSize)
		}
		if len(v) == clockSize {
			number := func(at int) int64 { return int64(binary.BigEndian.Uint64(v[at:])) }
			c.clock.seen, c.clock.written = number(0), number(0)
			n.at = uptime.Reading{Boot: [16]byte(v[8:24]), For: time.Duration(number(24))}
			n.registry, n.source = later(n.registry, ofMillis(number(32))), ofMillis(number(40))
		}
		c.clock.kept = bounds{n.at, n.registry, n.source}
		return nil
	})
}

const clockSize = 48

// millis is Unix time in ms, where 0 is no time. Whole seconds would lose a part at each restart.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func ofMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func ahead(t, written int64) bool { return t-written >= int64(writeEvery/time.Second) }
