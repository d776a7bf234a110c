package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/api"
)

func full() api.Health {
	return api.Health{
		Board: "Raspberry Pi 4 Model B Rev 1.4", Celsius: new(56), Undervoltage: api.Never, Throttled: api.Never, WiFi: new(-61),
		Free: 180e6, Size: 240e6, Written: 120e6, Up: 86400, LifeUsed: new(10), Restart: api.PowerCut,
	}
}

// A registry takes what a board can say, and nothing else.
func TestHealthCheck(t *testing.T) {
	for _, h := range []api.Health{{}, full()} {
		if err := h.Check(); err != nil {
			t.Errorf("%+v: %v", h, err)
		}
		if data, err := json.Marshal(h); err != nil || len(data) > 512 {
			t.Errorf("%d bytes: %v", len(data), err)
		}
	}
	for name, change := range map[string]func(*api.Health){
		"board <script>":  func(h *api.Health) { h.Board = "<script>" },
		"board long":      func(h *api.Health) { h.Board = strings.Repeat("a", 65) },
		"board two lines": func(h *api.Health) { h.Board = "a\nb" },
		"celsius low":     func(h *api.Health) { h.Celsius = new(-61) },
		"celsius high":    func(h *api.Health) { h.Celsius = new(201) },
		"wifi":            func(h *api.Health) { h.WiFi = new(1) },
		"life":            func(h *api.Health) { h.LifeUsed = new(111) },
		"undervoltage":    func(h *api.Health) { h.Undervoltage = "often" },
		"throttled":       func(h *api.Health) { h.Throttled = "1" },
		"restart":         func(h *api.Health) { h.Restart = "alien" },
		"fault":           func(h *api.Health) { h.Faults = []api.Fault{"alien"} },
		"many faults":     func(h *api.Health) { h.Faults = make([]api.Fault, 99) },
		"mirror's host":   func(h *api.Health) { h.Mirrors = []api.MirrorFault{{Host: "<b>", Kind: "lies"}} },
		"mirror's fault":  func(h *api.Health) { h.Mirrors = []api.MirrorFault{{Host: "m.example", Kind: "sings"}} },
		"many mirrors":    func(h *api.Health) { h.Mirrors = slices.Repeat([]api.MirrorFault{{Host: "m", Kind: "lies"}}, 9) },
		"more than all":   func(h *api.Health) { h.Free = h.Size + 1 },
		"size":            func(h *api.Health) { h.Size = 1<<53 + 1 },
		"written":         func(h *api.Health) { h.Written = 1<<53 + 1 },
		"up":              func(h *api.Health) { h.Up = 1 << 63 },
	} {
		h := full()
		if change(&h); h.Check() == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestTroubles(t *testing.T) {
	for _, c := range []struct {
		change func(*api.Health)
		want   string
	}{
		{func(*api.Health) {}, "[]"},
		{func(h *api.Health) { h.Celsius = new(79) }, "[]"},
		{func(h *api.Health) { h.Celsius = new(80) }, "[hot]"},
		{func(h *api.Health) { h.Undervoltage = api.Past }, "[undervoltage]"},
		{func(h *api.Health) { h.Throttled = api.Now }, "[throttled]"},
		{func(h *api.Health) { h.Free = 24e6 }, "[]"},
		{func(h *api.Health) { h.Free = 24e6 - 1 }, "[space]"},
		{func(h *api.Health) { h.Free = 0 }, "[space]"},
		{func(h *api.Health) { h.Free, h.Size = 1e9, 32e9 }, "[]"},
		{func(h *api.Health) { h.LifeUsed = new(90) }, "[worn]"},
		{func(h *api.Health) { h.WiFi = new(-81) }, "[wifi]"},
		{func(h *api.Health) { h.Faults = []api.Fault{api.CaseOpen} }, "[tamper]"},
		{func(h *api.Health) { h.Faults = []api.Fault{api.NoCamera, api.CaseOpen} }, "[tamper out-of-order]"},
		{func(h *api.Health) { h.Faults = []api.Fault{api.NoClock} }, "[out-of-order]"},
		{func(h *api.Health) { h.Mirrors = []api.MirrorFault{{Host: "m.example:8443", Kind: "lags"}} }, "[mirror]"},
		{func(h *api.Health) { *h = api.Health{} }, "[]"},
	} {
		h := full()
		c.change(&h)
		if got := fmt.Sprint(h.Troubles()); got != c.want {
			t.Errorf("%+v: %s, want %s", h, got, c.want)
		}
	}
}
