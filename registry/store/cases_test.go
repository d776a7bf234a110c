package store

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"
)

// testComparison holds laboratories' tests against the portal's.
func testComparison(t *testing.T, s *Store) {
	ctx := t.Context()
	lab := addSource(t, s, "lab")
	compare := func(at time.Time) Comparison {
		t.Helper()
		c, err := s.Cases(ctx, at)
		must(t, err)
		return c.Comparison
	}
	entered(t, s, lab, sample(ann, "same", Positive))
	entered(t, s, lab, sample(ann, "other", Negative))
	entered(t, s, lab, sample(ann, "person", Positive))
	entered(t, s, lab, sample(ann, "unknown to the portal", Inconclusive))
	if got := compare(t0.Add(48 * time.Hour)); !reflect.DeepEqual(got, Comparison{Missing: []Missing{}}) {
		t.Errorf("without a portal: %+v", got)
	}
	must(t, s.AddSource(ctx, "portal", "pcr-portal", "", SecretOf("portal"), 100))
	portal, err := s.SourceOf(ctx, SecretOf("portal"))
	must(t, err)
	for i, e := range []Entry{sample(ann, "same", Positive), sample(ann, "other", Positive),
		sample(bob, "person", Positive), sample(bob, "unknown to the laboratory", Negative)} {
		e.Laboratory = "lab"
		_, err := enter(t, s, portal.ID, e, t0.Add(time.Duration(i)*time.Second))
		must(t, err)
	}
	unnamed := sample(ann, "portal's own", Positive) // of the same day as two of the laboratory's
	entered(t, s, portal.ID, unnamed)
	if got := compare(t0.Add(time.Hour)); got.Matched != 2 || got.Contradicting != 2 || got.AtLaboratory != 0 ||
		got.AtPortal != 0 {
		t.Errorf("within 24 hours: %+v", got)
	}
	got := compare(t0.Add(25 * time.Hour))
	want := Comparison{Portal: true, Matched: 2, Contradicting: 2, AtLaboratory: 1, OldestThere: t0.Add(3 * time.Second),
		Missing: []Missing{{"laboratory", "portal", "unknown to the laboratory", Negative, t0.Add(3 * time.Second)}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	c, err := s.Cases(ctx, t0)
	must(t, err)
	var about []string
	for _, one := range c.Cases {
		if !slices.Equal(one.Why, []string{CaseComparison}) {
			t.Errorf("%+v", one)
		}
		about = append(about, string(one.IIN))
	}
	// Who the portal says and who the laboratory says: one test, two people.
	if len(c.Cases) != 2 || !slices.Contains(about, string(bob)) || !slices.Contains(about, string(ann)) {
		t.Errorf("cases about %v", about)
	}
	for _, one := range c.Cases {
		if one.IIN == string(bob) && !slices.ContainsFunc(one.Records,
			func(k Kept) bool { return k.IIN == string(ann) && k.Sample == "person" }) {
			t.Errorf("the laboratory's side is missing: %+v", one.Records)
		}
	}
	withdrawn, err := s.RecordOf(ctx, portal.ID, "portal's own")
	must(t, err)
	must(t, s.Withdraw(ctx, Actor{portal.ID, "x"}, withdrawn, "x", t0))
	if got := compare(t0.Add(25 * time.Hour)); got.AtPortal != 1 || !got.OldestHere.Equal(t0) || len(got.Missing) != 2 {
		t.Errorf("what only the laboratory has: %+v", got)
	}
}

func testSettle(t *testing.T, s *Store) {
	ctx := t.Context()
	lab := addSource(t, s, "lab")
	stands, ends := entered(t, s, lab, sample(ann, "1", Negative)), entered(t, s, lab, sample(ann, "2", Positive))
	settleAll(t, s)
	must(t, s.SuspendSource(ctx, "lab", t0))
	must(t, s.Settle(ctx, []int64{stands}, []int64{ends}, Administrator, "a mix-up", t0))
	must(t, s.ResumeSource(ctx, "lab"))
	due, err := s.Due(ctx, t0, 10)
	must(t, err)
	if len(due) != 1 || len(due[0].Records) != 1 || !due[0].Records[0].Upheld || due[0].Records[0].Kind != Negative {
		t.Errorf("the publisher sees %+v", due)
	}
	on := sample(ann, "2", Positive)
	on.Again = true
	_, err = enter(t, s, lab, on, t0)
	wants(t, "what was settled comes again", err, ErrDecided)
	on.IndexCase = "dressed up"
	_, err = enter(t, s, lab, on, t0)
	wants(t, "what was settled comes dressed up", err, ErrDecided)
	on.At = on.At.Add(time.Minute)
	_, err = enter(t, s, lab, on, t0)
	wants(t, "what was settled comes with another time", err, ErrDecided)
	other := entered(t, s, lab, sample(ann, "3", Inconclusive))
	_, err = s.Correct(ctx, Actor{lab, "x"}, other, sample(ann, "2", Positive), "x", t0)
	wants(t, "what was settled comes as a correction", err, ErrDecided)
	wants(t, "the source withdraws what was upheld", s.Withdraw(ctx, Actor{lab, "x"}, stands, "x", t0), ErrDecided)
	says(t, s, "after that", Negative, Inconclusive)
	wants(t, "settle it again", s.Settle(ctx, []int64{stands, ends}, nil, Administrator, "x", t0), ErrEnded)
	wants(t, "settle nothing", s.Settle(ctx, []int64{99}, nil, Administrator, "x", t0), ErrNotFound)
}

// testEverythingAtOnce lets sources, the administrator and the publisher work on the same people at
// the same moment, in all orders: nobody is refused, and afterwards state and log agree.
func testEverythingAtOnce(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	term := leads(t, s)
	const people, rounds = 20, 8
	var iins []IIN
	for n := 0; len(iins) < people; n++ {
		if iin, err := ParseIIN(fmt.Sprintf("0113995%05d", n)); err == nil {
			iins = append(iins, iin)
		}
	}
	var all sync.WaitGroup
	for w := range 4 {
		name := fmt.Sprint("source ", w)
		source := addSource(t, s, name)
		must(t, s.LimitSource(ctx, name, 1000))
		all.Go(func() {
			for round := range rounds {
				var batch []Entry
				for i := range iins {
					at := i
					if w%2 == 1 {
						at = people - 1 - i
					}
					batch = append(batch, sample(iins[at], fmt.Sprint(round, at), Positive))
				}
				outcomes, err := s.Enter(ctx, source, batch, "clerk", t0)
				if err != nil {
					t.Errorf("enter: %v", err)
					return
				}
				first, last := outcomes[0].Record, outcomes[people-1].Record
				if err := s.Withdraw(ctx, Actor{source, "clerk"}, first, "x", t0); err != nil {
					t.Errorf("withdraw: %v", err)
				}
				_, err = s.Correct(ctx, Actor{source, "clerk"}, last, sample(iins[round], fmt.Sprint(round, "corrected"),
					Positive), "x", t0)
				if err != nil && !errors.Is(err, ErrEnded) { // the administrator may have been faster
					t.Errorf("correct: %v", err)
				}
			}
		})
	}
	all.Go(func() {
		for round := range rounds {
			if due, err := s.Due(ctx, t0, 10); err != nil {
				t.Errorf("due: %v", err)
			} else {
				var derived []Derived
				for _, c := range due {
					derived = append(derived, Derived{Citizen: c})
				}
				if err := s.PutDerived(ctx, term, derived); err != nil {
					t.Errorf("put derived: %v", err)
				}
			}
			if _, err := s.WithdrawSince(ctx, "source 0", t0, int64(round*people), Administrator, "x", t0); err != nil {
				t.Errorf("withdraw all: %v", err)
			}
			if _, err := s.Cases(ctx, t0); err != nil {
				t.Errorf("cases: %v", err)
			}
		}
	})
	all.Wait()
	for _, iin := range iins {
		history, err := s.History(ctx, iin)
		must(t, err)
		for _, k := range history {
			ends := 0
			for _, e := range k.Events {
				if e.What == Corrected || e.What == Withdrawn {
					ends++
				}
			}
			if ended := k.State == Ended; ended != (ends == 1) || ends > 1 {
				t.Fatalf("state and log differ: %+v", k)
			}
		}
	}
}

// testDeadlock lets two transactions lock two citizens in opposite order: PostgreSQL ends one of
// them, which then runs again.
func testDeadlock(t *testing.T, s *Store) {
	if s.turn != nil {
		must(t, s.Close())
		t.Skip("SQLite has one writer at a time, so that two never wait for each other")
	}
	ctx := t.Context()
	lab := addSource(t, s, "lab")
	entered(t, s, lab, sample(ann, "1", Negative))
	entered(t, s, lab, sample(bob, "2", Negative))
	var both, all sync.WaitGroup
	both.Add(2)
	for _, order := range [][]IIN{{ann, bob}, {bob, ann}} {
		meet := sync.OnceFunc(func() { both.Done(); both.Wait() })
		all.Go(func() {
			err := s.change(ctx, func(tx *sql.Tx) error {
				for _, iin := range order {
					if _, err := touch(ctx, tx, iin); err != nil {
						return err
					}
					meet()
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
