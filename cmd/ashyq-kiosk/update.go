package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
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
	State       string `help:"State partition, which both systems of the card share. (${default})" default:"/state" type:"path" placeholder:"DIR"`
	VersionFile string `help:"File with the version of the running image. (${default})" default:"/etc/ashyq-image/version" type:"path" placeholder:"FILE"`
	LowestFile  string `help:"File with the lowest version that the running image allows; without one it is its own." default:"/etc/ashyq-image/lowest" hidden:"" type:"path"`
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

// lowest is what the card keeps of the lowest version allowed.
func (s system) lowest(running string, log *slog.Logger) (update.Lowest, error) {
	l := update.Lowest{Path: filepath.Join(s.State, update.LowestFile), Image: running, Log: log}
	image, err := os.ReadFile(s.LowestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("read the lowest version of the image: %w", err)
	}
	l.Image = strings.TrimSpace(string(image))
	return l, nil
}

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
	Stick  string `help:"Install the bundle in DIR that card stick found, unless its version has passed the self-test here before." type:"path" placeholder:"DIR" and:"stick"`
	Found  string `help:"File with the output of card stick." type:"path" placeholder:"FILE" and:"stick"`
	Check  bool   `help:"Only say what an update would do."`
	Now    bool   `help:"Restart immediately, not only in the hours of update.window."`
}

// Help is shown by --help.
func (updateCmd) Help() string {
	return "Installs into the system of the card that is not running, then restarts into it in the hours of " +
		"update.window. The new system has to prove itself " +
		"(ashyq-kiosk confirm), or the door goes back. A version that has failed is not installed again."
}

func (c updateCmd) Run(e *env) error {
	running, boot, err := c.read()
	if err != nil {
		return err
	}
	lowest, err := c.lowest(running, e.log)
	if err != nil {
		return err
	}
	cfg, err := loadConfig(e.config)
	if err != nil {
		return err
	}
	request := update.Request{Bundle: c.Bundle, Check: c.Check, Now: c.Now}
	if c.Stick != "" {
		found, err := readFound(c.Found)
		if err != nil || found == nil {
			return err
		}
		request.Bundle, request.Once = filepath.Join(c.Stick, found.Bundle), true
		request.Says = update.Bundle{Version: found.Version, Downgrade: found.Downgrade}
	}
	remote, err := registryClient(cfg, openIdentity(cfg, e.log))
	if err != nil {
		return err
	}
	u := update.Updater{
		Slots: update.RAUC{Out: e.out}, Reboot: reboot, Path: c.file(), Lowest: lowest, Running: running, Boot: boot,
		Window: update.Window(cfg.Update.Window), Now: time.Now, Log: e.log,
	}
	if remote != nil {
		defer remote.Close()
		u.Ask = func(ctx context.Context) (update.Release, error) { return askUpdate(ctx, remote) }
		u.Registry = reaches(cfg)
	}
	return u.Run(e.ctx, request)
}

type cardAdmitCmd struct {
	system
	Bundle string `help:"Folder where the bundle is mounted." env:"RAUC_BUNDLE_MOUNT_POINT" required:"" type:"path" placeholder:"DIR"`
}

// Help is shown by --help.
func (cardAdmitCmd) Help() string {
	return "RAUC runs it when it has verified and mounted a bundle (pre-install in its system.conf). It fails where " +
		"the bundle brings a version below the lowest " +
		"that this door installs, and is not signed as a downgrade; or another version than the registry named."
}

func (c cardAdmitCmd) Run(e *env) error {
	running, _, err := c.read()
	if err != nil {
		return err
	}
	lowest, err := c.lowest(running, e.log)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(c.Bundle, "manifest.raucm"))
	if err != nil {
		return fmt.Errorf("read the bundle's manifest: %w", err)
	}
	bundle, err := update.ReadManifest(data)
	if err != nil {
		return err
	}
	return update.Admit(c.file(), lowest, bundle, e.log)
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
	For    time.Duration `placeholder:"TIME" help:"How long the door has to be healthy without a break. (${default})" default:"20s"`
	Within time.Duration `placeholder:"TIME" help:"How long that may take. (update.trial of the configuration)" default:"0"`
}

// Help is shown by --help.
func (confirmCmd) Help() string {
	return "Tests the running system once after its start: the daemon has to be healthy (camera, panel, list), and " +
		"the registry has to answer. (If the update came from a file, and " +
		"the old version did not reach the registry either, it need not answer.) If a new version fails, it is marked " +
		"bad and the door restarts into the old one. If an older one fails, that is only reported."
}

func (c confirmCmd) Run(e *env) error {
	running, boot, err := c.read()
	if err != nil {
		return err
	}
	lowest, err := c.lowest(running, e.log)
	if err != nil {
		return err
	}
	confirmer := update.Confirmer{
		Slots: update.RAUC{Out: e.out}, Reboot: reboot, Path: c.file(), Lowest: lowest, Running: running, Boot: boot,
		For: c.For, Within: cmp.Or(c.Within, 10*time.Minute), Log: e.log,
	}
	cfg, err := loadConfig(e.config)
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

// offline are the faults that a network or the registry repairs. A door shows them after all
// others.
var offline = []kiosk.Reason{kiosk.Unapproved, kiosk.ClockFault, kiosk.NoData, kiosk.DataLimit}

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
