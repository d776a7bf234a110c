package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Clock watches whether the time can be trusted. A Pi has no battery clock: after a power cut it wakes up in the past.
// The time is trusted when the kernel says that it is synchronised, and never before the earliest plausible time.
//
// Only a signed time raises that one by more than Leeway: NTP is believed to anybody on the network, and one wrong tick must
// not put a door out of order until somebody comes. What an unsigned time has raised is forgotten as soon as it proves wrong.
type Clock struct {
	Now    func() time.Time
	Synced func() error     // nil when the system's clock is disciplined; KernelSynced, or nil to trust the machine's clock
	Signed func() time.Time // the newest time that was signed: of the build, of the manifest in force
	Seen   func() time.Time // the last time noted; zero: none yet
	// Authenticated says that what disciplines the clock signs its time, too (NTS); nil: it never does.
	Authenticated func() bool
	Change        func(err error) // called with each change: nil when trusted; first call right at the start
	Note          func(time.Time) // called each second with a trusted time, or as much of it as is plausible
	Forget        func(time.Time) // called when Seen has proved wrong, with what to note in its place

	doubt doubt // owned by Run
}

// Leeway is how far an unsigned time may raise the earliest plausible one: for as long rules let a door decide without
// hearing from its registry, which is the newest signed time that it has.
const Leeway = 72 * time.Hour

const (
	// tolerance is how far before the earliest plausible time the clock may be: registries and doors are synchronised to
	// within seconds.
	tolerance = 2 * time.Minute
	// agreement is how far a time that was just signed may be from the clock for both to be right.
	agreement = 5 * time.Minute
	// patience is for how long the clock has to go on steadily to prove an unsigned time wrong without any signed one.
	patience = time.Hour
)

// doubt is the time since which the clock is behind what was seen, and what was known then.
type doubt struct {
	since, last time.Time // zero: there is none; last is the newest look
	signed      time.Time
}

// ErrUnsynced says that no time source has set the clock since the start.
var ErrUnsynced = errors.New("the kernel says that the clock is not synchronised")

// KernelSynced asks the kernel (adjtimex(2), STA_UNSYNC) whether a time daemon keeps the clock. Where a sandbox forbids
// that call, which can also set the clock, it asks systemd-timedated, which asks the kernel.
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

// Plausible is the earliest plausible time where signed is the newest signed one and seen was noted.
func Plausible(signed, seen time.Time) time.Time {
	if most := signed.Add(Leeway); seen.After(most) {
		seen = most
	}
	if seen.After(signed) {
		return seen
	}
	return signed
}

// check says why the clock cannot be trusted now, nil when it can.
func (c *Clock) check() error {
	now, signed, seen := c.Now(), c.Signed(), c.Seen()
	if before(now, signed) {
		c.doubt = doubt{}
		return past(now, signed, "a time that is signed")
	}
	if c.Synced == nil {
		return nil // the machine's clock is trusted more than what it said at another time
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

// disproved says whether the clock, which is synchronised and behind an unsigned time, is right and that one was wrong: its
// source signs; or something was signed since then, at the time that the clock has; or it has gone on steadily for long.
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

// plausible is as much of a trusted time as may be noted; zero if nothing was ever signed, as in a
// build without a time and without a list.
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
