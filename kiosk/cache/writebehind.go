package cache

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk/statuslist"
)

// A card wears out by what is written to it, and one changed entry costs some 46 kB: the page of its chunk, and those that
// lead to it. A country's registry publishes a version each second. So changes are in force at once, out of memory, and reach
// the card together, as often as the allowance lets them (docs/adr/0008).
const (
	// budgetRate is what the list may write on average, bytes a second: 15 MB a day. The times (clock.go) and the reports come on
	// top of it, some 20 MB.
	budgetRate = 15e6 / 86400
	// budgetBurst is what may be saved up for: after a quiet hour, some 20 versions are written as they come.
	budgetBurst = 1e6
	// costBase and costPage are what a transaction and each chunk that it changes are expected to cost.
	costBase, costPage = 40e3, 4096
	// costCommit is what a transaction costs beyond the pages that it allocates: the database's and the file system's own.
	costCommit = 4 * 4096
)

// wear is the allowance.
type writeBudget struct {
	balance float64 // bytes; below 0: a transaction that cost more than was there
	at      time.Time
}

func (w *writeBudget) earn(now time.Time) {
	if !w.at.IsZero() {
		w.balance = min(w.balance+max(0, now.Sub(w.at).Seconds())*budgetRate, max(w.balance, budgetBurst))
	}
	w.at = now
}

// writeThrough takes the allowance away: each version is on the card when Apply returns.
func (c *Cache) writeThrough() { c.budget.balance = math.Inf(1) }

// pending is what is in force and not yet on the card. It is never changed, only replaced, so readers need no lock.
type pending struct {
	update   Update                         // from the version on the card to this one
	sections []SectionState                 // all of the list, as they are now
	changed  map[uint32]*statuslist.Section // those that differ from the card's
	touched  map[[2]uint32]bool             // section and chunk
}

// over is p where it is ahead of what the card holds, else nil.
func (p *pending) over(h head) *pending {
	if p == nil || p.update.Version <= h.version {
		return nil
	}
	return p
}

func (p *pending) head() head {
	return head{p.update.Version, p.update.AsOf.Unix(), []byte(p.update.List)}
}

// next is what is pending after u; nil where u cannot wait, because it brings whole sections, another list or the first one.
func (c *Cache) next(u Update) (*pending, error) {
	if math.IsInf(c.budget.balance, 1) {
		return nil, nil
	}
	now, err := c.State()
	if err != nil {
		return nil, err
	}
	if now.Version == 0 || now.List != u.List || len(now.Sections) != len(u.Sections) {
		return nil, nil
	}
	if u.Version <= now.Version {
		return nil, fmt.Errorf("%w: version %d", ErrOlder, now.Version)
	}
	for id, s := range u.Sections {
		if len(s.Deltas) == 0 && (SectionState{s.Version, s.Content}) != now.Sections[id] {
			return nil, nil
		}
	}
	p := &pending{update: u, sections: slices.Clone(now.Sections), changed: map[uint32]*statuslist.Section{}, touched: map[[2]uint32]bool{}}
	p.update.Sections = slices.Clone(u.Sections)
	old := c.pending.Load()
	if old != nil {
		p.changed, p.touched = maps.Clone(old.changed), maps.Clone(old.touched)
		if u.Rules == nil {
			p.update.Rules = old.update.Rules
		}
		if u.Keys == nil {
			p.update.Keys = old.update.Keys
		}
	}
	for id, s := range u.Sections {
		if old != nil {
			p.update.Sections[id].Deltas = slices.Concat(old.update.Sections[id].Deltas, s.Deltas)
		}
		if len(s.Deltas) == 0 {
			continue
		}
		if err := c.patchPending(p, uint32(id), s); err != nil {
			return nil, fmt.Errorf("section %d: %w", id, err)
		}
	}
	return p, nil
}

// patchPending changes a section of p in memory.
func (c *Cache) patchPending(p *pending, id uint32, u SectionUpdate) error {
	from := p.sections[id].Version
	if u.Version < from {
		return fmt.Errorf("%w: section version %d is to follow %d", ErrOlder, u.Version, from)
	}
	s := p.changed[id]
	if s != nil {
		s = s.Clone()
	} else {
		err := c.db.View(func(tx *bbolt.Tx) error {
			stored, _, err := readSection(tx.Bucket(bucketSections), id)
			if err == nil {
				s, err = readWhole(tx, stored.slot)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := applyDeltas(s, p.update.List, id, from, u); err != nil {
		return err
	}
	for _, d := range u.Deltas {
		for _, change := range d.Changes {
			p.touched[[2]uint32{id, change.Index / chunkEntries}] = true
		}
	}
	p.changed[id], p.sections[id] = s, SectionState{u.Version, u.Content}
	return nil
}

// flushIfDue writes what is pending where the allowance lets it. An error is told and does not undo anything: the version is
// in force, and the next attempt comes with the next allowance.
func (c *Cache) flushIfDue() {
	p := c.pending.Load()
	if p == nil {
		return
	}
	c.budget.earn(time.Now())
	if c.budget.balance < min(costBase+costPage*float64(len(p.touched)), budgetBurst) {
		return
	}
	if err := c.flush(); err != nil {
		c.budget.balance -= budgetBurst / 10
		if c.OnUnwritten != nil {
			c.OnUnwritten(err)
		}
	}
}

// flush writes what is pending in one transaction.
func (c *Cache) flush() error {
	p := c.pending.Load()
	if p == nil {
		return nil
	}
	stats := c.db.Stats()
	before := stats.TxStats.GetPageAlloc()
	err := c.db.Update(func(tx *bbolt.Tx) error { return apply(tx, p.update) })
	if errors.Is(err, ErrMismatch) || errors.Is(err, ErrDamaged) {
		// The card does not hold what these changes are to; its version counts until the registry's sections have come whole.
		c.pending.Store(nil)
	}
	if err != nil {
		return fmt.Errorf("write version %d of the status list: %w", p.update.Version, err)
	}
	stats = c.db.Stats()
	c.budget.balance -= float64(stats.TxStats.GetPageAlloc()-before) + costCommit
	c.pending.Store(nil)
	return nil
}
