package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"ashyq-kiosk/display"
	"ashyq-kiosk/hardware"
	"ashyq-kiosk/hardware/board"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/places"
	"ashyq-kiosk/kiosk/setup"
	"ashyq-kiosk/kiosk/task"
	"ashyq-kiosk/kiosk/visits"
	"ashyq-kiosk/scanner"
)

// runAgain runs the door until ctx ends. When the door was enrolled or revoked, run returns, and
// runAgain reads the configuration and calls run again. The process stays the same: each run begins
// and ends in the safe state, it works without systemd, and systemd sees no failure.
func runAgain(ctx context.Context, configFile string, log *slog.Logger) error {
	cfg, err := loadConfig(configFile)
	if err != nil {
		return err
	}
	_, _ = board.Drivers() // before anything else runs; what does not start is missed where it is needed
	watch := newHealth(cfg, log)
	for {
		err = run(ctx, configFile, cfg, watch, log)
		changed := errors.Is(err, enrol.ErrEnrolled) || errors.Is(err, enrol.ErrRevoked)
		if ctx.Err() != nil || !changed {
			if err == nil {
				watch.end()
			}
			return err
		}
		if cfg, err = loadConfig(configFile); err != nil {
			return err
		}
		log.Info("starting again", "because", err)
		if err := task.NotifyAlive(); err != nil {
			log.Warn("cannot notify systemd", "error", err)
		}
	}
}

// run connects the parts of the door and works until ctx ends. The parts meet only here and in the
// functions that it calls: newDoor and the like below, enrolTasks in enrolment.go, follower in
// registry.go, routes in web.go.
func run(ctx context.Context, configFile string, cfg *config.Config, watch *health, log *slog.Logger) (err error) {
	if err := scanner.CheckSource(cfg.Camera.Source); err != nil {
		return fmt.Errorf("camera.source: %w", err)
	}
	pins, closePins, err := hardware.OpenPins(cfg.Hardware) // first: the safe state
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closePins.Close()) }()
	store, state, err := openCache(cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	listener, err := listenForScreen(cfg)
	if err != nil {
		return err
	}
	defer listener.Close()
	warn(cfg, log)
	identity := openIdentity(cfg, log)
	remote, followed, err := newFollower(cfg, identity, store, log)
	if err != nil {
		return err
	}

	ring := newRing(cfg, identity, log)
	faults := new(kiosk.Faults)
	m := newMetrics(version, store, ring, followed.mirrors)
	reporter := newReporter(cfg, store, remote, followed.mirrors, watch.Watch, faults, log)
	hub := display.NewHub(display.Options{Languages: cfg.Screen.Languages, Name: cfg.Door.Name, Log: log})
	panel := hardware.NewPanel(pins, cfg.Patterns, hardware.Options{OnLit: m.lit, OnFault: faults.Of(kiosk.OutputFault)})
	seats := newPlaces(cfg, remote, os.Getenv("RUNTIME_DIRECTORY"), log)
	others := newVisits(cfg, remote, identity, log)
	door := newDoor(cfg, store, remote, followed, ring, seats, others, faults, log, panel, hub, m, reporter)
	missing := setup.New(setup.Options{
		Show: hub.Setup, Enrolled: !cfg.Unenrolled, HasData: state.Version != 0, Registry: cfg.Registry.URL,
	})
	faults.Subscribe(missing.Fault)
	enrolling := newEnrolment(cfg, configFile, faults, missing, log)
	eyes := newScanner(cfg, present(door, enrolling), faults, log)
	hub.SetMirror(eyes.Mirror)
	m.watch(eyes)
	m.watchBoard(watch.Watch)
	pulses := pulsesOf(eyes, door, panel)

	tasks := []task.Task{
		door, panel, eyes, newClock(cfg, store, faults.Of(kiosk.ClockFault), log), reporter, missing.Network(),
		task.Watchdog(log, time.Now, pulses), serve(listener, guardScreen(cfg.Screen.Listen, routes(hub, m, pulses, log)), hub.Close),
		task.Func{Name: watch.String(), Do: watch.Run}, stopping(ctx, log),
	}
	tasks = append(tasks, venueTasks(seats, others)...)
	tasks = append(tasks, inputTasks(cfg, panel, faults, log)...)
	tasks = append(tasks, enrolTasks(cfg, enrolling, identity, remote, faults, log)...)
	tasks = append(tasks, followed.tasks(cfg, store, remote, ring, door, missing, log)...)
	log.Info("starting", "version", version, "venue", string(cfg.Door.Venue), "zone", string(cfg.Door.Zone), "way", string(cfg.Door.Way),
		"camera", scanner.Redacted(cfg.Camera.Source), "pins", cfg.Hardware.Pins, "screen", "http://"+listener.Addr().String()+"/")
	return task.Run(ctx, log, func() { ready(faults, log) }, tasks...)
}

