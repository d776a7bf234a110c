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
// Only a signed time, and what has passed since it came, raises that one by more than Leeway.
// Anybody on the network can answer NTP, and one wrong tick must not put a door out of order until
// somebody comes. What an unsigned time has raised is forgotten as soon as it proves wrong.
type Clock struct {
	Now    func() time.Time
	Synced func() error     // nil error: synchronised, as KernelSynced says; a nil func trusts the machine
	Signed func() time.Time // the newest signed time: the build's or the manifest's
	// NotBefore is how late it is for sure, whatever the clock says; nil: as Signed says.
	NotBefore func() time.Time
	Seen      func() time.Time // the last time noted; zero: never
	// Attested is the time now by a source that signs it (NTS); false: no such source now. nil:
	// there never is one.
	Attested func() (time.Time, bool)
	Change   func(err error) // called on each change, first at the start; nil: trusted
	Note     func(time.Time) // called each second with the trusted time that is plausible
	Forget   func(time.Time) // called when Seen proved wrong, with its replacement
	Keep     func()          // called each second, first at the start, trusted or not; nil: nobody

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
	// harmony is how close the clock must be to a source that signs, to be set by it.
	harmony = time.Second
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

// Plausible returns the earliest plausible time: it is not before sure for certain, and seen is the
// noted one.
func Plausible(sure, seen time.Time) time.Time {
	if most := sure.Add(Leeway); seen.After(most) {
		seen = most
	}
	if seen.After(sure) {
		return seen
	}
	return sure
}

// check says why the clock cannot be trusted now; nil when it can.
func (c *Clock) check() error {
	sure, attested := c.sure()
	now, signed, seen := c.Now(), c.Signed(), c.Seen()
	if before(now, sure) {
		c.doubt = doubt{}
		return past(now, sure, "a time that is signed, with what has passed since")
	}
	if c.Synced == nil {
		return nil // the machine's clock counts more than what it said earlier
	}
	if err := c.Synced(); err != nil {
		c.doubt = doubt{}
		return err
	}
	if !before(now, Plausible(sure, seen)) {
		c.doubt = doubt{}
		return nil
	}
	if attested || c.disproved(now, signed) {
		c.doubt = doubt{}
		c.Forget(now)
		return nil
	}
	return past(now, Plausible(sure, seen), "a time already seen")
}

// sure is how late it is for certain. attested says that a source that signs has set the clock. It
// asks that source first, which may raise NotBefore.
func (c *Clock) sure() (sure time.Time, attested bool) {
	if c.Attested != nil {
		t, ok := c.Attested()
		attested = ok && c.Now().Sub(t).Abs() <= harmony
	}
	sure = c.Signed()
	if c.NotBefore != nil {
		if t := c.NotBefore(); t.After(sure) {
			sure = t
		}
	}
	return sure, attested
}

func before(now, plausible time.Time) bool { return now.Before(plausible.Add(-tolerance)) }

func past(now, plausible time.Time, what string) error {
	return fmt.Errorf("the clock says %s, which is before %s, %s", now.UTC().Format(time.RFC3339),
		plausible.UTC().Format(time.RFC3339), what)
}

// disproved says whether a synchronised clock is right and the later, unsigned time was wrong. It
// is if something was signed since, at the time that the clock has; or if the clock has run
// steadily for long.
func (c *Clock) disproved(now, signed time.Time) bool {
	if c.doubt.since.IsZero() || stepped(c.doubt.last, now) {
		c.doubt = doubt{since: now, signed: signed}
	}
	c.doubt.last = now
	if signed.After(c.doubt.signed) && now.Sub(signed).Abs() <= agreement {
		return true
	}
	return now.Sub(c.doubt.since) >= patience
}

// plausible is the part of a trusted time that may be noted; zero if nothing was ever signed, as in
// a build without a stamp and without a list.
func (c *Clock) plausible(now time.Time) time.Time {
	sure, attested := c.sure()
	switch {
	case attested:
		return now
	case sure.IsZero():
		return time.Time{}
	}
	return Plausible(sure, now)
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
		if c.Keep != nil {
			c.Keep()
		}
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
