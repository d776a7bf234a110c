package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// The publisher's rhythm. A change reaches waiting doors within gather + gap and the time to
// publish.
const (
	gather = 100 * time.Millisecond // after news, so that what arrives together becomes one version
	gap    = 500 * time.Millisecond // between versions
	vouch  = 2 * time.Second        // without news, at most: the manifest is vouched for again
	pause  = time.Second            // after a failure

	batch = 5000 // citizens in one reading transaction
	most  = 4    // batches that are derived at once; as many due ones without news are a mass change

	// lead is how long before its use the next list key is handed out. A door that is revoked while
	// a turnover is announced reads on until the one after that: two of them within the hour.
	lead = 29 * time.Minute
)

// publisher owns the published data, or what it knows of it where another registry publishes
// (lead.go). Only run (and newPublisher before it) touches what is committed.
type publisher struct {
	store   *store.Store
	key     ed25519.PrivateKey
	log     *slog.Logger
	metrics *metrics
	public  *publication
	watches *watches
	news    chan struct{} // full: a look is due anyway, so drop; so the next two
	idle    time.Duration // without news it looks so often

	// Of several registries over one database.
	holder   string        // this one in the lease
	channel  string        // where they tell each other
	term     atomic.Int64  // of the lease; 0: another one publishes
	heard    chan struct{} // others have news for the publisher
	versions chan struct{} // another one has published
	listens  atomic.Bool
	marks    map[uint64]store.Mark // of the watched passes, when last looked

	issuer     ed25519.PublicKey
	firstRules []byte

	// What is committed.
	manifest api.Manifest
	sections []*statuslist.Section
	contents [][32]byte // of sections
	listKey  statuslist.Key
	restored bool // from a backup, and nothing was published since

	batch  int
	again  *again      // nil: nobody is made due to be derived again
	ahead  uint64      // the version that a clock that was ahead made, and everybody is derived again; 0: no version
	held   *massChange // nil: no mass change is being collected
	listed time.Time   // whoever is due since then at the latest has been derived for the list already
}

