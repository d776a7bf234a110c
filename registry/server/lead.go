package server

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/store"
)

// Any number of registries run over one database. One of them holds the lease and publishes; the
// others follow what it has committed, answer everybody alike, and take the lease when its holder
// is gone. They vouch for the list as of the time that stands in the database, and only the holder
// can write it there: a holder that was stopped for longer than its lease vouches for nothing
// newer.
const (
	beatEvery   = 500 * time.Millisecond
	leaseLasts  = 3 * time.Second        // after the last beat, by the clock of each registry that watches
	followEvery = 500 * time.Millisecond // without being told; so does the publisher where nothing is told
	lookWithin  = 10 * time.Second       // at the database

	recent = 15 * time.Minute // about data of that age doors say nothing

	listenAgain = 5 * time.Second
)

// What registries tell each other through the database, where it can.
const (
	toldNews    = "news"    // for the publisher
	toldVersion = "version" // for the others
)

// newHolder names this process in the lease.
func newHolder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	var random [6]byte
	if _, err := rand.Read(random[:]); err != nil {
		panic("server: no random numbers: " + err.Error()) // never, says crypto/rand
	}
	return fmt.Sprintf("%s %d %s", host, os.Getpid(), hex.EncodeToString(random[:]))
}

// channelOf is where the registries over one database tell each other. A server of databases may
// have several registries' schemas in one database.
func channelOf(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return "ashyq_" + hex.EncodeToString(sum[:8])
}

// sharedSecret is the same in all registries over one database, and is kept nowhere.
func sharedSecret(key ed25519.PrivateKey, purpose string) [32]byte {
	secret, err := hkdf.Key(sha256.New, key.Seed(), nil, purpose, 32)
	if err != nil {
		panic("server: derive 32 bytes: " + err.Error()) // only too many bytes are an error
	}
	return [32]byte(secret)
}

// sameKeys refuses to run with other keys than the first registry over this database.
func sameKeys(ctx context.Context, opt Options) error {
	different, err := opt.Store.SameKeys(ctx, map[string]store.Secret{
		"registry.key": sha256.Sum256(opt.RegistryKey.Public().(ed25519.PublicKey)),
		"issuer.key":   sha256.Sum256(opt.IssuerKey.Public().(ed25519.PublicKey)),
		"ca.key":       sha256.Sum256(opt.Authority.Certificate.RawSubjectPublicKeyInfo),
	})
	if err != nil || different == "" {
		return err
	}
	return fmt.Errorf("%s is not the one of this database\nhint: all registries over one database have the same "+
		"registry.key, issuer.key, ca.key, ca.pem and admin.key: copy them from the first one, or name another database",
		different)
}

// start takes the lease if it is free, and follows otherwise. Nobody else can use an SQLite file:
// there the lease is always free, whoever had it before.
func (p *publisher) start(ctx context.Context) error {
	seen, err := p.store.Lease(ctx)
	if err != nil {
		return err
	}
	if !p.store.Shared() || seen.Holder == "" {
		err = p.take(ctx, seen)
	}
	if err != nil && !(errors.Is(err, store.ErrOvertaken) && p.store.Shared()) {
		return err
	}
	if !p.leading() {
		return p.refresh(ctx, seen)
	}
	if now().Sub(seen.Looked).Abs() < recent { // in a mass change it is long until this one can vouch for more
		if err := p.refresh(ctx, seen); err != nil {
			return err
		}
	}
	if err := p.holding(ctx, p.begin); err != nil {
		p.give()
		return err
	}
	return nil
}

func (p *publisher) leading() bool { return p.term.Load() != 0 }

// take tries to become the publisher. Errors: store.ErrOvertaken.
func (p *publisher) take(ctx context.Context, seen store.Lease) error {
	term, err := p.store.TakeLease(ctx, seen, p.holder)
	if err != nil {
		return err
	}
	p.term.Store(term)
	p.log.Info("this registry publishes", "term", term, "before", seen.Holder)
	return nil
}

