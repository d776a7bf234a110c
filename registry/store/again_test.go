package store

import (
	"fmt"
	"testing"
	"time"
)

// testDeriveAgain has people derived again, two at a time.
func testDeriveAgain(t *testing.T, s *Store) {
	ctx := t.Context()
	_, err := s.ColourRule(ctx)
	wants(t, "the rule before there is a list", err, ErrNotFound)
	publish(t, s, 1, 1)
	term := leads(t, s)
	old, rule := ColourRule{1}, ColourRule{2}
	is := func(when string, want ColourRule) {
		t.Helper()
		if got, err := s.ColourRule(ctx); err != nil || got != want {
			t.Errorf("%s the rule is %x, %v, want %x", when, got, err, want)
		}
	}
	part := func(rule ColourRule, after, want int64, made int) {
		t.Helper()
		last, people, err := s.DeriveAgain(ctx, term, rule, after, 2, t0)
		must(t, err)
		if last != want || people != made {
			t.Errorf("after %d: up to %d, %d people, want %d, %d", after, last, people, want, made)
		}
	}
	is("at first", ColourRule{})
	part(old, 0, 0, 0)
	is("without people", old)

	lab := addSource(t, s, "lab")
	person := func(n int) IIN { return IIN(fmt.Sprintf("%012d", n)) }
	for n := range 6 {
		to, err := enter(t, s, lab, Entry{IIN: person(n), Sample: fmt.Sprint(n), Kind: Positive, At: t0}, t0)
		must(t, err)
		if n == 4 { // nothing counts any more
			must(t, s.Withdraw(ctx, Actor{lab, "clerk"}, to.Record, "mistyped", t0))
		}
	}
	due, err := s.Due(ctx, t0, 10)
	must(t, err)
	later := []time.Time{t0.Add(time.Hour), {}, t0.Add(-time.Hour), t0.Add(time.Hour), {}, {}} // the second has ended
	var derived []Derived
	ids := map[IIN]int64{}
	for n, c := range due {
		derived = append(derived, Derived{Citizen: c, Due: later[n]})
		ids[person(n)] = c.ID
	}
	must(t, s.PutDerived(ctx, term, derived))
	stored(t)(addResult(t, s, lab, person(3), "news", Record{Kind: Negative, At: t0}, t0))

	_, _, err = s.DeriveAgain(ctx, term-1, rule, 0, 2, t0)
	wants(t, "derive again after the lease was taken", err, ErrOvertaken)
	is("afterwards", old)
	if due, err := s.Due(ctx, t0, 10); err != nil || len(due) != 2 {
		t.Errorf("%d are due, %v, want the one who was and the one with news", len(due), err)
	}
	part(rule, 0, ids[person(1)], 2)
	is("in the middle", ColourRule{})
	part(rule, ids[person(1)], ids[person(3)], 0)
	part(rule, ids[person(3)], ids[person(5)], 1)
	is("before the last part", ColourRule{})
	part(rule, ids[person(5)], 0, 0)
	is("in the end", rule)
	due, err = s.Due(ctx, t0, 10)
	must(t, err)
	news := 0
	for _, c := range due {
		if c.News() {
			news++
		}
	}
	if len(due) != 5 || news != 1 {
		t.Errorf("%d are due, %d of them with news, want 5, 1", len(due), news)
	}
	part(rule, 0, ids[person(1)], 0) // a second time
}
