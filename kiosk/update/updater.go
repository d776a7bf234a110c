package update

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"
)

// Release is a version and the path or URL of its bundle. An empty version: there is no release.
type Release struct{ Version, Bundle string }

// Updater installs versions.
type Updater struct {
	Ask      func(context.Context) (Release, error) // the registry; nil: no registry is configured
	Registry func(context.Context) error            // as the Confirmer's
	Slots    Slots
	Reboot   func(context.Context) error
	Path     string // of update.json
	Lowest   Lowest
	Running  string // version
	Boot     string // the kernel's ID of this start
	Window   Window
	Now      func() time.Time
	Log      *slog.Logger
}

// Request says what an Updater is to do.
type Request struct {
	Bundle string // "": the release that the registry names
	Says   Bundle // what Bundle says of itself, if somebody else has read that already
	Check  bool   // only say what would be done
	Now    bool   // restart without waiting for the window
	// Once skips a version that was good here before and was replaced since. Otherwise a bundle
	// that stays on its stick would take turns with the version that replaced it.
	Once bool
}

// Run takes the next step, if there is one: it installs or restarts. A timer calls it again and
// again.
func (u *Updater) Run(ctx context.Context, r Request) error {
	unlock, err := lock(u.Path+".running", unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		return fmt.Errorf("another update is running: %w", err)
	}
	defer unlock()
	booted, err := u.Slots.Booted(ctx)
	if err != nil {
		return err
	}
	s, at, err := u.settle(booted)
	if err != nil {
		return err
	}
	if at == onTrial {
		u.Log.Info("this version is still on trial; looking for a newer one afterwards", "version", u.Running)
		return nil
	}
	release, says, err := u.wanted(ctx, r)
	if err != nil {
		return err
	}
	below := u.Lowest.refuse(says)
	there := at == waiting && s.Trial.Version == release.Version
	why := s.refused(release.Version)
	switch {
	case release.Version == "" || release.Version == u.Running:
		u.Log.Info("nothing newer to install", "version", u.Running)
		if at == waiting && r.Bundle == "" && !r.Check {
			return u.takeBack(ctx, s.Trial.Version)
		}
		return nil
	case there:
	case r.Once && s.wasGood(release.Version):
		u.Log.Warn("not installed again: this version was good here before and was replaced since", "version",
			release.Version, "running", u.Running)
		return nil
	case why != "" && r.Bundle != "":
		return fmt.Errorf("%s\nhint: give the bundle another version, or remove %q", why, u.Path)
	case why != "":
		u.Log.Warn("not installed again", "why", why)
		return nil
	case below != nil && r.Bundle != "":
		return below
	}
	if r.Check {
		u.Log.Info("would be installed", "version", release.Version, "bundle", release.Bundle, "already_installed", there)
		if below != nil {
			u.Log.Warn("only if its bundle is signed as a downgrade", "why", below)
		}
		return nil
	}
	if !there {
		if err := u.install(ctx, booted, release, r.Bundle != "" && u.alone(ctx)); err != nil {
			return err
		}
	}
	return u.restart(ctx, r, release.Version)
}

// settle reads the state and ends a trial that is over.
func (u *Updater) settle(booted string) (s State, at stage, err error) {
	err = change(u.Path, u.Log, func(now *State) {
		at = now.settle(booted, u.Boot, u.Now())
		s = *now
	})
	return s, at, err
}

// wanted also returns what the bundle says of itself. Of one at the registry that is only known
// when RAUC has it (Admit).
func (u *Updater) wanted(ctx context.Context, r Request) (Release, Bundle, error) {
	if r.Bundle != "" {
		b, err := r.Says, error(nil)
		if b == (Bundle{}) {
			b, err = u.Slots.Inspect(ctx, r.Bundle)
		}
		return Release{Version: b.Version, Bundle: r.Bundle}, b, err
	}
	if u.Ask == nil {
		return Release{}, Bundle{}, errors.New("no registry is configured\nhint: ashyq-kiosk update BUNDLE installs a file")
	}
	release, err := u.Ask(ctx)
	return release, Bundle{Version: release.Version}, err
}

// install writes the trial down before it begins, so that the next start knows of it after a power
// cut.
func (u *Updater) install(ctx context.Context, booted string, release Release, alone bool) error {
	// What runs now is never fallen below again, not even where the bundle is a downgrade.
	if err := u.Lowest.raise(); err != nil {
		return fmt.Errorf("keep the lowest version: %w", err)
	}
	t := Trial{Version: release.Version, From: booted, Boot: u.Boot, Alone: alone}
	if err := change(u.Path, u.Log, func(s *State) { s.Trial = &t }); err != nil {
		return err
	}
	u.Log.Info("installing", "version", release.Version, "running", u.Running, "bundle", release.Bundle)
	if err := u.tryInstall(ctx, release.Bundle); err != nil {
		return errors.Join(err, change(u.Path, u.Log, func(s *State) { s.Trial = nil }))
	}
	t.Installed = true
	err := change(u.Path, u.Log, func(s *State) { s.Trial = &t })
	if err != nil || !alone || u.alone(ctx) {
		return err
	}
	t.Alone = false
	return change(u.Path, u.Log, func(s *State) { s.Trial = &t })
}

// alone reports whether this version does not reach the registry. It is asked before an
// installation and minutes later, after it: one lost answer must not let a version through that has
// broken the network.
func (u *Updater) alone(ctx context.Context) bool {
	if u.Registry == nil {
		return true
	}
	err := u.Registry(ctx)
	if err != nil {
		u.Log.Info("the registry does not answer", "error", err)
	}
	return err != nil
}

// installTries is how often an installation is tried before the next run of the timer. RAUC loses
// the device of a stream when udev is the first to close it (rauc/rauc pull request 1741, open in
// November 2026); the next try gets a new device.
const installTries = 3

func (u *Updater) tryInstall(ctx context.Context, bundle string) error {
	for try := 1; ; try++ {
		err := u.Slots.Install(ctx, bundle)
		if err == nil {
			return nil
		}
		if why, problem := u.refused(); why != "" || problem != nil {
			return errors.Join(errors.New(why), problem)
		}
		if try == installTries || ctx.Err() != nil {
			return err
		}
		u.Log.Warn("the installation failed; trying again", "error", err)
	}
}

// refused is what Admit said.
func (u *Updater) refused() (why string, err error) {
	err = change(u.Path, u.Log, func(s *State) {
		if s.Trial != nil {
			why = s.Trial.Refused
		}
	})
	return why, err
}

// takeBack makes the running system the next to start again, instead of one that was installed
// since.
func (u *Updater) takeBack(ctx context.Context, version string) error {
	if err := u.Slots.Mark(ctx, MarkActive); err != nil {
		return err
	}
	u.Log.Info("the registry took the version back before it was started", "version", version)
	return change(u.Path, u.Log, func(s *State) { s.Trial = nil })
}

func (u *Updater) restart(ctx context.Context, r Request, version string) error {
	if now := u.Now(); !r.Now && !u.Window.open(now) {
		u.Log.Info("installed; the restart waits for the hours of update.window", "version", version, "now",
			now.Format("15:04"),
			"from", clock(u.Window.From), "until", clock(u.Window.Until))
		return nil
	}
	u.Log.Warn("restarting", "version", version)
	return u.Reboot(ctx)
}

func clock(d time.Duration) string { return time.Time{}.Add(d).Format("15:04") }
