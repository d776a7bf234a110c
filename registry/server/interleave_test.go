package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	citizens "ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/registry/store/storetest"
)

// databases are both kinds, each as the address of an empty one.
var databases = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "registry.db") },
	"postgres": storetest.Postgres,
}

// page is the state of a door's card after it followed the registry once.
type page struct {
	version uint64
	asOf    time.Time
	changed uint64 // the list, last
	list    *statuslist.Section
}

// Status is the cache's answer.
func (p page) Status(_ context.Context, who kiosk.Person) (kiosk.Standing, error) {
	if !statuslist.Epochs(nil).Hold(who.Since, statuslist.Edition{Version: p.version}) {
		return kiosk.Standing{}, kiosk.ErrUnknownPerson
	}
	return kiosk.Standing{Status: p.list.Get(uint32(who.Index)), AsOf: p.asOf}, nil
}

// believes returns the status that a door with this page and without a network takes the pass for,
// and whether it decides.
func (p page) believes(t testing.TB, at pass.Place) (statuslist.Status, bool) {
	standing, err := p.Status(t.Context(), kiosk.Person{Index: uint64(at.Index), Since: at.Since})
	if err != nil && !errors.Is(err, kiosk.ErrUnknownPerson) {
		t.Fatal(err)
	}
	return standing.Status, err == nil
}

// page follows the registry. It opens the list only if it changed.
func (i *interleaving) page() page {
	m := i.manifestAfter(0, 0)
	for _, p := range i.pages {
		if p.changed == m.Changed() {
			return page{m.Version, m.IssuedAt(), p.changed, p.list}
		}
	}
	return page{m.Version, m.IssuedAt(), m.Changed(), i.section(m, 0)}
}

// person is the nth IIN, which nobody really has.
func person(n int) string {
	for check := range 10 {
		iin := fmt.Sprintf("0113%07d%d", n%1e7, check)
		if _, err := store.ParseIIN(iin); err == nil {
			return iin
		}
	}
	return person(n + 5_000_000) // one number in eleven or so has no check digit
}

// interleaving is one activation of a red person among the publisher's steps, in the order of a
// script. Its letters are steps of the activation, the laboratory and the publisher.
type interleaving struct {
	*rig
	phone ed25519.PrivateKey
	lab   int64
	iin   store.IIN
	code  string

	want      store.Credential
	given     chan pass.Place // what the phone gets, once
	had       *pass.Place
	hangUp    func() bool // ends the phone's request; true: it has no pass yet
	positive  time.Time   // when the result was stored
	first     bool        // the result was stored before the activation
	activated bool
	seen      sight
	derived   []store.Derived // of seen
	listed    bool            // seen is published
	pages     []page
}

// steps are the letters of a script.
var steps = map[rune]func(*interleaving){
	'a': func(i *interleaving) { i.want = newCredential(i.phone.Public().(ed25519.PublicKey), "") },
	'b': func(i *interleaving) { // the database's part of an activation
		got, err := i.opt.Store.Activate(i.Context(), store.SecretOf(i.code), i.want, now())
		i.must(err)
		i.want, i.activated = got, true
	},
	'c': (*interleaving).ask,
	'r': func(i *interleaving) {
		i.report(i.lab, i.iin, i.code, store.Positive)
		i.positive, i.first = time.Now(), !i.activated
	},
	'l': (*interleaving).look,
	'p': func(i *interleaving) {
		var err error
		i.derived, err = i.publisher.publish(i.Context(), i.seen)
		i.must(err)
		i.listed = true
	},
	'o': func(i *interleaving) { // the outcomes of what was published; after a crash they are lost
		if i.listed {
			i.must(i.publisher.settle(i.Context(), i.seen, i.derived))
		}
	},
	'x': func(i *interleaving) { // the registry restarts, which ends all requests
		asking := i.hangUp != nil
		if asking {
			asking = i.hangUp()
		}
		i.restart()
		if asking {
			i.ask()
		}
		i.look()
	},
	's': func(*interleaving) { time.Sleep(11 * time.Second) }, // fake; longer than resign
}

// ask hands the pass out as soon as it may be.
func (i *interleaving) ask() {
	ctx, cancel := context.WithCancel(i.Context())
	ended := make(chan bool, 1) // whether the pass was not handed out
	i.hangUp = func() bool { cancel(); return <-ended }
	go func() {
		today := []pass.DayKey{{Day: pass.DayOf(now()), Holder: keyOf(9).Public().(ed25519.PublicKey)}}
		sealed, err := i.issue(ctx, i.want, today)
		for errors.Is(err, errNotListed) { // the phone tries again
			sealed, err = i.issue(ctx, i.want, today)
		}
		if ctx.Err() != nil {
			ended <- true
			return
		}
		i.must(err)
		c, err := pass.OpenCredential(sealed[0])
		i.must(err)
		i.given <- i.placeIn(c)
		ended <- false
	}()
}

