package main

import (
	"path/filepath"

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
	Boot  string `help:"Boot partition of the card." default:"/boot/firmware" type:"path" placeholder:"DIR"`
	State string `help:"State partition of the card." default:"/state" type:"path" placeholder:"DIR"`
	Root  string `help:"System to set up." default:"/" type:"path" placeholder:"DIR"`
}

// Help is shown by --help.
func (cardApplyCmd) Help() string {
	return "Reads hostname, authorized_keys, user-data, network-config, ashyq-kiosk.toml and factory-reset, as Raspberry Pi " +
		"Imager or an administrator wrote them. What is invalid is reported and left out; the exit code is still 0, " +
		"because a door has to start."
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
