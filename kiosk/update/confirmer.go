package update

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Confirmer judges the running system, once per start.
type Confirmer struct {
	Slots   Slots
	Reboot  func(context.Context) error
	Path    string // of update.json
	Lowest  Lowest
	Running string // version
	Boot    string // the kernel's ID of this start

	// Health asks the daemon on this machine how the door is. ErrSilent: there is none that answers. ErrNetwork: all that it lacks
	// comes over a network.
	Health func(context.Context) error
	// Registry asks the registry anything; nil: none is configured.
	Registry func(context.Context) error

	For    time.Duration // for which the daemon has to be well, without a break
	Within time.Duration // from now, in which that has to have happened and the registry to have answered
	Log    *slog.Logger
}

var (
	// ErrSilent says that the daemon did not answer at all.
	ErrSilent = errors.New("the daemon does not answer")
	// ErrNetwork says that the door lacks nothing but what comes over a network: the time, a list that is not too old.
	ErrNetwork = errors.New("it lacks what comes over a network")
)

// Run tests the system, marks it, and restarts the door where it failed on trial. An error of a system that is not on
// trial says why it is not well.
func (c *Confirmer) Run(ctx context.Context) error {
	booted, sick := c.Slots.Booted(ctx)
	at, trial := c.where(booted, sick)
	if sick == nil {
		sick = c.test(ctx, at == onTrial && trial.Alone)
	}
	if ctx.Err() != nil {
		return ctx.Err() // being stopped says nothing about the system
	}
	switch {
	case at == onTrial && sick == nil:
		return c.good(ctx, trial.Version)
	case at == onTrial:
		return c.failed(ctx, trial.Version, sick)
	case sick == nil:
		c.Log.Info("well", "version", c.Running)
		return c.Slots.Mark(ctx, MarkGood)
	}
	return errors.Join(sick, c.refill(ctx, sick))
}

// where works out what is being tried. An error is no reason not to test: the starts have to be counted afresh all the same.
func (c *Confirmer) where(booted string, sick error) (at stage, trial Trial) {
	err := change(c.Path, c.Log, func(s *State) {
		t := s.Trial
		if t == nil {
			return
		}
		trial = *t
		switch {
		case sick == nil:
			at = s.settle(booted, c.Boot, time.Now())
		case t.Installed && t.Version == c.Running:
			at = onTrial // a system that cannot talk to RAUC could never be replaced again
		}
	})
	if err != nil {
		c.Log.Error("keep what was tried", "error", err)
	}
	return at, trial
}

func (c *Confirmer) good(ctx context.Context, version string) error {
	if err := c.Slots.Mark(ctx, MarkGood); err != nil {
		return err
	}
	c.Log.Info("the new version is good", "version", version)
	if err := c.Lowest.raise(); err != nil {
		return fmt.Errorf("keep the lowest version: %w", err)
	}
	return change(c.Path, c.Log, func(s *State) {
		s.note(version, Good, "", time.Now())
		s.Trial = nil
	})
}

// failed keeps the trial in the file: the old system ends it. Where the power is cut before the slot is marked, the same
// system is tested again.
func (c *Confirmer) failed(ctx context.Context, version string, sick error) error {
	c.Log.Error("the new version is not well; the door goes back to the old one", "version", version, "error", sick)
	result := Failed
	if errors.Is(sick, errUnreachable) {
		result = Returned
	}
	err := change(c.Path, c.Log, func(s *State) {
		s.note(version, result, sick.Error(), time.Now())
		if s.Trial != nil {
			s.Trial.Judged = true
		}
	})
	if err != nil {
		c.Log.Error("keep that it failed", "error", err)
	}
	if err := c.Slots.Mark(ctx, MarkBad); err != nil {
		c.Log.Error("mark it bad; U-Boot gives up on it when its starts are used up", "error", err)
	}
	return errors.Join(sick, c.Reboot(ctx))
}

// refill counts the starts afresh for a system that works and has a sick door in front of it, as its other slot would, too.
// A system whose daemon is silent may be damaged: the other slot gets its chance after three starts.
func (c *Confirmer) refill(ctx context.Context, sick error) error {
	if errors.Is(sick, ErrSilent) {
		return nil
	}
	return c.Slots.Mark(ctx, MarkGood)
}

const (
	healthEvery   = time.Second
	registryEvery = 10 * time.Second
)

// test returns nil as soon as the door has been well for long enough, and else why it was not in all the time. Of a door that is alone
// nothing is asked that only a network can give it: the old version did not have it, and the door would never get another one.
func (c *Confirmer) test(ctx context.Context, alone bool) error {
	ctx, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	registry := make(chan error, 1) // newest wins
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if alone {
			registry <- nil
			return
		}
		c.askRegistry(ctx, registry)
	}()
	defer func() { cancel(); <-asked }()

	answer, health := errUnasked, errUnasked
	var wellSince time.Time // zero: it is not
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return verdict(health, answer, c.Within)
		case answer = <-registry:
		case <-tick.C:
			err := c.Health(ctx)
			if ctx.Err() != nil {
				continue // it was not let finish
			}
			if alone && errors.Is(err, ErrNetwork) {
				err = nil
			}
			switch health = err; {
			case err != nil:
				wellSince = time.Time{}
			case wellSince.IsZero():
				wellSince = time.Now()
			}
		}
		if answer == nil && !wellSince.IsZero() && time.Since(wellSince) >= c.For {
			return nil
		}
	}
}

var (
	errUnasked     = errors.New("nobody was asked yet")
	errUnreachable = errors.New("the registry did not answer")
)

// askRegistry says what came of it until the registry has answered once.
func (c *Confirmer) askRegistry(ctx context.Context, answer chan error) {
	for ctx.Err() == nil {
		var err error
		if c.Registry != nil {
			err = c.Registry(ctx)
		}
		if ctx.Err() != nil {
			return // it was not let finish
		}
		select {
		case <-answer:
		default:
		}
		answer <- err
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
		return fmt.Errorf("not well %v after the start: %w", within, health)
	case answer != nil:
		return fmt.Errorf("%w within %v: %w", errUnreachable, within, answer)
	}
	return fmt.Errorf("not well for long enough at a time within %v", within)
}
