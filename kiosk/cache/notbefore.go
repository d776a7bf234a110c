package cache

import (
	"sync"
	"time"

	"ashyq-kiosk/kiosk/uptime"
)

// drift is the part by which the machine's own clock may be fast: a thousandth. A crystal is off by
// a tenth of that, and a bound that runs ahead of the right time would stop the door.
const drift = 1000

// notBefore is how late it is at least. A signed time was in the past when it came, and from then
// on the machine's own clock counts, which nobody can set. So whoever sets the wall clock back does
// not make the list younger.
type notBefore struct {
	sync.Mutex
	at       uptime.Reading // when the two bounds were right
	registry time.Time      // from the newest manifest; zero: no manifest yet
	source   time.Time      // from a time source that signs (NTS); zero: no such source yet
	asOf     time.Time      // of the newest manifest, and
	epoch    uint32         // the epoch that it belongs to
}

// pass moves the bounds on by what has passed. The caller holds the lock.
func (n *notBefore) pass(now uptime.Reading) {
	passed := now.Since(n.at)
	passed -= passed / drift
	n.at = now
	if !n.registry.IsZero() {
		n.registry = n.registry.Add(passed)
	}
	if !n.source.IsZero() {
		n.source = n.source.Add(passed)
	}
}

// bounds are a copy without the lock.
type bounds struct {
	at               uptime.Reading
	registry, source time.Time
}

func (n *notBefore) read(now uptime.Reading) bounds {
	n.Lock()
	defer n.Unlock()
	n.pass(now)
	return bounds{n.at, n.registry, n.source}
}

func (b bounds) latest() time.Time { return later(b.registry, b.source) }

// unkept says whether the card knows nothing of this start of the machine yet.
func (b bounds) unkept(card bounds) bool { return b.at.Boot != card.at.Boot && !b.latest().IsZero() }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// signed notes that a manifest of that time is in force. One that is older than the last one of the
// same epoch corrects a registry whose clock was ahead. In a new epoch the data itself is older.
func (c *Cache) signed(asOf time.Time, epoch uint32) {
	n := &c.notBefore
	n.Lock()
	defer n.Unlock()
	n.pass(c.Running())
	if asOf.Before(n.asOf) && epoch == n.epoch {
		n.registry = asOf
	}
	n.registry, n.asOf, n.epoch = later(n.registry, asOf), asOf, epoch
}

// Heard notes that the registry itself has just said asOf. If that is news, it counts more than
// what was said before it: a bound of a registry or a time source whose clock was ahead is
// forgotten. A manifest from a folder may be of any age and is no reason to.
func (c *Cache) Heard(asOf time.Time) {
	n := &c.notBefore
	n.Lock()
	defer n.Unlock()
	n.pass(c.Running())
	if !asOf.After(n.asOf) {
		return
	}
	n.registry = asOf
	if n.source.After(asOf.Add(correction)) {
		n.source = time.Time{}
	}
}

// correction is how far behind a time source the registry may be and still agree with it.
const correction = 10 * time.Minute

// Attest notes that a source that signs says now. It replaces what such a source said before.
func (c *Cache) Attest(now time.Time) {
	n := &c.notBefore
	n.Lock()
	defer n.Unlock()
	n.pass(c.Running())
	n.source = now
}

// NotBefore is how late it is at least; zero: unknown.
func (c *Cache) NotBefore() time.Time { return c.notBefore.read(c.Running()).latest() }