func newPublisher(ctx context.Context, opt Options, m *metrics) (*publisher, error) {
	p := &publisher{
		store: opt.Store, key: opt.RegistryKey, log: opt.Log, metrics: m, watches: &watches{of: map[uint64]*watch{}},
		idle: vouch, news: make(chan struct{}, 1), heard: make(chan struct{}, 1), versions: make(chan struct{}, 1),
		batch: batch, holder: newHolder(), channel: channelOf(opt.RegistryKey.Public().(ed25519.PublicKey)),
		issuer: opt.IssuerKey.Public().(ed25519.PublicKey), firstRules: opt.DefaultRules,
	}
	nothing := api.Manifest{List: listName(p.key.Public().(ed25519.PublicKey))}
	p.public = newPublication(p.key, nothing, m)
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// begin makes this registry the publisher that it has the lease for.
func (p *publisher) begin(ctx context.Context) error {
	p.manifest, p.sections, p.contents = api.Manifest{}, nil, nil
	p.again, p.held, p.listed = nil, nil, time.Time{}
	keys, err := p.store.TurnListKey(ctx, now(), lead)
	if err != nil {
		return err
	}
	err = p.load(ctx, keys)
	if errors.Is(err, store.ErrNotFound) {
		p.listKey = sealingKey(keys[0])
		err = p.first(ctx, p.firstRules)
	}
	if err != nil {
		return err
	}
	if err := p.publishKeys(ctx, p.issuer); err != nil {
		return err
	}
	if err := p.compareRule(ctx); err != nil {
		return err
	}
	_, _, err = p.once(ctx) // never vouch for a list that lacks earlier changes
	return err
}

// load reads the published data.
func (p *publisher) load(ctx context.Context, keys []store.ListKey) error {
	m, err := p.store.Published(ctx)
	if err != nil {
		return err
	}
	if want := listName(p.key.Public().(ed25519.PublicKey)); m.List != want {
		return fmt.Errorf("the database has list %q, registry.key belongs to %q\nhint: is registry.key the one of this database?", m.List, want)
	}
	for _, k := range keys {
		if k.Generation == m.Generation {
			p.listKey = sealingKey(k)
		}
	}
	if p.listKey.Generation != m.Generation {
		return fmt.Errorf("the database has no list key %d, with which its list is sealed", m.Generation)
	}
	p.sections, err = api.ReadList(m, p.listKey, func(h api.Hash) ([]byte, error) { return p.store.Blob(ctx, h) })
	if err != nil {
		return fmt.Errorf("load the list: %w", err)
	}
	for _, s := range p.sections {
		p.contents = append(p.contents, s.Content())
	}
	p.manifest = m
	p.restored = len(m.Ended) > 0 && m.Ended[len(m.Ended)-1].Version == m.Version
	return nil
}

func sealingKey(k store.ListKey) statuslist.Key {
	return statuslist.Key{Generation: k.Generation, Secret: k.Key}
}

// turn lets the draft be sealed with the next key if it is time for that, and announces it before.
func (p *publisher) turn(ctx context.Context, d *draft) error {
	at := now()
	keys, err := p.store.TurnListKey(ctx, at, lead)
	if err != nil {
		return err
	}
	d.next.Next = api.Turnover{}
	for _, k := range keys {
		switch {
		case k.Generation <= p.manifest.Generation:
		case k.Since.After(at):
			d.next.Next = api.Turnover{Generation: k.Generation, Since: k.Since.Unix()}
		default:
			d.key = sealingKey(k)
		}
	}
	return nil
}

// first publishes version 1: one empty section, the given rules, and no issuers yet.
func (p *publisher) first(ctx context.Context, rules []byte) error {
	noKeys, err := api.MarshalKeys(nil)
	if err != nil {
		return fmt.Errorf("encode an empty set of keys: %w", err)
	}
	d := p.draft()
	d.next.List = listName(p.key.Public().(ed25519.PublicKey))
	d.next.Rules, d.next.Keys = d.add(rules), d.add(noKeys)
	d.grow()
	return p.commit(ctx, d)
}

// publishKeys publishes the issuer's key as the one that doors trust.
func (p *publisher) publishKeys(ctx context.Context, issuer ed25519.PublicKey) error {
	keys, err := api.MarshalKeys(api.Keys{issuer})
	if err != nil {
		return fmt.Errorf("encode the issuer's key: %w", err)
	}
	if api.HashOf(keys) == p.manifest.Keys {
		return nil
	}
	d := p.draft()
	d.next.Keys = d.add(keys)
	return p.commit(ctx, d)
}

// poke reports news. It never waits.
func (p *publisher) poke() {
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// publishAll looks again and again until ctx ends. It gives up only if another registry publishes.
func (p *publisher) publishAll(ctx context.Context) error {
	var last time.Time // when a version was published
	for ctx.Err() == nil {
		version := p.manifest.Version
		wait, more, err := p.once(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, store.ErrOvertaken):
			return err
		case err != nil:
			p.metrics.failed.Inc()
			p.log.Error("publish, trying again", "error", err)
			wait = pause
		}
		if p.manifest.Version != version {
			last = time.Now()
		}
		if !more {
			p.rest(ctx, wait, last)
		}
	}
	return nil
}

// rest waits for news, at most for wait. Then it gathers, and keeps the gap to the last version.
func (p *publisher) rest(ctx context.Context, wait time.Duration, last time.Time) {
	select {
	case <-ctx.Done():
		return
	case <-p.news:
		wait = gather
	case <-p.heard:
		wait = gather
	case <-time.After(wait):
		wait = 0
	}
	select {
	case <-ctx.Done():
	case <-time.After(max(wait, time.Until(last.Add(gap)))):
	}
}

// once derives the statuses that are due and publishes what changed. It returns how long nothing
// will be due, or that more are due already.
func (p *publisher) once(ctx context.Context) (wait time.Duration, more bool, err error) {
	p.compareClock()
	if err := p.deriveAgain(ctx); err != nil {
		return 0, false, err
	}
	seen, err := p.look(ctx)
	if err != nil {
		return 0, false, err
	}
	derived, err := p.publish(ctx, seen)
	if err != nil {
		return 0, false, err
	}
	if err := p.settle(ctx, seen, derived); err != nil {
		return 0, false, err
	}
	if seen.mass && p.again == nil {
		return 0, true, p.walk(ctx, seen)
	}
	if seen.more {
		return 0, true, nil
	}
	p.listed = time.Time{}
	wait, err = p.untilDue(ctx)
	return wait, false, err
}

// sight is what the publisher saw in the database.
type sight struct {
	at     time.Time // before it looked: all that was committed by then is in it, unless more are due
	due    []*store.Citizen
	more   bool
	mass   bool      // many more are due, or about to be: due has only those with news
	backup time.Time // store.Store.Backup
}

// look lists who is due, those with news first. While people are made due to be derived again, and
// while a mass change is collected, it lists only those with news.
func (p *publisher) look(ctx context.Context) (sight, error) {
	at := now()
	backup, err := p.store.Backup(ctx)
	if err != nil {
		return sight{}, err
	}
	seen := sight{at: at, backup: backup, mass: p.again != nil || p.held != nil}
	until := at
	if seen.mass {
		until = store.News
	}
	var last *store.Citizen
	full := true
	for n := 0; full && n < most; n++ {
		due, err := p.store.DueAfter(ctx, last, until, p.batch)
		if err != nil {
			return sight{}, err
		}
		seen.due, full = append(seen.due, due...), len(due) == p.batch
		if full {
			last = due[p.batch-1]
		}
		seen.more = seen.mass || full || n > 0 // somebody of a later batch may have news by then, and come before it
	}
	if seen.mass || !full || last.News() || !last.DueAt().After(p.listed) {
		return seen, nil
	}
	seen.mass = true
	seen.due = slices.DeleteFunc(seen.due, func(c *store.Citizen) bool { return !c.News() })
	return seen, nil
}

// publish makes a version of what was seen, if that changes anything. The list comes before the
// outcomes: after a crash in between, the same people are due and derive to the same.
func (p *publisher) publish(ctx context.Context, seen sight) ([]store.Derived, error) {
	d := p.draft()
	p.watches.wake(seen.due) // a self-check reads the records themselves
	derived := d.derive(seen.due, seen.at)
	if err := p.complete(ctx, d); err != nil {
		return nil, err
	}
	p.held.take(p, derived)
	return derived, nil
}

// complete makes a version of a draft, if that changes anything.
func (p *publisher) complete(ctx context.Context, d *draft) error {
	start := time.Now()
	if d.behind {
		return store.ErrOvertaken
	}
	if err := p.rules(ctx, d); err != nil {
		return err
	}
	if err := p.room(ctx, d); err != nil {
		return err
	}
	if err := p.turn(ctx, d); err != nil {
		return err
	}
	if !d.changed(p.manifest) {
		p.manifest.Next = d.next.Next
		return nil
	}
	err := p.commit(ctx, d)
	p.metrics.publish.Observe(time.Since(start).Seconds())
	return err
}

// settle stores the outcomes of what was published, and vouches for it unless more are due. A large
// change's list does not wait for that.
func (p *publisher) settle(ctx context.Context, seen sight, derived []store.Derived) error {
	if seen.more {
		if err := p.getOn(ctx, seen.backup); err != nil {
			return err
		}
		return p.store.PutDerived(ctx, p.term.Load(), derived)
	}
	if err := p.store.PutDerived(ctx, p.term.Load(), derived); err != nil {
		return err
	}
	return p.vouch(ctx, seen.at, seen.backup)
}

func (p *publisher) untilDue(ctx context.Context) (time.Duration, error) {
	next, err := p.store.NextDue(ctx)
	if err != nil || next.IsZero() {
		return p.atLeast(), err
	}
	return max(0, min(p.atLeast(), time.Until(next))), nil
}

// rules copies the administrator's document into the draft.
func (p *publisher) rules(ctx context.Context, d *draft) (err error) {
	wanted, err := p.store.WantedRules(ctx)
	d.next.Rules = wanted.Hash
	return err
}

// room adds a section when seven eighths of the indexes are used. A door keeps all of them, so a
// list with more room costs each card more, and one with less costs more trials to find a free
// index.
func (p *publisher) room(ctx context.Context, d *draft) error {
	issued, err := p.store.Issued(ctx)
	if err != nil {
		return err
	}
	if issued > uint64(len(d.sections))*statuslist.SectionSize/8*7 {
		d.grow()
	}
	return nil
}

// commit makes the draft durable first, and then current.
func (p *publisher) commit(ctx context.Context, d *draft) error {
	sealed := p.sealing(ctx, d)
	if err := sealed.seal(p.restored); err != nil {
		return err
	}
	at := now()
	d.next.Issued = at.Unix()
	if err := p.store.Publish(ctx, p.term.Load(), d.next, d.blobs, d.fresh, at); err != nil {
		return err
	}
	if d.key != p.listKey {
		p.log.Info("the list key was turned over", "generation", d.key.Generation)
	}
	p.manifest, p.sections, p.contents, p.listKey, p.restored = d.next, d.sections, sealed.contents, d.key, false
	p.log.Info("published", "version", d.next.Version, "sections", len(d.next.Sections))
	p.tell(ctx, toldVersion)
	return nil
}
