package cache

import (
	"errors"
	"path/filepath"
	"testing"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
)

// statusOf asks for index 0 of a person whose pass came with an edition of the list.
func statusOf(t *testing.T, c *Cache, since statuslist.Edition) error {
	t.Helper()
	_, err := c.Status(t.Context(), kiosk.Person{Since: since})
	return err
}

// TestNewerPass: the index of a red person's new pass reads as blue in an older list.
func TestNewerPass(t *testing.T) {
	c, err := Open(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := load(c, 5); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[uint64]error{1: nil, 5: nil, 6: kiosk.ErrUnknownPerson} {
		if err := statusOf(t, c, statuslist.Edition{Version: version}); !errors.Is(err, want) {
			t.Errorf("pass of version %d: %v, want %v", version, err, want)
		}
	}
}

// TestRestoredRegistry: a registry that was restored from a backup goes on from an older version,
// in a new epoch. Passes of what was lost are unknown for ever, also in later versions and after a
// restart.
func TestRestoredRegistry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	c, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := load(c, 9); err != nil {
		t.Fatal(err)
	}
	restored := genWhole(5)
	restored.Epoch, restored.Ended = 1000, statuslist.Epochs{{Version: 4}}
	if err := c.Apply(restored); !errors.Is(err, ErrMismatch) {
		t.Errorf("the sections of another epoch count as these: %v", err)
	}
	if err := stage(c, 5); err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(restored); err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(genUpdate(10)); !errors.Is(err, ErrOlder) {
		t.Errorf("back to the lost epoch: %v", err)
	}
	check := func(when string) {
		t.Helper()
		state, err := c.State()
		if err != nil || state.Edition() != (statuslist.Edition{Epoch: 1000, Version: 5}) ||
			!state.AsOf.Equal(restored.AsOf) {
			t.Errorf("%s: %+v, %v", when, state, err)
		}
		for since, want := range map[statuslist.Edition]error{
			{Version: 4}:              nil,
			{Version: 5}:              kiosk.ErrUnknownPerson,
			{Version: 9}:              kiosk.ErrUnknownPerson,
			{Epoch: 1000, Version: 5}: nil,
			{Epoch: 1000, Version: 6}: kiosk.ErrUnknownPerson,
		} {
			if err := statusOf(t, c, since); !errors.Is(err, want) {
				t.Errorf("%s: pass of %v: %v, want %v", when, since, err, want)
			}
		}
	}
	check("at once")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err = Open(path); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	check("after a restart")
}
