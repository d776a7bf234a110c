package cache

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk"
)

// Check reads the whole file: each section must have the content with which it was applied or
// staged, and the database must be consistent. Writers wait for it, lookups do not. An error wraps
// ErrDamaged.
func (c *Cache) Check() error {
	tx, err := c.db.Begin(true) // the database's own check must not meet a writer
	if err != nil {
		return fmt.Errorf("check the cache: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	for _, step := range []func(*bbolt.Tx) error{checkRuns, checkKeys, checkContents} {
		if err := step(tx); err != nil {
			return err
		}
	}
	// The database's own check trusts page headers and runs in its own goroutine, where Open cannot
	// catch a fault. So it comes last, when every page has been read once.
	var first error
	for err := range tx.Check() {
		if first == nil {
			first = damaged("%v", err)
		}
	}
	return first
}

// checkRuns goes from page to page by the length that each states.
func checkRuns(tx *bbolt.Tx) error {
	pages := int(tx.Size() / int64(tx.DB().Info().PageSize))
	for id := 0; id < pages; {
		page, err := tx.Page(id)
		if err != nil {
			return damaged("page %d: %v", id, err)
		}
		if id++; page.Type != "free" {
			id += page.OverflowCount
		}
		if id > pages {
			return damaged("page %d is followed by %d more, the last page is %d", page.ID, page.OverflowCount, pages-1)
		}
	}
	return nil
}

// checkKeys visits every key in order and looks each one up again.
func checkKeys(tx *bbolt.Tx) error {
	return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
		if b == nil || tx.Bucket(name) == nil {
			return damaged("%q cannot be found", name)
		}
		return checkBucket(b)
	})
}

func checkBucket(b *bbolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if v != nil {
			if got := b.Get(k); len(got) != len(v) {
				return damaged("key %x cannot be found", k)
			}
			return nil
		}
		child := b.Bucket(k)
		if child == nil {
			return damaged("bucket %x cannot be found", k)
		}
		return checkBucket(child)
	})
}

func checkContents(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketSections, bucketStaged, bucketSlots, bucketOutbox} {
		if tx.Bucket(name) == nil {
			return damaged("the bucket %q is missing", name)
		}
	}
	if v := tx.Bucket(bucketMeta).Get(keyFormat); string(v) != strconv.Itoa(format) {
		return damaged("format %q, want %d", v, format)
	}
	if _, err := readHead(tx); err != nil && !errors.Is(err, kiosk.ErrNoData) {
		return err
	}
	slots := 0
	for _, name := range [][]byte{bucketSections, bucketStaged} {
		err := tx.Bucket(name).ForEach(func(k, v []byte) error {
			slots++
			return checkSection(tx, k, v)
		})
		if err != nil {
			return err
		}
	}
	err := tx.Bucket(bucketSlots).ForEachBucket(func([]byte) error { slots--; return nil })
	if err != nil || slots != 0 {
		return damaged("the sections outnumber the slots by %d", slots)
	}
	return tx.Bucket(bucketOutbox).ForEach(func(_, v []byte) error {
		_, _, err := parseReport(v)
		return err
	})
}

func checkSection(tx *bbolt.Tx, k, v []byte) error {
	s, err := parseSection(v)
	if err != nil {
		return err
	}
	packed, err := readSlot(tx, s.slot)
	if err != nil {
		return err
	}
	if len(k) != 4 || sha256.Sum256(packed) != s.content {
		return damaged("section %x, version %d: the content does not match its hash", k, s.version)
	}
	return nil
}
