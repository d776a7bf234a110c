package kiosk_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
)

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// newer is a way to a newer list that can be told to fail.
type newer struct {
	cache *register
	asOf  time.Time
	gives map[uint64]statuslist.Status
	err   error
	asked int
}

func (n *newer) follow(context.Context) error {
	n.asked++
	if n.err == nil {
		n.cache.asOf, n.cache.status, n.cache.err = n.asOf, n.gives, nil
	}
	return n.err
}

func opened(t *testing.T) *pass.Code {
	t.Helper()
	c := newPhone(t, 1).parsed(bubble)
	if _, err := c.Open(allKeys()); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestFallback: the registry hears of the code only if no newer list answers the question.
func TestFallback(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	fresh, old := now.Add(-time.Minute), now.Add(-time.Hour)
	down := errors.New("no route to the registry")
	closed := newPhone(t, 1).parsed(bubble)
	green, red, yellow := is(statuslist.Green), is(statuslist.Red), is(statuslist.Yellow)
	for _, c := range []struct {
		name          string
		code          *pass.Code // nil: opened
		cache         *register
		newer         *newer
		remote        *register
		want          statuslist.Status
		err           error
		asked, people int // for a newer list, and about the person
	}{
		{name: "fresh cache is enough", cache: &register{asOf: fresh, status: green},
			newer: &newer{asOf: now, gives: red}, remote: &register{asOf: now, status: red}, want: statuslist.Green},
		{name: "old cache follows", cache: &register{asOf: old, status: green},
			newer: &newer{asOf: now, gives: red}, remote: &register{asOf: now, status: yellow}, want: statuslist.Red, asked: 1},
		{name: "unknown person follows", cache: &register{asOf: fresh},
			newer: &newer{asOf: now, gives: yellow}, remote: &register{asOf: now, status: red}, want: statuslist.Yellow, asked: 1},
		{name: "first list", cache: &register{err: kiosk.ErrNoData},
			newer: &newer{asOf: now, gives: green}, remote: &register{asOf: now, status: red}, want: statuslist.Green, asked: 1},
		{name: "newer list is old too", cache: &register{asOf: old, status: green},
			newer: &newer{asOf: old, gives: green}, remote: &register{asOf: now, status: red}, want: statuslist.Red, asked: 1, people: 1},
		{name: "newer list does not know the person", cache: &register{asOf: fresh},
			newer: &newer{asOf: now}, remote: &register{asOf: now, status: yellow}, want: statuslist.Yellow, asked: 1, people: 1},
		{name: "the list does not come", cache: &register{asOf: old, status: green},
			newer: &newer{err: down}, remote: &register{asOf: now, status: red}, want: statuslist.Red, asked: 1, people: 1},
		{name: "no key", code: closed, cache: &register{asOf: fresh, status: green},
			newer: &newer{asOf: now, gives: green}, remote: &register{asOf: now, status: red}, want: statuslist.Red, people: 1},
		{name: "unknown everywhere", cache: &register{asOf: fresh}, newer: &newer{asOf: now}, remote: &register{asOf: now},
			err: kiosk.ErrUnknownPerson, asked: 1, people: 1},
		{name: "old cache, registry gone", cache: &register{asOf: old, status: green}, newer: &newer{err: down},
			remote: &register{err: down}, want: statuslist.Green, asked: 1, people: 1},
		{name: "unknown person, registry gone", cache: &register{asOf: fresh}, newer: &newer{err: down},
			remote: &register{err: down}, err: kiosk.ErrUnknownPerson, asked: 1, people: 1},
		{name: "old cache, registry says nothing", cache: &register{asOf: old, status: green}, newer: &newer{err: down},
			remote: &register{}, want: statuslist.Green, asked: 1, people: 1},
		{name: "no cache, registry gone", cache: &register{err: kiosk.ErrNoData}, newer: &newer{err: down},
			remote: &register{err: down}, err: kiosk.ErrNoData, asked: 1, people: 1},
		{name: "no key, registry says nothing", code: closed, cache: &register{asOf: fresh}, newer: &newer{asOf: now},
			remote: &register{}, err: kiosk.ErrUnknownPerson, people: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			waits := 0
			c.newer.cache = c.cache
			f := &kiosk.Fallback{
				Cache: c.cache, Newer: c.newer.follow, Registry: c.remote, Fresh: 15 * time.Minute, Deadline: time.Second,
				Pause: 10 * time.Second, Now: func() time.Time { return now }, Asking: func() { waits++ },
			}
			code := c.code
			if code == nil {
				code = opened(t)
			}
			s, err := f.Status(t.Context(), code)
			if !errors.Is(err, c.err) || err == nil && s.Status != c.want || c.newer.asked != c.asked || c.remote.asked != c.people ||
				waits != min(1, c.asked+c.people) {
				t.Errorf("status %v, error %v, asked %d and %d times with %d waits; want %v, %v, %d, %d", s.Status, err,
					c.newer.asked, c.remote.asked, waits, c.want, c.err, c.asked, c.people)
			}
		})
	}
}

func is(s statuslist.Status) map[uint64]statuslist.Status {
	return map[uint64]statuslist.Status{1: s}
}

// TestFallbackLeavesADeadRegistryAlone: only the first person waits for a network that is gone.
func TestFallbackLeavesADeadRegistryAlone(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	cache := &register{asOf: now.Add(-time.Hour), status: is(statuslist.Green)}
	remote := &register{err: errors.New("no route")}
	f := &kiosk.Fallback{
		Cache: cache, Registry: remote, Fresh: 15 * time.Minute, Deadline: time.Second, Pause: 10 * time.Second,
		Now: func() time.Time { return now },
	}
	for range 5 {
		if s, err := f.Status(t.Context(), opened(t)); err != nil || s.Status != statuslist.Green {
			t.Fatalf("%v, %v", s, err)
		}
	}
	if remote.asked != 1 {
		t.Errorf("the registry was asked %d times, want once", remote.asked)
	}
	now = now.Add(11 * time.Second)
	remote.err, remote.status, remote.asOf = nil, is(statuslist.Red), now
	if s, err := f.Status(t.Context(), opened(t)); err != nil || s.Status != statuslist.Red {
		t.Errorf("after the pause: %v, %v, want red", s, err)
	}
}

// TestFallbackDeadline: a silent registry costs the deadline and no more, whatever it was asked.
func TestFallbackDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		for _, f := range []*kiosk.Fallback{{Newer: silent, Registry: &register{err: errors.New("must not be asked")}}, {Registry: mute{}}} {
			f.Cache, f.Deadline, f.Pause, f.Now = &register{asOf: time.Now(), status: is(statuslist.Green)}, time.Second, time.Minute, time.Now
			began := time.Now()
			time.Sleep(time.Millisecond)
			for range 3 {
				if s, err := f.Status(t.Context(), opened(t)); err != nil || s.Status != statuslist.Green {
					t.Errorf("%v, %v, want the cache's green", s, err)
				}
			}
			if took := time.Since(began); took != time.Second+time.Millisecond {
				t.Errorf("three people waited for %v, want one for the deadline", took)
			}
			if r, ok := f.Registry.(*register); ok && r.asked != 0 {
				t.Error("the registry was asked after the deadline")
			}
		}
	})
}

type mute struct{}

func (mute) Check(ctx context.Context, _ string) (kiosk.Standing, error) {
	<-ctx.Done()
	return kiosk.Standing{}, ctx.Err()
}
