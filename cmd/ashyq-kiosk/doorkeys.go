package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/pass"
)

// newRing returns nil where no registry knows this door: then nobody seals keys to it.
func newRing(cfg *config.Config, identity *enrol.Identity, log *slog.Logger) *doorkeys.Ring {
	if identity == nil {
		return nil
	}
	return doorkeys.OpenRing(cfg.StateDir, cfg.Registry.Key, identity.DoorKey(), time.Now, log)
}

// errNoKeys says that a door cannot read codes and the list by itself.
var errNoKeys = errors.New("the door has no keys of today")

// keysLine says until when a door has keys. Its error says what to do.
func keysLine(ring *doorkeys.Ring, now time.Time) (string, error) {
	keys := ring.PlaceKeys()
	if _, ok := keys.Day(pass.DayOf(now)); !ok {
		what := "it never got any"
		if last := keys.LastDay(); last > 0 {
			what = "the last ones were for " + last.String()
		}
		return "", fmt.Errorf("%w: %s\nhint: with a network the door fetches them from the registry by itself, so check its way there; "+
			"without one, bring them on a stick: ashyq-registry offline-snapshot --door NAME", errNoKeys, what)
	}
	return "for all days to " + keys.LastDay().String(), nil
}

// checkKeys is one of the doctor's checks.
func checkKeys(cfg *config.Config) (string, error) {
	if cfg.Unenrolled || cfg.Registry.Identity == "" {
		return "not needed, the door is not enrolled", nil
	}
	identity, err := enrol.Open(cfg.Registry.Identity, cfg.Registry.CAFile)
	if err != nil {
		return "", err
	}
	return keysLine(newRing(cfg, identity, slog.New(slog.DiscardHandler)), time.Now())
}

// watchKeys adds how long the door's keys last. ring may be nil.
func (m *metrics) watchKeys(ring *doorkeys.Ring) {
	m.ring = ring
	if ring == nil {
		return
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ashyq_door_keys_days", Help: "Days after today that the door has keys of; -1: it has no key of today.",
	}, func() float64 {
		keys, today := ring.PlaceKeys(), pass.DayOf(time.Now())
		if _, ok := keys.Day(today); !ok {
			return -1
		}
		return float64(keys.LastDay() - today)
	}))
}

// keysSummary is the line of the summary.
func (m *metrics) keysSummary() string {
	if m.ring == nil {
		return ""
	}
	line, err := keysLine(m.ring, time.Now())
	if err != nil {
		line, _, _ = strings.Cut(err.Error(), "\n")
	}
	return "keys: " + line + "\n"
}
