package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ashyq-kiosk/registry/store/storetest"
)

// leads takes the lease from whoever has it, and gives its term.
func leads(t *testing.T, s *Store) int64 {
	t.Helper()
	seen, err := s.Lease(t.Context())
	must(t, err)
	term, err := s.TakeLease(t.Context(), seen, "a test")
	must(t, err)
	return term
}

// onBoth runs a test over a database of each kind.
func onBoth(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "registry.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, storetest.Postgres(t)) })
}

func opened(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), address)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// Of many that see the same lease one takes it, and whoever had it before changes nothing any more.
func TestLease(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		ctx, s := t.Context(), opened(t, address)
		seen, err := s.Lease(ctx)
		must(t, err)
		if seen != (Lease{}) {
			t.Errorf("before anybody took it: %+v", seen)
		}
		var terms []int64
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				term, err := s.TakeLease(ctx, seen, "one of many")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					terms = append(terms, term)
				} else if !errors.Is(err, ErrOvertaken) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(terms) != 1 || terms[0] != 1 {
			t.Fatalf("10 have taken the terms %v", terms)
		}
		before, err := s.Lease(ctx)
		must(t, err)
		must(t, s.Beat(ctx, 1))
		_, err = s.TakeLease(ctx, before, "too early")
		wants(t, "a lease whose holder lives", err, ErrOvertaken)

		must(t, s.Works(ctx, 1, t0.Add(time.Second)))
		vouch := func(at, want time.Time) {
			t.Helper()
			if got, err := s.Vouch(ctx, 1, at); err != nil || !got.Equal(want) {
				t.Errorf("it is vouched for as of %v, %v, want %v", got, err, want)
			}
		}
		ahead := time.Now().UTC().Truncate(time.Second).AddDate(1, 0, 0)
		vouch(ahead, ahead)
		vouch(t0, t0)
		vouch(t0.Add(-time.Minute), t0) // whose clock is behind
		old := leads(t, s) - 1
		for what, err := range map[string]error{
			"beat": s.Beat(ctx, old), "vouch": func() error { _, err := s.Vouch(ctx, old, t0.Add(time.Hour)); return err }(), "give": s.GiveLease(ctx, old),
			"work":         s.Works(ctx, old, t0.Add(time.Hour)),
			"put outcomes": s.PutDerived(ctx, old, []Derived{{Citizen: &Citizen{}}}),
		} {
			wants(t, what+" after the lease was taken", err, ErrOvertaken)
		}
		must(t, s.GiveLease(ctx, old+1))
		now, err := s.Lease(ctx)
		must(t, err)
		if want := (Lease{Term: 2, Beat: 1, Looked: t0, Worked: t0.Add(time.Second)}); now != want {
			t.Errorf("%+v, want %+v", now, want)
		}
	})
}

// Registries that start at the same time over an empty database all get along.
func TestOpenAtOnce(t *testing.T) {
	address := storetest.Postgres(t)
	var all errgroup.Group
	for range 6 {
		all.Go(func() error {
			s, err := Open(context.Background(), address)
			if err != nil {
				return err
			}
			_, err = s.Lease(context.Background())
			return errors.Join(err, s.Close())
		})
	}
	must(t, all.Wait())
}

// A transaction whose process was stopped does not keep others waiting for ever.
func TestStoppedInTransaction(t *testing.T) {
	s := opened(t, storetest.Postgres(t))
	term := leads(t, s)
	tx, err := s.write.BeginTx(t.Context(), nil)
	must(t, err)
	must(t, fence(t.Context(), tx, term))
	leads(t, s) // waits for the transaction
	if err := tx.Commit(); err == nil {
		t.Error("the transaction that nobody went on with was committed")
	}
}

// What two registries use of a limit counts for both.
func TestLimit(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		ctx, one, two := t.Context(), opened(t, address), opened(t, address)
		l := Limit{Name: "tries", Every: time.Second, AtOnce: 3}
		use := func(s *Store, at time.Duration, want time.Duration) {
			t.Helper()
			spare, err := s.Spare(ctx, l, t0.Add(at))
			must(t, err)
			wait, err := s.Use(ctx, l, t0.Add(at))
			must(t, err)
			if wait != want || spare != (want == 0) {
				t.Errorf("after %v: wait %v, spare %v, want %v", at, wait, spare, want)
			}
		}
		use(one, 0, 0)
		use(two, 0, 0)
		use(one, 0, 0)
		use(two, 0, time.Second)
		use(one, 400*time.Millisecond, 600*time.Millisecond)
		use(one, time.Second, 0)
		use(two, time.Second, time.Second)
		use(two, time.Hour, 0)
		use(one, time.Hour, 0)
		use(one, time.Hour, 0)
		use(one, time.Hour, time.Second)

		use(two, 0, 0) // that clock was ahead: nobody waits for it
		use(one, 0, 0)
		use(two, 0, 0)
		use(one, 0, time.Second)
	})
}

// The first registry's keys are the ones that all must have.
func TestSameKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		s := opened(t, address)
		same := func(prints map[string]Secret, want string) {
			t.Helper()
			different, err := s.SameKeys(t.Context(), prints)
			must(t, err)
			if different != want {
				t.Errorf("%q is different, want %q", different, want)
			}
		}
		same(map[string]Secret{"a.key": {1}, "b.key": {2}}, "")
		same(map[string]Secret{"a.key": {1}, "b.key": {2}}, "")
		same(map[string]Secret{"a.key": {1}, "b.key": {3}}, "b.key")
	})
}

// Uses at the same moment do not get around a limit, at however many registries.
func TestLimitAtTheSameMoment(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		const allowed = 20
		l := Limit{Name: "at once", Every: time.Hour, AtOnce: allowed}
		var used atomic.Int64
		var all sync.WaitGroup
		for range 3 {
			s := opened(t, address)
			for range 2 * allowed {
				all.Go(func() {
					wait, err := s.Use(t.Context(), l, t0)
					if err != nil {
						t.Error(err)
					} else if wait == 0 {
						used.Add(1)
					}
				})
			}
		}
		all.Wait()
		if used.Load() != allowed {
			t.Errorf("used %d times, want %d", used.Load(), allowed)
		}
	})
}