func (i *interleaving) look() {
	var err error
	i.seen, err = i.publisher.look(i.Context())
	i.listed = false
	i.must(err)
}

func (r *rig) must(err error) {
	if err != nil {
		r.Error(err)
	}
}

// run takes the steps of a script. After each of them a door follows the registry, and the test
// checks the pass against every page that any door has ever had.
func (i *interleaving) run(script string) {
	for n, step := range script {
		steps[step](i)
		synctest.Wait()
		i.pages = append(i.pages, i.page())
		select {
		case c := <-i.given:
			i.had = &c
		default:
		}
		for _, p := range i.pages {
			i.check(p, script[:n+1])
		}
	}
	if i.had == nil {
		i.Errorf("%s: the pass was never handed out", script)
	}
}

func (i *interleaving) check(p page, script string) {
	if i.had == nil || i.positive.IsZero() {
		return
	}
	status, believed := p.believes(i, *i.had)
	if believed && status != statuslist.Red && (i.first || p.asOf.After(i.positive)) {
		i.Fatalf("%s: a red person is %v at a door with version %d of %s; the pass is of version %v, the result of %s", script, status,
			p.version, p.asOf.Format(time.TimeOnly), i.had.Since, i.positive.UTC().Format(time.TimeOnly))
	}
}

// scripts are random interleavings, the same in every run. Each ends with two looks of the
// publisher.
func scripts(n int) []string {
	random := rand.New(rand.NewPCG(1, 12))
	all := make([]string, n)
	for i := range all {
		threads := []string{"abc", "r", "lpolpo", "ss", "x"}
		var script strings.Builder
		for len(threads) > 0 {
			k := random.IntN(len(threads))
			script.WriteByte(threads[k][0])
			if threads[k] = threads[k][1:]; threads[k] == "" {
				threads = append(threads[:k], threads[k+1:]...)
			}
		}
		all[i] = script.String() + "slposlpo"
	}
	return all
}

// TestNoInterleavingShowsRedAsBlue splits activation, laboratory and publisher into steps and runs
// them in random orders: no door ever believes a list that was made without the person.
func TestNoInterleavingShowsRedAsBlue(t *testing.T) {
	random := scripts(100)
	if testing.Short() {
		random = random[:30]
	}
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			synctest.Test(t, func(t *testing.T) {
				r := &rig{TB: t, file: at, authority: newAuthority(t), bundles: t.TempDir()}
				r.start()
				defer func() { r.stop() }()
				source := r.source(Laboratory)
				lab, err := r.opt.Store.SourceOf(t.Context(), store.SecretOf(source))
				if err != nil {
					t.Fatal(err)
				}
				r.idle()
				for n, script := range append(random, "ablpocsrsxlposlposlpo", "ablpcosrlposlpo") {
					i := &interleaving{
						rig: r, lab: lab.ID, iin: store.IIN(person(n)), code: fmt.Sprint(n), given: make(chan pass.Place, 1),
						phone: phoneOf(n),
					}
					i.must(r.opt.Store.PutCode(t.Context(), i.iin, store.SecretOf(i.code), now().Add(time.Hour)))
					i.run(script)
					if t.Failed() {
						return
					}
				}
			})
		})
	}
}

// restart starts the publisher again, without its own looking.
func (r *rig) restart() {
	r.Helper()
	r.publisher.give() // else the new one would wait for the end of the lease
	var err error
	if r.publisher, err = newPublisher(r.Context(), r.opt, newMetrics()); err != nil {
		r.Fatal(err)
	}
}

// idle stops the publisher's own looking; from now on the test looks.
func (r *rig) idle() {
	r.Helper()
	r.stop()
	db, err := store.Open(r.Context(), r.file)
	if err != nil {
		r.Fatal(err)
	}
	r.opt.Store = db
	r.restart()
	r.stop = func() {
		if err := db.Close(); err != nil {
			r.Error(err)
		}
	}
}

// A pass that no list holds yet is not handed out; the phone that tries again gets the same pass.
func TestPassWaitsForItsList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var c CitizenAnswer
		r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinA}, &c)
		r.idle()
		p := phone{Phone: citizens.New(keyOf(3))}
		r.post(PathActivate, "", ActivateRequest{Code: c.Code, Key: p.Key()}, nil)
		asked, err := p.TopUp(time.Now(), pass.MaxDays)
		r.must(err)
		start := time.Now()
		w := r.call(http.MethodPost, PathTopUp, "", TopUpRequest{asked})
		if took := time.Since(start); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "in a moment") || took != issueWithin {
			t.Fatalf("without a publisher: %d %s after %v", w.Code, w.Body, took)
		}
		if _, _, err := r.publisher.once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p = r.place(p); p.since != r.publisher.manifest.Edition() {
			t.Errorf("pass of %v, want the edition that holds it: %v", p.since, r.publisher.manifest.Edition())
		}
	})
}
