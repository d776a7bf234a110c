package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/chrony"
	"ashyq-kiosk/kiosk/uptime"
)

// signedWord is where ashyq-clock.service says that the time is signed. systemd makes the folder.
const signedWord = "/run/ashyq-clock/signed"

type clockCmd struct {
	Socket string `help:"chronyd's command socket. (${default})" default:"/run/chrony/chronyd.sock" type:"path" placeholder:"SOCKET"`
	To     string `help:"File for the daemon. (${default})" default:"${signed}" type:"path" placeholder:"FILE"`
}

// Help is shown by --help.
func (clockCmd) Help() string {
	return "Asks chronyd whether this machine has its time from servers that sign it (NTS). If so, it leaves the " +
		"time in a file that the daemon believes for some minutes, and otherwise removes that file. " +
		"ashyq-clock.timer runs it each minute, as chronyd's user: nobody else but root may ask chronyd."
}

func (c clockCmd) Run(e *env) error {
	word, err := chrony.Chronyd{Socket: c.Socket, Now: time.Now}.Ask(e.ctx)
	if err != nil {
		err = errors.Join(err, chrony.Withdraw(c.To))
		if errors.Is(err, chrony.ErrUnsigned) {
			fmt.Fprintln(e.out, err) // the state of a network, and no failure of this program
			return nil
		}
		return err
	}
	if err := word.Write(c.To); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "the time is signed by %s\n", word.Source)
	return nil
}

// attested asks for the signed time in the file at path, and tells the cache.
func attested(
	path string, store *cache.Cache, running func() uptime.Reading, log *slog.Logger,
) func() (time.Time, bool) {
	var said string // the last problem, so that the log has it once
	return func() (time.Time, bool) {
		now := running()
		word, err := chrony.Read(path, now)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, chrony.ErrUnsigned) && err.Error() != said {
				log.Warn("the door takes no signed time", "error", err)
				said = err.Error()
			}
			return time.Time{}, false
		}
		said = ""
		t := word.At(now)
		store.Attest(t)
		return t, true
	}
}
