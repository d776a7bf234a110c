package cache

import (
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
	// costBase and costPage are what a transaction and each page of chunks that it changes are
	// expected to cost.
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

// pending is what the card needs to have the version in force.
type pending struct {
	asOf    int64               // with which the card gets it, Unix s
	changed map[uint32]*pages   // sections that are older on the card
	staged  map[uint32][32]byte // staged there, by their blob: it must be written now
}

// pages counts the pages to be written.
func (p *pending) pages() (n int) {
	for _, pages := range p.changed {
		n += pages.count()
	}
	return n
}

// next returns the version after u, and what the card will need for it.
func (c *Cache) next(u Update) (*view, *pending, error) {
	now := c.view.Load()
	if now == nil {
		now = new(view)
	}
	if u.edition().Compare(now.edition) <= 0 {
		return nil, nil, fmt.Errorf("%w: version %v", ErrOlder, now.edition)
	}
	have := now.sections
	if now.list != u.List || now.edition.Epoch != u.Epoch {
		have = nil // they are of no use
	}
	v := &view{head: head{u.edition(), u.Ended, u.AsOf.Unix(), u.List}, rules: u.Rules, keys: u.Keys}
	if u.Rules == nil {
		v.rules = now.rules
	}
	if u.Keys == nil {
		v.keys = now.keys
	}
	p := &pending{asOf: v.asOf, changed: map[uint32]*pages{}, staged: map[uint32][32]byte{}}
	if c.pending != nil {
		maps.Copy(p.changed, c.pending.changed)
	}
	maps.DeleteFunc(p.changed, func(id uint32, _ *pages) bool { return int(id) >= len(u.Sections) })
	var contents [][32]byte
	for id, s := range u.Sections {
		section := &memorySection{}
		if id < len(have) {
			section = have[id]
		}
		section, err := c.nextSection(p, uint32(id), section, s)
		if err != nil {
			return nil, nil, fmt.Errorf("section %d: %w", id, err)
		}
		v.sections, contents = append(v.sections, section), append(contents, section.Content)
	}
	if u.Root != [32]byte{} && statuslist.Root(contents) != u.Root {
		return nil, nil, fmt.Errorf("%w: the changes lead to another list than they promise", ErrMismatch)
	}
	return v, p, nil
}

// nextSection returns what becomes of the section, and adds to p how it does.
func (c *Cache) nextSection(p *pending, id uint32, have *memorySection, u SectionUpdate) (*memorySection, error) {
	switch {
	case u.Version < have.Version:
		return nil, fmt.Errorf("%w: changed last in version %d, the cache has %d", ErrOlder, u.Version, have.Version)
	case u.Staged:
		staged, err := c.readStaged(id, u.Blob)
		if err != nil {
			return nil, err
		}
		have, p.staged[id] = staged, u.Blob
		delete(p.changed, id)
	case have.Version == 0:
		return nil, fmt.Errorf("%w: changes to a section that the cache does not have", ErrMismatch)
	case len(u.Changes) == 0 && u.Version != have.Version:
		return nil, fmt.Errorf("%w: no changes lead from version %d to %d", ErrMismatch, have.Version, u.Version)
	}
	if len(u.Changes) == 0 {
		return &memorySection{SectionState{u.Version, have.Content}, have.packed}, nil
	}
	changed := new(pages)
	if before := p.changed[id]; before != nil {
		*changed = *before
	}
	p.changed[id] = changed
	packed := have.with(u.Changes, changed)
	return &memorySection{SectionState{u.Version, packed.content()}, packed}, nil
}

// readStaged reads a staged section and hashes what the card returns.
func (c *Cache) readStaged(id uint32, blob [32]byte) (out *memorySection, err error) {
	err = c.db.View(func(tx *bbolt.Tx) error {
		s, found, err := readSection(tx.Bucket(bucketStaged), id)
		if err == nil && (!found || s.blob != blob) {
			err = fmt.Errorf("%w: its blob %x is not staged", ErrMismatch, blob[:4])
		}
		if err != nil {
			return err
		}
		packed, err := readSlot(tx, s.slot, s.content)
		if err != nil {
			return fmt.Errorf("%w: staged version %d: %w", ErrMismatch, s.version, err)
		}
		out = &memorySection{SectionState{s.version, s.content}, packed}
		return nil
	})
	return out, err
}

// flushIfDue writes what is pending if the budget allows it. An error goes to OnUnwritten and
// undoes nothing: the version stays in force, and the next attempt comes when the budget allows
// one.
func (c *Cache) flushIfDue() {
	if c.pending == nil {
		return
	}
	c.budget.earn(time.Now())
	if c.budget.balance < min(costBase+costPage*float64(c.pending.pages()), budgetBurst) {
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
	if c.pending == nil {
		return nil
	}
	v := c.view.Load()
	if err := c.write(v, c.pending); err != nil {
		return fmt.Errorf("write version %d of the status list: %w", v.edition.Version, err)
	}
	return nil
}

// write writes v to the card in one transaction. Nothing is pending afterwards.
func (c *Cache) write(v *view, p *pending) error {
	stats := c.db.Stats()
	before := stats.TxStats.GetPageAlloc()
	if err := c.db.Update(func(tx *bbolt.Tx) error { return p.write(tx, v) }); err != nil {
		return err
	}
	stats = c.db.Stats()
	c.budget.balance -= float64(stats.TxStats.GetPageAlloc()-before) + costCommit
	c.pending, c.asOf = nil, p.asOf
	return nil
}
