package store

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
)

func testRecords(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	lab, other := addSource(t, s, "lab"), addSource(t, s, "other")
	positive, negative := Record{Kind: Positive, At: t0.Add(-time.Hour)}, Record{Kind: Negative, At: t0.Add(-2 * time.Hour)}
	stored(t)(addResult(t, s, lab, ann, "1", positive, t0))
	stored(t)(addResult(t, s, lab, ann, "1", positive, t0))
	stored(t)(addResult(t, s, other, ann, "1", negative, t0)) // numbers are the source's own
	conflicts(t, "other result")(addResult(t, s, lab, ann, "1", negative, t0))
	conflicts(t, "other time")(addResult(t, s, lab, ann, "1", Record{Kind: Positive, At: t0}, t0))
	conflicts(t, "other citizen")(addResult(t, s, lab, bob, "1", positive, t0))
	stored(t)(addContact(t, s, other, ann, t0, t0))
	stored(t)(addContact(t, s, other, ann, t0, t0))

	must(t, s.PutCode(ctx, ann, SecretOf("code"), t0.Add(time.Hour)))
	c, err := s.Activate(ctx, SecretOf("code"), credential(phoneKey(1)), t0)
	must(t, err)
	_, err = s.PersonAt(ctx, c.Index, statuslist.Edition{})
	wants(t, "a pass that no list holds", err, ErrNotFound)
	since := list(t, s)
	person, err := s.PersonAt(ctx, c.Index, since)
	must(t, err)
	if person.Revoked || len(person.Records) != 3 {
		t.Errorf("person: %+v", person)
	}
	_, err = s.PersonAt(ctx, c.Index^1, since)
	wants(t, "free index", err, ErrNotFound)
	for _, lost := range []statuslist.Edition{{Epoch: 1, Version: since.Version}, {Version: since.Version - 1}, {Version: since.Version + 1}, {}} {
		_, err = s.PersonAt(ctx, c.Index, lost)
		wants(t, "a lost pass of the same index", err, ErrNotFound)
	}
}

func testCodes(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.PutCode(ctx, ann, SecretOf("1"), t0.Add(time.Hour)))
	if _, err := s.Activate(ctx, SecretOf("1"), credential(phoneKey(1)), t0); err == nil {
		t.Error("a credential before there is a list")
	}
	publish(t, s, 1, 1)
	must(t, s.PutCode(ctx, ann, SecretOf("2"), t0.Add(time.Hour)))
	_, err := s.Activate(ctx, SecretOf("1"), credential(phoneKey(1)), t0)
	wants(t, "replaced code", err, ErrNotFound)
	for code, want := range map[string]bool{"1": false, "2": true} {
		if known, err := s.HasCode(ctx, SecretOf(code)); known != want || err != nil {
			t.Errorf("code %q is known: %v, %v", code, known, err)
		}
	}
	late := t0.Add(time.Hour)
	_, err = s.Activate(ctx, SecretOf("2"), credential(phoneKey(1)), late)
	wants(t, "old code", err, ErrCodeExpired)
	first, err := s.Activate(ctx, SecretOf("2"), credential(phoneKey(1)), t0)
	must(t, err)
	again, err := s.Activate(ctx, SecretOf("2"), credential(phoneKey(1)), late)
	must(t, err)
	if !reflect.DeepEqual(again, first) || first.Index >= statuslist.SectionSize {
		t.Errorf("got %+v, then %+v", first, again)
	}
	_, err = s.Activate(ctx, SecretOf("2"), credential(phoneKey(2)), t0)
	wants(t, "another phone", err, ErrCodeUsed)

	must(t, s.PutCode(ctx, ann, SecretOf("3"), t0.Add(time.Hour)))
	_, err = s.Activate(ctx, SecretOf("3"), credential(phoneKey(2)), t0)
	must(t, err)
	person, err := s.PersonAt(ctx, first.Index, list(t, s))
	must(t, err)
	if person.Revoked || !person.NewPhone.Equal(t0) {
		t.Errorf("the old phone beside a new one: %+v", person)
	}
}

