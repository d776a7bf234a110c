package cache

import (
	"bytes"
	"cmp"
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
	_, err := c.readAll()
	return err
}

// readAll checks the file and returns what is in it; nil: no version yet.
func (c *Cache) readAll() (v *view, err error) {
	tx, err := c.db.Begin(true) // the database's own check must not meet a writer
	if err != nil {
		return nil, fmt.Errorf("check the cache: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	if err := checkRuns(tx); err != nil {
		return nil, err
	}
	if err := checkKeys(tx); err != nil {
		return nil, err
	}
	if v, err = readContents(tx); err != nil {
		return nil, err
	}
	// The database's own check trusts page headers and runs in its own goroutine, where Open cannot
	// catch a fault. So it comes last, when every page has been read once.
	var first error
	for err := range tx.Check() {
		if first == nil {
			first = damaged("%v", err)
		}
	}
	return v, first
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

func readContents(tx *bbolt.Tx) (*view, error) {
	for _, name := range [][]byte{bucketMeta, bucketSections, bucketStaged, bucketSlots, bucketOutbox} {
		if tx.Bucket(name) == nil {
			return nil, damaged("the bucket %q is missing", name)
		}
	}
	meta := tx.Bucket(bucketMeta)
	if v := meta.Get(keyFormat); string(v) != strconv.Itoa(format) {
		return nil, damaged("format %q, want %d", v, format)
	}
	h, err := readHead(tx)
	none := errors.Is(err, kiosk.ErrNoData)
	if err != nil && !none {
		return nil, err
	}
	v := &view{head: h, rules: bytes.Clone(meta.Get(keyRules)), keys: bytes.Clone(meta.Get(keyKeys))}
	var staged int
	var sectionsErr, stagedErr error
	v.sections, sectionsErr = readSections(tx)
	staged, stagedErr = checkStaged(tx)
	if err := errors.Join(sectionsErr, stagedErr); err != nil {
		return nil, err
	}
	slots := 0
	err = tx.Bucket(bucketSlots).ForEachBucket(func([]byte) error { slots++; return nil })
	if err != nil || slots != len(v.sections)+staged {
		return nil, damaged("%d slots for %d sections", slots, len(v.sections)+staged)
	}
	err = tx.Bucket(bucketOutbox).ForEach(func(_, v []byte) error {
		_, _, err := parseReport(v)
		return err
	})
	if none {
		v = nil
	}
	return v, err
}

// readSections returns all sections, or an error for each that is damaged.
func readSections(tx *bbolt.Tx) (out []*memorySection, err error) {
	eachErr := tx.Bucket(bucketSections).ForEach(func(k, v []byte) error {
		s, packed, readErr := readStored(tx, v)
		if id := uint32(len(out)); readErr != nil || !bytes.Equal(k, sectionKey(id)) {
			err = errors.Join(err, fmt.Errorf("section %d, version %d: %w", id, s.version, cmp.Or(readErr, damaged("key %x", k))))
		}
		out = append(out, &memorySection{SectionState{s.version, s.content}, packed})
		return nil
	})
	return out, errors.Join(err, eachErr)
}

func checkStaged(tx *bbolt.Tx) (n int, err error) {
	eachErr := tx.Bucket(bucketStaged).ForEach(func(k, v []byte) error {
		n++
		if s, _, readErr := readStored(tx, v); readErr != nil || len(k) != 4 {
			err = errors.Join(err, fmt.Errorf("staged section, version %d: %w", s.version, cmp.Or(readErr, damaged("key %x", k))))
		}
		return nil
	})
	return n, errors.Join(err, eachErr)
}

func readStored(tx *bbolt.Tx, v []byte) (section, *packed, error) {
	s, err := parseSection(v)
	if err != nil {
		return s, nil, err
	}
	packed, err := readSlot(tx, s.slot, s.content)
	return s, packed, err
}
