package store

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"
)

func sample(iin IIN, number string, kind Kind) Entry {
	return Entry{IIN: iin, Sample: number, Kind: kind, At: t0.Add(-time.Hour)}
}

// entered enters a record that counts.
func entered(t *testing.T, s *Store, source int64, e Entry) int64 {
	t.Helper()
	to, err := enter(t, s, source, e, t0)
	must(t, err)
	if to.Waits || to.Known {
		t.Fatalf("%+v", to)
	}
	return to.Record
}

// says wants the records in force of ann.
func says(t *testing.T, s *Store, what string, want ...Kind) {
	t.Helper()
	history, err := s.History(t.Context(), ann)
	must(t, err)
	var got []Kind
	for _, k := range history {
		if k.State == InForce {
			got = append(got, k.Kind)
		}
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%s: in force is %v, want %v", what, got, want)
	}
}

// settleAll empties the publisher's list.
func settleAll(t *testing.T, s *Store) {
	t.Helper()
	due, err := s.Due(t.Context(), t0, 100)
	must(t, err)
	var derived []Derived
	for _, c := range due {
		derived = append(derived, Derived{Citizen: c})
	}
	must(t, s.PutDerived(t.Context(), leads(t, s), derived))
}

// A batch may be doubled, contradict itself and what is there: each entry has its outcome, and a
// bad one stops no other.
func testBatches(t *testing.T, s *Store) {
	lab := addSource(t, s, "lab")
	must(t, s.LimitSource(t.Context(), "lab", 2))
	entered(t, s, lab, sample(bob, "0", Negative))
	batch := []Entry{
		sample(bob, "1", Positive), sample(ann, "2", Positive), sample(bob, "1", Positive), sample(ann, "1", Positive),
		sample(ann, "3", Positive), sample(ann, "0", Negative), sample(bob, "0", Negative), sample(ann, "4", Inconclusive), sample(ann, "3", Positive),
	}
	want := []Outcome{
		{}, {}, {Known: true}, {Err: ErrConflict}, {Waits: true}, {Err: ErrConflict}, {Known: true}, {}, {Known: true, Waits: true},
	}
	run := func(what string) {
		t.Helper()
		got, err := s.Enter(t.Context(), lab, batch, "clerk", t0)
		must(t, err)
		for i := range got {
			got[i].Record = 0
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got  %+v\nwant %+v", what, got, want)
		}
	}
	run("first")
	for i := range want {
		want[i].Known = want[i].Err == nil
	}
	run("again")
	says(t, s, "after the batch", Positive, Inconclusive)
}

func testCorrections(t *testing.T, s *Store) {
	ctx := t.Context()
	lab, other := addSource(t, s, "lab"), addSource(t, s, "other")
	wrong := entered(t, s, lab, sample(ann, "1", Positive))
	taken := entered(t, s, lab, sample(ann, "2", Inconclusive))
	settleAll(t, s)
	by, right := Actor{lab, "Aigerim"}, sample(ann, "1", Negative)

	_, err := s.Correct(ctx, Actor{other, "x"}, wrong, right, "typing error", t0)
	wants(t, "of another source", err, ErrNotFound)
	_, err = s.Correct(ctx, by, wrong, sample(ann, "1", Positive), "typing error", t0)
	wants(t, "without a change", err, ErrUnchanged)
	_, err = s.Correct(ctx, by, wrong, sample(ann, "2", Negative), "typing error", t0)
	wants(t, "to a number that is taken", err, ErrConflict)
	says(t, s, "after refused corrections", Positive, Inconclusive)

	to, err := s.Correct(ctx, by, wrong, right, "typing error", t0)
	must(t, err)
	says(t, s, "corrected", Negative, Inconclusive)
	if due, err := s.Due(ctx, t0, 10); err != nil || len(due) != 1 || len(due[0].Records) != 2 {
		t.Errorf("the publisher sees %+v, %v", due, err)
	}
	again, err := s.Correct(ctx, by, wrong, right, "typing error", t0)
	if err != nil || again != (Outcome{Record: to.Record, Known: true}) {
		t.Errorf("the same correction again: %+v, %v", again, err)
	}
	_, err = s.Correct(ctx, by, wrong, sample(bob, "1", Positive), "no", t0)
	wants(t, "of what was corrected", err, ErrEnded)
	wants(t, "withdraw what was corrected", s.Withdraw(ctx, by, wrong, "no", t0), ErrEnded)
	_, err = enter(t, s, lab, sample(ann, "1", Positive), t0)
	wants(t, "the old batch again", err, ErrConflict)

	// The result belongs to somebody else: both people are derived again.
	settleAll(t, s)
	_, err = s.Correct(ctx, Actor{0, Administrator}, to.Record, sample(bob, "1", Negative), "another person", t0)
	must(t, err)
	if due, err := s.Due(ctx, t0, 10); err != nil || len(due) != 2 {
		t.Errorf("%d people are due, %v; want both", len(due), err)
	}
	says(t, s, "moved", Inconclusive)

	// Many negatives corrected into positives are limited like positives.
	must(t, s.LimitSource(ctx, "lab", 2))
	to, err = s.Correct(ctx, by, taken, sample(ann, "2", Positive), "worse", t0)
	if err != nil || to.Waits {
		t.Errorf("the second positive of the hour: %+v, %v", to, err)
	}
	third := entered(t, s, lab, sample(ann, "3", Negative))
	waits, err := s.Correct(ctx, by, third, sample(ann, "3", Positive), "worse", t0)
	if err != nil || !waits.Waits {
		t.Errorf("the third positive of the hour: %+v, %v", waits, err)
	}
	says(t, s, "the third one waits", Positive)
	moved := sample(ann, "2", Positive)
	moved.At = t0
	if to, err = s.Correct(ctx, by, to.Record, moved, "another day", t0); err != nil || to.Waits {
		t.Errorf("the time of a positive beyond the limit: %+v, %v", to, err)
	}
	says(t, s, "another day", Positive)
}

