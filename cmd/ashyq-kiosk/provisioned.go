package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/enrol"
)

// imageRegistry and cardRegistry are the certificate of the one registry that a door may join, the
// registry's ca.pem: in an image or beside a package, and on the boot partition. The first one
// counts, because any computer can write the second one.
const (
	imageRegistry = "/etc/ashyq-kiosk/registry.pem"
	cardRegistry  = "ashyq-registry.pem"
)

// accepts refuses codes of other registries, where the door was made for one. A file that cannot be
// read refuses every code.
func accepts(cfg *config.Config) func(enrol.Code) error {
	return func(code enrol.Code) error {
		for _, path := range []string{imageRegistry, filepath.Join(cfg.CardDir, cardRegistry)} {
			text, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = code.IsOf(text)
			}
			if err != nil {
				return fmt.Errorf("%w\nhint: this door is for the registry whose certificate is %q: make the code there, or replace that file by "+
					"the ca.pem of the registry that the door is to join", err, path)
			}
			return nil
		}
		return nil
	}
}
