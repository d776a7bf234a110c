package replica_test

import (
	"bytes"
	"errors"
	"testing"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
)

// exported follows with a door of its own and returns what that exports.
func exported(t *testing.T, r *testRegistry) cache.Export {
	t.Helper()
	d := newDoor(t, r)
	d.follow(t)
	var file bytes.Buffer
	if err := d.cache.Export(&file); err != nil {
		t.Fatal(err)
	}
	out, err := cache.ReadExport(&file)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func step(n int) func(*edition) {
	return set(map[uint64]statuslist.Status{uint64(n): statuslist.Red, 1<<20 + uint64(n)*7: statuslist.Yellow})
}

// TestImport brings a list to another door, which loads only the changes since then.
func TestImport(t *testing.T) {
	for name, since := range map[string]struct {
		publish func(*testRegistry)
		want    replica.Result
	}{
		"nothing since":  {func(*testRegistry) {}, replica.Result{Version: 3, Changed: true, Deltas: 1}},
		"rules since":    {func(r *testRegistry) { r.publish(func(e *edition) { e.rules = testRules(1) }) }, replica.Result{Version: 4, Changed: true, Deltas: 1}},
		"three since":    {func(r *testRegistry) { r.publish(step(3)); r.publish(step(4)); r.publish(step(5)) }, replica.Result{Version: 6, Changed: true, Deltas: 3}},
		"a section more": {func(r *testRegistry) { r.publish(grow); r.publish(step(4)) }, replica.Result{Version: 5, Changed: true, Deltas: 2, Whole: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t, 2)
			r.publish(step(1))
			r.publish(step(2))
			list := exported(t, r)
			since.publish(r)
			d := newDoor(t, r)
			got, err := d.Import(t.Context(), list)
			if err != nil {
				t.Fatal(err)
			}
			if got.Bytes = 0; got != since.want {
				t.Errorf("%+v, want %+v", got, since.want)
			}
			d.checkIs(t, r.version())
			d.restart(t)
			d.checkIs(t, r.version())
			r.publish(step(9))
			if got := d.follow(t); got.Deltas != 1 || got.Whole != 0 {
				t.Errorf("then %+v, want a delta", got)
			}
		})
	}
}

func grow(e *edition) { e.sections = append(e.sections, statuslist.NewSection()) }

// TestImportIsProven: whatever is not the registry's list does not get in force, and the door loads
// all of the list itself afterwards.
func TestImportIsProven(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*cache.Export, *testRegistry)
		want  error
	}{
		"one person is blue": {func(e *cache.Export, _ *testRegistry) { e.Sections[0].Section.Set(1, statuslist.Valid) }, replica.ErrUnproven},
		"one person more is red, and it was changed since": {func(e *cache.Export, r *testRegistry) {
			e.Sections[1].Section.Set(500, statuslist.Red)
			r.publish(step(3))
		}, replica.ErrUnproven},
		"older than it says": {func(e *cache.Export, _ *testRegistry) {
			e.Sections[0].Section.Set(2, statuslist.Valid)
			e.Edition.Version++
		}, replica.ErrUnfit},
		"a section too few": {func(e *cache.Export, _ *testRegistry) {
			e.Sections = e.Sections[:1]
			e.Sections[0].Section.Set(9, statuslist.Green)
		}, replica.ErrUnproven},
		"a section too many":    {func(e *cache.Export, _ *testRegistry) { e.Sections = append(e.Sections, e.Sections[0]) }, replica.ErrUnfit},
		"of another list":       {func(e *cache.Export, _ *testRegistry) { e.List += "2" }, replica.ErrUnfit},
		"of another epoch":      {func(e *cache.Export, _ *testRegistry) { e.Edition.Epoch++ }, replica.ErrUnfit},
		"the registry restored": {func(_ *cache.Export, r *testRegistry) { r.restore(2, 1000, step(8)) }, replica.ErrUnfit},
		"too old": {func(_ *cache.Export, r *testRegistry) {
			r.tamper(func(m *api.Manifest) { m.Deltas = nil })
		}, replica.ErrUnfit},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t, 2)
			r.publish(step(1))
			r.publish(step(2))
			list := exported(t, r)
			test.spoil(&list, r)
			d := newDoor(t, r)
			if _, err := d.Import(t.Context(), list); !errors.Is(err, test.want) {
				t.Errorf("Import: %v, want %v", err, test.want)
			}
			if state, err := d.cache.State(); err != nil || state.Version != 0 {
				t.Fatalf("State = %+v, %v, want nothing", state, err)
			}
			d.restart(t)
			fetched := 2
			if len(list.Sections) == 1 {
				fetched = 1 // the other one is from the registry already
			}
			if got := d.follow(t); got.Whole != fetched {
				t.Errorf("then %+v, want that %d sections come from the registry", got, fetched)
			}
			if _, err := d.Import(t.Context(), list); !errors.Is(err, replica.ErrHasList) {
				t.Errorf("a second list: %v, want ErrHasList", err)
			}
		})
	}
}

// A door without the list's key cannot prove anything.
func TestImportNeedsTheKey(t *testing.T) {
	r := newRegistry(t, 1)
	r.publish(set(map[uint64]statuslist.Status{1: statuslist.Red}))
	list := exported(t, r)
	d := newDoor(t, r)
	d.ring.keys = nil
	if _, err := d.Import(t.Context(), list); !errors.Is(err, replica.ErrNoListKey) || d.ring.needs == 0 {
		t.Errorf("Import: %v, want ErrNoListKey and that the door asks for one", err)
	}
}
