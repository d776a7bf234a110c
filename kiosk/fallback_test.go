package kiosk_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/lookuptest"
	"ashyq-kiosk/kiosk/statuslist"
)

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func TestFallback(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	fresh, old := now.Add(-time.Minute), now.Add(-time.Hour)
	down := errors.New("no route to the registry")
	for _, c := range []struct {
		name   string
		cache  *register
		remote *register
		want   statuslist.Status
		err    error
		asked  int
	}{
		{"fresh cache is enough", &register{asOf: fresh, status: is(statuslist.Green)},
			&register{asOf: now, status: is(statuslist.Red)}, statuslist.Green, nil, 0},
		{"old cache asks", &register{asOf: old, status: is(statuslist.Green)},
			&register{asOf: now, status: is(statuslist.Red)}, statuslist.Red, nil, 1},
		{"unknown person asks", &register{asOf: fresh}, &register{asOf: now, status: is(statuslist.Yellow)},
			statuslist.Yellow, nil, 1},
		{"unknown everywhere", &register{asOf: fresh}, &register{asOf: now}, 0, kiosk.ErrUnknownPerson, 1},
		{"old cache, registry gone", &register{asOf: old, status: is(statuslist.Green)}, &register{err: down},
			statuslist.Green, nil, 1},
		{"unknown person, registry gone", &register{asOf: fresh}, &register{err: down}, 0, kiosk.ErrUnknownPerson, 1},
		{"old cache, registry does not know", &register{asOf: old, status: is(statuslist.Green)}, &register{},
			statuslist.Green, nil, 1},
		{"no cache, registry gone", &register{err: kiosk.ErrNoData}, &register{err: down}, 0, kiosk.ErrNoData, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			waits := 0
			f := &kiosk.Fallback{
				Cache: c.cache, Registry: c.remote, Fresh: 15 * time.Minute, Deadline: time.Second, Pause: 10 * time.Second,
				Now: func() time.Time { return now }, Asking: func() { waits++ },
			}
			s, err := f.Status(t.Context(), kiosk.Person{List: list, Index: 1})
			if !errors.Is(err, c.err) || s.Status != c.want || c.remote.asked != c.asked || waits != c.asked {
				t.Errorf("status %v, error %v, asked %d times with %d waits; want %v, %v, %d", s.Status, err, c.remote.asked,
					waits, c.want, c.err, c.asked)
			}
		})
	}
}

// TestFallbackIsALookup runs the test that every lookup passes, over a cache that is not newer than
// the pass.
func TestFallbackIsALookup(t *testing.T) {
	lookuptest.Test(t, func(t *testing.T, entries map[uint64]statuslist.Status) kiosk.Lookup {
		return &kiosk.Fallback{
			Cache: wholeList{entries}, Registry: wholeList{entries}, Fresh: 0, Deadline: time.Second, Now: time.Now,
		}
	})
}

// wholeList is a lookup over sections in which everybody else is Valid.
type wholeList struct{ entries map[uint64]statuslist.Status }

func (l wholeList) Status(_ context.Context, p kiosk.Person) (kiosk.Standing, error) {
	switch {
	case l.entries == nil:
		return kiosk.Standing{}, kiosk.ErrNoData
	case p.List != lookuptest.List || p.Index >= lookuptest.Sections*statuslist.SectionSize:
		return kiosk.Standing{}, kiosk.ErrUnknownPerson
	}
	return kiosk.Standing{Status: l.entries[p.Index], AsOf: lookuptest.AsOf}, nil
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
		if s, err := f.Status(t.Context(), kiosk.Person{List: list, Index: 1}); err != nil || s.Status != statuslist.Green {
			t.Fatalf("%v, %v", s, err)
		}
	}
	if remote.asked != 1 {
		t.Errorf("the registry was asked %d times, want once", remote.asked)
	}
	now = now.Add(11 * time.Second)
	remote.err, remote.status, remote.asOf = nil, is(statuslist.Red), now
	if s, err := f.Status(t.Context(), kiosk.Person{List: list, Index: 1}); err != nil || s.Status != statuslist.Red {
		t.Errorf("after the pause: %v, %v, want red", s, err)
	}
}

// TestFallbackDeadline: a silent registry costs the deadline and no more.
func TestFallbackDeadline(t *testing.T) {
	f := &kiosk.Fallback{
		Cache: &register{asOf: time.Now(), status: is(statuslist.Green)}, Registry: silent{}, Fresh: 0, Deadline: time.Millisecond, Now: time.Now,
	}
	if s, err := f.Status(t.Context(), kiosk.Person{List: list, Index: 1}); err != nil || s.Status != statuslist.Green {
		t.Errorf("%v, %v, want the cache's green", s, err)
	}
}

type silent struct{}

func (silent) Status(ctx context.Context, _ kiosk.Person) (kiosk.Standing, error) {
	<-ctx.Done()
	return kiosk.Standing{}, ctx.Err()
}
