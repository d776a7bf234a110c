// Package lookuptest is the test that every kiosk.Lookup must pass: the cache, by itself and behind
// a replica. It is for tests only.
package lookuptest

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
)

// List is the name of the list.
const List = "https://registry.example/lists/1"

// Sections is the number of sections of the list. It has the indexes below
// Sections*statuslist.SectionSize.
const Sections = 2

// AsOf is when the registry vouched for the entries.
var AsOf = time.Date(2026, time.March, 1, 8, 30, 0, 0, time.UTC)

// entries has every status, at indexes where mistakes happen: both halves of a byte, both ends of a
// section.
var entries = map[uint64]statuslist.Status{
	0:                              statuslist.Red,
	1:                              statuslist.Green,
	2:                              statuslist.Valid,
	3:                              statuslist.Yellow,
	4095:                           statuslist.Green,
	4096:                           statuslist.Red,
	777_215:                        statuslist.Invalid,
	statuslist.SectionSize - 1:     statuslist.Suspended,
	statuslist.SectionSize:         statuslist.Yellow,
	statuslist.SectionSize + 1:     statuslist.Valid,
	2*statuslist.SectionSize - 1:   statuslist.Green,
	2*statuslist.SectionSize - 777: statuslist.Red,
}

// Test checks the contract. open makes a lookup of a list named List with these entries, vouched
// for at AsOf; with nil entries, a lookup that has no list yet. Test never asks for other indexes
// of the list's sections: a packed list calls them Valid, and the registry has never given them
// out.
func Test(t *testing.T, open func(t *testing.T, entries map[uint64]statuslist.Status) kiosk.Lookup) {
	t.Run("every status", func(t *testing.T) { testEntries(t, open(t, entries)) })
	t.Run("unknown", func(t *testing.T) { testUnknown(t, open(t, entries)) })
	t.Run("nothing yet", func(t *testing.T) { testNothingYet(t, open(t, nil)) })
	t.Run("ended context", func(t *testing.T) { testEnded(t, open(t, entries)) })
	t.Run("many at once", func(t *testing.T) { testConcurrent(t, open(t, entries)) })
}

func testEntries(t *testing.T, lookup kiosk.Lookup) {
	for index, want := range entries {
		checkEntry(t, lookup, index, want)
	}
}

func checkEntry(t *testing.T, lookup kiosk.Lookup, index uint64, want statuslist.Status) {
	t.Helper()
	got, err := lookup.Status(t.Context(), kiosk.Person{Index: index})
	if err != nil {
		t.Errorf("Status(%d): %v", index, err)
		return
	}
	if got.Status != want || !got.AsOf.Equal(AsOf) || !got.Until.IsZero() {
		t.Errorf("Status(%d) = %v as of %v until %v, want %v as of %v", index, got.Status, got.AsOf, got.Until, want, AsOf)
	}
}

func testUnknown(t *testing.T, lookup kiosk.Lookup) {
	for name, p := range map[string]kiosk.Person{
		"just beyond":      {Index: Sections * statuslist.SectionSize},
		"beyond 32 bits":   {Index: 1 << 32}, // would be entry 0 in 32 bits
		"section overflow": {Index: 1 << 52}, // would be section 0 in 32 bits
		"largest":          {Index: math.MaxUint64},
	} {
		got, err := lookup.Status(t.Context(), p)
		if !errors.Is(err, kiosk.ErrUnknownPerson) {
			t.Errorf("%s: Status = %v, %v, want ErrUnknownPerson", name, got.Status, err)
		}
		checkRefusal(t, got, err, p)
	}
}

// checkRefusal checks that there is no answer beside an error, and that the error names nobody:
// errors are logged.
func checkRefusal(t *testing.T, got kiosk.Standing, err error, p kiosk.Person) {
	t.Helper()
	if got != (kiosk.Standing{}) {
		t.Errorf("Status gives %+v beside the error %v", got, err)
	}
	if err != nil && p.Index > 9 && strings.Contains(err.Error(), strconv.FormatUint(p.Index, 10)) {
		t.Errorf("the error names the person: %v", err)
	}
}

func testNothingYet(t *testing.T, lookup kiosk.Lookup) {
	p := kiosk.Person{Index: 4096}
	got, err := lookup.Status(t.Context(), p)
	if !errors.Is(err, kiosk.ErrNoData) && !errors.Is(err, kiosk.ErrUnknownPerson) {
		t.Errorf("Status = %v, %v, want ErrNoData or ErrUnknownPerson", got.Status, err)
	}
	checkRefusal(t, got, err, p)
}

// testEnded allows an answer, because a cache need not wait, or the context's error, but no other
// error.
func testEnded(t *testing.T, lookup kiosk.Lookup) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := kiosk.Person{Index: 4096}
	got, err := lookup.Status(ctx, p)
	switch {
	case err == nil && got.Status != entries[p.Index]:
		t.Errorf("Status = %v, want %v", got.Status, entries[p.Index])
	case err != nil && !errors.Is(err, context.Canceled):
		t.Errorf("Status: %v, want an answer or context.Canceled", err)
	case err != nil:
		checkRefusal(t, got, err, p)
	}
}

func testConcurrent(t *testing.T, lookup kiosk.Lookup) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { testEntries(t, lookup) })
		all.Go(func() { testUnknown(t, lookup) })
	}
	all.Wait()
}
