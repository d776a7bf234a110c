package api_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"ashyq-kiosk/kiosk/api"
)

func TestPath(t *testing.T) {
	m := api.Manifest{
		Version: 24, Sections: []api.Section{{Version: 20, Changed: 23, Size: 50}, {Version: 9, Changed: 5, Size: 3}},
		Deltas: [][]api.Delta{
			{{From: 22, To: 23, Size: 1}, {From: 21, To: 22, Size: 1}, {From: 19, To: 21, Size: 1}},
			{{From: 15, To: 23, Size: 9}, {From: 7, To: 15, Size: 2}},
			{{From: 2, To: 16, Size: 64}},
		},
	}
	for from, want := range map[uint64]string{
		24: "[] 0 true", 23: "[] 0 true", // 24 did not change the list
		22: "[22-23] 2 true", 20: "[19-21 21-22 22-23] 6 true", 16: "[15-23] 10 true",
		7: "[7-15 15-23] 13 true", 3: "[2-16 15-23] 75 true", 1: "[] 0 false", 0: "[] 0 false",
	} {
		path, cost, ok := m.Path(from)
		var steps []string
		for _, d := range path {
			steps = append(steps, fmt.Sprintf("%d-%d", d.From, d.To))
		}
		if got := fmt.Sprint(steps, cost, ok); got != want {
			t.Errorf("from %d: %s, want %s", from, got, want)
		}
	}
	if path, ok := m.Whole(); len(path) != 3 || path[0].From != 19 || !ok {
		t.Errorf("whole: %v %v", path, ok)
	}
}

// TestPathIsCheapest compares the way with all there are.
func TestPathIsCheapest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := api.Manifest{Version: 8, Sections: []api.Section{{Version: 1, Changed: 8}}}
		for range rapid.IntRange(0, 8).Draw(t, "deltas") {
			from := rapid.Uint64Range(1, 7).Draw(t, "from")
			m.Deltas = append(m.Deltas, []api.Delta{{From: from, To: rapid.Uint64Range(from+1, 8).Draw(t, "to"), Size: rapid.Uint32Range(1, 30).Draw(t, "size")}})
		}
		var cheapest func(at uint64) (int, bool)
		cheapest = func(at uint64) (best int, found bool) {
			if at == 8 {
				return 0, true
			}
			for _, level := range m.Deltas {
				if d := level[0]; d.From <= at && at < d.To {
					if more, ok := cheapest(d.To); ok && (!found || more+int(d.Size)+1 < best) {
						best, found = more+int(d.Size)+1, true
					}
				}
			}
			return best, found
		}
		from := rapid.Uint64Range(1, 8).Draw(t, "start")
		path, cost, ok := m.Path(from)
		if want, found := cheapest(from); ok != found || cost != want {
			t.Fatalf("from %d: %v costs %d, %v, want %d, %v", from, path, cost, ok, want, found)
		}
		at, sum := from, 0
		for _, d := range path {
			if d.From > at || d.To <= at {
				t.Fatalf("from %d: %v breaks off at %d", from, path, at)
			}
			at, sum = d.To, sum+int(d.Size)+1
		}
		if ok && (at != 8 || sum != cost) {
			t.Fatalf("from %d: %v ends at %d, costs %d, want %d", from, path, at, sum, cost)
		}
	})
}