// give stops publishing and lets another registry do so at once. Over SQLite that is the next one
// to start, and what this one vouched for is noted for it: the others do that whenever they look.
func (p *publisher) give() {
	term := p.term.Swap(0)
	if term == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), beatEvery)
	defer cancel()
	if !p.store.Shared() {
		if _, looked := p.public.state(); !looked.IsZero() {
			if _, err := p.store.Vouch(ctx, term, looked); err != nil {
				p.log.Warn("after its next start, the registry answers doors only when it has looked", "error", err)
			}
		}
		return
	}
	if err := p.store.GiveLease(ctx, term); err != nil && !errors.Is(err, store.ErrOvertaken) {
		p.log.Warn("another registry publishes only after the end of the lease", "error", err)
	}
}

// run publishes while this registry holds the lease, and follows while it does not, until ctx ends.
func (p *publisher) run(ctx context.Context) error {
	defer p.public.close()
	defer p.give()
	if p.store.Shared() {
		var listening sync.WaitGroup
		defer listening.Wait()
		listening.Go(func() { p.listen(ctx) })
	}
	for ctx.Err() == nil {
		todo := p.publishAll
		if !p.leading() {
			if !p.follow(ctx) {
				break
			}
			todo = p.takeOver
		}
		err := p.holding(ctx, todo)
		if err == nil || ctx.Err() != nil {
			break
		}
		if !p.store.Shared() {
			return err
		}
		p.log.Warn("this registry does not publish any more", "error", err)
		p.give()
		select { // so that another one may try
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

func (p *publisher) takeOver(ctx context.Context) error {
	if err := p.begin(ctx); err != nil {
		return err
	}
	return p.publishAll(ctx)
}

// holding runs f and beats meanwhile. It ends f when the lease may be over.
func (p *publisher) holding(ctx context.Context, f func(context.Context) error) error {
	if !p.store.Shared() {
		return f(ctx)
	}
	ctx, stop := context.WithCancelCause(ctx)
	beats := make(chan struct{})
	go func() {
		defer close(beats)
		stop(p.beat(ctx))
	}()
	err := f(ctx)
	lost := context.Cause(ctx)
	stop(nil)
	<-beats
	if lost != nil {
		return lost
	}
	return err
}

// beat renews the lease until ctx ends, or says why it is lost.
func (p *publisher) beat(ctx context.Context) error {
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(beatEvery):
		}
		sent := time.Now()
		within, cancel := context.WithTimeout(ctx, leaseLasts)
		err := p.store.Beat(within, p.term.Load())
		cancel()
		switch {
		case err == nil:
			renewed = sent
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, store.ErrOvertaken) || time.Since(renewed) > leaseLasts:
			return err
		}
	}
}

// follow announces what another registry publishes, until this one has taken the lease. false: ctx
// has ended before.
func (p *publisher) follow(ctx context.Context) bool {
	var seen store.Lease
	since := time.Now() // when seen was first seen
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(ctx, lookWithin)
		now, err := p.store.Lease(within)
		if err == nil {
			err = p.refresh(within, now)
		}
		cancel()
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil:
			p.log.Warn("follow the publisher, trying again", "error", err)
			since = time.Now()
		case now.Term != seen.Term || now.Beat != seen.Beat:
			seen, since = now, time.Now()
		}
		// Its own one is the lease that it could not renew, or whose end it did not see.
		if err == nil && (now.Holder == "" || now.Holder == p.holder || time.Since(since) >= leaseLasts) {
			err := p.take(ctx, now)
			if err == nil {
				return true
			}
			if !errors.Is(err, store.ErrOvertaken) {
				p.log.Warn("take the lease, trying again", "error", err)
			}
		}
		p.nextNews(ctx)
	}
	return false
}

// nextNews waits until there may be something to follow, and passes on what this registry was told.
func (p *publisher) nextNews(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(followEvery):
		return
	case <-p.heard:
	case <-p.versions:
	case <-p.news:
		p.tell(ctx, toldNews)
	}
	select {
	case <-ctx.Done():
	case <-time.After(gather):
	}
}

