package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"ashyq-kiosk/display"
	"ashyq-kiosk/hardware"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/task"
	"ashyq-kiosk/scanner"
)

// registryPause is for how long a registry that did not answer is left alone, so that one person waits and not everybody.
const registryPause = 10 * time.Second

// runAgain runs the door until ctx ends, and anew whenever it has been enrolled or expelled: then it reads its configuration
// again. It does so in the same process, in which every run begins and ends with dark lamps and a closed relay: that works
// also where no systemd starts it again, and systemd sees no failure.
func runAgain(ctx context.Context, configFile string, log *slog.Logger) error {
	for {
		cfg, err := config.Load(configFile)
		if err != nil {
			return err
		}
		err = run(ctx, configFile, cfg, log)
		if ctx.Err() != nil || !startsAgain(err) {
			return err
		}
		log.Info("starting again", "because", err)
		if err := task.NotifyAlive(); err != nil {
			log.Warn("tell systemd", "error", err)
		}
	}
}

// run wires the door together and watches it until ctx ends. It is the only place where the parts meet.
func run(ctx context.Context, configFile string, cfg *config.Config, log *slog.Logger) (err error) {
	patterns, err := panelPatterns(cfg)
	if err != nil {
		return err
	}
	if err := scanner.CheckSource(cfg.Camera.Source); err != nil {
		return fmt.Errorf("camera.source: %w", err)
	}
	pins, closePins, err := hardware.OpenPins(hardwareConfig(cfg)) // first: the safe state
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closePins.Close()) }()

	store, err := openCache(cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	listener, err := net.Listen("tcp", cfg.Screen.Listen)
	if err != nil {
		return fmt.Errorf("listen for the screen: %w\nhint: another ashyq-kiosk may be running; screen.listen chooses another address", err)
	}
	defer listener.Close()
	warnOpenScreen(cfg.Screen.Listen, log)

	m := newMetrics(version)
	counts := newCounts(store, log)
	var eyes *scanner.Scanner
	hub := display.NewHub(display.Options{
		Languages: cfg.Screen.Languages, Name: cfg.Door.Name, Log: log,
		Mirror: eyesMirror(&eyes),
	})
	setup, err := watchSetup(cfg, store, hub)
	if err != nil {
		return err
	}
	var door *kiosk.Door
	fault := func(reason kiosk.Reason, err error) {
		door.Fault(reason, err)
		setup.note(faultChecks[reason], err)
	}
	panel := hardware.NewPanel(pins, patterns, hardware.Options{
		OnLit:   m.lit,
		OnFault: func(err error) { fault(kiosk.OutputFault, err) },
	})
	var renewer *enrol.Renewer
	identity := openIdentity(cfg, log)
	remote, err := registryClient(cfg, identity, func(code string) { renewer.Refused(code) })
	if err != nil {
		return err
	}
	door = kiosk.NewDoor(kiosk.Options{
		Venue: cfg.Door.Venue, Zone: cfg.Door.Zone, AcceptPaper: cfg.Door.AcceptPaper, Again: cfg.Door.Again,
		Guard:  openGuard(os.Getenv("RUNTIME_DIRECTORY"), kiosk.GuardSize, log),
		Lookup: lookup(cfg, store, remote, func() { door.Asking() }), Outlets: []kiosk.Outlet{panel, hub, m, counts}, Now: time.Now, Log: log,
	})
	enrolling := enrolment(cfg, configFile, fault, setup, log)
	eyes = scanner.New(scanner.Config{
		Source: cfg.Camera.Source, FrozenAfter: cfg.Camera.FrozenAfter, Budget: cfg.Camera.Budget, Log: log,
		Settings: scanner.Settings{Exposure: cfg.Camera.Exposure, Gain: cfg.Camera.Gain, Focus: cfg.Camera.Focus, FPS: cfg.Camera.FPS},
		OnCode:   present(door, enrolling),
		OnState:  func(err error) { fault(kiosk.CameraFault, err) },
	})
	m.watch(eyes, store)
	clock := newClock(cfg, store, func(err error) { fault(kiosk.ClockFault, err) }, log)
	pulses := []task.Pulse{
		{Name: "camera", Alive: eyes.Alive, Limit: 30 * time.Second},
		{Name: "door", Alive: door.Alive, Limit: 15 * time.Second},
		{Name: "panel", Alive: panel.Alive, Limit: 15 * time.Second},
	}
	follow := func() {
		switch ok, err := loadTrust(store, door); {
		case err != nil:
			log.Error("take over what the registry vouches for", "error", err)
		case ok && cfg.Unenrolled: // of an enrolment before
			setup.note("state", nil)
		case ok:
			setup.over()
		}
	}
	tasks := []task.Task{
		door, panel, eyes, clock, counts, setup.watchNetwork(cfg),
		task.Watchdog(log, time.Now, pulses),
		serve(listener, guardScreen(cfg.Screen.Listen, routes(hub, m, pulses, log)), hub.Close),
	}
	if inputs := hardware.NewInputs(hardwareConfig(cfg)); inputs != nil {
		inputs.OnExit, inputs.Log = panel.Release, log
		inputs.OnTamper = func(err error) { fault(kiosk.TamperFault, err) }
		tasks = append(tasks, task.Func{Name: inputs.String(), Do: inputs.Run})
	}
	if enrolling != nil {
		tasks = append(tasks, enrolling)
	}
	if identity != nil {
		renewer = enrol.NewRenewer(identity, remote, time.Now, log)
		tasks = append(tasks, renewing(cfg, renewer, log))
	}
	tasks = append(tasks, registryTasks(cfg, store, remote, setup, follow, log)...)
	follow()
	log.Info("starting", "version", version, "venue", string(cfg.Door.Venue), "zone", string(cfg.Door.Zone), "camera", scanner.Redacted(cfg.Camera.Source),
		"pins", cfg.Hardware.Pins, "screen", "http://"+listener.Addr().String()+"/")
	onReady := func() {
		door.Fault(kiosk.Starting, nil)
		log.Info("ready")
		if err := task.NotifyReady("watching the door"); err != nil {
			log.Warn("tell systemd", "error", err)
		}
	}
	stopped := context.AfterFunc(ctx, func() {
		log.Info("stopping")
		_ = task.NotifyStopping() // nothing depends on systemd hearing it
	})
	defer stopped()
	return task.Run(ctx, log, onReady, tasks...)
}

