package task

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Pulse is a part that must prove that it is alive.
type Pulse struct {
	Name  string
	Alive func() time.Time // when it last did something
	Limit time.Duration    // for how long it may do nothing
}

// Late returns an error that names the first part that has been silent for too long.
func Late(now time.Time, pulses []Pulse) error {
	for _, p := range pulses {
		if silent := now.Sub(p.Alive()); silent > p.Limit {
			return fmt.Errorf("%s has been silent for %v, at most %v is healthy", p.Name, silent.Round(time.Second), p.Limit)
		}
	}
	return nil
}

// Watchdog pulses systemd's watchdog (sd_watchdog_enabled(3)) at half its interval, but only while
// all parts are alive: systemd is to restart a daemon that runs and does nothing. Without
// WATCHDOG_USEC in the environment it does nothing.
func Watchdog(log *slog.Logger, now func() time.Time, pulses []Pulse) Task {
	return Func{Name: "watchdog", Do: func(ctx context.Context) error {
		interval, err := daemon.SdWatchdogEnabled(false)
		if err != nil {
			return fmt.Errorf("read the watchdog's interval: %w", err)
		}
		if interval == 0 {
			<-ctx.Done()
			return nil
		}
		ticker := time.NewTicker(interval / 2)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
			if late := Late(now(), pulses); late != nil {
				log.Error("no watchdog pulse", "error", late)
				continue
			}
			if err := NotifyAlive(); err != nil {
				log.Warn("watchdog pulse", "error", err)
			}
		}
	}}
}

// NotifyReady tells systemd that the daemon is up, with one line on what it does.
func NotifyReady(status string) error {
	_, err := daemon.SdNotify(false, daemon.SdNotifyReady+"\nSTATUS="+status)
	return err
}

// NotifyAlive sends one pulse to systemd's watchdog. A daemon needs it while it ends all its tasks
// and starts them again: no Watchdog pulses meanwhile, and the next one begins with a pause.
func NotifyAlive() error {
	_, err := daemon.SdNotify(false, daemon.SdNotifyWatchdog)
	return err
}

// NotifyStopping tells systemd that the daemon is about to end.
func NotifyStopping() error {
	_, err := daemon.SdNotify(false, daemon.SdNotifyStopping)
	return err
}
