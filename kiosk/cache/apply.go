package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
)

var (
	// ErrOlder says that an update is not newer than what the cache holds.
	ErrOlder = errors.New("not newer than what the cache holds")
	// ErrMismatch says that the sections here, with the update's changes, are not what the update
	// promises. Staging whole sections helps.
	ErrMismatch = errors.New("the sections do not match the update")
)

// Update leads the cache to its next version.
type Update struct {
	Version  uint64 // of the manifest, above the current one or of a later epoch
	Epoch    uint32
	Ended    statuslist.Epochs // the epochs before it
	AsOf     time.Time         // when the registry vouched for it
	List     string            // name of the status list
	Sections []SectionUpdate
	// Root is statuslist.Root of the list afterwards; zero: only whole sections bring changes, and
	// nothing has to be compared.
	Root        [32]byte
	Rules, Keys []byte // nil: as they are
}

// SectionUpdate says how a section becomes what it is afterwards.
type SectionUpdate struct {
	Version uint64              // of the list, that changed it last
	Staged  bool                // the staged section replaces it first
	Blob    [32]byte            // of the staged section, as given to Stage
	Changes []statuslist.Change // then these, one after the other
}

func (u Update) edition() statuslist.Edition {
	return statuslist.Edition{Epoch: u.Epoch, Version: u.Version}
}

func (u Update) check() error {
	switch {
	case u.Version == 0:
		return errors.New("version is 0")
	case u.List == "":
		return errors.New("names no list")
	case len(u.Sections) == 0:
		return errors.New("has no sections")
	}
	for id, s := range u.Sections {
		if s.Version == 0 {
			return fmt.Errorf("section %d: version is 0", id)
		}
	}
	if err := u.Ended.Check(u.edition()); err != nil {
		return err
	}
	return sign1.CheckTime(u.AsOf.Unix())
}

// Stage stores a whole section, of a version of the list and out of the blob with that hash, beside
// the current one and replaces one that was staged before. It is on the card when Stage returns.
// Lookups do not see it until Apply switches to it.
func (c *Cache) Stage(id uint32, version uint64, blob [32]byte, s *statuslist.Section) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.flush(); err != nil {
		return fmt.Errorf("stage section %d of the status list: %w", id, err)
	}
	packed := s.Packed()
	err := c.db.Update(func(tx *bbolt.Tx) error {
		if err := dropSection(tx, bucketStaged, id); err != nil {
			return err
		}
		slot, err := newSlot(tx, packed)
		if err != nil {
			return err
		}
		return writeSection(tx.Bucket(bucketStaged), id, section{version, sha256.Sum256(packed), slot, blob})
	})
	if err != nil {
		return fmt.Errorf("stage section %d of the status list: %w", id, err)
	}
	return nil
}

// Staged tells which blob of a section is staged and of which version, so that a download can
// continue where it was cut off. Version 0 means that nothing is.
func (c *Cache) Staged(id uint32) (version uint64, blob [32]byte, err error) {
	pending := c.pending.Load()
	err = c.db.View(func(tx *bbolt.Tx) error {
		s, found, err := readSection(tx.Bucket(bucketStaged), id)
		if err != nil || !found {
			return err
		}
		h, err := readHead(tx)
		if err != nil && !errors.Is(err, kiosk.ErrNoData) {
			return err
		}
		if p := pending.over(h); p != nil && s.version <= p.update.Version {
			return nil // the pending version is as new
		}
		version, blob = s.version, s.blob
		return nil
	})
	if err != nil {
		return 0, [32]byte{}, fmt.Errorf("read staged section %d: %w", id, err)
	}
	return version, blob, nil
}

// Apply switches to the next version, which is in force when it returns. After an error, which may
// wrap ErrOlder or ErrMismatch, everything is as before. Whole sections are on the card when Apply
// returns. Changes to sections reach the card later, together (see pending): after a power cut the
// card holds some complete version between the last one written and this one. Apply drops staged
// sections that nobody needs any more.
func (c *Cache) Apply(u Update) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.apply(u); err != nil {
		return fmt.Errorf("apply version %d of the status list: %w", u.Version, err)
	}
	return nil
}

func (c *Cache) apply(u Update) error {
	if err := u.check(); err != nil {
		return err
	}
	p, waits, err := c.next(u)
	if err == nil && !waits {
		err = c.write(p)
	}
	if err != nil {
		clear(c.whole) // may be ahead of what is in force
		return err
	}
	c.signed(u.AsOf, u.Epoch)
	if waits {
		c.pending.Store(p)
		c.flushIfDue()
	}
	return nil
}

