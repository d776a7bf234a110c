// Package mirror lets a door follow mirrors of what its registry publishes (ashyq-registry export),
// and the registry where a mirror is faulty.
//
// Nobody trusts a mirror. Manifests count by the registry's signature and blobs by their hash, so a
// mirror cannot make a door follow something else. What it can do is nothing, or the wrong thing,
// late: that is a Fault, with the mirror's name, and the door takes the same from another mirror or
// from the registry and comes back to this one later.
//
// A manifest says by its time when the registry vouched for it. A mirror whose manifest is old may
// lag, or the registry may have nothing newer: then the door asks the registry, and otherwise only
// every now and then.
package mirror

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/statuslist"
)

const (
	// pollEvery is the time from one look at a mirror's manifest to the next: between this and half
	// as much again, so that doors spread out.
	pollEvery = 4 * time.Second
	// suspect is how old a manifest may be before the door asks the registry for a newer one. A
	// registry signs at least every ten seconds, and an export copies that within half a minute.
	suspect = time.Minute
	// MaxLag is how much newer the registry's manifest may be than a mirror's.
	MaxLag = time.Minute
	// askAtLeast and askAtMost are how often the registry is asked beside a mirror: rarely while it
	// says the same, because a clock that is behind hides a lag.
	askAtLeast, askAtMost = time.Minute, 10 * time.Minute
)

// Registry is the door's registry (package client).
type Registry interface {
	Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error)
	Blob(ctx context.Context, h api.Hash) ([]byte, error)
}

// Mirror serves a copy (package client, with Config.Mirror).
type Mirror interface {
	ManifestUnless(ctx context.Context, tag string) (sealed []byte, newTag string, err error)
	Blob(ctx context.Context, h api.Hash) ([]byte, error)
}

// Options are what a Source is made of. All fields are needed.
type Options struct {
	Registry Registry
	Mirrors  map[string]Mirror // by the host that a person calls it
	Key      ed25519.PublicKey // the registry's
	// Have is what the door has: no older manifest is of use.
	Have     func() (statuslist.Edition, time.Time)
	ClockSet func() bool     // whether something keeps the door's clock
	Live     func(time.Time) // hears the time of each manifest that the registry itself gave
	Log      *slog.Logger
}

// Source is a replica.Source. Several goroutines may use it.
type Source struct {
	opt Options

	mu      sync.Mutex // guards the rest, and all peers
	peers   []*peer    // in this door's own order
	newest  *published // that anybody gave; nil: nothing yet
	from    *peer      // which mirror gave it; nil: the registry
	nextAsk time.Time  // of the registry
	askGap  time.Duration
}

// published is a manifest with the registry's signature.
type published struct {
	manifest api.Manifest
	sealed   []byte
}

// New makes a source. It asks nobody yet.
func New(opt Options) *Source {
	s := &Source{opt: opt, askGap: askAtLeast}
	for host, m := range opt.Mirrors {
		s.peers = append(s.peers, newPeer(host, m))
	}
	rand.Shuffle(len(s.peers), func(i, j int) { s.peers[i], s.peers[j] = s.peers[j], s.peers[i] })
	return s
}

