package server

import (
	"context"
	"crypto/ed25519"
	"net"
	"net/http"
	"sync"
	"time"

	"ashyq-kiosk/kiosk/api"
)

const (
	// resign is how old a signed manifest may be before a request has it signed again.
	resign = 10 * time.Second
	// expires is how long a signed manifest counts as new. It only protects a door that has never
	// seen a newer one from a replayed old one; the rules say how old the data may be, and are far
	// stricter. A day is enough to carry a manifest on a memory card.
	expires = 24 * time.Hour
	// LongestWait bounds a long poll. The HTTP server's timeouts must be longer.
	LongestWait = 60 * time.Second
)

// publication holds the current manifest; doors wait here for the next one.
type publication struct {
	key     ed25519.PrivateKey
	metrics *metrics
	closing chan struct{} // closed when nobody may wait any longer

	mu       sync.Mutex    // guards the rest
	manifest api.Manifest  // its Issued is that of sealed
	looked   time.Time     // when the publisher last found all up to date; zero: not yet
	worked   time.Time     // when the publisher last got on with a change that takes longer
	backup   time.Time     // after a restore: nothing newer than this is known for sure; else zero
	sealed   []byte        // nil: to be signed
	signed   time.Time     // looked at that moment
	newer    chan struct{} // closed when there is a newer version
	again    chan struct{} // closed when the publisher has looked again

	conns       map[net.Conn]struct{} // of parked requests that wait
	answered    []byte                // a whole answer with
	answeredFor []byte                // this sealed manifest

	parked sync.WaitGroup // requests; nothing is added after closing
}

// newPublication holds a manifest that is not vouched for yet.
func newPublication(key ed25519.PrivateKey, m api.Manifest, metrics *metrics) *publication {
	metrics.version.Set(float64(m.Version))
	return &publication{
		key: key, metrics: metrics, closing: make(chan struct{}),
		manifest: m, newer: make(chan struct{}), again: make(chan struct{}), conns: map[net.Conn]struct{}{},
	}
}

// close answers all who wait, and waits until they have their answers. Whoever does not take it
// holds nothing up.
func (p *publication) close() {
	p.mu.Lock()
	close(p.closing)
	p.interrupt()
	p.mu.Unlock()
	all := make(chan struct{})
	go func() {
		p.parked.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(lastWrite):
	}
}

// announce publishes a committed manifest, or vouches again for the current one; looked may be zero:
// for nothing newer. backup is store.Store.Backup.
func (p *publication) announce(m api.Manifest, looked, backup time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if looked.Before(p.looked) && !looked.IsZero() {
		p.looked, p.sealed = looked, nil // that was a clock that was ahead
	}
	p.looked = later(p.looked, looked)
	if !p.backup.Equal(backup) {
		p.backup, p.sealed = backup, nil
	}
	close(p.again)
	p.again = make(chan struct{})
	if m.Next != p.manifest.Next {
		p.manifest.Next, p.sealed = m.Next, nil
	}
	if m.Version == p.manifest.Version {
		return
	}
	p.manifest, p.sealed = m, nil
	close(p.newer)
	p.newer = make(chan struct{})
	p.interrupt()
	p.metrics.version.Set(float64(m.Version))
}

// current returns the signed manifest. Its time is less than resign before the publisher's last
// look: if the database cannot be reached, it grows old, however often doors ask.
func (p *publication) current() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looked.IsZero() {
		return nil, &failure{http.StatusServiceUnavailable, "the list is not up to date yet", "try again in a moment: the registry has just started", nil}
	}
	if p.sealed != nil && p.looked.Sub(p.signed) < resign {
		return p.sealed, nil
	}
	m := p.manifest
	m.Issued, m.Expires = p.limited(p.looked).Unix(), p.looked.Add(expires).Unix()
	sealed, err := m.Seal(p.key)
	if err != nil {
		return nil, err
	}
	p.manifest, p.sealed, p.signed = m, sealed, p.looked
	return sealed, nil
}

// wait returns at a version newer than after, at the end of the time, or at a shutdown.
func (p *publication) wait(ctx context.Context, after uint64, longest time.Duration) {
	p.metrics.waiting.Inc()
	defer p.metrics.waiting.Dec()
	timeout := time.NewTimer(longest)
	defer timeout.Stop()
	for {
		p.mu.Lock()
		version, newer := p.manifest.Version, p.newer
		p.mu.Unlock()
		if version > after {
			return
		}
		select {
		case <-newer:
		case <-timeout.C:
			return
		case <-p.closing:
			return
		case <-ctx.Done():
			return
		}
	}
}

// works notes that the publisher gets on, though it cannot vouch for anything newer yet.
func (p *publication) works(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.worked = later(p.worked, at)
}

// alive is when the publisher last showed that it works.
func (p *publication) alive() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return later(p.looked, p.worked)
}

// nextLook is closed when the publisher has looked once more.
func (p *publication) nextLook() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.again
}

// truth is t, or the time of the backup if not all sources have sent again what came after it: then
// nobody can vouch for more.
func (p *publication) truth(t time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limited(t)
}

func (p *publication) limited(t time.Time) time.Time {
	if p.backup.IsZero() {
		return t
	}
	return earlier(t, p.backup)
}

// state is for the administrator's page and the health check.
func (p *publication) state() (version uint64, looked time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.manifest.Version, p.looked
}

// rules names the published document.
func (p *publication) rules() api.Hash {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.manifest.Rules
}