// write writes p to the card.
func (p *pending) write(tx *bbolt.Tx) error {
	h, err := readHead(tx)
	if err != nil && !errors.Is(err, kiosk.ErrNoData) {
		return err
	}
	for id, want := range p.sections {
		if err := p.writeSection(tx, uint32(id), want); err != nil {
			return fmt.Errorf("section %d: %w", id, err)
		}
	}
	if err := dropBeyond(tx, len(p.sections)); err != nil {
		return err
	}
	if err := p.dropStale(tx, string(h.list) == p.update.List && h.edition.Epoch == p.update.Epoch); err != nil {
		return err
	}
	meta := tx.Bucket(bucketMeta)
	if p.update.Rules != nil {
		if err := meta.Put(keyRules, p.update.Rules); err != nil {
			return err
		}
	}
	if p.update.Keys != nil {
		if err := meta.Put(keyKeys, p.update.Keys); err != nil {
			return err
		}
	}
	return writeHead(tx, p.head())
}

// writeSection switches to the staged section if that is the one, and rewrites the chunks that
// changed.
func (p *pending) writeSection(tx *bbolt.Tx, id uint32, want SectionState) error {
	sections := tx.Bucket(bucketSections)
	current, found, err := readSection(sections, id)
	if err != nil {
		return err
	}
	if blob, staged := p.staged[id]; staged {
		if current, err = switchOver(tx, id, blob); err != nil {
			return err
		}
	} else if !found {
		return fmt.Errorf("%w: changes to a section that the cache does not have", ErrMismatch)
	} else if want == (SectionState{current.version, current.content}) {
		return nil
	}
	b := tx.Bucket(bucketSlots).Bucket(slotKey(current.slot))
	if b == nil {
		return fmt.Errorf("%w: %w", ErrMismatch, damaged("slot %d is missing", current.slot))
	}
	chunks := p.changed[id]
	for _, n := range slices.Sorted(maps.Keys(chunks)) {
		if err := b.Put(chunkKey(int(n)), chunks[n]); err != nil {
			return err
		}
	}
	return writeSection(sections, id, section{want.Version, want.Content, current.slot, current.blob})
}

// switchOver makes the staged section the current one. It hashes what the card returns first.
func switchOver(tx *bbolt.Tx, id uint32, blob [32]byte) (section, error) {
	staged := tx.Bucket(bucketStaged)
	next, found, err := readSection(staged, id)
	if err != nil {
		return next, err
	}
	if !found || next.blob != blob {
		return next, fmt.Errorf("%w: its blob %x is not staged", ErrMismatch, blob[:4])
	}
	packed, err := readSlot(tx, next.slot)
	if err != nil {
		return next, fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	if sha256.Sum256(packed) != next.content {
		return next, fmt.Errorf("%w: staged version %d is damaged", ErrMismatch, next.version)
	}
	if err := dropSection(tx, bucketSections, id); err != nil {
		return next, err
	}
	return next, staged.Delete(sectionKey(id))
}

// dropBeyond removes the sections beyond the first n, which the list no longer has.
func dropBeyond(tx *bbolt.Tx, n int) error {
	for id := uint32(n); ; id++ {
		_, found, err := readSection(tx.Bucket(bucketSections), id)
		if err != nil || !found {
			return err
		}
		if err := dropSection(tx, bucketSections, id); err != nil {
			return err
		}
	}
}

// dropStale removes staged sections that are not newer than this version. Versions of another list
// or epoch cannot be compared.
func (p *pending) dropStale(tx *bbolt.Tx, comparable bool) error {
	var stale []uint32
	err := tx.Bucket(bucketStaged).ForEach(func(k, v []byte) error {
		staged, err := parseSection(v)
		if !comparable || staged.version <= p.update.Version {
			stale = append(stale, binary.BigEndian.Uint32(k))
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range stale {
		if err := dropSection(tx, bucketStaged, id); err != nil {
			return err
		}
	}
	return nil
}

// dropSection removes a section and its slot, if there is one.
func dropSection(tx *bbolt.Tx, bucket []byte, id uint32) error {
	b := tx.Bucket(bucket)
	v := bytes.Clone(b.Get(sectionKey(id)))
	if v == nil {
		return nil
	}
	s, err := parseSection(v)
	if err != nil {
		return err
	}
	if err := tx.Bucket(bucketSlots).DeleteBucket(slotKey(s.slot)); err != nil {
		return err
	}
	return b.Delete(sectionKey(id))
}
