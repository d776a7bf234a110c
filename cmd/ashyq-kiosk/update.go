package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/update"
)

// system is where an update finds what it needs to know about the machine.
type system struct {
	State       string `help:"State partition, which both systems of the card share." default:"/state" type:"path" placeholder:"DIR"`
	VersionFile string `help:"File with the version of the running image." default:"/etc/ashyq-image/version" type:"path" placeholder:"FILE"`
	BootID      string `help:"File with the kernel's ID of this start." default:"/proc/sys/kernel/random/boot_id" hidden:"" type:"path"`
}

func (s system) read() (running, boot string, err error) {
	image, err := os.ReadFile(s.VersionFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("read the image's version: %w\nhint: this is not a card image; update packages with apt", err)
	}
	if err != nil {
		return "", "", fmt.Errorf("read the image's version: %w", err)
	}
	id, err := os.ReadFile(s.BootID)
	return strings.TrimSpace(string(image)), strings.TrimSpace(string(id)), err
}

func (s system) file() string { return filepath.Join(s.State, "update.json") }

func reboot(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "systemctl", "reboot").CombinedOutput()
	if err != nil {
		return fmt.Errorf("restart: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

type updateCmd struct {
	system
	Bundle string `arg:"" optional:"" help:"Bundle to install. Default: the version that the registry wants this door to run." type:"path" placeholder:"BUNDLE"`
	Stick  string `help:"Install the only *.raucb in DIR, unless its version has passed the self-test here before." type:"path" placeholder:"DIR" xor:"from"`
	Check  bool   `help:"Only say what an update would do."`
	Now    bool   `help:"Restart immediately, not only in the hours of update.window."`
}

// Help is shown by --help.
func (updateCmd) Help() string {
	return "Installs into the system of the card that is not running, then restarts into it in the hours of update.window. The new system has to prove itself " +
		"(ashyq-kiosk confirm), or the door goes back. A version that has failed is not installed again."
}

func (c updateCmd) Run(e *env) error {
	running, boot, err := c.read()
	if err != nil {
		return err
	}
	cfg, err := config.Load(e.config)
	if err != nil {
		return err
	}
	bundle := c.Bundle
	if c.Stick != "" {
		if bundle, err = onStick(c.Stick); bundle == "" {
			return err
		}
	}
	remote, err := registryClient(cfg, openIdentity(cfg, e.log))
	if err != nil {
		return err
	}
	u := update.Updater{
		Slots: update.RAUC{Out: e.out}, Reboot: reboot, Path: c.file(), Running: running, Boot: boot,
		Window: update.Window(cfg.Update.Window), Now: time.Now, Log: e.log,
	}
	if remote != nil {
		defer remote.Close()
		u.Ask = func(ctx context.Context) (update.Release, error) { return askUpdate(ctx, remote) }
		u.Registry = reaches(cfg)
	}
	return u.Run(e.ctx, update.Request{Bundle: bundle, Check: c.Check, Now: c.Now, Once: c.Stick != ""})
}

// onStick finds the bundle on a stick. "" without an error: the stick has no bundle.
func onStick(dir string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "[^.]*.raucb")) // a Mac adds a hidden file for each
	if err != nil || len(found) == 0 {
		return "", err
	}
	if len(found) > 1 {
		return "", fmt.Errorf("%d bundles in %q\nhint: leave only the one to install", len(found), dir)
	}
	return found[0], nil
}

func askUpdate(ctx context.Context, remote *client.Client) (update.Release, error) {
	answer, ok, err := remote.Update(ctx)
	if err != nil || !ok {
		return update.Release{}, withHint(err)
	}
	bundle, err := remote.BundleURL(answer.Bundle)
	return update.Release{Version: answer.Version, Bundle: bundle}, err
}

// reaches reports whether the registry answers.
func reaches(cfg *config.Config) func(context.Context) error {
	return func(ctx context.Context) error { _, err := checkRegistry(ctx, cfg); return err }
}

type confirmCmd struct {
	system
	For    time.Duration `help:"How long the door has to be healthy without a break." default:"20s"`
	Within time.Duration `help:"How long that may take. Default: update.trial of the configuration." default:"0"`
}

// Help is shown by --help.
func (confirmCmd) Help() string {
	return "Tests the running system once after its start: the daemon has to be healthy (camera, panel, list), and the registry has to answer. (If the update came from a file, and " +
		"the old version did not reach the registry either, it need not answer.) If a new version fails, it is marked bad and the door restarts into the old one. If an older one fails, that is only reported."
}

func (c confirmCmd) Run(e *env) error {
	running, boot, err := c.read()
	if err != nil {
		return err
	}
	confirmer := update.Confirmer{
		Slots: update.RAUC{Out: e.out}, Reboot: reboot, Path: c.file(), Running: running, Boot: boot,
		For: c.For, Within: cmp.Or(c.Within, 10*time.Minute), Log: e.log,
	}
	cfg, err := config.Load(e.config)
	if err != nil { // the daemon has the same problem
		confirmer.Health = func(context.Context) error { return fmt.Errorf("%w: %w", update.ErrSilent, err) }
		return confirmer.Run(e.ctx)
	}
	confirmer.Within = cmp.Or(c.Within, cfg.Update.Trial)
	confirmer.Health = func(ctx context.Context) error { return healthyDoor(ctx, cfg) }
	if cfg.Registry.URL != "" {
		confirmer.Registry = reaches(cfg)
	}
	return confirmer.Run(e.ctx)
}

// offline are the faults that a network repairs. A door shows them after all others.
var offline = []kiosk.Reason{kiosk.ClockFault, kiosk.NoData, kiosk.DataLimit}

// healthyDoor says why the door is not healthy. A door that waits for its enrolment code is
// healthy: it runs and its panel works. It says nothing about its camera and its list yet.
func healthyDoor(ctx context.Context, cfg *config.Config) error {
	text, err := askHealth(ctx, cfg.Screen.Listen)
	first, _, _ := strings.Cut(text, "\n")
	reason, _ := strings.CutPrefix(first, "out of order: ")
	says := strings.ReplaceAll(strings.TrimSpace(text), "\n", ", ")
	switch {
	case err == nil, cfg.Unenrolled && reason == string(kiosk.NotEnrolled):
		return nil
	case text == "":
		return fmt.Errorf("%w: %w", update.ErrSilent, err)
	case slices.Contains(offline, kiosk.Reason(reason)):
		return fmt.Errorf("%w: %s", update.ErrNetwork, says)
	}
	return errors.New(says)
}
