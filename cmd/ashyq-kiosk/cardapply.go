package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/provision"
	"ashyq-kiosk/kiosk/update"
)

type cardCmd struct {
	Apply cardApplyCmd `cmd:"" help:"Set the system up from the files on the boot partition. Runs as root at each boot, before network and daemon."`
	Stick cardStickCmd `cmd:"" help:"Say which bundle is on a stick. Needs no rights."`
	Admit cardAdmitCmd `cmd:"" help:"Say whether a bundle may be installed. RAUC asks before it writes."`
}

type cardApplyCmd struct {
	Boot  string `help:"Boot partition of the card. (${default})" default:"/boot/firmware" type:"path" placeholder:"DIR"`
	State string `help:"State partition of the card. (${default})" default:"/state" type:"path" placeholder:"DIR"`
	Root  string `help:"System to set up. (${default})" default:"/" type:"path" placeholder:"DIR"`
}

// Help is shown by --help.
func (cardApplyCmd) Help() string {
	return "Reads hostname, authorized_keys, user-data, network-config, 8021x/, proxy, ashyq-kiosk.toml and " +
		"factory-reset, as Raspberry Pi Imager or an administrator wrote them. What is invalid is reported and " +
		"left out; the exit code is still 0, because a door has to start."
}

func (c cardApplyCmd) Run(e *env) error {
	provision.Apply(provision.Options{
		Boot: c.Boot, State: c.State, Root: c.Root, Keep: []string{update.LowestFile}, Log: e.log,
		CheckConfig: func(data []byte) error {
			refused, err := config.CheckCard(cardOf(c.Root), data)
			logRefused(refused, filepath.Join(c.Boot, "ashyq-kiosk.toml"), e.log)
			return err
		},
	})
	return nil
}

// checkCard is the doctor's line about the administrator's files. The file at version is there on a
// card with our image only.
func checkCard(cfg *config.Config, version string) (string, error) {
	if _, err := os.Stat(version); err != nil {
		return "not a card with the image: its files are not read", nil
	}
	err := provision.Check(provision.Options{Boot: cfg.CardDir, State: "/state"})
	if err == nil {
		return "the files in " + cfg.CardDir + " are valid", nil
	}
	text, hint, hasHint := strings.Cut(err.Error(), "\nhint: ")
	if !hasHint {
		hint = "correct the file and restart the door"
	}
	hint, _, _ = strings.Cut(hint, "\n") // the other mistakes' turn comes
	return "", fmt.Errorf("%s\nhint: %s; journalctl -u ashyq-card", text, hint)
}