func hardwareConfig(cfg *config.Config) hardware.Config {
	h := cfg.Hardware
	return hardware.Config{Pins: h.Pins, Lines: hardware.Lines(h.Lines), ActiveLow: h.ActiveLow, Tone: h.Tone}
}

func panelPatterns(cfg *config.Config) (hardware.Patterns, error) {
	rows := map[string]hardware.Override{}
	for signal, p := range cfg.Hardware.Patterns {
		row := hardware.Override{LightMS: p.LightMS, BuzzMS: p.BuzzMS, RelayMS: p.RelayMS}
		for _, s := range p.Light {
			row.Light = append(row.Light, hardware.OverrideStep(s))
		}
		rows[signal] = row
	}
	return hardware.ParsePatterns(rows)
}

// openCache opens the cache on the card or, where the card can be read at best, a copy in the memory that systemd gives the
// daemon (RuntimeDirectory=): a door on a worn-out card goes on, and says so.
func openCache(cfg *config.Config, log *slog.Logger) (*cache.Cache, error) {
	store, err := openCacheIn(cfg.StateDir)
	memory := os.Getenv("RUNTIME_DIRECTORY")
	if memory != "" && (errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENOSPC)) {
		log.Error("the card cannot be written; the door lives on a copy of the cache in memory, which a restart loses", "error", err)
		if err := copyFile(filepath.Join(memory, "cache.db"), filepath.Join(cfg.StateDir, "cache.db")); err != nil {
			log.Error("nothing could be copied; the list is loaded anew", "error", err)
		}
		store, err = openCacheIn(memory)
	}
	if err != nil {
		return nil, err
	}
	if store.SetAside != nil {
		log.Error("the cache was unreadable and has been set aside; a new one is loaded from the registry", "error", store.SetAside)
	}
	if store.LeftBehind != nil {
		log.Error("reports of another release are left behind", "error", store.LeftBehind)
	}
	store.OnUnwritten = func(err error) {
		log.Warn("the newest list is in force and not on the card", "error", err)
	}
	return store, nil
}

