package update

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ashyq-kiosk/kiosk/latest"
)

// Confirmer judges the running system, once per start.
type Confirmer struct {
	Slots   Slots
	Reboot  func(context.Context) error
	Path    string // of update.json
	Lowest  Lowest
	Running string // version
	Boot    string // the kernel's ID of this start

	// Health asks the daemon on this machine how the door is. ErrSilent: no daemon answers.
	// ErrNetwork: the door lacks only what comes over a network.
	Health func(context.Context) error
	// Registry asks the registry anything; nil: no registry is configured.
	Registry func(context.Context) error

	For    time.Duration // the door has to be healthy for this long, without a break
	Within time.Duration // from now: the time for both, that and an answer of the registry
	Log    *slog.Logger
}

var (
	// ErrSilent says that the daemon did not answer at all.
	ErrSilent = errors.New("the daemon does not answer")
	// ErrNetwork says that the door lacks only what comes over a network: the time, a recent list.
	ErrNetwork = errors.New("the door lacks what comes over a network")
)

// Run tests the system and marks its slot. A system that fails its trial is restarted into the old
// one. Otherwise an error says why the system is unhealthy.
func (c *Confirmer) Run(ctx context.Context) error {
	booted, problem := c.Slots.Booted(ctx)
	at, trial := c.where(booted, problem)
	if problem == nil {
		problem = c.test(ctx, at == onTrial && trial.Alone)
	}
	if ctx.Err() != nil {
		return ctx.Err() // being stopped says nothing about the system
	}
	switch {
	case at == onTrial && problem == nil:
		return c.good(ctx, trial.Version)
	case at == onTrial:
		return c.failed(ctx, trial.Version, problem)
	case problem == nil:
		c.Log.Info("healthy", "version", c.Running)
		return c.Slots.Mark(ctx, MarkGood)
	}
	return errors.Join(problem, c.refill(ctx, problem))
}

// where finds out whether the running system is on trial. Where it cannot, the system is tested all
// the same: a healthy system has to get its starts back.
func (c *Confirmer) where(booted string, problem error) (at stage, trial Trial) {
	err := change(c.Path, c.Log, func(s *State) {
		t := s.Trial
		if t == nil {
			return
		}
		trial = *t
		switch {
		case problem == nil:
			at = s.settle(booted, c.Boot, time.Now())
		case t.Installed && t.Version == c.Running:
			at = onTrial // a system that cannot talk to RAUC could never be replaced again
		}
	})
	if err != nil {
		c.Log.Error("cannot write down which version is on trial", "error", err)
	}
	return at, trial
}

func (c *Confirmer) good(ctx context.Context, version string) error {
	if err := c.Slots.Mark(ctx, MarkGood); err != nil {
		return err
	}
	c.Log.Info("the new version works; the door keeps it", "version", version)
	if err := c.Lowest.raise(); err != nil {
		return fmt.Errorf("keep the lowest version: %w", err)
	}
	return change(c.Path, c.Log, func(s *State) {
		s.note(version, Good, "", time.Now())
		s.Trial = nil
	})
}

// failed leaves the trial in the file: the old system ends it. If the power is cut before the slot
// is marked, the same system is tested again.
func (c *Confirmer) failed(ctx context.Context, version string, problem error) error {
	c.Log.Error("the new version is unhealthy; the door goes back to the old one", "version", version, "error", problem)
	result := Failed
	if errors.Is(problem, errUnreachable) {
		result = Returned
	}
	err := change(c.Path, c.Log, func(s *State) {
		s.note(version, result, problem.Error(), time.Now())
		if s.Trial != nil {
			s.Trial.Judged = true
		}
	})
	if err != nil {
		c.Log.Error("cannot write down that the version failed", "error", err)
	}
	if err := c.Slots.Mark(ctx, MarkBad); err != nil {
		c.Log.Error("cannot mark the slot bad; U-Boot leaves it when its starts are used up", "error", err)
	}
	return errors.Join(problem, c.Reboot(ctx))
}

// refill gives a working system on an unhealthy door its starts back: the system in the other slot
// would find the same door. A system whose daemon is silent may be damaged, so after three starts
// U-Boot tries the other slot.
func (c *Confirmer) refill(ctx context.Context, problem error) error {
	if errors.Is(problem, ErrSilent) {
		return nil
	}
	return c.Slots.Mark(ctx, MarkGood)
}

const (
	healthEvery   = time.Second
	registryEvery = 10 * time.Second
)

// test returns nil as soon as the door has been healthy for long enough; otherwise the error says
// at the end of Within why it was not. A door that is alone need not have what only a network
// brings: the old version did not have it either, and otherwise the door could never be updated.
func (c *Confirmer) test(ctx context.Context, alone bool) error {
	ctx, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	registry := latest.New[error]()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if alone {
			registry.Put(nil)
			return
		}
		c.askRegistry(ctx, registry)
	}()
	defer func() { cancel(); <-asked }()

	answer, health := errUnasked, errUnasked
	var healthySince time.Time // zero: it is unhealthy
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return verdict(health, answer, c.Within)
		case answer = <-registry.C():
		case <-tick.C:
			err := c.Health(ctx)
			if ctx.Err() != nil {
				continue // the time was up before it could answer
			}
			if alone && errors.Is(err, ErrNetwork) {
				err = nil
			}
			switch health = err; {
			case err != nil:
				healthySince = time.Time{}
			case healthySince.IsZero():
				healthySince = time.Now()
			}
		}
		if answer == nil && !healthySince.IsZero() && time.Since(healthySince) >= c.For {
			return nil
		}
	}
}

var (
	errUnasked     = errors.New("not asked yet")
	errUnreachable = errors.New("the registry did not answer")
)

// askRegistry asks until the registry has answered once, and tells each outcome.
func (c *Confirmer) askRegistry(ctx context.Context, answer *latest.Slot[error]) {
	for ctx.Err() == nil {
		var err error
		if c.Registry != nil {
			err = c.Registry(ctx)
		}
		if ctx.Err() != nil {
			return // the time was up before it could answer
		}
		answer.Put(err)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(registryEvery):
		}
	}
}

func verdict(health, answer error, within time.Duration) error {
	switch {
	case health != nil:
		return fmt.Errorf("unhealthy %v after the start: %w", within, health)
	case answer != nil:
		return fmt.Errorf("%w within %v: %w", errUnreachable, within, answer)
	}
	return fmt.Errorf("not healthy for long enough without a break within %v", within)
}