func testPaper(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	must(t, s.PutCode(ctx, ann, SecretOf("1"), t0.Add(time.Hour)))
	phone, err := s.Activate(ctx, SecretOf("1"), credential(phoneKey(1)), t0)
	must(t, err)
	old, err := s.Print(ctx, ann, credential(nil), t0)
	must(t, err)
	paper, err := s.Print(ctx, ann, credential(nil), t0)
	must(t, err)
	since := list(t, s)
	revoked := func(want ...bool) {
		t.Helper()
		for i, c := range []Credential{phone, old, paper} {
			if person, err := s.PersonAt(ctx, c.Index, since); err != nil || person.Revoked != want[i] {
				t.Errorf("credential %d: %+v, %v", i, person, err)
			}
		}
	}
	revoked(false, true, false)
	must(t, s.Revoke(ctx, ann, t0))
	revoked(true, true, true)
	_, err = s.Activate(ctx, SecretOf("1"), credential(phoneKey(1)), t0)
	wants(t, "code of a revoked phone", err, ErrNotFound)
	wants(t, "revoke a stranger", s.Revoke(ctx, bob, t0), ErrNotFound)
}

func testDoors(t *testing.T, s *Store) {
	ctx := t.Context()
	token(t, s, "door", "1")
	c, _, err := enrol(t, s, "1", "key", board, "a", 1)
	must(t, err)
	addSource(t, s, "lab")
	wants(t, "taken source", s.AddSource(ctx, "lab", "laboratory", "", SecretOf("x"), 100), ErrExists)
	_, err = s.SourceOf(ctx, SecretOf("x"))
	wants(t, "unknown key", err, ErrNotFound)
	seen := func(at, want time.Time) int64 {
		t.Helper()
		id, err := s.DoorBy(ctx, c, board, Said{}, at)
		must(t, err)
		o, err := lookAt(ctx, s, at)
		must(t, err)
		if !o.Doors[0].Seen.Equal(want) {
			t.Errorf("seen %v, want %v", o.Doors[0].Seen, want)
		}
		return id
	}
	seen(t0, t0)
	seen(t0.Add(seenStep-time.Second), t0)
	id := seen(t0.Add(seenStep), t0.Add(seenStep))

	count := map[string]uint64{"admitted/green": 3}
	for _, report := range []struct {
		id   string
		from time.Time
	}{{"1", t0}, {"1", t0}, {"2", t0.Add(time.Minute)}, {"3", t0.Add(-23 * time.Hour)}, {"4", t0.Add(-25 * time.Hour)}} {
		must(t, s.AddCounts(ctx, id, report.id, report.from, count, t0))
	}
	o, err := lookAt(ctx, s, t0.Add(time.Minute))
	must(t, err)
	if got := o.Doors[0].Counts["admitted/green"]; got != 9 {
		t.Errorf("counted %d, want 9", got)
	}

	for _, h := range []api.Health{{Board: "Raspberry Pi 3", Celsius: new(80), Size: 100, Free: 50}, {Restart: api.Crash, Up: 7}} {
		must(t, s.PutHealth(ctx, id, h, t0))
		o, err := lookAt(ctx, s, t0)
		must(t, err)
		if want := (&DoorHealth{Health: h, At: t0, Troubles: h.Troubles()}); !reflect.DeepEqual(o.Doors[0].Health, want) {
			t.Errorf("health %+v, want %+v", o.Doors[0].Health, want)
		}
	}
}

func testPublishing(t *testing.T, s *Store) {
	ctx := t.Context()
	_, err := s.Published(ctx)
	wants(t, "nothing published", err, ErrNotFound)
	first := publish(t, s, 1, 1)
	wants(t, "version 1 twice", s.Publish(ctx, leads(t, s), first, nil, nil, t0), ErrOvertaken)
	skipped := first
	skipped.Version = 3
	wants(t, "a version left out", s.Publish(ctx, leads(t, s), skipped, nil, nil, t0), ErrOvertaken)
	var last api.Manifest
	for v := uint64(2); v <= 25; v++ {
		last = publish(t, s, v, v, 1)
	}
	got, err := s.Published(ctx)
	must(t, err)
	if !reflect.DeepEqual(got, last) {
		t.Errorf("published %+v\nwant %+v", got, last)
	}
	wanted, err := s.WantedRules(ctx)
	must(t, err)
	if wanted.Hash != last.Rules {
		t.Error("other rules are wanted than the first ones")
	}
	old := first.Sections[0].Blob
	if _, err := s.Blob(ctx, old); err != nil {
		t.Errorf("a blob of a moment ago: %v", err)
	}
	next := last
	next.Version++
	must(t, s.Publish(ctx, leads(t, s), next, nil, nil, t0.Add(keepRetired+time.Second)))
	_, err = s.Blob(ctx, old)
	wants(t, "a blob of long ago", err, ErrNotFound)
	hashes := []api.Hash{next.Rules, next.Keys, wanted.Hash}
	for _, section := range next.Sections {
		hashes = append(hashes, section.Blob)
	}
	for _, level := range next.Deltas {
		for _, delta := range level {
			hashes = append(hashes, delta.Blob)
		}
	}
	for _, h := range hashes {
		if data, err := s.Blob(ctx, h); err != nil || api.HashOf(data) != h {
			t.Errorf("blob %v: %q, %v", h, data, err)
		}
	}
}