func testWithdrawals(t *testing.T, s *Store) {
	ctx := t.Context()
	lab, other := addSource(t, s, "lab"), addSource(t, s, "other")
	wrong := entered(t, s, lab, sample(ann, "1", Positive))
	settleAll(t, s)
	wants(t, "of another source", s.Withdraw(ctx, Actor{other, "x"}, wrong, "no", t0), ErrNotFound)
	wants(t, "of nobody", s.Withdraw(ctx, Actor{lab, "x"}, wrong+1, "no", t0), ErrNotFound)
	must(t, s.SuspendSource(ctx, "lab", t0))
	wants(t, "of a suspended source", s.Withdraw(ctx, Actor{lab, "x"}, wrong, "no", t0), ErrSuspended)
	must(t, s.ResumeSource(ctx, "lab"))
	for range 2 {
		must(t, s.Withdraw(ctx, Actor{lab, "Aigerim"}, wrong, "typing error", t0))
	}
	says(t, s, "withdrawn")
	if due, err := s.Due(ctx, t0, 10); err != nil || len(due) != 1 || len(due[0].Records) != 0 {
		t.Errorf("the publisher sees %+v, %v", due, err)
	}
	_, err := enter(t, s, lab, sample(ann, "1", Positive), t0)
	wants(t, "the old batch again", err, ErrWithdrawn)
	entered(t, s, lab, sample(ann, "1", Negative))
	says(t, s, "another result of that number", Negative)
	id, err := s.RecordOf(ctx, lab, "1")
	must(t, err)
	must(t, s.Withdraw(ctx, Actor{lab, "Aigerim"}, id, "typing error", t0))
	on := sample(ann, "1", Positive)
	on.Again = true
	entered(t, s, lab, on)
	says(t, s, "entered again on purpose", Positive)

	must(t, s.LimitSource(ctx, "lab", 0))
	waits, err := enter(t, s, lab, sample(ann, "2", Positive), t0)
	if err != nil || !waits.Waits {
		t.Fatalf("%+v, %v", waits, err)
	}
	must(t, s.Withdraw(ctx, Actor{lab, "Aigerim"}, waits.Record, "typing error", t0))
	o, err := lookAt(ctx, s, t0)
	must(t, err)
	n, err := s.ApproveWaiting(ctx, "lab", waits.Record, t0)
	if err != nil || n != 0 || len(o.Waiting) != 0 {
		t.Errorf("withdrawn while it waited: %d approved, %v, waiting %v", n, err, o.Waiting)
	}
	says(t, s, "withdrawn while it waited", Positive)
}

// testTooManyEnds keeps a stolen key from freeing everybody at once.
func testTooManyEnds(t *testing.T, s *Store) {
	ctx := t.Context()
	lab := addSource(t, s, "lab")
	must(t, s.LimitSource(ctx, "lab", 4))
	var ids []int64
	for i := range 4 {
		ids = append(ids, entered(t, s, lab, sample(ann, fmt.Sprint(i), Positive)))
	}
	must(t, s.LimitSource(ctx, "lab", 2))
	by := Actor{lab, "x"}
	must(t, s.Withdraw(ctx, by, ids[0], "x", t0))
	_, err := s.Correct(ctx, by, ids[1], sample(ann, "1", Negative), "x", t0)
	must(t, err)
	wants(t, "the third of an hour", s.Withdraw(ctx, by, ids[2], "x", t0), ErrTooManyEnds)
	_, err = s.Correct(ctx, by, ids[2], sample(ann, "2", Negative), "x", t0)
	wants(t, "the third of an hour, corrected", err, ErrTooManyEnds)
	must(t, s.Withdraw(ctx, Actor{0, Administrator}, ids[2], "x", t0))
	must(t, s.Withdraw(ctx, by, ids[3], "x", t0.Add(time.Hour)))
}

