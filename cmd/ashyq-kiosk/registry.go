package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ashyq-kiosk/hardware/board"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/setup"
	"ashyq-kiosk/kiosk/task"
)

// registryClient returns nil if the configuration names no registry. identity may be nil; it hears
// of each refusal.
func registryClient(cfg *config.Config, identity *enrol.Identity) (*client.Client, error) {
	if cfg.Registry.URL == "" {
		return nil, nil
	}
	c := client.Config{URL: cfg.Registry.URL, Device: enrol.Device(), Version: runningVersion(),
		Venue: string(cfg.Door.Venue), Zone: string(cfg.Door.Zone), Way: string(cfg.Door.Way), Config: cfg.Hash}
	if identity != nil {
		c.Identity, c.Refused = identity.TLS, identity.Refused
		return client.New(c)
	}
	if cfg.Registry.CAFile != "" {
		pem, err := os.ReadFile(cfg.Registry.CAFile)
		if err != nil {
			return nil, fmt.Errorf("registry.ca: %w", err)
		}
		c.CA = x509.NewCertPool()
		if !c.CA.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("registry.ca: no certificate in %q", cfg.Registry.CAFile)
		}
	}
	return client.New(c)
}

// isKnown reports whether the registry knows this door: the online check and the counts are for
// those.
func isKnown(cfg *config.Config) bool { return cfg.Registry.Identity != "" }

// newReporter sends nothing where no registry knows this door.
func newReporter(cfg *config.Config, store *cache.Cache, remote *client.Client, watch *board.Watch,
	faults *kiosk.Faults, log *slog.Logger) *replica.Reporter {
	if remote == nil || !isKnown(cfg) {
		return replica.NewReporter(store, nil, log)
	}
	had := newFaultLog()
	faults.Subscribe(had.note)
	return replica.NewReporter(store, greeter{remote, watch, had}, log)
}

// follower follows the registry for the door, which also asks it for a newer list.
type follower struct{ replica *replica.Replica }

// newer is called by the door, which runs after tasks.
func (f *follower) newer(ctx context.Context) error { return f.replica.Newer(ctx) }

// tasks do not delay the start: a door works without a network.
func (f *follower) tasks(cfg *config.Config, store *cache.Cache, remote *client.Client, ring *doorkeys.Ring, door *kiosk.Door,
	missing *setup.List, log *slog.Logger) []task.Task {
	handover := replica.NewHandover(store, door)
	follow := func() {
		switch ok, err := handover.Pass(); {
		case err != nil:
			log.Error("cannot use the data in the cache", "error", err)
		case ok:
			missing.HasData()
		}
	}
	follow()
	opt := replica.Options{
		Store: store, Key: cfg.Registry.Key, Now: time.Now, Log: log,
		OnChange: func(replica.Result) { follow() },
		ClockSet: func() bool { return cfg.Clock.Always || task.KernelSynced() == nil },
	}
	if ring != nil {
		opt.Keys = ring
	}
	snapshots := replica.NewSnapshots(opt, replica.Folder(cfg.SnapshotDir),
		replica.Folder(filepath.Join(cfg.StickDir, "ashyq-offline-snapshot")))
	if remote == nil {
		if !cfg.Unenrolled {
			log.Warn("no registry is configured; the door uses what its cache holds")
		}
		return []task.Task{task.Func{Name: "offline snapshot", Do: snapshots.Run}}
	}
	opt.Live = strings.HasPrefix(cfg.Registry.URL, "https://")
	opt.Source = observed{remote, func(err error) { missing.Note("registry", err) }}
	opt.Before = snapshots.Follow // never at the same time: the cache has one writer
	f.replica = replica.New(opt)
	tasks := []task.Task{task.Func{Name: f.replica.String(), Do: f.replica.Run}}
	if ring != nil {
		keys := doorkeys.NewTask(ring, remote, log)
		tasks = append(tasks, task.Func{Name: keys.String(), Do: keys.Run})
	}
	return tasks
}

// observed is a source that reports each result.
type observed struct {
	replica.Source
	note func(error)
}

// Manifest implements replica.Source.
func (o observed) Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error) {
	data, err := o.Source.Manifest(ctx, after, wait)
	if ctx.Err() == nil {
		o.note(err)
	}
	return data, err
}
