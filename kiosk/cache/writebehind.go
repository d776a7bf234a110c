package cache

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk/statuslist"
)

// Writes wear a card out, and one changed entry costs some 46 kB: the page of its chunk and the
// pages that lead to it. A country's registry publishes a version each second. So changes are in
// force at once, in memory, and reach the card together, as often as the write budget allows
// (docs/adr/0008).
const (
	// budgetRate is what the list may write on average, bytes a second: 15 MB a day. The times
	// (clock.go) and the reports add some 20 MB a day.
	budgetRate = 15e6 / 86400
	// budgetBurst is the most that can be saved: after a quiet hour, some 20 versions are written
	// as they come.
	budgetBurst = 1e6
	// costBase and costPage are what a transaction and each chunk that it changes are expected to
	// cost.
	costBase, costPage = 40e3, 4096
	// costCommit is what a transaction costs beyond the pages that it allocates: the database's and
	// the file system's own.
	costCommit = 4 * 4096
)

// writeBudget is what the list may write to the card now.
type writeBudget struct {
	balance float64 // bytes; below 0: a transaction cost more than there was
	at      time.Time
}

func (w *writeBudget) earn(now time.Time) {
	if !w.at.IsZero() {
		w.balance = min(w.balance+max(0, now.Sub(w.at).Seconds())*budgetRate, max(w.balance, budgetBurst))
	}
	w.at = now
}

// writeThrough removes the limit: each version is on the card when Apply returns.
func (c *Cache) writeThrough() { c.budget.balance = math.Inf(1) }

// pending is the version in force where the card has an older one. It is replaced, never changed,
// so readers need no lock.
type pending struct {
	update   Update              // from the version on the card to this one, without its sections
	sections []SectionState      // all sections of the list, as they are now
	changed  map[uint32]overlay  // sections that are older on the card
	staged   map[uint32][32]byte // sections that are staged there, by their blob: it must be written now
}

// overlay holds the chunks of a section that differ from the card's.
type overlay map[uint32][]byte

// over returns p if it is newer than what the card holds, else nil.
func (p *pending) over(h head) *pending {
	if p == nil || p.update.edition().Compare(h.edition) <= 0 {
		return nil
	}
	return p
}

func (p *pending) head() head {
	return head{p.update.edition(), p.update.Ended, p.update.AsOf.Unix(), []byte(p.update.List)}
}

// chunks counts the chunks to be written.
func (p *pending) chunks() (n int) {
	for _, chunks := range p.changed {
		n += len(chunks)
	}
	return n
}

// next returns what is pending after u. waits is false if it must be written at once, because u
// brings whole sections, another list or epoch, or the first one.
func (c *Cache) next(u Update) (p *pending, waits bool, err error) {
	now, err := c.State()
	if err != nil {
		return nil, false, err
	}
	if u.edition().Compare(now.Edition()) <= 0 {
		return nil, false, fmt.Errorf("%w: version %v", ErrOlder, now.Edition())
	}
	if now.List != u.List || now.Epoch != u.Epoch {
		now.Sections = nil // they are of no use
	}
	p = &pending{update: u, changed: map[uint32]overlay{}, staged: map[uint32][32]byte{}}
	p.update.Sections = nil
	if old := c.pending.Load(); old != nil {
		p.changed = maps.Clone(old.changed)
		if u.Rules == nil {
			p.update.Rules = old.update.Rules
		}
		if u.Keys == nil {
			p.update.Keys = old.update.Keys
		}
	}
	maps.DeleteFunc(p.changed, func(id uint32, _ overlay) bool { return int(id) >= len(u.Sections) })
	contents := make([][32]byte, len(u.Sections))
	for id, s := range u.Sections {
		var have SectionState
		if id < len(now.Sections) {
			have = now.Sections[id]
		}
		want, err := c.nextSection(p, uint32(id), have, s)
		if err != nil {
			return nil, false, fmt.Errorf("section %d: %w", id, err)
		}
		p.sections, contents[id] = append(p.sections, want), want.Content
	}
	if u.Root != [32]byte{} && statuslist.Root(contents) != u.Root {
		return nil, false, fmt.Errorf("%w: the changes lead to another list than they promise", ErrMismatch)
	}
	return p, len(p.staged) == 0 && !math.IsInf(c.budget.balance, 1), nil
}

