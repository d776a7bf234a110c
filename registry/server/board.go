package server

import (
	"context"
	"crypto/ed25519"
	"sync"
	"time"

	"ashyq-kiosk/kiosk/api"
)

const (
	// resign is how old a signed manifest may get before a request has it signed again.
	resign = 10 * time.Second
	// expires is how long a signed manifest may be taken as new. It guards only against somebody replaying an old one
	// to a door that has never seen a newer one: how old data may be for which colour is the door's rule, far stricter
	// for red than for blue. A day lets a manifest travel on a memory card.
	expires = 24 * time.Hour
	// LongestWait bounds a long poll. The HTTP server's timeouts have to be longer.
	LongestWait = 60 * time.Second
)

// board is where the current manifest hangs and where doors wait for the next one.
type board struct {
	key     ed25519.PrivateKey
	metrics *metrics
	closing chan struct{} // closed when nobody shall wait any more

	mu       sync.Mutex    // guards the rest
	manifest api.Manifest  // Issued is that of sealed
	vouched  time.Time     // when the publisher last found everything up to date
	sealed   []byte        // nil: to be signed
	newer    chan struct{} // closed when there is a newer version
}

func newBoard(key ed25519.PrivateKey, m api.Manifest, vouched time.Time, metrics *metrics) *board {
	metrics.version.Set(float64(m.Version))
	return &board{
		key: key, metrics: metrics, closing: make(chan struct{}),
		manifest: m, vouched: vouched, newer: make(chan struct{}),
	}
}

func (b *board) close() { close(b.closing) }

// announce hangs up a committed manifest, or vouches again for the one that hangs there.
func (b *board) announce(m api.Manifest, vouched time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.vouched = later(b.vouched, vouched) // a clock that is put back must not make the data older
	if m.Version == b.manifest.Version {
		return
	}
	b.manifest, b.sealed = m, nil
	close(b.newer)
	b.newer = make(chan struct{})
	b.metrics.version.Set(float64(m.Version))
}

// current is the manifest, signed a moment ago. It says when the publisher last looked: while the database is out of
// reach it grows old, however often it is asked for.
func (b *board) current() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sealed != nil && b.vouched.Sub(b.manifest.IssuedAt()) < resign {
		return b.sealed, nil
	}
	m := b.manifest
	m.Issued, m.Expires = b.vouched.Unix(), b.vouched.Add(expires).Unix()
	sealed, err := m.Seal(b.key)
	if err != nil {
		return nil, err
	}
	b.manifest, b.sealed = m, sealed
	return sealed, nil
}

// wait returns when there is a newer version than after, the time is over, or the registry shuts down.
func (b *board) wait(ctx context.Context, after uint64, longest time.Duration) {
	b.metrics.waiting.Inc()
	defer b.metrics.waiting.Dec()
	timeout := time.NewTimer(longest)
	defer timeout.Stop()
	for {
		b.mu.Lock()
		version, newer := b.manifest.Version, b.newer
		b.mu.Unlock()
		if version > after {
			return
		}
		select {
		case <-newer:
		case <-timeout.C:
			return
		case <-b.closing:
			return
		case <-ctx.Done():
			return
		}
	}
}

// state is what the administrator's page and the health check show.
func (b *board) state() (version uint64, vouched time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.manifest.Version, b.vouched
}

// list is the name of the status list. It never changes.
func (b *board) list() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.manifest.List
}
