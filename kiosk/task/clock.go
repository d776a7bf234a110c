package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Clock watches whether the time can be trusted. A Pi has no battery clock: after a power cut it
// starts in the past. The time is trusted when the kernel says that it is synchronised, and never
// before the earliest plausible time.
//
// Only a signed time raises that one by more than Leeway. Anybody on the network can answer NTP,
// and one wrong tick must not put a door out of order until somebody comes. What an unsigned time
// has raised is forgotten as soon as it proves wrong.
type Clock struct {
	Now    func() time.Time
	Synced func() error     // nil error: synchronised, as KernelSynced says; a nil func trusts the machine
	Signed func() time.Time // the newest signed time: the build's or the manifest's
	Seen   func() time.Time // the last time noted; zero: never
	// Authenticated says whether the clock's source signs its time, too (NTS); nil: it never does.
	Authenticated func() bool
	Change        func(err error) // called on each change, first at the start; nil: trusted
	Note          func(time.Time) // called each second with the trusted time that is plausible
	Forget        func(time.Time) // called when Seen proved wrong, with its replacement

	doubt doubt // owned by Run
}

// Leeway is how far an unsigned time may raise the earliest plausible one: for as long as rules let
// a door decide without hearing from its registry, which is the source of the newest signed time.
const Leeway = 72 * time.Hour

const (
	// tolerance is how far the clock may be before the earliest plausible time: registries and
	// doors are synchronised to within seconds.
	tolerance = 2 * time.Minute
	// agreement is how close a freshly signed time and the clock must be for both to be right.
	agreement = 5 * time.Minute
	// patience is how long the clock has to run steadily to prove an unsigned time wrong without a
	// signed one.
	patience = time.Hour
)

// doubt records since when the clock is behind the time seen, and what was known then.
type doubt struct {
	since, last time.Time // zero: no doubt; last is the newest look
	signed      time.Time
}

// ErrUnsynced says that no time source has set the clock since the start.
var ErrUnsynced = errors.New("the kernel says that the clock is not synchronised")

// KernelSynced asks the kernel (adjtimex(2), STA_UNSYNC) whether a time daemon keeps the clock.
// Some sandboxes forbid that call, because it can also set the clock. Then KernelSynced asks
// systemd-timedated, which asks the kernel.
func KernelSynced() error {
	var t unix.Timex
	_, err := unix.Adjtimex(&t)
	switch {
	case errors.Is(err, unix.EPERM):
		return timeDaemon.synced()
	case err != nil:
		return fmt.Errorf("ask the kernel about the clock: %w", err)
	case t.Status&unix.STA_UNSYNC != 0:
		return ErrUnsynced
	}
	return nil
}

// Plausible returns the earliest plausible time: signed is the newest signed time, seen the noted
// one.
func Plausible(signed, seen time.Time) time.Time {
	if most := signed.Add(Leeway); seen.After(most) {
		seen = most
	}
	if seen.After(signed) {
		return seen
	}
	return signed
}

// check says why the clock cannot be trusted now; nil when it can.
func (c *Clock) check() error {
	now, signed, seen := c.Now(), c.Signed(), c.Seen()
	if before(now, signed) {
		c.doubt = doubt{}
		return past(now, signed, "a time that is signed")
	}
	if c.Synced == nil {
		return nil // the machine's clock counts more than what it said earlier
	}
	if err := c.Synced(); err != nil {
		c.doubt = doubt{}
		return err
	}
	if !before(now, Plausible(signed, seen)) {
		c.doubt = doubt{}
		return nil
	}
	if c.disproved(now, signed) {
		c.doubt = doubt{}
		c.Forget(now)
		return nil
	}
	return past(now, Plausible(signed, seen), "a time already seen")
}

func before(now, plausible time.Time) bool { return now.Before(plausible.Add(-tolerance)) }

func past(now, plausible time.Time, what string) error {
	return fmt.Errorf("the clock says %s, which is before %s, %s", now.UTC().Format(time.RFC3339), plausible.UTC().Format(time.RFC3339), what)
}

// disproved says whether a synchronised clock is right and the later, unsigned time was wrong. It
// is if the clock's source signs; if something was signed since, at the time that the clock has; or
// if the clock has run steadily for long.
func (c *Clock) disproved(now, signed time.Time) bool {
	if c.doubt.since.IsZero() || stepped(c.doubt.last, now) {
		c.doubt = doubt{since: now, signed: signed}
	}
	c.doubt.last = now
	switch {
	case c.Authenticated != nil && c.Authenticated():
		return true
	case signed.After(c.doubt.signed) && now.Sub(signed).Abs() <= agreement:
		return true
	}
	return now.Sub(c.doubt.since) >= patience
}

// plausible is the part of a trusted time that may be noted; zero if nothing was ever signed, as in
// a build without a stamp and without a list.
func (c *Clock) plausible(now time.Time) time.Time {
	if c.Authenticated != nil && c.Authenticated() {
		return now
	}
	signed := c.Signed()
	if signed.IsZero() {
		return time.Time{}
	}
	return Plausible(signed, now)
}

// String names the task.
func (c *Clock) String() string { return "clock" }

// Ready is closed from the start: waiting for the time is a state of the door, not of its start.
func (c *Clock) Ready() <-chan struct{} { return closed }

// Run checks the clock each second until ctx ends.
func (c *Clock) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	last := c.check()
	c.Change(last)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := c.check()
		if (err == nil) != (last == nil) {
			c.Change(err)
		}
		last = err
		if t := c.plausible(c.Now()); err == nil && !t.IsZero() {
			c.Note(t)
		}
	}
}
