package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

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
	packed := packedOf(s)
	err := c.db.Update(func(tx *bbolt.Tx) error {
		if err := dropSection(tx, bucketStaged, id); err != nil {
			return err
		}
		slot, err := newSlot(tx, packed)
		if err != nil {
			return err
		}
		return writeSection(tx.Bucket(bucketStaged), id, section{version, packed.content(), slot, blob})
	})
	if err != nil {
		return fmt.Errorf("stage section %d of the status list: %w", id, err)
	}
	return nil
}

// Staged tells which blob of a section is staged and of which version, so that a download can
// continue where it was cut off. Version 0 means that nothing is.
func (c *Cache) Staged(id uint32) (version uint64, blob [32]byte, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	err = c.db.View(func(tx *bbolt.Tx) error {
		s, found, err := readSection(tx.Bucket(bucketStaged), id)
		if err != nil || !found {
			return err
		}
		if c.pending != nil && s.version <= c.view.Load().edition.Version {
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
	v, p, err := c.next(u)
	if err != nil {
		return err
	}
	// Whole sections, which another list or epoch and the first version consist of, do not wait.
	waits := len(p.staged) == 0 && !math.IsInf(c.budget.balance, 1)
	if !waits {
		if err := c.write(v, p); err != nil {
			return err
		}
	}
	c.view.Store(v)
	c.signed(u.AsOf, u.Epoch)
	if waits {
		c.pending = p
		c.flushIfDue()
	}
	return nil
}

// write makes the card hold v. It compares what it does not write, too, and so repairs what the
// card has lost of a section that changes.
func (p *pending) write(tx *bbolt.Tx, v *view) error {
	h, err := readHead(tx)
	if err != nil && !errors.Is(err, kiosk.ErrNoData) {
		return err
	}
	for id, s := range v.sections {
		if err := p.writeSection(tx, uint32(id), s); err != nil {
			return fmt.Errorf("section %d: %w", id, err)
		}
	}
	if err := dropBeyond(tx, len(v.sections)); err != nil {
		return err
	}
	comparable := h.list == v.list && h.edition.Epoch == v.edition.Epoch
	if err := dropStale(tx, v.edition.Version, comparable); err != nil {
		return err
	}
	if err := writeDocument(tx, keyRules, v.rules); err != nil {
		return err
	}
	if err := writeDocument(tx, keyKeys, v.keys); err != nil {
		return err
	}
	h = v.head
	h.asOf = p.asOf
	return writeHead(tx, h)
}

func writeDocument(tx *bbolt.Tx, key, document []byte) error {
	meta := tx.Bucket(bucketMeta)
	if bytes.Equal(document, meta.Get(key)) {
		return nil
	}
	return meta.Put(key, document)
}

// writeSection switches to the staged section if that is the one, and rewrites the chunks that
// differ.
func (p *pending) writeSection(tx *bbolt.Tx, id uint32, s *memorySection) error {
	sections := tx.Bucket(bucketSections)
	current, found, err := readSection(sections, id)
	if err != nil {
		return err
	}
	if blob, staged := p.staged[id]; staged {
		if current, err = switchOver(tx, id, blob); err != nil {
			return err
		}
	} else if found && s.SectionState == (SectionState{current.version, current.content}) {
		return nil
	}
	if b := tx.Bucket(bucketSlots).Bucket(slotKey(current.slot)); b != nil {
		err = fillSlot(b, s.packed)
	} else {
		current.slot, err = newSlot(tx, s.packed)
	}
	if err != nil {
		return err
	}
	return writeSection(sections, id, section{s.Version, s.Content, current.slot, current.blob})
}

// switchOver makes the staged section the current one.
func switchOver(tx *bbolt.Tx, id uint32, blob [32]byte) (section, error) {
	staged := tx.Bucket(bucketStaged)
	next, found, err := readSection(staged, id)
	if err == nil && (!found || next.blob != blob) {
		err = fmt.Errorf("%w: its blob %x is not staged", ErrMismatch, blob[:4])
	}
	if err != nil {
		return next, err
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
func dropStale(tx *bbolt.Tx, version uint64, comparable bool) error {
	var stale []uint32
	err := tx.Bucket(bucketStaged).ForEach(func(k, v []byte) error {
		staged, err := parseSection(v)
		if !comparable || staged.version <= version {
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
	err = tx.Bucket(bucketSlots).DeleteBucket(slotKey(s.slot))
	if err != nil && !errors.Is(err, bolterrors.ErrBucketNotFound) { // the card has lost it already
		return err
	}
	return b.Delete(sectionKey(id))
}