func openCache(cfg *config.Config, log *slog.Logger) (*cache.Cache, cache.State, error) {
	store, err := cache.OpenState(cfg.StateDir, os.Getenv("RUNTIME_DIRECTORY"), log)
	if err != nil {
		return nil, cache.State{}, err
	}
	state, err := store.State()
	if err != nil {
		return nil, state, errors.Join(fmt.Errorf("read the cache's state: %w", err), store.Close())
	}
	return store, state, nil
}

func listenForScreen(cfg *config.Config) (net.Listener, error) {
	listener, err := net.Listen("tcp", cfg.Screen.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for the screen: %w\nhint: another ashyq-kiosk may be running; or set screen.listen to another address",
			err)
	}
	return listener, nil
}

// warn names settings that are allowed and may surprise.
func warn(cfg *config.Config, log *slog.Logger) {
	warnOpenScreen(cfg.Screen.Listen, log)
	if err := refuseScreen(screenUnit, memory()); err != nil {
		log.Warn("no screen", "error", err)
	}
	logRefused(cfg.Refused, bootConfig, log)
	for _, what := range cfg.Overruled {
		log.Warn("the configuration file does not change an enrolled door: "+what,
			"hint", "remove the line; to change the door, make a new code on the registry's page and run ashyq-kiosk enrol --again")
	}
}

// newDoor makes a door. A door that has a registry may ask for a newer list, and one that is
// enrolled also about a code.
func newDoor(cfg *config.Config, store *cache.Cache, remote *client.Client, followed *follower, ring *doorkeys.Ring, seats *places.Keeper, others *visits.Keeper, faults *kiosk.Faults,
	log *slog.Logger, outlets ...kiosk.Outlet) *kiosk.Door {
	opt := kiosk.Options{
		Venue: cfg.Door.Venue, Zone: cfg.Door.Zone, Way: cfg.Door.Way, AcceptPaper: cfg.Door.AcceptPaper, Again: cfg.Door.Again,
		Cache: store, Fresh: cfg.Registry.Fresh, Deadline: cfg.Registry.Deadline,
		Faults: faults, Outlets: outlets, Guard: openGuard(os.Getenv("RUNTIME_DIRECTORY"), kiosk.GuardSize, log),
		Now: time.Now, NotBefore: store.NotBefore, Log: log,
	}
	if ring != nil {
		opt.Keys, opt.NeedKeys = ring.Ciphers, ring.Need
	}
	if remote != nil {
		opt.Newer = followed.newer
	}
	if remote != nil && isKnown(cfg) {
		opt.Registry = remote
	}
	if seats != nil {
		opt.Places = seats
	}
	if others != nil {
		opt.Visits = others
	}
	return kiosk.NewDoor(opt)
}

func newScanner(
	cfg *config.Config, onCode func([]byte, time.Time), faults *kiosk.Faults, log *slog.Logger,
) *scanner.Scanner {
	return scanner.New(scanner.Config{
		Source: cfg.Camera.Source, FrozenAfter: cfg.Camera.FrozenAfter, Budget: cfg.Camera.Budget, Log: log,
		Settings: cameraSettings(cfg),
		OnCode:   onCode,
		OnState:  faults.Of(kiosk.CameraFault),
	})
}

func cameraSettings(cfg *config.Config) scanner.Settings {
	c := cfg.Camera
	return scanner.Settings{Exposure: c.Exposure, Gain: c.Gain, Focus: c.Focus, FPS: c.FPS, Mains: c.Mains}
}

// pulsesOf returns the parts that the watchdog watches.
func pulsesOf(eyes *scanner.Scanner, door *kiosk.Door, panel *hardware.Panel) []task.Pulse {
	return []task.Pulse{
		{Name: "camera", Alive: eyes.Alive, Limit: 30 * time.Second},
		{Name: "door", Alive: door.Alive, Limit: 15 * time.Second},
		{Name: "panel", Alive: panel.Alive, Limit: 15 * time.Second},
	}
}

// inputTasks watch the exit button and the tamper contact, if the door has them.
func inputTasks(cfg *config.Config, panel *hardware.Panel, faults *kiosk.Faults, log *slog.Logger) []task.Task {
	inputs := hardware.NewInputs(cfg.Hardware)
	if inputs == nil {
		return nil
	}
	inputs.OnExit, inputs.OnTamper, inputs.Log = panel.Release, faults.Of(kiosk.TamperFault), log
	return []task.Task{task.Func{Name: inputs.String(), Do: inputs.Run}}
}

func ready(faults *kiosk.Faults, log *slog.Logger) {
	faults.Report(kiosk.Starting, nil)
	log.Info("ready")
	if err := task.NotifyReady("watching the door"); err != nil {
		log.Warn("cannot notify systemd", "error", err)
	}
}

// stopping is a task that logs the end of the program. A door that runs again logs nothing.
func stopping(program context.Context, log *slog.Logger) task.Task {
	return task.Func{Name: "stopping", Do: func(ctx context.Context) error {
		<-ctx.Done()
		if program.Err() != nil {
			log.Info("stopping")
			_ = task.NotifyStopping() // nothing depends on it
		}
		return nil
	}}
}
