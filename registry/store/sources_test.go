package store

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"
)

func testWaiting(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	lab := addSource(t, s, "lab")
	must(t, s.LimitSource(ctx, "lab", 3))
	add := func(sample string, r Record, at time.Time) bool {
		waits, err := addResult(t, s, lab, ann, sample, r, at)
		must(t, err)
		return waits
	}
	// At the same moment, so that none of them sees another one.
	counted := make([]bool, 8)
	var all sync.WaitGroup
	for i := range counted {
		all.Go(func() {
			waits, err := addResult(t, s, lab, ann, fmt.Sprint(i), Record{Kind: Positive, At: t0}, t0)
			counted[i] = err == nil && !waits
		})
	}
	all.Wait()
	n := 0
	for _, one := range counted {
		if one {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d records count at once, want 3", n)
	}
	if add("negative", Record{Kind: Negative, At: t0}, t0) {
		t.Error("a negative result waits")
	}
	if !add("late", Record{Kind: Positive, At: t0}, t0.Add(time.Hour-time.Second)) || !add("late", Record{Kind: Positive, At: t0}, t0.Add(2*time.Hour)) {
		t.Error("a record that waits no longer does, without anybody's approval")
	}
	conflicts(t, "a waiting sample with other content")(addResult(t, s, lab, bob, "late", Record{Kind: Positive, At: t0}, t0))
	o, err := lookAt(ctx, s, t0)
	must(t, err)
	want := SourceState{Name: "lab", Kind: "laboratory", Records: 4, Last: t0, Hourly: 3, Waiting: 6, WaitingSince: t0, WaitingLast: o.Sources[0].WaitingLast}
	if !reflect.DeepEqual(o.Sources[0], want) || len(o.Waiting) != 6 {
		t.Errorf("got  %+v and %d records\nwant %+v", o.Sources[0], len(o.Waiting), want)
	}
	newest := WaitingRecord{Source: "lab", IIN: string(ann), Kind: Positive, At: t0, Came: t0.Add(time.Hour - time.Second)}
	if o.Waiting[0] != newest {
		t.Errorf("the newest is %+v, want %+v", o.Waiting[0], newest)
	}
	n, err = s.ApproveWaiting(ctx, "lab", want.WaitingLast-1, t0)
	if err != nil || n != 5 {
		t.Errorf("approved %d, %v", n, err)
	}
	n, err = s.DiscardWaiting(ctx, "lab", want.WaitingLast, t0)
	if err != nil || n != 1 {
		t.Errorf("discarded %d, %v", n, err)
	}
	due, err := s.Due(ctx, t0, 10)
	must(t, err)
	if len(due) != 1 || len(due[0].Records) != 9 {
		t.Errorf("due: %+v", due)
	}
	_, err = addResult(t, s, lab, ann, "late", Record{Kind: Positive, At: t0}, t0.Add(2*time.Hour))
	wants(t, "the same again after it was discarded", err, ErrWithdrawn)
	if add("later", Record{Kind: Positive, At: t0}, t0.Add(2*time.Hour)) {
		t.Error("a record waits after the hour")
	}
	_, err = s.ApproveWaiting(ctx, "x", 1, t0)
	wants(t, "approve an unknown source", err, ErrNotFound)
	_, err = s.DiscardWaiting(ctx, "x", 1, t0)
	wants(t, "discard an unknown source", err, ErrNotFound)
}

// testKeys suspends, replaces and revokes a key, also while a record is on its way.
func testKeys(t *testing.T, s *Store) {
	ctx := t.Context()
	lab := addSource(t, s, "lab")
	is := func(what, key string, want error) {
		t.Helper()
		_, err := s.SourceOf(ctx, SecretOf(key))
		wants(t, what, err, want)
	}
	add := func() error {
		_, err := addResult(t, s, lab, ann, "1", Record{Kind: Positive, At: t0}, t0)
		return err
	}
	must(t, s.SuspendSource(ctx, "lab", t0))
	is("suspended", "lab", ErrSuspended)
	wants(t, "a record of a suspended source", add(), ErrSuspended)
	must(t, s.ResumeSource(ctx, "lab"))
	is("resumed", "lab", nil)
	must(t, s.RevokeSource(ctx, "lab", t0))
	must(t, s.ResumeSource(ctx, "lab"))
	is("revoked", "lab", ErrKeyRevoked)
	wants(t, "a record of a revoked source", add(), ErrKeyRevoked)
	must(t, s.RotateSource(ctx, "lab", SecretOf("new")))
	is("the old key", "lab", ErrNotFound)
	is("the new key", "new", nil)
	must(t, add())
}

func testTooManyWait(t *testing.T, s *Store) {
	lab := addSource(t, s, "lab")
	must(t, s.LimitSource(t.Context(), "lab", 0))
	stored(t)(addResult(t, s, lab, ann, "negative", Record{Kind: Negative, At: t0}, t0))
	_, err := s.write.ExecContext(t.Context(), `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO records (source, sample, citizen, kind, at, came, laboratory, index_case, state)
		SELECT $2, 'many ' || i, (SELECT id FROM citizens), 'positive', 0, 0, '', '', 'waiting' FROM n`, maxWaiting-1, lab)
	must(t, err)
	waits, err := addResult(t, s, lab, ann, "the last one", Record{Kind: Positive, At: t0}, t0)
	if err != nil || !waits {
		t.Errorf("the last one: %v, %v", waits, err)
	}
	_, err = addResult(t, s, lab, ann, "one more", Record{Kind: Positive, At: t0}, t0)
	wants(t, "one more", err, ErrTooManyWait)
}