// testTurnover publishes with the next list key, under which everything has new blobs.
func testTurnover(t *testing.T, s *Store) {
	ctx := t.Context()
	first := turn(t, s, t0)
	publish(t, s, 1, 1)
	publish(t, s, 2, 2)
	last := publish(t, s, 3, 3)
	enrolled(t, s, "one", 0)
	must(t, s.RevokeDoor(ctx, "one", t0.Add(time.Hour)))
	keys := turn(t, s, t0.Add(time.Hour))

	next := last
	next.Version, next.Generation = 4, keys[1].Generation
	next.Sections = []api.Section{{Version: 4, Changed: 3, Size: 1, Blob: api.HashOf([]byte("anew"))}}
	next.Deltas = make([][]api.Delta, Levels)
	next.Deltas[1] = []api.Delta{last.Deltas[1][0]}
	next.Deltas[1][0].Blob = api.HashOf([]byte("delta anew"))
	blobs := [][]byte{[]byte("anew"), []byte("delta anew")}
	stale := next
	stale.Version = 3
	wants(t, "a version that is there", s.Publish(ctx, leads(t, s), stale, blobs, nil, t0), ErrOvertaken)
	if got, err := s.ListKeys(ctx); err != nil || len(got) != 2 || got[0].Generation != first[0].Generation {
		t.Errorf("after a failed turnover: %+v, %v", got, err)
	}
	must(t, s.Publish(ctx, leads(t, s), next, blobs, nil, t0))
	got, err := s.Published(ctx)
	must(t, err)
	if !reflect.DeepEqual(got, next) {
		t.Errorf("published %+v\nwant %+v", got, next)
	}
	if left, err := s.ListKeys(ctx); err != nil || len(left) != 1 || left[0] != keys[1] {
		t.Errorf("after the turnover: %+v, %v, want %+v", left, err, keys[1])
	}
}

