package store

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/ratchet"
)

const aDay = 24 * time.Hour

func placeKeys(t *testing.T, s *Store, at time.Time) doorkeys.PlaceKeys {
	t.Helper()
	keys, err := s.PlaceKeys(t.Context(), at)
	must(t, err)
	return keys
}

func testPlaceKeys(t *testing.T, s *Store) {
	today, month := pass.DayOf(t0), pass.MonthOf(t0)
	first := placeKeys(t, s, t0)
	if first.FirstDay != today-1 || len(first.Days) != 33 || first.FirstMonth != month || len(first.Months) != 7 {
		t.Fatalf("keys from day %d (%d) and month %d (%d)", first.FirstDay, len(first.Days), first.FirstMonth, len(first.Months))
	}
	seen := map[pass.PlaceKey]bool{}
	for _, key := range append(append([]pass.PlaceKey{}, first.Days...), first.Months...) {
		seen[key] = true
	}
	if len(seen) != 40 {
		t.Errorf("%d different keys", len(seen))
	}
	if again := placeKeys(t, s, t0.Add(11*time.Hour)); !reflect.DeepEqual(again, first) {
		t.Error("other keys on the same day")
	}
	for n := 1; n <= 45; n++ { // and so over the end of a month
		at := t0.Add(time.Duration(n) * aDay)
		keys := placeKeys(t, s, at)
		if keys.FirstDay != today-1+pass.Day(n) || len(keys.Days) != 33 || keys.FirstMonth != pass.MonthOf(at) || len(keys.Months) != 7 {
			t.Fatalf("after %d days: keys from day %d (%d) and month %d (%d)", n, keys.FirstDay, len(keys.Days), keys.FirstMonth, len(keys.Months))
		}
		for d := keys.FirstDay; d < first.FirstDay+33; d++ {
			if was, _ := first.Day(d); was != keys.Days[d-keys.FirstDay] {
				t.Fatalf("day %d has another key after %d days", d, n)
			}
		}
		if was, ok := first.Month(keys.FirstMonth); !ok || was != keys.Months[0] {
			t.Fatalf("a month has another key after %d days", n)
		}
	}
	// What is left of the keys of past days: nothing that gives them again.
	r, err := readRatchet(t.Context(), s.read, "day")
	must(t, err)
	if r.at != int64(today)-1+45 || r.state.Key() == [ratchet.KeySize]byte(first.Days[0]) {
		t.Errorf("the ratchet is at %d", r.at)
	}
	var rows int
	must(t, s.read.QueryRow(`SELECT COUNT(*) FROM ratchets`).Scan(&rows))
	if rows != 2 {
		t.Errorf("%d rows", rows)
	}
}

// A clock that jumps loses no keys that are needed when it is right again.
func testRatchetClock(t *testing.T, s *Store) {
	first := placeKeys(t, s, t0)
	asBefore := func(what string, at time.Time, days int) {
		t.Helper()
		keys := placeKeys(t, s, at)
		if len(keys.Days) != days {
			t.Errorf("%s: keys of %d days from %d on", what, len(keys.Days), keys.FirstDay)
		}
		for i, key := range keys.Days {
			if was, ok := first.Day(keys.FirstDay + pass.Day(i)); ok && was != key {
				t.Errorf("%s: day %d has another key", what, int(keys.FirstDay)+i)
			}
		}
	}
	asBefore("years ahead", t0.AddDate(3, 0, 0), 33)
	asBefore("right again", t0.Add(time.Minute), 33)
	asBefore("years ahead again", t0.AddDate(3, 0, 0), 33)
	asBefore("years ahead, and two days later", t0.AddDate(3, 0, 2).Add(time.Hour), 33) // it jumped again
	asBefore("right again", t0.Add(time.Hour), 33)
	asBefore("five days back", t0.Add(-5*aDay), 28)
	asBefore("right again", t0.Add(2*time.Hour), 33)
	if _, err := s.PlaceKeys(t.Context(), time.Unix(0, 0)); err == nil {
		t.Error("keys of 1970")
	}
	asBefore("right again", t0.Add(3*time.Hour), 33)

	// Nothing ran for a week: it works at once, and forgets a day later.
	back := t0.Add(7 * aDay)
	asBefore("after a week", back, 33)
	at := func(want pass.Day) {
		t.Helper()
		r, err := readRatchet(t.Context(), s.read, "day")
		must(t, err)
		if r.at != int64(want) {
			t.Errorf("the ratchet is at %d, want %d", r.at, want)
		}
	}
	at(pass.DayOf(t0) - 1)
	asBefore("half a day later", back.Add(aDay/2), 33)
	at(pass.DayOf(t0) - 1)
	asBefore("a day later", back.Add(aDay), 33)
	at(pass.DayOf(t0) - 1 + 8)
}

func testRatchetRace(t *testing.T, s *Store) {
	for _, at := range []time.Time{t0, t0.Add(aDay)} {
		keys, errs := make([]doorkeys.PlaceKeys, 16), make([]error, 16)
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() { keys[i], errs[i] = s.PlaceKeys(t.Context(), at) })
		}
		all.Wait()
		for i := range keys {
			must(t, errs[i])
			if !reflect.DeepEqual(keys[i], keys[0]) {
				t.Fatal("two registries have different keys")
			}
		}
	}
}

// Whoever takes the file of the database today finds no state of earlier days in it.
func TestOldRatchetIsGoneFromTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	s := open(t, path)
	placeKeys(t, s, t0)
	old := map[string]ratchet.State{}
	for _, kind := range []string{"day", "month"} {
		r, err := readRatchet(t.Context(), s.read, kind)
		must(t, err)
		old[kind] = r.state
	}
	for n := range 40 {
		placeKeys(t, s, t0.Add(time.Duration(n)*aDay))
	}
	must(t, s.Close()) // the log is folded into the file
	data, err := os.ReadFile(path)
	must(t, err)
	for kind, state := range old {
		if bytes.Contains(data, state[:]) {
			t.Errorf("the first state of %s is still there", kind)
		}
	}
	s = open(t, path)
	defer s.Close()
	r, err := readRatchet(t.Context(), s.read, "day")
	must(t, err)
	if !bytes.Contains(data, r.state[:]) {
		t.Error("the search does not find what is there")
	}
}
