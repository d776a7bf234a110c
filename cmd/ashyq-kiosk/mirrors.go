package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/mirror"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/kiosk/task"
)

// mirrorClients are by host. They tell a mirror nothing about the door.
func mirrorClients(cfg *config.Config) (map[string]*client.Client, error) {
	pool, err := authorities("registry.mirrors_ca", cfg.Registry.MirrorsCAFile)
	if err != nil {
		return nil, err
	}
	all := map[string]*client.Client{}
	for _, address := range cfg.Registry.Mirrors {
		u, err := url.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("registry.mirrors: %w", err)
		}
		if all[u.Host], err = client.New(client.Config{URL: address, CA: pool, Mirror: true}); err != nil {
			return nil, fmt.Errorf("registry.mirrors: %w", err)
		}
	}
	return all, nil
}

// isLive tells whether the registry proves that it is the one who answers (TLS).
func isLive(cfg *config.Config) bool { return strings.HasPrefix(cfg.Registry.URL, "https://") }

// newMirrors returns nil for a door that takes the list from the registry itself.
func newMirrors(
	cfg *config.Config, remote *client.Client, store *cache.Cache, log *slog.Logger,
) (*mirror.Source, error) {
	if remote == nil || len(cfg.Registry.Mirrors) == 0 {
		return nil, nil
	}
	clients, err := mirrorClients(cfg)
	if err != nil {
		return nil, err
	}
	mirrors := map[string]mirror.Mirror{}
	for host, c := range clients {
		mirrors[host] = c
	}
	return mirror.New(mirror.Options{
		Registry: remote, Mirrors: mirrors, Key: cfg.Registry.Key, Log: log,
		Have: func() (statuslist.Edition, time.Time) {
			state, err := store.State()
			if err != nil {
				return statuslist.Edition{}, time.Time{} // whoever follows finds out
			}
			return state.Edition(), state.AsOf
		},
		ClockSet: func() bool { return cfg.Clock.Always || task.KernelSynced() == nil },
		Live: func(asOf time.Time) {
			if isLive(cfg) {
				store.Heard(asOf)
			}
		},
	}), nil
}

// watchMirrors adds where the door takes its list from. source may be nil.
func (m *metrics) watchMirrors(source *mirror.Source) {
	if m.mirrors = source; source != nil {
		m.registry.MustRegister(mirrorMetrics{source})
	}
}

// mirrorMetrics is a prometheus.Collector.
type mirrorMetrics struct{ source *mirror.Source }

var (
	mirrorFollowed = prometheus.NewDesc("ashyq_mirror_followed", "1: the door takes the list from this mirror.", []string{"mirror"}, nil)
	mirrorCounts   = prometheus.NewDesc("ashyq_mirror_faults_total", "How often a mirror had a fault.", []string{"mirror", "fault"}, nil)
)

// Describe implements prometheus.Collector.
func (mirrorMetrics) Describe(to chan<- *prometheus.Desc) { to <- mirrorFollowed; to <- mirrorCounts }

// Collect implements prometheus.Collector.
func (m mirrorMetrics) Collect(to chan<- prometheus.Metric) {
	for _, s := range m.source.States() {
		to <- prometheus.MustNewConstMetric(mirrorFollowed, prometheus.GaugeValue, bit(s.Follows), s.Host)
		for _, fault := range mirror.Faults {
			to <- prometheus.MustNewConstMetric(mirrorCounts, prometheus.CounterValue, float64(s.Count[fault]), s.Host, string(fault))
		}
	}
}

// mirrorsSummary is the line of the summary.
func (m *metrics) mirrorsSummary() string {
	if m.mirrors == nil {
		return ""
	}
	var all []string
	for _, s := range m.mirrors.States() {
		text := s.Host
		switch {
		case s.Fault != "":
			text += fmt.Sprintf(" %s since %s (%s)", s.Fault, s.Since.UTC().Format(time.RFC3339), s.Why)
		case s.Follows:
			text += " followed"
		default:
			text += " in reserve"
		}
		all = append(all, text)
	}
	return "mirrors: " + strings.Join(all, "; ") + "\n"
}

// mirrorFaults is what the registry hears about mirrors.
func mirrorFaults(source *mirror.Source) (all []api.MirrorFault) {
	if source == nil {
		return nil
	}
	for _, s := range source.States() {
		if m := (api.MirrorFault{Host: s.Host, Kind: string(s.Fault)}); m.Check() == nil {
			all = append(all, m)
		}
	}
	return all
}

// errMirrors says that at least one mirror is faulty.
var errMirrors = errors.New("the door takes the list from elsewhere")

// checkMirrors is one of the doctor's checks. It looks at each mirror as the door does.
func checkMirrors(ctx context.Context, cfg *config.Config) (string, error) {
	if len(cfg.Registry.Mirrors) == 0 {
		return "not configured: the door takes the list from the registry", nil
	}
	clients, err := mirrorClients(cfg)
	if err != nil {
		return "", err
	}
	var found []string
	var problems []error
	for host, c := range clients {
		version, err := checkMirror(ctx, c, cfg)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", host, err))
		}
		found = append(found, fmt.Sprintf("%s, version %d", host, version))
		c.Close()
	}
	if err := errors.Join(problems...); err != nil {
		return "", fmt.Errorf("%w: %w", errMirrors, err)
	}
	return strings.Join(found, "; "), nil
}

// checkMirror gets a manifest, and the rules that it names.
func checkMirror(ctx context.Context, c *client.Client, cfg *config.Config) (version uint64, err error) {
	sealed, _, err := c.ManifestUnless(ctx, "")
	if err != nil {
		return 0, withHint(err)
	}
	m, err := api.OpenManifest(sealed, cfg.Registry.Key)
	if err != nil {
		return 0, fmt.Errorf("%w\nhint: it is another registry's mirror, or its operator changes what it serves", err)
	}
	if age := time.Since(m.IssuedAt()); age > mirror.MaxLag {
		return 0, fmt.Errorf("its manifest is %v old\nhint: is ashyq-registry export running there? Or a cache keeps the manifest: docs/mirrors.md",
			age.Round(time.Second))
	}
	if _, err := c.Blob(ctx, m.Rules); err != nil {
		return 0, withHint(err)
	}
	return m.Version, nil
}
