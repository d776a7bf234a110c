package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/hardware"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/chrony"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/doctor"
	"ashyq-kiosk/kiosk/task"
	"ashyq-kiosk/kiosk/uptime"
	"ashyq-kiosk/scanner"
)

// checks is the doctor's tree. While the daemon runs, it uses panel, camera and cache, so the
// doctor asks the daemon instead.
func checks(path string) []doctor.Check {
	var cfg *config.Config
	running := false
	device := func(id string, run func(context.Context) (string, error)) doctor.Check {
		return doctor.Check{ID: id, Run: func(ctx context.Context) (string, error) {
			if running {
				return "in use by the running daemon", nil
			}
			return run(ctx)
		}}
	}
	return []doctor.Check{{
		ID: "configuration",
		Run: func(context.Context) (found string, err error) {
			if cfg, err = loadConfig(path); err != nil {
				return "", err
			}
			return checkConfig(path, cfg)
		},
		Then: []doctor.Check{
			{ID: "card", Run: func(context.Context) (string, error) { return checkCard(cfg, imageVersion) }},
			{ID: "clock", Run: func(context.Context) (string, error) { return checkClock(cfg) }},
			{ID: "daemon", Run: func(ctx context.Context) (string, error) {
				text, err := askHealth(ctx, cfg.Screen.Listen)
				if running = text != ""; !running {
					return "not running", nil
				}
				return strings.ReplaceAll(strings.TrimSpace(text), "\n", ", "), err
			}},
			{ID: "board", Run: func(context.Context) (string, error) { return checkBoard(cfg) }},
			{ID: "screen", Run: func(context.Context) (string, error) { return checkScreen(cfg.Screen.Listen) }},
			device("state", func(context.Context) (string, error) { return checkState(cfg) }),
			device("panel", func(context.Context) (string, error) { return checkPanel(cfg) }),
			device("camera", func(context.Context) (string, error) { return checkCamera(cfg) }),
			{ID: "network", Run: func(ctx context.Context) (string, error) { return checkNetwork(ctx, cfg) }, Then: []doctor.Check{
				{ID: "registry", Run: func(ctx context.Context) (string, error) { return checkRegistry(ctx, cfg) }},
				{ID: "mirrors", Run: func(ctx context.Context) (string, error) { return checkMirrors(ctx, cfg) }},
			}},
			{ID: "enrolment", Run: func(ctx context.Context) (string, error) { return checkEnrolment(ctx, cfg) }, Then: []doctor.Check{
				{ID: "keys", Run: func(context.Context) (string, error) { return checkKeys(cfg) }},
			}},
		},
	}}
}

func checkConfig(path string, cfg *config.Config) (string, error) {
	if err := scanner.CheckSource(cfg.Camera.Source); err != nil {
		return "", fmt.Errorf("camera.source: %w", err)
	}
	found := fmt.Sprintf("%s, the %s of a %s in a %s zone", path, cfg.Door.Way, cfg.Door.Venue, cfg.Door.Zone)
	if cfg.Unenrolled {
		found = path + ", the door is not enrolled and has no venue"
	}
	for _, what := range slices.Concat(cfg.Refused, cfg.Overruled) {
		found += "; " + what
	}
	return found, nil
}

func checkClock(cfg *config.Config) (string, error) {
	now := time.Now()
	if builtAt, err := time.Parse(time.RFC3339, built); err == nil && now.Before(builtAt) {
		return "", fmt.Errorf("the clock says %s, before this program was built\nhint: is a time server reachable? timedatectl timesync-status",
			now.Format(time.RFC3339))
	}
	if cfg.Clock.Always {
		return now.Format(time.RFC3339) + ", trusted without asking the kernel (clock.trust)", nil
	}
	if err := task.KernelSynced(); err != nil {
		return "", fmt.Errorf("%w\nhint: is a time server reachable? timedatectl timesync-status", err)
	}
	if word, err := chrony.Read(signedWord, uptime.Now()); err == nil {
		return now.Format(time.RFC3339) + ", synchronised, signed by the time server " + word.Source, nil
	}
	return now.Format(time.RFC3339) + ", synchronised, not signed by the time server", nil
}

func checkState(cfg *config.Config) (string, error) {
	store, err := cache.OpenState(cfg.StateDir, "", logger(os.Stderr, false))
	if err != nil {
		return "", err
	}
	defer store.Close()
	if err := store.Check(); err != nil {
		return "", err
	}
	state, err := store.State()
	if err != nil {
		return "", err
	}
	if state.Version == 0 {
		return cfg.StateDir + ", empty: the door waits for its first list", nil
	}
	return fmt.Sprintf("%s, version %d, %v old", cfg.StateDir, state.Version, ageOf(store, state)), nil
}

func checkPanel(cfg *config.Config) (string, error) {
	_, closer, err := hardware.OpenPins(cfg.Hardware)
	if err != nil {
		return "", err
	}
	return cfg.Hardware.Pins + ", claimed and released six lines", closer.Close()
}

func checkCamera(cfg *config.Config) (string, error) {
	camera, err := scanner.OpenCamera(cfg.Camera.Source, cameraSettings(cfg), slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	defer camera.Close()
	frame, err := firstPicture(camera)
	if err != nil {
		return "", err
	}
	found := fmt.Sprintf("%s, %d x %d", scanner.Redacted(cfg.Camera.Source), frame.Width, frame.Height)
	if known, ok := camera.(fmt.Stringer); ok {
		rate, err := rate(camera, frame)
		if err != nil {
			return "", err
		}
		found = fmt.Sprintf("%v; %.1f a second come", known, rate)
	}
	return found, nil
}

func firstPicture(camera scanner.Camera) (*scanner.Frame, error) {
	frame := new(scanner.Frame)
	for start := time.Now(); ; {
		err := camera.Read(frame)
		if err == nil {
			return frame, nil
		}
		if !errors.Is(err, scanner.ErrNoPicture) || time.Since(start) > doctor.Limit/2 {
			return nil, err
		}
	}
}

// rate counts pictures for a second: in dim light a camera may give fewer than it promised.
func rate(camera scanner.Camera, frame *scanner.Frame) (float64, error) {
	first := frame.Taken
	for n := 0; ; {
		switch err := camera.Read(frame); {
		case err == nil:
			n++
		case !errors.Is(err, scanner.ErrNoPicture):
			return 0, err
		}
		if took := time.Since(first); took >= time.Second {
			return float64(n) / took.Seconds(), nil
		}
	}
}

func checkRegistry(ctx context.Context, cfg *config.Config) (string, error) {
	remote, err := registryClient(cfg, nil)
	if err != nil {
		return "", err
	}
	if remote == nil {
		return "not configured: the door uses what its cache holds", nil
	}
	defer remote.Close()
	sealed, err := remote.Manifest(ctx, 0, 0)
	if err != nil {
		return "", withHint(err)
	}
	manifest, err := api.OpenManifest(sealed, cfg.Registry.Key)
	if err != nil {
		return "", fmt.Errorf("%w\nhint: set registry.key to what `ashyq-registry key` prints on the registry's machine", err)
	}
	return fmt.Sprintf("%s, version %d", cfg.Registry.URL, manifest.Version), nil
}

func withHint(err error) error {
	if failed, ok := errors.AsType[*api.CallError](err); ok && failed.Hint != "" {
		return fmt.Errorf("%w\nhint: %s", err, failed.Hint)
	}
	return err
}