// Manifest implements replica.Source. With a wait of 0 somebody stands at the door, and the
// registry is asked first: it knows best.
func (s *Source) Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error) {
	if wait == 0 {
		return s.now(ctx)
	}
	for end := time.Now().Add(wait); ; {
		p, until := s.pick()
		if p == nil {
			sealed, err := s.ask(ctx, after, max(0, min(time.Until(end), time.Until(until))))
			if err != nil {
				s.forgive()
			}
			return sealed, err
		}
		s.follow(ctx, p)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		pause := pollEvery + rand.N(pollEvery/2)
		sealed, isNews := s.news()
		switch over := time.Now().Add(pause).After(end); {
		case isNews || over && sealed != nil:
			return sealed, nil
		case over:
			return s.ask(ctx, 0, 0)
		}
		if again, _ := s.pick(); again != p {
			continue // this one has a fault
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// now gets the newest manifest at once.
func (s *Source) now(ctx context.Context) ([]byte, error) {
	sealed, err := s.ask(ctx, 0, 0)
	if err == nil || ctx.Err() != nil {
		return sealed, err
	}
	if p, _ := s.pick(); p != nil {
		s.follow(ctx, p)
		if sealed, _ := s.news(); sealed != nil {
			return sealed, nil
		}
	}
	return nil, err
}

// news is the newest manifest; isNews tells whether the door does not have it yet.
func (s *Source) news() (sealed []byte, isNews bool) {
	edition, asOf := s.opt.Have()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest == nil || s.newest.before(edition, asOf) {
		return nil, false
	}
	return s.newest.sealed, s.newest.after(edition, asOf)
}

// before tells whether the door has something newer.
func (p *published) before(edition statuslist.Edition, asOf time.Time) bool {
	c := p.manifest.Edition().Compare(edition)
	return c < 0 || c == 0 && p.manifest.Issued < asOf.Unix()
}

func (p *published) after(edition statuslist.Edition, asOf time.Time) bool {
	c := p.manifest.Edition().Compare(edition)
	return c > 0 || c == 0 && p.manifest.Issued > asOf.Unix()
}

// ask asks the registry.
func (s *Source) ask(ctx context.Context, after uint64, wait time.Duration) ([]byte, error) {
	sealed, err := s.opt.Registry.Manifest(ctx, after, wait)
	if err != nil {
		return nil, err
	}
	m, err := api.OpenManifest(sealed, s.opt.Key)
	if err != nil {
		return nil, err
	}
	s.opt.Live(m.IssuedAt())
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &published{m, sealed}
	if s.newest == nil || !p.before(s.newest.manifest.Edition(), s.newest.manifest.IssuedAt()) {
		s.newest, s.from = p, nil
	}
	return s.newest.sealed, nil
}

// follow looks at the mirror's manifest, and asks the registry where that may lag.
func (s *Source) follow(ctx context.Context, p *peer) {
	got, err := s.look(ctx, p)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.blame(p, faultOf(err), err)
		return
	}
	edition, asOf := s.opt.Have()
	s.mu.Lock()
	if s.newest != nil && s.newest.after(edition, asOf) {
		edition, asOf = s.newest.manifest.Edition(), s.newest.manifest.IssuedAt()
	}
	behind := got.manifest.Edition().Compare(edition) < 0
	if !got.before(edition, asOf) && (s.newest == nil || got.after(s.newest.manifest.Edition(), s.newest.manifest.IssuedAt())) {
		s.newest, s.from = got, p
	}
	old := s.opt.ClockSet() && time.Since(got.manifest.IssuedAt()) > suspect
	now := time.Now()
	due := (behind || old) && !now.Before(s.nextAsk) || now.Sub(s.nextAsk) > askAtMost
	s.mu.Unlock()
	if due && s.compare(ctx, got) {
		edition, asOf = s.known()
	}
	s.judge(p, got, edition, asOf)
}

// look gets the mirror's manifest. Where that takes too long, the registry's is as good.
func (s *Source) look(ctx context.Context, p *peer) (*published, error) {
	s.mu.Lock()
	tag, had := p.tag, p.last
	s.mu.Unlock()
	type answer struct {
		sealed []byte
		tag    string
	}
	a, fault, _ := race(ctx, s, p, func(ctx context.Context) (a answer, err error) {
		a.sealed, a.tag, err = p.ManifestUnless(ctx, tag)
		return a, err
	}, func(ctx context.Context) (answer, error) {
		_, err := s.ask(ctx, 0, 0)
		return answer{}, err
	})
	if fault != nil {
		return nil, fault
	}
	if a.sealed == nil {
		return had, nil
	}
	m, err := api.OpenManifest(a.sealed, s.opt.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSignature, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.tag, p.last = a.tag, &published{m, a.sealed}
	return p.last, nil
}

// compare asks the registry whether it has something newer, and notes when to ask again.
func (s *Source) compare(ctx context.Context, got *published) (answered bool) {
	_, err := s.ask(ctx, 0, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.askGap = min(2*s.askGap, askAtMost) // it cannot be reached, or says the same
	if err == nil && s.newest.after(got.manifest.Edition(), got.manifest.IssuedAt().Add(MaxLag)) {
		s.askGap = askAtLeast
	}
	s.nextAsk = time.Now().Add(s.askGap/2 + rand.N(s.askGap/2))
	return err == nil
}

// known is the newest edition that the door has heard of, and its time.
func (s *Source) known() (statuslist.Edition, time.Time) {
	edition, asOf := s.opt.Have()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest != nil && s.newest.after(edition, asOf) {
		return s.newest.manifest.Edition(), s.newest.manifest.IssuedAt()
	}
	return edition, asOf
}

// judge says that the mirror lags, or that it is as new as anything the door has heard of.
func (s *Source) judge(p *peer, got *published, edition statuslist.Edition, asOf time.Time) {
	s.mu.Lock()
	// A manifest of the same edition that was signed a little earlier is as good.
	if got.manifest.Edition().Compare(edition) >= 0 {
		p.behind = time.Time{}
	} else if p.behind.IsZero() {
		p.behind = time.Now()
	}
	behind := !p.behind.IsZero()
	// The time of a restored registry goes back, so the manifests' times do not tell everything.
	lags := asOf.Sub(got.manifest.IssuedAt()) > MaxLag || behind && (time.Since(p.behind) > MaxLag || p.fault == Lags)
	s.mu.Unlock()
	switch {
	case lags:
		s.blame(p, Lags, fmt.Errorf("its manifest is version %v of %s, and the registry's newest one version %v of %s",
			got.manifest.Edition(), stamp(got.manifest.IssuedAt()), edition, stamp(asOf)))
	case !behind:
		s.works(p, false)
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Blob implements replica.Source.
func (s *Source) Blob(ctx context.Context, h api.Hash) ([]byte, error) {
	p, _ := s.pick()
	if p == nil {
		return s.opt.Registry.Blob(ctx, h)
	}
	data, fault, err := race(ctx, s, p,
		func(ctx context.Context) ([]byte, error) { return p.Blob(ctx, h) },
		func(ctx context.Context) ([]byte, error) { return s.opt.Registry.Blob(ctx, h) })
	switch {
	case ctx.Err() != nil:
	case fault == nil:
		s.works(p, true)
	case isMissing(fault) && !s.named(p):
		// The registry has just published it, and the mirror follows in a moment.
	default:
		s.blame(p, s.faultOfBlob(h, fault), fault)
	}
	return data, err
}

// named tells whether the manifest that the door follows is this mirror's.
func (s *Source) named(p *peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from == p
}

func isMissing(err error) bool {
	r, ok := errors.AsType[*api.Refusal](err)
	return ok && (r.Status == http.StatusNotFound || r.Status == http.StatusForbidden) // as object stores say it
}

// faultOfBlob knows how long the blob should be.
func (s *Source) faultOfBlob(h api.Hash, err error) Fault {
	if isMissing(err) {
		return Incomplete
	}
	wrong, ok := errors.AsType[*client.WrongBytes](err)
	if !ok {
		return faultOf(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest != nil && wrong.Size < sizeOf(s.newest.manifest, h) {
		return Incomplete
	}
	return Lies
}

// sizeOf is 0 for a blob whose size the manifest does not tell.
func sizeOf(m api.Manifest, h api.Hash) int {
	for _, section := range m.Sections {
		if section.Blob == h {
			return int(section.Size) * statuslist.SizeStep
		}
	}
	for _, level := range m.Deltas {
		for _, d := range level {
			if d.Blob == h {
				return int(d.Size) * statuslist.SizeStep
			}
		}
	}
	return 0
}
