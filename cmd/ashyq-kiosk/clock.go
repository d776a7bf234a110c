package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/task"
)

// newClock checks the machine's clock against the times that the door remembers.
func newClock(cfg *config.Config, store *cache.Cache, change func(error), log *slog.Logger) *task.Clock {
	last := lastTime{path: filepath.Join(cfg.StateDir, "clock")}
	warn := func(doing string, err error) {
		if err != nil {
			log.Warn(doing, "error", err)
		}
	}
	clock := &task.Clock{
		Now: time.Now, Signed: signedTime(store), NotBefore: store.NotBefore, Change: change,
		Attested: attested(signedWord, store, store.Running, log),
		Keep:     func() { warn("keep the time", store.KeepTime()) },
		Seen: func() time.Time {
			seen, err := store.SeenTime()
			warn("ask for the last time", err)
			return seen
		},
		Note: func(t time.Time) { warn("note the time", errors.Join(store.NoteTime(t), last.note(t))) },
		Forget: func(t time.Time) {
			log.Warn("this door has seen a wrong time and forgets it", "now", t.UTC().Format(time.RFC3339))
			warn("forget a wrong time", errors.Join(store.ForgetTime(t), last.put(t)))
		},
	}
	if !cfg.Clock.Always {
		clock.Synced = task.KernelSynced
	}
	return clock
}

// ageOf is how old the list is, even if the clock was set back.
func ageOf(store *cache.Cache, state cache.State) time.Duration {
	return max(time.Since(state.AsOf), store.NotBefore().Sub(state.AsOf)).Round(time.Second)
}

// signedTime is the newer time of build and manifest: a correct clock is never before it.
func signedTime(store *cache.Cache) func() time.Time {
	builtAt, _ := time.Parse(time.RFC3339, built) // a build without the stamp says nothing about the time
	return func() time.Time {
		if state, err := store.State(); err == nil && state.AsOf.After(builtAt) {
			return state.AsOf
		}
		return builtAt
	}
}

// lastTime is a file whose modification time is the last trusted time. At the start, before
// anything else, the card sets a clock without a battery to it.
type lastTime struct {
	path    string
	written time.Time
}

// lastTimeEvery limits the writes to the card.
const lastTimeEvery = 15 * time.Minute

func (l *lastTime) note(t time.Time) error {
	if t.Sub(l.written) < lastTimeEvery {
		return nil
	}
	return l.put(t)
}

func (l *lastTime) put(t time.Time) error {
	l.written = t // tried again when the next one is due
	err := os.Chtimes(l.path, t, t)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.WriteFile(l.path, nil, 0o600); err == nil {
			err = os.Chtimes(l.path, t, t)
		}
	}
	if err != nil {
		return fmt.Errorf("keep the time in %q: %w", l.path, err)
	}
	return nil
}