func testBulk(t *testing.T, s *Store) {
	ctx := t.Context()
	lab, other := addSource(t, s, "lab"), addSource(t, s, "other")
	stored(t)(addResult(t, s, lab, ann, "before", Record{Kind: Positive, At: t0}, t0.Add(-time.Minute)))
	entered(t, s, other, sample(ann, "1", Negative))
	entered(t, s, lab, sample(ann, "1", Negative))
	entered(t, s, lab, sample(bob, "2", Positive))
	must(t, s.LimitSource(ctx, "lab", 2))
	_, err := enter(t, s, lab, sample(bob, "3", Positive), t0)
	must(t, err)
	settleAll(t, s)
	b, err := s.BulkOf(ctx, "lab", t0)
	must(t, err)
	if b.Waiting != 1 || !reflect.DeepEqual(b.Kinds, map[Kind]int{Negative: 1, Positive: 2}) || len(b.People) != 2 {
		t.Errorf("%+v", b)
	}
	for _, a := range b.People {
		if len(a.Go) != 1 || len(a.Stay) != 0 && len(a.Stay) != 2 {
			t.Errorf("%+v", a)
		}
	}
	late := entered(t, s, lab, sample(ann, "4", Negative)) // after the administrator has looked
	n, err := s.WithdrawSince(ctx, "lab", t0, b.Last, Administrator, "stolen key", t0)
	if err != nil || n != 3 {
		t.Errorf("%d withdrawn, %v", n, err)
	}
	says(t, s, "withdrawn since", Positive, Negative, Negative)
	if due, err := s.Due(ctx, t0, 10); err != nil || len(due) != 2 {
		t.Errorf("%d people are due, %v", len(due), err)
	}
	if id, err := s.RecordOf(ctx, lab, "4"); err != nil || id != late {
		t.Errorf("the late one: %d, %v", id, err)
	}
	if n, err = s.WithdrawSince(ctx, "lab", t0, b.Last, Administrator, "stolen key", t0); err != nil || n != 0 {
		t.Errorf("again: %d withdrawn, %v", n, err)
	}
	_, err = s.BulkOf(ctx, "x", t0)
	wants(t, "look at an unknown source", err, ErrNotFound)
	_, err = s.WithdrawSince(ctx, "x", t0, b.Last, Administrator, "x", t0)
	wants(t, "an unknown source", err, ErrNotFound)
}

func testHistory(t *testing.T, s *Store) {
	ctx := t.Context()
	lab := addSource(t, s, "lab")
	_, err := s.History(ctx, ann)
	wants(t, "of nobody", err, ErrNotFound)
	wrong := entered(t, s, lab, sample(ann, "1", Positive))
	to, err := s.Correct(ctx, Actor{lab, "Aigerim"}, wrong, sample(ann, "1", Negative), "typing error", t0.Add(time.Second))
	must(t, err)
	must(t, s.Withdraw(ctx, Actor{0, Administrator}, to.Record, "not this person", t0.Add(2*time.Second)))
	history, err := s.History(ctx, ann)
	must(t, err)
	at := t0.Add(-time.Hour)
	want := []Kept{
		{ID: to.Record, Source: "lab", SourceKind: "laboratory", Sample: "1", Kind: Negative, At: at, Came: t0.Add(time.Second), Replaces: wrong, State: Ended, IIN: string(ann), Events: []Event{
			{Entered, "lab", "Aigerim", t0.Add(time.Second), ""}, {Withdrawn, "", Administrator, t0.Add(2 * time.Second), "not this person"}}},
		{ID: wrong, Source: "lab", SourceKind: "laboratory", Sample: "1", Kind: Positive, At: at, Came: t0, State: Ended, IIN: string(ann), Events: []Event{
			{Entered, "lab", "clerk", t0, ""}, {Corrected, "lab", "Aigerim", t0.Add(time.Second), "typing error"}}},
	}
	if !reflect.DeepEqual(history, want) {
		t.Errorf("got  %+v\nwant %+v", history, want)
	}
	today, err := s.Today(ctx, lab, t0.Add(time.Second))
	must(t, err)
	wantToday := []TodayEntry{{ID: to.Record, Sample: "1", IINEnd: "0018", Kind: Negative, At: at, Came: t0.Add(time.Second), State: Ended, Last: Withdrawn, Person: Administrator}}
	if !reflect.DeepEqual(today, wantToday) {
		t.Errorf("today: %+v\nwant   %+v", today, wantToday)
	}
}

// testCorrectionRace lets many people correct one record at the same moment: one does.
func testCorrectionRace(t *testing.T, s *Store) {
	lab := addSource(t, s, "lab")
	wrong := entered(t, s, lab, sample(ann, "1", Positive))
	errs := make([]error, 16)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			next := sample(ann, "1", Negative)
			next.At = t0.Add(-time.Duration(i) * time.Minute)
			_, errs[i] = s.Correct(t.Context(), Actor{lab, fmt.Sprint(i)}, wrong, next, "x", t0)
		})
	}
	all.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
		} else if !errors.Is(err, ErrEnded) {
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("%d corrections of one record", done)
	}
	says(t, s, "after the race", Negative)
}