func openCacheIn(dir string) (*cache.Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w\nhint: systemd makes it where StateDirectory=ashyq-kiosk is set", err)
	}
	return cache.Open(filepath.Join(dir, "cache.db"))
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// registryClient is nil where the configuration names no registry. refused hears of refusals of calls that show the identity.
func registryClient(cfg *config.Config, identity *enrol.Identity, refused func(code string)) (*client.Client, error) {
	if cfg.Registry.URL == "" {
		return nil, nil
	}
	c := client.Config{URL: cfg.Registry.URL, Token: cfg.Registry.Token, Device: enrol.Device(), Version: runningVersion()}
	if identity != nil {
		c.Identity, c.Refused = identity.TLS, refused
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

// isKnown reports whether the registry knows this door: the online check and the counts are for those.
func isKnown(cfg *config.Config) bool { return cfg.Registry.Token != "" || cfg.Registry.Identity != "" }

// watchSetup lists what is missing while the door has never been ready.
func watchSetup(cfg *config.Config, store *cache.Cache, hub *display.Hub) (*setup, error) {
	state, err := store.State()
	if err != nil {
		return nil, fmt.Errorf("read the cache's state: %w", err)
	}
	return newSetup(hub.Setup, cfg, state.Version != 0), nil
}

func lookup(cfg *config.Config, store *cache.Cache, remote *client.Client, asking func()) kiosk.Lookup {
	f := &kiosk.Fallback{
		Cache: store, Fresh: cfg.Registry.Fresh, Deadline: cfg.Registry.Deadline, Pause: registryPause, Now: time.Now, Asking: asking,
	}
	if remote != nil && isKnown(cfg) {
		f.Registry = remote
	}
	return f
}

// registryTasks follow the registry and report to it. They never hold up the start: a door without a network works.
func registryTasks(cfg *config.Config, store *cache.Cache, remote *client.Client, setup *setup, follow func(), log *slog.Logger) []task.Task {
	opt := replica.Options{
		Store: store, Key: cfg.Registry.Key, Now: time.Now, Log: log,
		CheckRules: func(data []byte) error { _, err := kiosk.ParseRules(data); return err },
		OnChange:   func(replica.Result) { follow() },
		ClockSet:   func() bool { return cfg.Clock.Always || task.KernelSynced() == nil },
	}
	seeds := replica.NewSeeds(opt, replica.Folder(cfg.SeedDir), replica.Folder(filepath.Join(cfg.StickDir, "ashyq-seed")))
	if remote == nil {
		if !cfg.Unenrolled {
			log.Warn("no registry is configured; the door lives on what its cache holds")
		}
		return []task.Task{task.Func{Name: "seed", Do: seeds.Run}}
	}
	opt.Source = observed{remote, func(err error) { setup.note("registry", err) }}
	opt.Before = seeds.Follow // and never beside: the cache has one writer
	rep := replica.New(opt)
	tasks := []task.Task{task.Func{Name: rep.String(), Do: rep.Run}}
	if isKnown(cfg) {
		reporter := replica.NewReporter(store, remote, log)
		tasks = append(tasks, reporter)
	}
	return tasks
}

// loadTrust hands the door what the cache holds; ok is false where it holds nothing yet.
func loadTrust(store *cache.Cache, door *kiosk.Door) (ok bool, err error) {
	state, err := store.State()
	if err != nil || state.Version == 0 {
		return false, err
	}
	rawRules, err := store.Rules()
	if err != nil {
		return false, err
	}
	rules, err := kiosk.ParseRules(rawRules)
	if err != nil {
		return false, err
	}
	rawKeys, err := store.Keys()
	if err != nil {
		return false, err
	}
	keys, err := api.UnmarshalKeys(rawKeys)
	if err != nil {
		return false, err
	}
	door.Follow(kiosk.Trust{Issuers: pass.NewIssuers(keys), Rules: rules, AsOf: state.AsOf})
	return true, nil
}

// serve is the local web server as a task. onStop ends what would keep connections open.
func serve(listener net.Listener, handler http.Handler, onStop func()) task.Task {
	return task.Func{Name: "screen", Do: func(ctx context.Context) error {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 14}
		failed := make(chan error, 1)
		go func() { failed <- server.Serve(listener) }()
		select {
		case err := <-failed:
			return fmt.Errorf("serve the screen: %w", err)
		case <-ctx.Done():
		}
		onStop()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	}}
}
