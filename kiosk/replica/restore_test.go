package replica_test

import (
	"errors"
	"testing"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
)

// TestRestoredRegistry: a door follows a registry that was restored from a backup, although its
// versions and its time go back. It shows the age of the backup, knows nobody whose pass is from
// what was lost, and does not go back to the lost epoch.
func TestRestoredRegistry(t *testing.T) {
	r := newRegistry(t, 2)
	d := newDoor(t, r)
	r.publish(set(map[uint64]statuslist.Status{7: statuslist.Green, statuslist.SectionSize: statuslist.Yellow}))
	backup := r.version()
	d.follow(t)
	asOf := r.clock()
	for range 3 {
		r.publish(set(map[uint64]statuslist.Status{8: statuslist.Red}))
		r.publish(set(map[uint64]statuslist.Status{8: statuslist.Valid}))
	}
	d.follow(t)
	lost := r.current.manifest

	r.restore(backup, 1000, set(map[uint64]statuslist.Status{7: statuslist.Red}))
	result := d.follow(t)
	if result.Deltas != 0 || result.Whole != 2 {
		t.Errorf("%d deltas and %d whole sections, want 0 and 2", result.Deltas, result.Whole)
	}
	state, err := d.cache.State()
	if err != nil || !state.AsOf.Equal(asOf) {
		t.Errorf("the list is of %v, %v, want the backup's %v", state.AsOf, err, asOf)
	}
	for since, want := range map[statuslist.Edition]error{
		{Version: backup}:                  nil,
		{Version: backup + 1}:              kiosk.ErrUnknownPerson,
		{Epoch: 1000, Version: backup + 1}: nil,
	} {
		if _, err := d.cache.Status(t.Context(), kiosk.Person{Index: 7,
			Since: since}); !errors.Is(err, want) {
			t.Errorf("pass of %v: %v, want %v", since, err, want)
		}
	}

	restored := r.current
	r.mu.Lock()
	r.current.manifest = lost // a mirror that has not noticed
	r.mu.Unlock()
	if _, err := d.Follow1(t.Context()); !errors.Is(err, replica.ErrOlder) {
		t.Errorf("the lost epoch: %v, want ErrOlder", err)
	}
	r.mu.Lock()
	r.current = restored
	r.mu.Unlock()
	d.restart(t)
	r.publish(set(map[uint64]statuslist.Status{7: statuslist.Green}))
	if result := d.follow(t); result.Deltas != 1 {
		t.Errorf("%d deltas in the new epoch, want 1", result.Deltas)
	}
}
