package server

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/store"
)

// The tests run in bubbles of fake time: rhythm, expiry and long polls take none.

func TestResultReachesAWaitingDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab, p := r.source(Laboratory), r.activate(iinA, 3)
		before := r.manifestAfter(0, 0)
		list := r.section(before, 0)
		if got := r.self(p); got.Status != "valid" || got.Colour != "blue" || !got.Until.IsZero() {
			t.Errorf("before the result: %+v", got)
		}

		waiting := make(chan api.Manifest)
		go func() { waiting <- r.follow(before.Version) }()
		synctest.Wait() // the door waits
		posted := time.Now()
		taken := now().Add(-time.Hour)
		r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "1", Result: "positive", Taken: taken}, nil)
		after := <-waiting
		if took := time.Since(posted); took > gather+gap {
			t.Errorf("the door waited for %v", took)
		}

		path, _, ok := after.Path(before.Version)
		if !ok || len(path) != 1 || path[0].To != after.Version {
			t.Fatalf("deltas %+v after version %d", after.Deltas, before.Version)
		}
		delta, err := statuslist.OpenDelta(r.blobOf(path[0].Blob), after.List, r.listKeys())
		if err != nil || len(delta.Sections) != 1 || len(delta.Sections[0].Changes) != 1 {
			t.Fatalf("%+v, %v", delta, err)
		}
		list.Set(delta.Sections[0].Changes[0].Index, delta.Sections[0].Changes[0].Status)
		if statuslist.Root([][32]byte{list.Content()}) != delta.Result {
			t.Error("the delta promises another list")
		}
		if list.Get(p.index) != statuslist.Red || r.section(after, 0).Get(p.index) != statuslist.Red {
			t.Errorf("the list says %v", list.Get(p.index))
		}
		if got := r.self(p); got.Colour != "red" || !got.Until.Equal(taken.Add(PositiveLasts)) {
			t.Errorf("after the result: %+v", got)
		}
	})
}

func TestStatusEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab, centre, p := r.source(Laboratory), r.source(Covid19Centre), r.activate(iinA, 3)
		start := now()
		version := r.manifestAfter(0, 0).Version
		for _, step := range []struct {
			do     func()
			status statuslist.Status
			after  time.Duration // since start
		}{
			{func() {
				r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "1", Result: "negative", Taken: start}, nil)
			}, statuslist.Green, 0},
			{nil, statuslist.Valid, NegativeLasts},
			{func() {
				r.post(PathContacts, centre, ContactRequest{IIN: iinA, Since: start}, nil)
			}, statuslist.Yellow, NegativeLasts},
			{nil, statuslist.Valid, ContactLasts},
		} {
			if step.do != nil {
				step.do()
			}
			if wait := step.after - time.Since(start) - 10*time.Second; wait > 0 {
				r.pass(wait)
			}
			m := r.follow(version)
			at := time.Since(start)
			if got := r.section(m, 0).Get(p.index); got != step.status || at < step.after || at > step.after+5*time.Second {
				t.Fatalf("%v after %v, want %v after %v", got, at, step.status, step.after)
			}
			version = m.Version
		}
	})
}

