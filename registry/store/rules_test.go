package store

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// testRules keeps every version, and lets none replace another that it does not know.
func testRules(t *testing.T, s *Store) {
	ctx := t.Context()
	publish(t, s, 1, 1)
	first, err := s.WantedRules(ctx)
	must(t, err)
	later := func(n int) time.Time { return t0.Add(time.Duration(n) * keepRetired) }
	put := func(document string, v RulesVersion, n int) int64 {
		t.Helper()
		id, err := s.PutRules(ctx, []byte(document), v, later(n))
		must(t, err)
		return id
	}
	inForce := func(want int64) {
		t.Helper()
		if v, err := s.WantedRules(ctx); err != nil || v.Version != want {
			t.Errorf("version %d is in force, %v, want %d", v.Version, err, want)
		}
	}
	second := put("two", RulesVersion{Base: first.Version, Person: "Ann", Why: "decree 2", Publisher: "Ann"}, 1)
	inForce(second)
	_, err = s.PutRules(ctx, []byte("late"), RulesVersion{Base: first.Version, Person: "Bob", Publisher: "Bob"}, later(1))
	wants(t, "a change of what is not in force", err, ErrRulesChanged)
	_, err = s.PutRules(ctx, []byte("late"), RulesVersion{Base: first.Version, Person: "Bob"}, later(1))
	wants(t, "a proposal to change what is not in force", err, ErrRulesChanged)

	waits := put("three", RulesVersion{Base: second, Person: "Ann", Why: "decree 3"}, 2)
	overtaken := put("four", RulesVersion{Base: second, Person: "Ann"}, 2)
	inForce(second)
	wants(t, "one person alone", s.PublishRules(ctx, waits, "Ann", later(3)), ErrSamePerson)
	must(t, s.PublishRules(ctx, waits, "Bob", later(3)))
	inForce(waits)
	wants(t, "published twice", s.PublishRules(ctx, waits, "Bob", later(3)), ErrExists)
	wants(t, "the first version", s.PublishRules(ctx, first.Version, "Bob", later(3)), ErrExists)
	wants(t, "overtaken", s.PublishRules(ctx, overtaken, "Bob", later(3)), ErrRulesChanged)
	wants(t, "unknown", s.PublishRules(ctx, 1<<30, "Bob", later(3)), ErrNotFound)

	back := put("two", RulesVersion{Base: waits, Person: "Bob", Why: "back", Publisher: "Bob"}, 4)
	inForce(back)
	publishLater(t, s, later(9))
	v, document, err := s.RulesOf(ctx, waits)
	must(t, err)
	want := RulesVersion{waits, api.HashOf([]byte("three")), second, "Ann", later(2).UTC(), "decree 3", "Bob", later(3).UTC()}
	if v != want || string(document) != "three" {
		t.Errorf("%+v, %q; want %+v", v, document, want)
	}
	list, err := s.RulesVersions(ctx, 0, 10)
	must(t, err)
	var ids []int64
	for _, v := range list {
		ids = append(ids, v.Version)
	}
	if want := []int64{back, overtaken, waits, second, first.Version}; !slices.Equal(ids, want) {
		t.Errorf("versions %v, want %v", ids, want)
	}
	if list, err := s.RulesVersions(ctx, waits, 1); err != nil || len(list) != 1 || list[0].Version != second {
		t.Errorf("before %d: %+v, %v", waits, list, err)
	}
	testRulesAtOnce(t, s, back)
}

// publishLater publishes long after, when blobs that nobody needs go.
func publishLater(t *testing.T, s *Store, at time.Time) {
	t.Helper()
	next, err := s.Published(t.Context())
	must(t, err)
	for range 2 {
		next.Version++
		must(t, s.Publish(t.Context(), leads(t, s), next, nil, nil, at))
		at = at.Add(2 * keepRetired)
	}
}

// testRulesAtOnce lets ten administrators change the same version at the same moment.
func testRulesAtOnce(t *testing.T, s *Store, base int64) {
	var group sync.WaitGroup
	results := make([]error, 10)
	for i := range results {
		group.Go(func() {
			name := strconv.Itoa(i)
			_, results[i] = s.PutRules(t.Context(), []byte(name), RulesVersion{Base: base, Person: name, Publisher: name}, t0)
		})
	}
	group.Wait()
	stored := 0
	for _, err := range results {
		if err == nil {
			stored++
		} else if !errors.Is(err, ErrRulesChanged) {
			t.Error(err)
		}
	}
	if stored != 1 {
		t.Errorf("%d of ten changes of one version were stored, want 1", stored)
	}
}

// testChecks sums what doors of a kind, zone and region counted.
func testChecks(t *testing.T, s *Store) {
	ctx := t.Context()
	token(t, s, "door", "1")
	c, _, err := enrol(t, s, "1", "key", board, "a", 1)
	must(t, err)
	door, err := s.DoorBy(ctx, c, board, Said{}, t0)
	must(t, err)
	hour := t0.Truncate(time.Hour)
	for n, at := range []time.Time{hour, hour.Add(time.Minute), hour.Add(time.Hour), hour.Add(2 * time.Hour)} {
		must(t, s.AddCounts(ctx, door, strconv.Itoa(n), at, map[string]uint64{"admitted/green": 2, "turned-back/red": 1}, t0))
	}
	got, err := s.ChecksBetween(ctx, hour, hour.Add(2*time.Hour))
	must(t, err)
	for i := range got {
		got[i].Hour = got[i].Hour.UTC()
	}
	checks := func(at time.Time, name string, n int64) Checks {
		return Checks{"shop", "red", "", at.UTC(), name, n}
	}
	want := []Checks{
		checks(hour, "admitted/green", 4), checks(hour, "turned-back/red", 2),
		checks(hour.Add(time.Hour), "admitted/green", 2), checks(hour.Add(time.Hour), "turned-back/red", 1),
	}
	if !slices.Equal(got, want) {
		t.Errorf("checks\n%+v, want\n%+v", got, want)
	}
}
