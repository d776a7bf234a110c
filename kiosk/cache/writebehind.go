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
	update   Update             // from the version on the card to this one, without its sections
	sections []SectionState     // all sections of the list, as they are now
	changed  map[uint32]overlay // sections that are older on the card
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
	continued := now.List == u.List && now.Epoch == u.Epoch // so that versions of sections can be compared
	p = &pending{update: u, changed: map[uint32]overlay{}}
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
	waits = continued && len(now.Sections) == len(u.Sections) && !math.IsInf(c.budget.balance, 1)
	for id, s := range u.Sections {
		var have SectionState
		if id < len(now.Sections) {
			have = now.Sections[id]
		}
		want := SectionState{s.Version, s.Content}
		switch {
		case continued && want.Version < have.Version:
			err = fmt.Errorf("%w: section version %d after %d", ErrOlder, want.Version, have.Version)
		case len(s.Deltas) > 0 && !(continued && have.Version > 0):
			err = fmt.Errorf("%w: changes to a section that the cache does not have", ErrMismatch)
		case len(s.Deltas) > 0:
			err = c.patch(p, uint32(id), have, s)
		case want != have:
			delete(p.changed, uint32(id)) // the staged section replaces it
			waits = false
		}
		if err != nil {
			return nil, false, fmt.Errorf("section %d: %w", id, err)
		}
		p.sections = append(p.sections, want)
	}
	return p, waits, nil
}

// patch applies the deltas of one section, in memory, and adds the chunks that changed to p.
func (c *Cache) patch(p *pending, id uint32, have SectionState, u SectionUpdate) error {
	s := c.whole[id]
	if s == nil {
		var err error
		if s, err = c.readWhole(id, p.changed[id]); err != nil {
			return err
		}
		c.whole[id] = s
	}
	if err := applyDeltas(s, p.update.List, id, have.Version, u); err != nil {
		return err
	}
	chunks := overlay{}
	maps.Copy(chunks, p.changed[id])
	for _, d := range u.Deltas {
		for _, change := range d.Changes {
			chunks[change.Index/chunkEntries] = nil
		}
	}
	for n, chunk := range chunks {
		if chunk == nil {
			chunks[n] = s.AppendPacked(nil, int(n)*chunkSize, chunkSize)
		}
	}
	p.changed[id] = chunks
	return nil
}

// applyDeltas brings a section from a version to the one that u promises, or changes nothing.
func applyDeltas(s *statuslist.Section, list string, id uint32, version uint64, u SectionUpdate) error {
	first, last := u.Deltas[0], u.Deltas[len(u.Deltas)-1]
	if first.List != list || first.ID != id || first.From != version {
		return fmt.Errorf("%w: the changes start from version %d of section %d of %q, the cache has version %d",
			ErrMismatch, first.From, first.ID, first.List, version)
	}
	if last.From+1 != u.Version || last.Result != u.Content {
		return fmt.Errorf("%w: the changes lead to version %d, the manifest wants version %d, or the hashes differ",
			ErrMismatch, last.From+1, u.Version)
	}
	if err := statuslist.Apply(s, u.Deltas...); err != nil {
		return fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	return nil
}

// readWhole reads a section from the card and puts the newer chunks over it.
func (c *Cache) readWhole(id uint32, ahead overlay) (s *statuslist.Section, err error) {
	err = c.db.View(func(tx *bbolt.Tx) error {
		stored, _, err := readSection(tx.Bucket(bucketSections), id)
		if err != nil {
			return err
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
