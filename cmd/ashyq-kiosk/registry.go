package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"ashyq-kiosk/hardware/board"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/mirror"
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
	var err error
	if c.CA, err = authorities("registry.ca", cfg.Registry.CAFile); err != nil {
		return nil, err
	}
	return client.New(c)
}

// authorities reads certificates; nil: the system's.
func authorities(key, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in %q", key, file)
	}
	return pool, nil
}

// isKnown reports whether the registry knows this door: the online check and the counts are for
// those.
func isKnown(cfg *config.Config) bool { return cfg.Registry.Identity != "" }

// newReporter sends nothing where no registry knows this door.
func newReporter(cfg *config.Config, store *cache.Cache, remote *client.Client, mirrors *mirror.Source, watch *board.Watch,
	faults *kiosk.Faults, log *slog.Logger) *replica.Reporter {
	if remote == nil || !isKnown(cfg) {
		return replica.NewReporter(store, nil, log)
	}
	had := newFaultLog()
	faults.Subscribe(had.note)
	return replica.NewReporter(store, greeter{remote, watch, had, mirrors}, log)
}

// follower follows the registry for the door, which also asks it for a newer list.
type follower struct {
	mirrors *mirror.Source // nil: the door follows the registry itself
	replica *replica.Replica
}

// newFollower makes what reaches the registry, and the mirrors. The client is nil if the
// configuration names no registry.
func newFollower(
	cfg *config.Config, identity *enrol.Identity, store *cache.Cache, log *slog.Logger,
) (*client.Client, *follower, error) {
	remote, err := registryClient(cfg, identity)
	if err != nil {
		return nil, nil, err
	}
	mirrors, err := newMirrors(cfg, remote, store, log)
	return remote, &follower{mirrors: mirrors}, err
}

// newer is called by the door, which runs after tasks.
func (f *follower) newer(ctx context.Context) error { return f.replica.Newer(ctx) }

// firstKeys is how long a door without keys waits for them before it follows the list.
const firstKeys = 5 * time.Second

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
	opt.Live = isLive(cfg)
	opt.Source = observed{remote, func(err error) { missing.Note("registry", err) }}
	if f.mirrors != nil {
		opt.Live = false // the source knows which manifests are the registry's own
		opt.Source = observed{f.mirrors, func(err error) { missing.Note("registry", err) }}
	}
	opt.Before = func(ctx context.Context) {
		snapshots.Follow(ctx) // never at the same time: the cache has one writer
		if ring != nil {
			ring.AwaitFirst(ctx, firstKeys)
		}
	}
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
