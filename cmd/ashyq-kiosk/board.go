package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ashyq-kiosk/hardware/board"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/mirror"
)

// health is the task that watches the board, over all runs of the daemon. It also keeps why the
// daemon restarts, which needs the card and therefore waits until the lines are safe.
type health struct {
	*board.Watch
	life  life
	log   *slog.Logger
	begun atomic.Bool
}

func newHealth(cfg *config.Config, log *slog.Logger) *health {
	return &health{
		Watch: board.New(cfg.StateDir), log: log,
		life: life{state: cfg.StateDir, runtime: os.Getenv("RUNTIME_DIRECTORY"), version: runningVersion(), sys: "/sys"},
	}
}

// Run looks until ctx ends.
func (h *health) Run(ctx context.Context) error {
	if !h.begun.Swap(true) {
		cause, err := h.life.begin()
		h.warn(err)
		if h.Started(cause); cause != "" {
			h.log.Info("started after " + restartWords[cause])
		}
	}
	return h.Watch.Run(ctx)
}

// end says that the daemon stops in order.
func (h *health) end() {
	if h.begun.Load() {
		h.warn(h.life.end())
	}
}

func (h *health) warn(err error) {
	if err != nil {
		h.log.Warn("cannot keep why the daemon restarts", "error", err)
	}
}

// greeter says hello with how the board is (replica.Sink).
type greeter struct {
	*client.Client
	board  *board.Watch
	faults *faultLog

	mirrors *mirror.Source // nil: the door follows no mirror
}

// Hello implements replica.Sink.
func (g greeter) Hello(ctx context.Context) error {
	select {
	case <-g.board.Looked():
	case <-ctx.Done():
		return ctx.Err()
	}
	h, told := g.board.Health(), g.faults.recent()
	h.Faults, h.Mirrors = told, mirrorFaults(g.mirrors)
	err := g.Client.Hello(ctx, h)
	if err == nil {
		g.faults.forget(told)
	}
	return err
}

// restartWords are the causes of a restart for people.
var restartWords = map[api.Restart]string{
	api.Ordered: "an ordered stop", api.Updated: "an update", api.PowerCut: "a power cut or reset",
	api.Watchdog: "a reset by the watchdog", api.Crash: "a crash of the daemon",
}

// boardLine is one line about a board.
func boardLine(h api.Health) string {
	var parts []string
	add := func(known bool, format string, args ...any) {
		if known {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	const mega = 1e6
	add(h.Board == "", "a machine without a device tree")
	add(h.Board != "", "%s", h.Board)
	if h.Celsius != nil {
		add(true, "%d °C", *h.Celsius)
	}
	add(h.Undervoltage != "", "undervoltage: %s", h.Undervoltage)
	add(h.Throttled != "", "throttled: %s", h.Throttled)
	if h.WiFi != nil {
		add(true, "Wi-Fi %d dBm", *h.WiFi)
	}
	add(h.Size > 0, "%.0f of %.0f MB free", float64(h.Free)/mega, float64(h.Size)/mega)
	add(h.Written > 0, "%.0f MB written in %v", float64(h.Written)/mega,
		(time.Duration(h.Up) * time.Second).Round(time.Minute))
	if h.LifeUsed != nil {
		add(true, "%d %% of the memory's life used", *h.LifeUsed)
	}
	add(h.Restart != "", "started after %s", restartWords[h.Restart])
	return strings.Join(parts, ", ")
}

// advice is what to do about each trouble.
var advice = map[api.Trouble]string{
	api.Hot:       "let air through the case, or put the door out of the sun",
	api.LowPower:  "use the board's own power supply, with a short thick cable",
	api.Slowed:    "the board is too hot or its supply too weak, and pictures take longer",
	api.SpaceLow:  "see what fills the state partition: du -x",
	api.WornOut:   "replace the card or the module soon",
	api.WeakRadio: "bring the access point nearer, or use a cable",
}

// checkBoard is one of the doctor's checks.
func checkBoard(cfg *config.Config) (string, error) {
	h := board.New(cfg.StateDir).Look()
	troubles := h.Troubles()
	if len(troubles) == 0 {
		return boardLine(h), nil
	}
	hints := make([]string, len(troubles))
	for i, t := range troubles {
		hints[i] = string(t) + ": " + advice[t]
	}
	return "", errors.New(boardLine(h) + "\nhint: " + strings.Join(hints, "; "))
}

// watchBoard adds what the board says; NaN: it does not say that. Call it once, before the server
// runs.
func (m *metrics) watchBoard(b *board.Watch) {
	m.board = b
	gauge := func(name, help string, labels prometheus.Labels, value func(api.Health) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels},
			func() float64 { return value(b.Health()) }))
	}
	number := func(name, help string, value func(api.Health) *int) {
		gauge(name, help, nil, func(h api.Health) float64 {
			if v := value(h); v != nil {
				return float64(*v)
			}
			return math.NaN()
		})
	}
	known := func(yes bool, v float64) float64 {
		if !yes {
			return math.NaN()
		}
		return v
	}
	occurred := func(o api.Occurred) float64 {
		return known(o != "", float64(slices.Index([]api.Occurred{api.Never, api.Past, api.Now}, o)))
	}
	gauge("ashyq_board_info", "Always 1.", prometheus.Labels{"model": board.Model()},
		func(api.Health) float64 { return 1 })
	number("ashyq_board_celsius", "Temperature of the hottest sensor.", func(h api.Health) *int { return h.Celsius })
	number("ashyq_wifi_signal_dbm", "Strength of the access point's signal.", func(h api.Health) *int { return h.WiFi })
	number("ashyq_card_life_used_percent", "Used life of an eMMC, in steps of 10.",
		func(h api.Health) *int { return h.LifeUsed })
	gauge("ashyq_board_undervoltage", "0: never since the start, 1: in the past, 2: now.", nil,
		func(h api.Health) float64 { return occurred(h.Undervoltage) })
	gauge("ashyq_board_throttled", "0: never since the start, 1: in the past, 2: now.", nil,
		func(h api.Health) float64 { return occurred(h.Throttled) })
	gauge("ashyq_state_free_bytes", "Free space of the state partition.", nil,
		func(h api.Health) float64 { return known(h.Size > 0, float64(h.Free)) })
	gauge("ashyq_state_size_bytes", "Size of the state partition.", nil,
		func(h api.Health) float64 { return known(h.Size > 0, float64(h.Size)) })
	gauge("ashyq_card_written_bytes", "Written to the card since the machine started.", nil,
		func(h api.Health) float64 { return known(h.Written > 0, float64(h.Written)) })
	for cause := range restartWords {
		gauge("ashyq_restart", "1 for the cause of the daemon's last start.", prometheus.Labels{"cause": string(cause)},
			func(h api.Health) float64 { return bit(h.Restart == cause) })
	}
	for t := range advice {
		gauge("ashyq_board_trouble", "1 while the administrator should look at this.",
			prometheus.Labels{"trouble": string(t)},
			func(h api.Health) float64 { return bit(slices.Contains(h.Troubles(), t)) })
	}
}

// bit is yes or no as a metric.
func bit(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