// Each phone of a person has a pass of its own, and the old one hears of the new one.
func TestNewPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab, old := r.source(Laboratory), r.activate(iinA, 3)
		var paper PaperAnswer
		r.post(PathPaper, adminKey, CitizenRequest{IIN: iinA}, &paper)
		code, err := pass.Parse([]byte(paper.Code))
		if err != nil || !code.IsPaper() {
			t.Fatalf("paper pass: %v", err)
		}
		r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "1", Result: "negative", Taken: now()}, nil)
		m := r.follow(1)
		young := r.activate(iinA, 4)
		list := r.section(r.follow(m.Version), 0)
		for _, want := range []struct {
			who    string
			index  uint32
			status statuslist.Status
		}{{"old phone", old.index, statuslist.Green}, {"new phone", young.index, statuslist.Green},
			{"paper", r.placeIn(code.Credential).Index, statuslist.Green}} {
			if got := list.Get(want.index); got != want.status {
				t.Errorf("%s is %v, want %v", want.who, got, want.status)
			}
		}
		if got := r.self(old); got.Colour != "green" || got.NewPhone.IsZero() {
			t.Errorf("old phone's self-check: %+v", got)
		}
		if got := r.self(young); !got.NewPhone.IsZero() {
			t.Errorf("new phone's self-check: %+v", got)
		}

		version := r.manifestAfter(0, 0).Version
		r.post(PathRevoke, adminKey, CitizenRequest{IIN: iinA}, nil)
		list = r.section(r.follow(version), 0)
		if list.Get(young.index) != statuslist.Invalid || list.Get(r.placeIn(code.Credential).Index) != statuslist.Invalid {
			t.Error("revoked passes are still good")
		}
	})
}

// A phone whose answer was lost asks again; another phone does not get in with the same code.
func TestOneTimeCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var c CitizenAnswer
		r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinA}, &c)
		if c.URL != "https://registry.example/#"+c.Code || c.Expires.Sub(now()) != codeLasts {
			t.Errorf("citizen's answer: %+v", c)
		}
		first := r.activateWith(" "+lower(c.Code)+" ", 3)
		if again := r.activateWith(c.Code, 3); again.index != first.index {
			t.Error("the same phone got another pass")
		}
		other := publicKey(ed25519.NewKeyFromSeed(make([]byte, 32)))
		if w := r.call(http.MethodPost, PathActivate, "", ActivateRequest{Code: c.Code, Key: other}); w.Code != http.StatusForbidden {
			t.Errorf("another phone: %d %s", w.Code, w.Body)
		}
		r.post(PathCitizens, adminKey, CitizenRequest{IIN: iinB}, &c)
		r.pass(codeLasts)
		if w := r.call(http.MethodPost, PathActivate, "", ActivateRequest{Code: c.Code, Key: other}); w.Code != http.StatusForbidden {
			t.Errorf("an old code: %d %s", w.Code, w.Body)
		}
	})
}

func TestLongPollEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		at := time.Now()
		if m := r.manifestAfter(1, 30*time.Second); m.Version != 2 { // version 2 brings the issuer's key
			t.Errorf("version %d at once, want 2", m.Version)
		}
		m := r.manifestAfter(2, 30*time.Second)
		if took := time.Since(at); m.Version != 2 || took != 30*time.Second {
			t.Errorf("version %d after %v, want 2 after 30s", m.Version, took)
		}
		if age := time.Since(m.IssuedAt()); age > resign {
			t.Errorf("signed %v ago, want at most %v", age, resign)
		}
		at = time.Now()
		r.manifestAfter(2, time.Hour)
		if took := time.Since(at); took != LongestWait {
			t.Errorf("an hour's wait took %v, want %v", took, LongestWait)
		}
		answered := make(chan api.Manifest)
		go func() { answered <- r.manifestAfter(2, LongestWait) }()
		synctest.Wait()
		at = time.Now()
		r.stop()
		<-answered
		if took := time.Since(at); took > time.Second {
			t.Errorf("a waiting door held the shutdown up for %v", took)
		}
	})
}

