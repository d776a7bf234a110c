package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"ashyq-kiosk/hardware/board"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/mirror"
	"ashyq-kiosk/scanner"
)

// metrics counts for Prometheus. It is an Outlet; no metric identifies a person.
type metrics struct {
	registry *prometheus.Registry
	verdicts *prometheus.CounterVec
	light    prometheus.Summary

	mu    sync.Mutex
	shown kiosk.Verdict // guarded by mu
	eyes  *scanner.Scanner
	board *board.Watch
	store *cache.Cache
	ring  *doorkeys.Ring // nil: the door is not enrolled

	mirrors *mirror.Source // nil: the door follows no mirror
}

func newMetrics(version string, store *cache.Cache, ring *doorkeys.Ring, mirrors *mirror.Source) *metrics {
	m := &metrics{
		store:    store,
		registry: prometheus.NewRegistry(),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ashyq_verdicts_total", Help: "Verdicts shown, by signal, colour of the status and reason.",
		}, []string{"signal", "colour", "reason"}),
		light: prometheus.NewSummary(prometheus.SummaryOpts{
			Name: "ashyq_frame_to_light_seconds", Help: "Time from the camera's frame to the switched lamp.",
			Objectives: map[float64]float64{0.5: 0.02, 0.9: 0.01, 0.99: 0.001}, MaxAge: time.Hour,
		}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "ashyq_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	m.registry.MustRegister(m.verdicts, m.light, info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.watchKeys(ring)
	m.watchMirrors(mirrors)
	return m
}

// Show implements kiosk.Outlet.
func (m *metrics) Show(v kiosk.Verdict) {
	m.mu.Lock()
	m.shown = v
	m.mu.Unlock()
	m.verdicts.WithLabelValues(v.Signal.String(), v.Colour.String(), string(v.Reason)).Inc()
}

func (m *metrics) last() kiosk.Verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shown
}

// lit is called when the lamps of a verdict have been set.
func (m *metrics) lit(v kiosk.Verdict, at time.Time) {
	if !v.Taken.IsZero() {
		m.light.Observe(at.Sub(v.Taken).Seconds())
	}
}

// watch adds the counters of scanner and cache. Call it once, before the server runs.
func (m *metrics) watch(eyes *scanner.Scanner) {
	m.eyes = eyes
	counter := func(name, help string, value func(scanner.Stats) float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return value(eyes.Stats()) }))
	}
	counter("ashyq_camera_frames_total", "Pictures from the camera.", func(s scanner.Stats) float64 { return float64(s.Frames) })
	counter("ashyq_camera_skipped_total", "Pictures not unpacked: nothing had changed for long, or the budget was used up.",
		func(s scanner.Stats) float64 { return float64(s.Skipped) })
	counter("ashyq_camera_examined_total", "Pictures compared with the ones before.", func(s scanner.Stats) float64 { return float64(s.Examined) })
	counter("ashyq_camera_decoded_total", "Pictures with changes that were decoded.", func(s scanner.Stats) float64 { return float64(s.Decoded) })
	counter("ashyq_camera_codes_total", "Pictures in which a code was read.", func(s scanner.Stats) float64 { return float64(s.Codes) })
	counter("ashyq_camera_reconnects_total", "Attempts to open the camera again.", func(s scanner.Stats) float64 { return float64(s.Reconnects) })
	counter("ashyq_unpack_cpu_seconds_total", "CPU time to unpack the pictures of a V4L2 camera.",
		func(s scanner.Stats) float64 { return s.UnpackCPU.Seconds() })
	counter("ashyq_decode_cpu_seconds_total", "CPU time of the decoder.", func(s scanner.Stats) float64 { return s.DecodeCPU.Seconds() })
	gauge := func(name, help string, value func(cache.State) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			state, err := m.store.State()
			if err != nil || state.Version == 0 {
				return -1
			}
			return value(state)
		}))
	}
	gauge("ashyq_data_version", "Version of the registry's manifest in the cache; -1: no data.", func(s cache.State) float64 { return float64(s.Version) })
	gauge("ashyq_data_age_seconds", "Age of the status data; -1: no data.",
		func(s cache.State) float64 { return ageOf(m.store, s).Seconds() })
}

// summary is the state for people, one line per subject.
func (m *metrics) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "shows: %s\n", m.last().Signal)
	if state, err := m.store.State(); err == nil && state.Version > 0 {
		fmt.Fprintf(&b, "data: version %d, %v old\n", state.Version, ageOf(m.store, state))
	} else {
		fmt.Fprintf(&b, "data: none\n")
	}
	b.WriteString(m.keysSummary())
	b.WriteString(m.mirrorsSummary())
	s := m.eyes.Stats()
	fmt.Fprintf(&b, "camera: %d pictures, %d with a code, reopened %d times", s.Frames, s.Codes, s.Reconnects)
	if s.Format != "" {
		fmt.Fprintf(&b, ", %s", s.Format)
	}
	fmt.Fprintln(&b)
	fmt.Fprintf(&b, "board: %s\n", boardLine(m.board.Health()))
	return b.String()
}
