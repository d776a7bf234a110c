package server

import (
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// country is a registry whose publisher a test moves step by step, and what a simple model knows of
// its people. Few of them are a mass change here.
type country struct {
	*rig
	random   *rand.Rand
	db       *sql.DB // behind the registry's back
	labs     []int64
	people   []*soul
	samples  int
	passes   int
	versions []uint64 // at which the steps ended
}

// soul is one of the people.
type soul struct {
	iin                store.IIN
	records            [][]store.Record // of each laboratory, in force
	suspended, revoked bool
	passes             []uint64
	settled            bool // the list has what they are, and no time has passed since
}

// few is the size of a batch in these tests: sixteen people are a mass change.
const few = 4

func newCountry(t *testing.T, address string, seed uint64, people int) *country {
	t.Helper()
	r := &rig{TB: t, file: address, authority: newAuthority(t), bundles: t.TempDir()}
	r.start()
	t.Cleanup(func() { r.stop() })
	c := &country{rig: r, random: rand.New(rand.NewPCG(seed, 1))}
	for _, name := range []string{"lab", "lab 2"} {
		var a SourceAnswer
		r.post(PathSources, adminKey, SourceRequest{Name: name, Kind: Laboratory, Hourly: maxHourly}, &a)
		lab, err := r.opt.Store.SourceOf(t.Context(), store.SecretOf(a.Key))
		r.must(err)
		c.labs = append(c.labs, lab.ID)
	}
	r.idle()
	c.publisher.batch, c.db = few, r.behind()
	for n := range people {
		c.people = append(c.people, &soul{iin: store.IIN(person(n)), records: make([][]store.Record, len(c.labs))})
		c.issue(c.people[n])
	}
	c.settle()
	return c
}

// behind opens the database behind the registry's back.
func (r *rig) behind() *sql.DB {
	r.Helper()
	driver := "sqlite"
	if store.IsPostgres(r.file) {
		driver = "pgx"
	}
	db, err := sql.Open(driver, r.file)
	r.must(err)
	r.Cleanup(func() { db.Close() })
	return db
}

// crash starts another publisher instead of this one.
func (c *country) crash() {
	c.Helper()
	c.publisher.give() // else the new one would wait for the end of the lease
	c.publisher = c.another()
	c.must(c.publisher.start(c.Context()))
}

// takeOver lets another one take the lease away. The one before it is returned.
func (c *country) takeOver(next *publisher) *publisher {
	c.Helper()
	before := c.publisher
	c.publisher = next
	seen, err := c.opt.Store.Lease(c.Context())
	c.must(err)
	c.must(c.publisher.take(c.Context(), seen))
	c.must(c.publisher.begin(c.Context()))
	return before
}

func (c *country) another() *publisher {
	p := c.publisher
	return &publisher{
		store: p.store, key: p.key, log: p.log, metrics: p.metrics, watches: p.watches,
		public: newPublication(p.key, api.Manifest{List: p.manifest.List}, p.metrics),
		holder: newHolder(), channel: p.channel, issuer: p.issuer, batch: few, idle: vouch,
	}
}

func (c *country) someone() *soul { return c.people[c.random.IntN(len(c.people))] }

func (c *country) issue(s *soul) {
	c.Helper()
	c.passes++
	code := store.SecretOf(fmt.Sprint(c.passes))
	c.must(c.opt.Store.PutCode(c.Context(), s.iin, code, now().Add(time.Hour)))
	key := phoneOf(c.passes).Public().(ed25519.PublicKey)
	got, err := c.opt.Store.Activate(c.Context(), code, newCredential(key, ""), now())
	c.must(err)
	s.passes, s.settled = append(s.passes, got.Index), false
}

func (c *country) result(s *soul, lab int, kind store.Kind) {
	c.Helper()
	c.samples++
	c.report(c.labs[lab], s.iin, fmt.Sprint(c.samples), kind)
	s.records[lab] = append(s.records[lab], store.Record{Kind: kind, At: now()})
	s.settled = false
}

// withdraw withdraws all that the second laboratory has entered: a change for many at once.
func (c *country) withdraw() {
	c.Helper()
	_, err := c.opt.Store.WithdrawSince(c.Context(), "lab 2", time.Unix(0, 0), 1<<40, "admin", "wrong", now())
	c.must(err)
	for _, s := range c.people {
		s.records[1], s.settled = nil, false
	}
}

// want is what a citizen is, alone.
func (s *soul) want() statuslist.Status {
	switch {
	case s.revoked:
		return statuslist.Invalid
	case s.suspended:
		return statuslist.Suspended
	}
	var all []store.Record
	for _, some := range s.records {
		all = append(all, some...)
	}
	return derive(all, now()).status
}

func (c *country) has(index uint64) statuslist.Status {
	return c.publisher.sections[index/statuslist.SectionSize].Get(uint32(index % statuslist.SectionSize))
}

func (c *country) check(s *soul, when string) {
	c.Helper()
	for _, index := range s.passes {
		if got := c.has(index); got != s.want() {
			c.Fatalf("%s, version %d: %v, want %v", when, c.publisher.manifest.Version, got, s.want())
		}
	}
}

// step lets the publisher look once. Whose news it could see are in the list, also of those who had
// news before; and it vouches only for a list that has everything.
func (c *country) step(news ...*soul) (more bool) {
	c.Helper()
	_, more, err := c.publisher.once(c.Context())
	if err != nil {
		c.Fatalf("a step after version %d: %v", c.publisher.manifest.Version, err)
	}
	c.versions = append(c.versions, c.publisher.manifest.Version)
	for _, s := range news {
		s.settled = true
	}
	for _, s := range c.people {
		if s.settled || !more {
			c.check(s, "a step")
			s.settled = true
		}
	}
	return more
}

// settle looks until nobody is due, and compares the list and the database with the model.
func (c *country) settle() {
	c.Helper()
	for n := 0; c.step(); n++ {
		if n > 100*len(c.people) {
			c.Fatal("people are due again and again")
		}
	}
	stored := map[uint64]statuslist.Status{}
	found, err := c.db.Query(`SELECT idx, status, COALESCE(due, -1), COALESCE(version, 0) FROM credentials JOIN citizens
		ON citizens.id = citizen WHERE idx <> $1`, elsewhere)
	c.must(err)
	defer found.Close()
	for found.Next() {
		var index, status, due, version int64
		c.must(found.Scan(&index, &status, &due, &version))
		if due >= 0 && due <= now().Unix() || version < 1 || uint64(version) > c.publisher.manifest.Version {
			c.Errorf("due at %d, in the list since version %d of %d", due, version, c.publisher.manifest.Version)
		}
		stored[uint64(index)] = statuslist.Status(status)
	}
	c.must(found.Err())
	if len(stored) != c.passes {
		c.Errorf("%d passes, want %d", len(stored), c.passes)
	}
	for _, s := range c.people {
		c.check(s, "settled")
		for _, index := range s.passes {
			if want := s.want(); want != statuslist.Invalid && want != statuslist.Suspended && stored[index] != want {
				c.Errorf("%v is stored, want %v", stored[index], want)
			}
		}
	}
}

// elsewhere is the pass that makes the list grow.
const elsewhere = 0

// grows makes it grow.
const grows = `INSERT INTO credentials (id, citizen, idx, version, epoch)
	VALUES (1000000, 1, 0, 1, 0) ON CONFLICT DO NOTHING`

// TestMassChange changes everybody at once: that is one version, and its outcomes are stored only
// after it. A result that comes meanwhile does not wait for it, and neither does a new pass. Nobody
// vouches for the list before it has everything.
func TestMassChange(t *testing.T) {
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			synctest.Test(t, func(t *testing.T) {
				c := newCountry(t, at, 1, 150)
				for _, s := range c.people {
					c.result(s, 1, store.Positive)
				}
				c.settle()
				time.Sleep(time.Minute) // fake
				_, vouched := c.publisher.public.state()
				c.withdraw()
				version := c.publisher.manifest.Version
				for n := range 4 {
					if !c.step() || c.publisher.manifest.Version != version {
						t.Fatalf("step %d makes version %d, want nothing", n, c.publisher.manifest.Version)
					}
				}
				c.crash()
				time.Sleep(2 * healthy) // fake
				c.step()
				if _, looked := c.publisher.public.state(); looked != vouched || c.publisher.held == nil {
					t.Errorf("after a crash it is vouched for %v, want %v, and %v", looked, vouched, c.publisher.held)
				}
				if w := c.call(http.MethodGet, "/healthz", "", ""); w.Code != http.StatusOK {
					t.Errorf("/healthz says %d while it works", w.Code)
				}
				c.exec(grows)
				first, last := c.people[0], c.people[len(c.people)-1] // it has passed one of them
				c.result(first, 0, store.Positive)
				c.result(last, 0, store.Negative)
				c.issue(last)
				c.step(first, last)
				if got := c.publisher.manifest; got.Version != version+1 {
					t.Errorf("news makes version %d after %d", got.Version, version)
				}
				if c.has(c.people[1].passes[0]) != statuslist.Red || c.has(c.people[140].passes[0]) != statuslist.Red {
					t.Error("it has a part of the mass change")
				}
				var since uint64
				c.must(c.db.QueryRow(`SELECT version FROM credentials WHERE idx = $1`, int64(last.passes[1])).Scan(&since))
				if since != version+1 {
					t.Errorf("the new pass is of version %d", since)
				}
				var newcomers []*soul // until one has a place where the list has grown
				for _, s := range c.people[2:] {
					c.issue(s)
					newcomers = append(newcomers, s)
					if s.passes[1] >= statuslist.SectionSize {
						break
					}
				}
				c.step(newcomers...)
				for c.publisher.held != nil {
					c.step()
				}
				var due int
				c.must(c.db.QueryRow(`SELECT COUNT(*) FROM citizens WHERE due > 0 AND status = $1`,
					int(statuslist.Red)).Scan(&due))
				if got := c.publisher.manifest.Version; got != version+3 || due != len(c.people)-1-len(newcomers) {
					t.Errorf("%d outcomes are not stored at version %d, want %d", due, got, version+3)
				}
				for _, s := range c.people {
					c.check(s, "the mass change")
				}
				if _, looked := c.publisher.public.state(); looked != vouched {
					t.Errorf("vouched for %v, before the end", looked)
				}
				c.settle()
				if got := c.publisher.manifest.Version; got != version+3 {
					t.Errorf("version %d after it, want no more", got)
				}
				if _, looked := c.publisher.public.state(); !looked.Equal(now()) {
					t.Errorf("vouched for %v in the end", looked)
				}
			})
		})
	}
}