// While the database is out of reach the manifest grows old instead of being vouched for, and the
// health check says so.
func TestManifestIsNotVouchedForBlindly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		time.Sleep(time.Minute) // fake
		issued := r.manifestAfter(0, 0).IssuedAt()
		if err := r.opt.Store.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute) // fake
		if age := r.manifestAfter(0, 0).IssuedAt().Sub(issued); age > resign {
			t.Errorf("the manifest got %v younger without a database", age)
		}
		if w := r.call(http.MethodGet, "/healthz", "", ""); w.Code != http.StatusServiceUnavailable {
			t.Errorf("health: %d", w.Code)
		}
	})
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		lab, p := r.source(Laboratory), r.activate(iinA, 3)
		listed := r.manifestAfter(0, 0).Version
		r.post(PathResults, lab, ResultRequest{IIN: iinA, Sample: "1", Result: "positive", Taken: now()}, nil)
		before := r.follow(listed)
		r.stop()
		r.start()
		after := r.manifestAfter(0, 0)
		before.Issued, before.Expires = after.Issued, after.Expires
		if a, b := mustSeal(t, r, before), mustSeal(t, r, after); string(a) != string(b) {
			t.Errorf("the manifest changed over a restart:\n%+v\n%+v", before, after)
		}
		if got := r.section(after, 0).Get(p.index); got != statuslist.Red {
			t.Errorf("status %v after a restart", got)
		}
	})
}

func mustSeal(t *testing.T, r *rig, m api.Manifest) []byte {
	t.Helper()
	sealed, err := m.Seal(r.opt.RegistryKey)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// A list of which seven eighths are given out gets another section, and new passes may lie in it. A
// door of 20 million people has 22 sections.
func TestListGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.activate(iinA, 3)
		version := r.manifestAfter(0, 0).Version
		const full = statuslist.SectionSize / 8 * 7
		r.sql(`INSERT INTO credentials (id, citizen, idx, epoch, version) VALUES ($1, 1, 0, 0, 1)`, full-1)
		r.activate(iinA, 4) // the last that fits
		m := r.follow(version)
		if len(m.Sections) != 1 {
			t.Fatalf("%d sections for %d passes, want 1", len(m.Sections), full)
		}
		r.activate(iinA, 5)
		m = r.follow(m.Version)
		if len(m.Sections) != 2 || m.Sections[1].Version != m.Version || m.Sections[1].Changed != m.Version {
			t.Fatalf("sections %+v", m.Sections)
		}
		r.section(m, 1)
		for seed := byte(6); ; seed++ { // each lies in the new section with one half; 60 misses do not happen
			p := r.activate(iinB, seed)
			if p.index >= statuslist.SectionSize {
				break
			}
			if seed == 66 {
				t.Fatal("no pass in the new section")
			}
		}
	})
}

// sql changes the database behind the registry's back.
func (r *rig) sql(statement string, args ...any) {
	r.Helper()
	db, err := sql.Open("sqlite", r.file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		r.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement, args...); err != nil {
		r.Fatal(err)
	}
}

// A second registry over the same SQLite file, which nothing but a lock in the data directory
// prevents, takes the lease, and the first one ends before it does harm.
func TestOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.activate(iinA, 3)
		version := r.follow(1).Version
		r.stop()
		var registries [2]*Server
		for i := range registries {
			opt := r.opt
			var err error
			if opt.Store, err = store.Open(t.Context(), r.file); err != nil {
				t.Fatal(err)
			}
			defer opt.Store.Close()
			if registries[i], err = New(t.Context(), opt); err != nil {
				t.Fatal(err)
			}
		}
		r.sql(`INSERT INTO credentials (citizen, idx) SELECT id, id FROM citizens`)
		r.sql(`UPDATE citizens SET due = 0, touched = touched + 1`)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := registries[0].Run(ctx); !errors.Is(err, store.ErrOvertaken) {
			t.Errorf("the first registry ended with %v", err)
		}
		db := registries[1].opt.Store
		if m, err := db.Published(t.Context()); err != nil || m.Version != version {
			t.Errorf("published version %d (%v), want %d", m.Version, err, version)
		}
		if _, _, err := registries[1].publisher.once(t.Context()); err != nil {
			t.Error(err)
		}
		if m, err := db.Published(t.Context()); err != nil || m.Version != version+1 {
			t.Errorf("published version %d (%v), want %d", m.Version, err, version+1)
		}
	})
}
