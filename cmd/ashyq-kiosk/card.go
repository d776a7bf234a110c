package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"ashyq-kiosk/kiosk/config"
)

const (
	// imageVersion is what a card's initrd writes, so it tells a card from other machines.
	imageVersion = "/etc/ashyq-image/version"
	// bootConfig is where an administrator corrects a card's configuration.
	bootConfig = "/boot/firmware/ashyq-kiosk.toml"
)

// onCard returns what the card's image decides about the administrator's file; nil on other
// machines. A file that cannot be looked for counts as there: a card must not lose its limits by
// accident.
func onCard() *config.Card {
	if _, err := os.Stat(imageVersion); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return cardOf("/")
}

// cardOf is the card whose system is at root.
func cardOf(root string) *config.Card {
	card := &config.Card{}
	if _, err := os.Stat(filepath.Join(root, imageRegistry)); !errors.Is(err, fs.ErrNotExist) {
		card.Registry = imageRegistry
	}
	return card
}

func loadConfig(path string) (*config.Config, error) { return config.Load(path, onCard()) }

// logRefused names what the file on the boot partition may not set.
func logRefused(refused []string, file string, log *slog.Logger) {
	for _, what := range refused {
		log.Error("the file on the boot partition sets what it may not: "+what, "file", file,
			"hint", "remove the line from "+file+" and restart the door; docs/configuration.md says which keys it may set")
	}
}