// TestMassChangeAtAnyMoment lets all that may happen happen at random moments of mass changes, also
// a crash, an update with another duration, and another registry that takes over while the one
// before it goes on. News is in the
// next version and in all that follow, and in the end the list says of everybody what deriving them
// alone says.
func TestMassChangeAtAnyMoment(t *testing.T) {
	rounds, steps := 4, 300
	if testing.Short() {
		rounds, steps = 1, 150
	}
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			for range rounds {
				seed, at := rand.Uint64(), address(t)
				t.Logf("seed %d", seed)
				synctest.Test(t, func(t *testing.T) { newCountry(t, at, seed, 60).live(steps) })
				if t.Failed() {
					return
				}
			}
		})
	}
}

// live takes steps, with much going on.
func (c *country) live(steps int) {
	c.Helper()
	var gone []*publisher // that lost the lease and do not know it
	for n := range steps {
		if n%50 == 0 { // very many at once
			if n%100 == 0 {
				c.withdraw()
			}
			for _, s := range c.people {
				c.result(s, 1, []store.Kind{store.Positive, store.Negative}[c.random.IntN(2)])
			}
			if n%100 != 0 {
				c.settle()
				c.withdraw()
			}
		}
		var news []*soul
		for range c.random.IntN(3) {
			s := c.someone()
			c.happens(s)
			news = append(news, s)
		}
		switch c.random.IntN(60) {
		case 0:
			c.sleep(time.Duration(c.random.IntN(90)) * time.Hour)
		case 1:
			c.crash()
		case 2:
			gone = append(gone, c.takeOver(c.another()))
		case 3:
			c.exec(`UPDATE list_keys SET known = 1`) // a door was revoked
		case 4:
			c.sleep(lead)
		case 5:
			c.exec(grows)
		case 6:
			c.update([]time.Duration{7 * day, 14 * day, 21 * day}[c.random.IntN(3)], c.crash)
		}
		if len(gone) > 0 && c.random.IntN(40) == 0 { // one of them has it again
			gone = append(gone[1:], c.takeOver(gone[0]))
		}
		if len(gone) > 0 && c.random.IntN(4) == 0 {
			before := c.publisher.manifest.Version
			_, _, err := gone[0].once(c.Context()) // some blobs that it knows may be gone, too
			if m, no := c.opt.Store.Published(c.Context()); no != nil || m.Version != before {
				c.Fatalf("a publisher without the lease made version %d after %d: %v, %v", m.Version, before, err, no)
			}
		}
		if n%100 < 10 {
			news = nil // after so much of it
		}
		c.step(news...)
	}
	c.settle()
}

// happens is news of one person.
func (c *country) happens(s *soul) {
	c.Helper()
	var err error
	switch n := c.random.IntN(20); {
	case n == 0 && len(s.passes) < 3 && !s.suspended && !s.revoked:
		c.issue(s)
	case n == 1 && !s.revoked:
		err, s.suspended = c.opt.Store.Suspend(c.Context(), s.iin, now()), true
	case n == 2 && !s.revoked:
		err, s.suspended = c.opt.Store.Resume(c.Context(), s.iin), false
	case n == 3 && len(s.passes) < 2:
		err, s.revoked = c.opt.Store.Revoke(c.Context(), s.iin, now()), true
	default:
		c.result(s, 0, []store.Kind{store.Positive, store.Negative, store.Inconclusive}[c.random.IntN(3)])
	}
	c.must(err)
	s.settled = false
}

// sleep lets time pass, in which people may become due.
func (c *country) sleep(d time.Duration) {
	time.Sleep(d) // fake
	for _, s := range c.people {
		s.settled = false
	}
}

func (c *country) exec(statement string) {
	c.Helper()
	if _, err := c.db.Exec(statement); err != nil {
		c.Fatal(err)
	}
}