// refresh announces what is published. What the lease says was there before, so the list has all
// that it vouches for.
func (p *publisher) refresh(ctx context.Context, lease store.Lease) error {
	if lease.Version == 0 {
		return nil
	}
	if lease.Version != p.manifest.Version {
		m, err := p.store.Published(ctx)
		if err != nil {
			return err
		}
		p.manifest = m
	}
	keys, err := p.store.ListKeys(ctx)
	if err != nil {
		return err
	}
	p.manifest.Next = api.Turnover{}
	for _, k := range keys {
		if k.Generation > p.manifest.Generation {
			p.manifest.Next = api.Turnover{Generation: k.Generation, Since: k.Since.Unix()}
		}
	}
	backup, err := p.store.Backup(ctx)
	if err != nil {
		return err
	}
	if err := p.wakeMarked(ctx); err != nil {
		return err
	}
	p.public.works(lease.Worked)
	p.public.announce(p.manifest, lease.Looked, backup)
	return nil
}

// vouch announces what is published as complete as of then, in the database first.
func (p *publisher) vouch(ctx context.Context, at, backup time.Time) error {
	if p.store.Shared() {
		asOf, err := p.store.Vouch(ctx, p.term.Load(), at)
		if err != nil {
			return err
		}
		at = asOf
	} else if _, looked := p.public.state(); looked.Sub(at) <= store.ClocksDiffer {
		at = later(at, looked) // a clock that is set back a little does not make the list older
	} // else it was ahead before: doors would take nothing until that time
	p.public.announce(p.manifest, at, backup)
	return nil
}

// getOn announces what is published without vouching for more, and that the publisher works.
func (p *publisher) getOn(ctx context.Context, backup time.Time) error {
	at := now()
	if p.store.Shared() {
		if err := p.store.Works(ctx, p.term.Load(), at); err != nil {
			return err
		}
	}
	p.public.works(at)
	p.public.announce(p.manifest, time.Time{}, backup)
	return nil
}

// tell tells the other registries. They look by themselves, too.
func (p *publisher) tell(ctx context.Context, what string) {
	if err := p.store.Notify(ctx, p.channel, what); err != nil && ctx.Err() == nil {
		p.log.Debug("the other registries look by themselves", "error", err)
	}
}

// listen hears what other registries tell, until ctx ends.
func (p *publisher) listen(ctx context.Context) {
	for first := true; ctx.Err() == nil; first = false {
		err := p.store.Listen(ctx, p.channel, func() { p.listens.Store(true) }, func(what string) {
			to := p.versions
			if what == toldNews {
				to = p.heard
			}
			select {
			case to <- struct{}{}:
			default:
			}
		})
		p.listens.Store(false)
		if first && ctx.Err() == nil {
			p.log.Warn("the database tells nothing, looking twice a second", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(listenAgain):
		}
	}
}

// atLeast is how often the publisher looks without news.
func (p *publisher) atLeast() time.Duration {
	if p.store.Shared() && !p.listens.Load() {
		return followEvery
	}
	return p.idle
}

// wakeMarked wakes the phones of people whom the publisher of another registry has looked at, or
// has to.
func (p *publisher) wakeMarked(ctx context.Context) error {
	indexes := p.watches.indexes()
	if len(indexes) == 0 {
		p.marks = nil
		return nil
	}
	marks, err := p.store.Marks(ctx, indexes)
	if err != nil {
		return err
	}
	// A pass is new here when its phone begins to wait. The phone has looked before the mark was
	// read, so it looks once more; after that the mark is known.
	var news []uint64
	for _, index := range indexes {
		mark := marks[index] // zero: there is no such pass
		marks[index] = mark
		if before, known := p.marks[index]; !known || before != mark {
			news = append(news, index)
		}
	}
	p.marks = marks
	p.watches.wakeAll(news)
	return nil
}
