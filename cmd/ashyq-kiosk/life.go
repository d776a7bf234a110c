package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"

	"ashyq-kiosk/kiosk/api"
)

// lifeFile says how the daemon's life ended: in the state directory "running VERSION" or "stopped
// VERSION", and in the runtime directory, which a start of the machine empties, "running" while it
// runs. It is written only when it changes, so that a daemon that crashes again and again does not
// wear out the card.
const lifeFile = "life"

// life is one life of the daemon.
type life struct {
	state, runtime string // directories; without systemd there is no second one
	version        string
	sys            string // /sys, or a test's
}

// begin notes that the daemon runs, and says how its last life ended.
func (l life) begin() (api.Restart, error) {
	last, err := os.ReadFile(filepath.Join(l.state, lifeFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	stopped, wasStopped := strings.CutPrefix(string(last), "stopped ")
	var cause api.Restart
	switch {
	case wasStopped && stopped == l.version:
		cause = api.Ordered
	case wasStopped:
		cause = api.Updated
	case len(last) == 0 || l.runtime == "": // the first life, or nobody knows whether the machine has started since
	case exists(filepath.Join(l.runtime, lifeFile)):
		cause = api.Crash
	case watchdogReset(l.sys):
		cause = api.Watchdog
	default:
		cause = api.PowerCut
	}
	if l.runtime != "" {
		if err := os.WriteFile(filepath.Join(l.runtime, lifeFile), []byte("running"), 0o600); err != nil {
			return cause, err
		}
	}
	return cause, l.note(string(last), "running ")
}

// end notes that the daemon stopped in order.
func (l life) end() error {
	if err := l.note("", "stopped "); err != nil || l.runtime == "" {
		return err
	}
	return os.Remove(filepath.Join(l.runtime, lifeFile))
}

func (l life) note(last, how string) error {
	if last == how+l.version {
		return nil
	}
	return renameio.WriteFile(filepath.Join(l.state, lifeFile), []byte(how+l.version), 0o600)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// cardReset is WDIOF_CARDRESET of linux/watchdog.h: the watchdog has reset the machine. A Pi's
// driver, bcm2835_wdt, does not tell.
const cardReset = 0x20

func watchdogReset(sys string) bool {
	files, _ := filepath.Glob(filepath.Join(sys, "class/watchdog/*/bootstatus")) // a constant pattern
	for _, file := range files {
		data, _ := os.ReadFile(file)
		if status, err := strconv.ParseUint(strings.TrimSpace(string(data)), 0, 32); err == nil && status&cardReset != 0 {
			return true
		}
	}
	return false
}
