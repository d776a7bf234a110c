package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
)

var (
	// ErrOlder says that an update is not newer than what the cache holds.
	ErrOlder = errors.New("not newer than what the cache holds")
	// ErrMismatch says that current, staged and changed sections do not add up to what the update promises. Staging the
	// sections whole helps.
	ErrMismatch = errors.New("sections do not add up to the update")
)

// Update leads to the next version that the cache is to hold.
type Update struct {
	Version     uint64    // of the manifest, above the current one
	AsOf        time.Time // when the registry vouched for it
	List        string    // URI of the status list
	Sections    []SectionUpdate
	Rules, Keys []byte // nil: as they are
}

// SectionUpdate says what a section has to be afterwards. Without Deltas it is what it was, or the staged one.
type SectionUpdate struct {
	Version uint64
	Content [32]byte           // SHA-256 of the packed section
	Deltas  []statuslist.Delta // the oldest first, from the current version to this one
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
	return sign1.CheckTime(u.AsOf.Unix())
}

// Stage stores a whole section beside the current one, in place of one staged before. It is on the card when Stage
// returns and nobody sees it until Apply takes it.
func (c *Cache) Stage(id uint32, version uint64, s *statuslist.Section) error {
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
		return writeSection(tx.Bucket(bucketStaged), id, section{version, sha256.Sum256(packed), slot})
	})
	if err != nil {
		return fmt.Errorf("stage section %d of the status list: %w", id, err)
	}
	return nil
}

// Staged tells which version of a section is staged, so that a download can go on where it was cut off. The zero value
// says that there is none.
func (c *Cache) Staged(id uint32) (SectionState, error) {
	var out SectionState
	pending := c.pending.Load()
	err := c.db.View(func(tx *bbolt.Tx) error {
		s, found, err := readSection(tx.Bucket(bucketStaged), id)
		if err != nil || !found {
			return err
		}
		h, err := readHead(tx)
		if err != nil && !errors.Is(err, kiosk.ErrNoData) {
			return err
		}
		if p := pending.over(h); p != nil && (int(id) >= len(p.sections) || s.version <= p.sections[id].Version) {
			return nil // of no use any more
		}
		out = SectionState{s.version, s.content}
		return nil
	})
	if err != nil {
		return SectionState{}, fmt.Errorf("read staged section %d: %w", id, err)
	}
	return out, nil
}

// Apply switches to the next version, which is in force when it returns: after an error, which may wrap ErrOlder or
// ErrMismatch, everything is as before. Whole sections are on the card by then; changes to them reach it later, together
// (see pending), and after a power cut the card holds one of the versions since. Staged sections that can be of no use
// any more are dropped.
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
	p, err := c.next(u)
	if err != nil {
		return err
	}
	if p != nil {
		c.pending.Store(p)
		c.flushIfDue()
		return nil
	}
	if err := c.flush(); err != nil {
		return err
	}
	return c.db.Update(func(tx *bbolt.Tx) error { return apply(tx, u) })
}

func apply(tx *bbolt.Tx, u Update) error {
	h, err := readHead(tx)
	if err != nil && !errors.Is(err, kiosk.ErrNoData) {
		return err
	}
	if u.Version <= h.version {
		return fmt.Errorf("%w: version %d", ErrOlder, h.version)
	}
	sameList := string(h.list) == u.List
	for id, s := range u.Sections {
		if err := applySection(tx, u.List, sameList, uint32(id), s); err != nil {
			return fmt.Errorf("section %d: %w", id, err)
		}
	}
	if err := dropBeyond(tx, len(u.Sections)); err != nil {
		return err
	}
	if err := dropStale(tx, sameList); err != nil {
		return err
	}
	meta := tx.Bucket(bucketMeta)
	if u.Rules != nil {
		if err := meta.Put(keyRules, u.Rules); err != nil {
			return err
		}
	}
	if u.Keys != nil {
		if err := meta.Put(keyKeys, u.Keys); err != nil {
			return err
		}
	}
	return writeHead(tx, head{u.Version, u.AsOf.Unix(), []byte(u.List)})
}