func testDue(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	lab := addSource(t, s, "lab")
	stored(t)(addResult(t, s, lab, ann, "1", Record{Kind: Positive, At: t0}, t0))
	paper, err := s.Print(ctx, ann, credential(nil), t0)
	must(t, err)
	stored(t)(addResult(t, s, lab, bob, "2", Record{Kind: Negative, At: t0}, t0))
	if due, err := s.Due(ctx, t0, 1); err != nil || len(due) != 1 {
		t.Errorf("with a limit of 1: %d, %v", len(due), err)
	}
	due, err := s.Due(ctx, t0, 10)
	must(t, err)
	if len(due) != 2 || len(due[0].Records) != 1 || !reflect.DeepEqual(due[0].Passes, []Pass{{Index: paper.Index, New: true, Held: statuslist.Green}}) || due[1].Records[0] != (Record{Kind: Negative, At: t0}) {
		t.Fatalf("due: %+v, %+v", due[0], due[1])
	}
	if since, err := s.SinceOf(ctx, paper.Index); err != nil || since.Version != 0 {
		t.Errorf("in a list since %v, %v, before there is one", since, err)
	}
	// News about bob comes between Due and Publish: he stays due.
	stored(t)(addContact(t, s, lab, bob, t0, t0))
	next, err := s.Published(ctx)
	must(t, err)
	next.Version++
	derived := []Derived{
		{Citizen: due[0], Status: statuslist.Red, Due: t0.Add(time.Hour), Other: statuslist.Green, Since: t0},
		{Citizen: due[1], Status: statuslist.Green},
	}
	must(t, s.Publish(ctx, leads(t, s), next, nil, freshOf(derived), t0))
	if due, err := s.Due(ctx, t0, 10); err != nil || len(due) != 2 || due[0].Passes[0].New {
		t.Errorf("due between the list and the outcomes: %+v, %v", due, err)
	}
	if rest, err := s.DueAfter(ctx, due[0], t0, 10); err != nil || len(rest) != 1 || rest[0].ID != due[1].ID {
		t.Errorf("due after ann: %+v, %v", rest, err)
	}
	must(t, s.PutDerived(ctx, leads(t, s), derived))
	if since, err := s.SinceOf(ctx, paper.Index); err != nil || since != next.Edition() {
		t.Errorf("in a list since %v, %v, want %v", since, err, next.Edition())
	}
	_, err = s.SinceOf(ctx, paper.Index^1)
	wants(t, "a free index", err, ErrNotFound)
	due, err = s.Due(ctx, t0, 10)
	must(t, err)
	if len(due) != 1 || len(due[0].Records) != 2 {
		t.Fatalf("bob is not due: %+v", due)
	}
	must(t, s.PutDerived(ctx, leads(t, s), []Derived{{Citizen: due[0], Status: statuslist.Yellow}}))
	if next, err := s.NextDue(ctx); err != nil || !next.Equal(t0.Add(time.Hour)) {
		t.Errorf("next due %v, %v", next, err)
	}
	due, err = s.Due(ctx, t0.Add(time.Hour), 10)
	must(t, err)
	if len(due) != 1 {
		t.Fatalf("ann is not due: %+v", due)
	}
	must(t, s.PutDerived(ctx, leads(t, s), []Derived{{Citizen: due[0], Status: statuslist.Valid}}))
	if next, err := s.NextDue(ctx); err != nil || !next.IsZero() {
		t.Errorf("next due %v, %v", next, err)
	}
	if n, err := s.Issued(ctx); err != nil || n != 1 {
		t.Errorf("issued %d, %v", n, err)
	}
}

func testOverview(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	lab := addSource(t, s, "lab")
	stored(t)(addResult(t, s, lab, ann, "1", Record{Kind: Positive, At: t0}, t0))
	stored(t)(addResult(t, s, lab, bob, "2", Record{Kind: Negative, At: t0}, t0.Add(time.Second)))
	_, err := s.Print(ctx, bob, credential(nil), t0)
	must(t, err)
	_, err = s.Print(ctx, bob, credential(nil), t0)
	must(t, err)
	due, err := s.Due(ctx, t0, 10)
	must(t, err)
	must(t, s.PutDerived(ctx, leads(t, s), []Derived{
		{Citizen: due[0], Status: statuslist.Red, Other: statuslist.Green, Since: t0},
		{Citizen: due[1], Status: statuslist.Green},
	}))
	o, err := lookAt(ctx, s, t0)
	must(t, err)
	want := looked{
		Overview: Overview{
			People: map[string]int{"red": 1, "green": 1}, Doors: DoorTotals{Wrong: map[string]int{}}, Revoked: 1, Disagreements: 1,
			Counts: map[string]int{}, Hours: []Hour{},
			Regions: []RegionState{{People: map[string]int{"red": 1, "green": 1}, Doors: DoorTotals{Wrong: map[string]int{}}, Counts: map[string]int{}}},
		},
		Citizens: 2,
		Doors:    []DoorState{},
		Sources:  []SourceState{{Name: "lab", Kind: "laboratory", Records: 2, Last: t0.Add(time.Second), Hourly: 100}},
		Releases: []ReleaseRequest{},
		Waiting:  []WaitingRecord{},
	}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("got  %+v\nwant %+v", o, want)
	}
	must(t, s.Suspend(ctx, bob, t0))
	if o, err := lookAt(ctx, s, t0); err != nil || o.Suspended != 1 {
		t.Errorf("%d passes are suspended, %v", o.Suspended, err)
	}
}

// testRace lets many phones try one code: one gets in.
func testRace(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	must(t, s.PutCode(ctx, ann, SecretOf("1"), t0.Add(time.Hour)))
	errs := make([]error, 16)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = s.Activate(ctx, SecretOf("1"), credential(phoneKey(byte(i))), t0) })
	}
	all.Wait()
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
		} else {
			wants(t, "a second phone", err, ErrCodeUsed)
		}
	}
	if in != 1 {
		t.Errorf("%d phones got in with one code", in)
	}
}
