package replica_test

import (
	"context"
	"flag"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/statuslist"
)

var statuses = []statuslist.Status{
	statuslist.Valid, statuslist.Invalid, statuslist.Suspended, statuslist.Red, statuslist.Yellow, statuslist.Green,
}

// history is a registry and a door that live through whatever rapid thinks of.
type history struct {
	*testing.T
	registry *testRegistry
	door     *door
	version  uint64 // of the cache when it was last looked at
	broken   bool   // some answers are wrong
}

func (h *history) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":            h.isOneEdition,
		"entries":     h.changeEntries,
		"many":        h.changeOften,
		"documents":   h.changeDocuments,
		"new section": h.addSection,
		"prune":       h.prune,
		"time":        func(rt *rapid.T) { h.registry.reissue(time.Minute) },
		"break":       h.breakSomething,
		"repair":      func(*rapid.T) { h.registry.setFault(nil); h.broken = false },
		"restart":     func(*rapid.T) { h.door.restart(h.T) },
		"follow":      h.follow,
		"follow on":   h.follow, // twice as likely as anything else
	}
}

// isOneEdition is the invariant: the cache is exactly one published edition, and never goes back.
func (h *history) isOneEdition(rt *rapid.T) {
	state, err := h.door.cache.State()
	if err != nil || state.Version < h.version {
		rt.Fatalf("version %d, %v after %d", state.Version, err, h.version)
	}
	if h.version = state.Version; h.version != 0 {
		h.door.checkIs(rt, h.version)
	}
}

func (h *history) changeEntries(rt *rapid.T) {
	sections := len(h.registry.current.sections)
	entries := rapid.MapOfN(
		rapid.Uint64Range(0, uint64(sections)*statuslist.SectionSize-1), rapid.SampledFrom(statuses), 1, 20,
	).Draw(rt, "entries")
	h.registry.publish(set(entries))
}

func (h *history) changeOften(rt *rapid.T) {
	for range rapid.IntRange(2, 35).Draw(rt, "times") {
		h.registry.publish(func(e *edition) {
			old := e.sections[0].Get(0)
			e.sections[0].Set(0, statuses[(slices.Index(statuses, old)+1)%len(statuses)])
		})
	}
}

func (h *history) changeDocuments(rt *rapid.T) {
	h.registry.publish(func(e *edition) {
		e.rules = testRules(rapid.IntRange(0, 99_999).Draw(rt, "rules"))
		e.keys = marshalKeys(h.T, slices.Collect(maps.Keys(rapid.MapOfN(rapid.Byte(), rapid.Just(true), 0, 3).Draw(rt,
			"keys")))...)
	})
}

func (h *history) addSection(rt *rapid.T) {
	if len(h.registry.current.sections) == 4 {
		rt.Skip("four sections are enough")
	}
	h.registry.publish(func(e *edition) { e.sections = append(e.sections, statuslist.NewSection()) })
}

// prune makes the registry forget deltas, in the manifest or only as blobs.
func (h *history) prune(rt *rapid.T) {
	named := rapid.Bool().Draw(rt, "still named")
	h.registry.tamper(func(m *api.Manifest) {
		for _, level := range m.Deltas {
			for _, d := range level {
				delete(h.registry.blobs, d.Blob)
			}
		}
		if !named {
			m.Deltas = nil
		}
	})
}

// breakSomething breaks each answer, or each second or third.
func (h *history) breakSomething(rt *rapid.T) {
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(faults))).Draw(rt, "fault")
	every := rapid.Int64Range(1, 3).Draw(rt, "every")
	var n atomic.Int64
	h.broken = true
	h.registry.setFault(func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		return n.Add(1)%every == 0 && body != nil && faults[name](w, r, body)
	})
}

func (h *history) follow(rt *rapid.T) {
	result, err := h.door.Follow1(context.Background())
	switch {
	case h.broken:
		return
	case err != nil:
		rt.Fatalf("Follow1: %v", err)
	case result.Version != h.registry.version():
		rt.Fatalf("followed to version %d, the registry has %d", result.Version, h.registry.version())
	}
	h.door.checkIs(rt, result.Version)
}

func TestAnyHistoryLeavesOneEdition(t *testing.T) {
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		// Each history writes megabytes with fsync. Unless asked for more, a few are enough.
		if err := checks.Value.Set("10"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		r := startRegistry(t, rapid.IntRange(1, 3).Draw(rt, "sections"))
		defer r.stop()
		d := openDoor(t, r, dir)
		defer d.stop(t)
		h := &history{T: t, registry: r, door: d}
		rt.Repeat(h.actions())
	})
}