func applySection(tx *bbolt.Tx, list string, sameList bool, id uint32, u SectionUpdate) error {
	current, found, err := readSection(tx.Bucket(bucketSections), id)
	if err != nil {
		return err
	}
	switch {
	case sameList && u.Version < current.version:
		return fmt.Errorf("%w: section version %d is to follow %d", ErrOlder, u.Version, current.version)
	case len(u.Deltas) > 0 && found && sameList:
		return patch(tx, list, id, current, u)
	case len(u.Deltas) > 0:
		return fmt.Errorf("%w: changes to a section that is not there", ErrMismatch)
	case u.Version == current.version && u.Content == current.content:
		return nil
	}
	return switchOver(tx, id, u)
}

// patch brings a section up to date by its deltas and rewrites only the chunks that they touch.
func patch(tx *bbolt.Tx, list string, id uint32, current section, u SectionUpdate) error {
	s, err := readWhole(tx, current.slot)
	if err != nil {
		return err
	}
	if err := applyDeltas(s, list, id, current.version, u); err != nil {
		return err
	}
	var touched [chunks]bool
	for _, d := range u.Deltas {
		for _, change := range d.Changes {
			touched[change.Index/chunkEntries] = true
		}
	}
	packed := s.Packed()
	b := tx.Bucket(bucketSlots).Bucket(slotKey(current.slot))
	for n := range chunks {
		if !touched[n] {
			continue
		}
		if err := b.Put(chunkKey(n), packed[n*chunkSize:][:chunkSize]); err != nil {
			return err
		}
	}
	return writeSection(tx.Bucket(bucketSections), id, section{u.Version, u.Content, current.slot})
}

// readWhole is a section as it is stored.
func readWhole(tx *bbolt.Tx, slot uint64) (*statuslist.Section, error) {
	packed, err := readSlot(tx, slot)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	s, err := statuslist.FromPacked(packed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	return s, nil
}

// applyDeltas brings a section from a version to the one that u promises.
func applyDeltas(s *statuslist.Section, list string, id uint32, version uint64, u SectionUpdate) error {
	for _, d := range u.Deltas {
		if d.List != list || d.ID != id || d.From != version {
			return fmt.Errorf("%w: changes to version %d of section %d of %q, want version %d", ErrMismatch, d.From, d.ID, d.List, version)
		}
		if err := d.Apply(s); err != nil {
			return fmt.Errorf("%w: %w", ErrMismatch, err)
		}
		version++
	}
	// Each Apply has compared the section with its delta's Result, so the last one's is the section's content.
	if version != u.Version || u.Deltas[len(u.Deltas)-1].Result != u.Content {
		return fmt.Errorf("%w: changes lead to version %d with other content than version %d is to have", ErrMismatch, version, u.Version)
	}
	return nil
}

// switchOver makes the staged section the current one, after another look at what is really on the card.
func switchOver(tx *bbolt.Tx, id uint32, u SectionUpdate) error {
	staged := tx.Bucket(bucketStaged)
	next, found, err := readSection(staged, id)
	if err != nil {
		return err
	}
	if !found || next.version != u.Version || next.content != u.Content {
		return fmt.Errorf("%w: version %d with this content is not staged", ErrMismatch, u.Version)
	}
	packed, err := readSlot(tx, next.slot)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	if sha256.Sum256(packed) != next.content {
		return fmt.Errorf("%w: staged version %d is damaged", ErrMismatch, u.Version)
	}
	if err := dropSection(tx, bucketSections, id); err != nil {
		return err
	}
	if err := writeSection(tx.Bucket(bucketSections), id, next); err != nil {
		return err
	}
	return staged.Delete(sectionKey(id))
}

// dropBeyond removes the sections that the list has no more.
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

// dropStale removes what is staged and not ahead of the sections as they are now.
func dropStale(tx *bbolt.Tx, sameList bool) error {
	var stale []uint32
	err := tx.Bucket(bucketStaged).ForEach(func(k, v []byte) error {
		id := binary.BigEndian.Uint32(k)
		staged, err := parseSection(v)
		if err != nil {
			return err
		}
		current, found, err := readSection(tx.Bucket(bucketSections), id)
		if !sameList || !found || staged.version <= current.version {
			stale = append(stale, id)
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

// dropSection removes a section, where there is one, together with its slot.
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
