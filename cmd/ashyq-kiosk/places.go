package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/places"
	"ashyq-kiosk/kiosk/uptime"
)

// placesFile is in the runtime directory the ledger of the door's places, as JSON, and in the state
// directory whether the venue has a capacity: "limited" or "unlimited". The first is written for
// each person, in memory; the second when it changes.
const placesFile = "places"

// newPlaces returns nil where no registry knows this door: nobody limits the number of people
// there.
func newPlaces(cfg *config.Config, remote *client.Client, runtime string, log *slog.Logger) *places.Keeper {
	if remote == nil || !isKnown(cfg) {
		return nil
	}
	memory := placesMemory{runtime, cfg.StateDir}
	return places.New(places.Options{
		Registry: remote, Memory: memory, Ledger: memory.load(log), Limited: memory.limited(), Deadline: cfg.Registry.Deadline,
		Running: func() time.Duration { return uptime.Now().For }, Log: log,
	})
}

// placesMemory keeps the ledger over a restart of the daemon, and not over a power cut: the
// registry then counts the places of the old one as taken.
type placesMemory struct{ runtime, state string }

// load begins a ledger where no earlier one can be read.
func (m placesMemory) load(log *slog.Logger) places.Ledger {
	data, err := os.ReadFile(filepath.Join(m.runtime, placesFile))
	var l places.Ledger
	if err == nil {
		err = json.Unmarshal(data, &l)
	}
	if err == nil && l.Number != "" && l.In <= l.Limit {
		return l
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("the door begins without places", "error", err)
	}
	return places.NewLedger()
}

// Save implements places.Memory.
func (m placesMemory) Save(l places.Ledger) error {
	if m.runtime == "" {
		return nil
	}
	path := filepath.Join(m.runtime, placesFile)
	data, err := json.Marshal(l)
	if err == nil {
		err = os.WriteFile(path+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		return nil
	}
	// Without a ledger a restart begins another one, and no place is given twice.
	if remove := os.Remove(path); remove != nil && !errors.Is(remove, fs.ErrNotExist) {
		return errors.Join(err, remove)
	}
	return nil
}

// SaveLimited implements places.Memory.
func (m placesMemory) SaveLimited(is bool) error {
	text := "unlimited"
	if is {
		text = "limited"
	}
	return renameio.WriteFile(filepath.Join(m.state, placesFile), []byte(text), 0o600)
}

// limited is also true for a door that has not heard yet.
func (m placesMemory) limited() bool {
	text, err := os.ReadFile(filepath.Join(m.state, placesFile))
	return err != nil || string(text) != "unlimited"
}
