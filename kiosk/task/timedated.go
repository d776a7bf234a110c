package task

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	// timedatedEvery is how long an answer holds: the door checks its clock each second, and each
	// question over D-Bus wakes two daemons.
	timedatedEvery   = 5 * time.Second
	timedatedTimeout = 2 * time.Second
	// timedatedGrace is how long a good answer holds when no new one comes: the board is busy, or
	// dbus is being upgraded.
	timedatedGrace = time.Minute

	// maxSlew is more than a time daemon moves the clock without setting it: 500 ppm of
	// timedatedEvery is 2.5 ms.
	maxSlew = 100 * time.Millisecond
)

// timedated asks systemd-timedated (org.freedesktop.timedate1(5)), which starts on the first
// question.
type timedated struct {
	mu    sync.Mutex // guards what follows
	conn  *dbus.Conn // nil: not connected
	asked time.Time
	good  time.Time // when it last said that the clock is synchronised
	last  error
}

var timeDaemon timedated

// synced says whether NTPSynchronized is true. An answer holds for timedatedEvery, unless the clock
// was set since.
func (d *timedated) synced() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	set := !d.asked.IsZero() && stepped(d.asked, now)
	if !d.asked.IsZero() && now.Sub(d.asked) < timedatedEvery && !set {
		return d.last
	}
	err := d.ask()
	d.asked = now
	switch {
	case err == nil:
		d.good = now
	case d.last == nil && !errors.Is(err, ErrUnsynced) && !set && now.Sub(d.good) < timedatedGrace:
		return nil // a missing answer is not a bad one yet
	}
	d.last = err
	return err
}

// stepped says whether the clock was set between two readings: it differs from the monotonic clock.
func stepped(from, to time.Time) bool {
	wall, monotonic := to.Round(0).Sub(from.Round(0)), to.Sub(from)
	return (wall - monotonic).Abs() > maxSlew
}

func (d *timedated) ask() error {
	const hint = "\nhint: the door needs dbus and systemd-timedated; see: systemctl status dbus systemd-timedated"
	if d.conn == nil {
		conn, err := dbus.ConnectSystemBus()
		if err != nil {
			return fmt.Errorf("ask systemd-timedated about the clock: %w"+hint, err)
		}
		d.conn = conn
	}
	ctx, cancel := context.WithTimeout(context.Background(), timedatedTimeout)
	defer cancel()
	var synced bool
	err := d.conn.Object("org.freedesktop.timedate1", "/org/freedesktop/timedate1").
		CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, "org.freedesktop.timedate1",
			"NTPSynchronized").Store(&synced)
	if err != nil {
		d.conn.Close()
		d.conn = nil
		return fmt.Errorf("ask systemd-timedated about the clock: %w"+hint, err)
	}
	if !synced {
		return ErrUnsynced
	}
	return nil
}