// nextSection adds to p how the section, of which the cache has have, becomes what u says.
func (c *Cache) nextSection(p *pending, id uint32, have SectionState, u SectionUpdate) (SectionState, error) {
	switch {
	case u.Version < have.Version:
		return have, fmt.Errorf("%w: changed last in version %d, the cache has %d", ErrOlder, u.Version, have.Version)
	case u.Staged:
		delete(p.changed, id)
		p.staged[id] = u.Blob
		return c.patchStaged(p, id, u)
	case have.Version == 0:
		return have, fmt.Errorf("%w: changes to a section that the cache does not have", ErrMismatch)
	case len(u.Changes) > 0:
		return c.patch(p, id, u)
	case u.Version != have.Version:
		return have, fmt.Errorf("%w: no changes lead from version %d to %d", ErrMismatch, have.Version, u.Version)
	}
	return have, nil
}

// patch makes the changes to a section of the cache, in memory.
func (c *Cache) patch(p *pending, id uint32, u SectionUpdate) (SectionState, error) {
	s := c.whole[id]
	if s == nil {
		var err error
		if s, err = c.readWhole(bucketSections, id, p.changed[id]); err != nil {
			return SectionState{}, err
		}
		c.whole[id] = s
	}
	return p.patch(id, s, u), nil
}

// patchStaged makes the changes to a staged section.
func (c *Cache) patchStaged(p *pending, id uint32, u SectionUpdate) (SectionState, error) {
	s, err := c.readWhole(bucketStaged, id, nil)
	if err != nil {
		return SectionState{}, err
	}
	return p.patch(id, s, u), nil
}

// patch makes the changes to s, and adds the chunks that changed to p.
func (p *pending) patch(id uint32, s *statuslist.Section, u SectionUpdate) SectionState {
	chunks := overlay{}
	maps.Copy(chunks, p.changed[id])
	for _, change := range u.Changes {
		s.Set(change.Index, change.Status)
		chunks[change.Index/chunkEntries] = nil
	}
	for n, chunk := range chunks {
		if chunk == nil {
			chunks[n] = s.AppendPacked(nil, int(n)*chunkSize, chunkSize)
		}
	}
	p.changed[id] = chunks
	return SectionState{u.Version, s.Content()}
}

// readWhole reads a section from the card and puts the newer chunks over it.
func (c *Cache) readWhole(bucket []byte, id uint32, ahead overlay) (s *statuslist.Section, err error) {
	err = c.db.View(func(tx *bbolt.Tx) error {
		stored, found, err := readSection(tx.Bucket(bucket), id)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("%w: it is not in %s", ErrMismatch, bucket)
		}
		packed, err := readSlot(tx, stored.slot)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrMismatch, err)
		}
		for n, chunk := range ahead {
			copy(packed[int(n)*chunkSize:], chunk)
		}
		if s, err = statuslist.FromPacked(packed); err != nil {
			return fmt.Errorf("%w: %w", ErrMismatch, err)
		}
		return nil
	})
	return s, err
}

// flushIfDue writes what is pending if the budget allows it. An error goes to OnUnwritten and
// undoes nothing: the version stays in force, and the next attempt comes when the budget allows
// one.
func (c *Cache) flushIfDue() {
	p := c.pending.Load()
	if p == nil {
		return
	}
	c.budget.earn(time.Now())
	if c.budget.balance < min(costBase+costPage*float64(p.chunks()), budgetBurst) {
		return
	}
	if err := c.flush(); err != nil {
		c.budget.balance -= budgetBurst / 10
		if c.OnUnwritten != nil {
			c.OnUnwritten(err)
		}
	}
}

// flush writes what is pending.
func (c *Cache) flush() error {
	p := c.pending.Load()
	if p == nil {
		return nil
	}
	err := c.write(p)
	if errors.Is(err, ErrMismatch) {
		// The card does not hold the sections that these changes belong to. Its version counts
		// until the registry's whole sections are here.
		c.pending.Store(nil)
		clear(c.whole)
	}
	if err != nil {
		return fmt.Errorf("write version %d of the status list: %w", p.update.Version, err)
	}
	return nil
}

// write writes p to the card in one transaction. Nothing is pending afterwards.
func (c *Cache) write(p *pending) error {
	stats := c.db.Stats()
	before := stats.TxStats.GetPageAlloc()
	if err := c.db.Update(p.write); err != nil {
		return err
	}
	stats = c.db.Stats()
	c.budget.balance -= float64(stats.TxStats.GetPageAlloc()-before) + costCommit
	c.pending.Store(nil)
	clear(c.whole) // half a megabyte each; the next delta checks what the card has now
	return nil
}
