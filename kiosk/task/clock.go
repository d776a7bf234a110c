package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Clock watches whether the time can be trusted. A Pi has no battery clock: after a power cut it wakes up in the past.
// The time is trusted when the kernel says that it is synchronised, and never before Floor.
type Clock struct {
	Synced func() error     // nil when the system's clock is disciplined; KernelSynced, or nil to always trust it
	Floor  func() time.Time // the newest of build, last manifest, last time seen
	Now    func() time.Time
	Change func(err error) // called with each change: nil when trusted; first call right at the start
	Note   func(time.Time) // called each second with a trusted time
}

// tolerance is how far before Floor the clock may be: registries and doors are synchronised to within seconds.
const tolerance = 2 * time.Minute

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

// Check says why the clock cannot be trusted now, nil when it can.
func (c *Clock) Check() error {
	if now, floor := c.Now(), c.Floor(); now.Before(floor.Add(-tolerance)) {
		return fmt.Errorf("the clock says %s, which is before %s, a time already seen",
			now.UTC().Format(time.RFC3339), floor.UTC().Format(time.RFC3339))
	}
	if c.Synced == nil {
		return nil
	}
	return c.Synced()
}

// String names the task.
func (c *Clock) String() string { return "clock" }

// Ready is closed from the start: waiting for the time is a state of the door, not of its start.
func (c *Clock) Ready() <-chan struct{} { return closed }

// Run checks the clock each second until ctx ends.
func (c *Clock) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	last := c.Check()
	c.Change(last)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := c.Check()
		if (err == nil) != (last == nil) {
			c.Change(err)
		}
		if last = err; err == nil {
			c.Note(c.Now())
		}
	}
}
