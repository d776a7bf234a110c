package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/enrol"
)

type enrolCmd struct {
	Code  string `arg:"" optional:"" help:"The code (AE1:...), a file with it, or - for standard input. Default: ashyq-enrol.txt on the card's boot partition." placeholder:"FILE|CODE"`
	Again bool   `help:"Enrol a door again. It keeps its enrolment until the registry has answered."`
}

// Help is shown by --help.
func (enrolCmd) Help() string {
	return "This machine makes the key, and the key stays here. A daemon that waits for its enrolment uses the new " +
		"one within seconds; a daemon " +
		"of an enrolled door has to be restarted. An attempt may be repeated with the same code. Exit codes: 0 the door " +
		"is enrolled; " +
		"1 it failed this time, try again; 2 wrong use, or not an enrolment code; 3 the code is refused, by the registry " +
		"or because the door is for another one."
}

// Exit codes of enrol beyond 0 and 1.
const (
	exitUsage   = 2
	exitRefused = 3
)

// coded is an error with its own exit code.
type coded struct {
	error
	code int
}

// ExitCode is read by mainCode.
func (c coded) ExitCode() int { return c.code }

// Unwrap is the cause.
func (c coded) Unwrap() error { return c.error }

// Run makes one attempt.
func (c enrolCmd) Run(e *env) error {
	cfg, err := loadConfig(e.config)
	if err != nil {
		return err
	}
	enrolled := enrol.Enrolled(cfg.StateDir)
	if enrolled && !c.Again {
		return coded{fmt.Errorf("this door is enrolled already, as %q\nhint: --again enrols it again",
			cfg.Door.Name), exitUsage}
	}
	text, from, err := c.read(cfg)
	if err != nil {
		return err
	}
	code, err := enrol.Parse(text)
	if err != nil {
		return coded{fmt.Errorf("%s: %w\nhint: copy all of the code: it begins with %s and is one line", from, err,
			enrol.Prefix), exitUsage}
	}
	if !enrolled && !cfg.Unenrolled {
		fmt.Fprintf(e.out, "note: %s names a venue or a registry; once the door is enrolled, the enrolment counts\n", e.config)
	}
	return c.enrol(e.ctx, e, cfg, code, from)
}

// read returns the code's text and where it is from, for people.
func (c enrolCmd) read(cfg *config.Config) (text, from string, err error) {
	switch {
	case strings.HasPrefix(c.Code, enrol.Prefix):
		return c.Code, "the command line", nil
	case c.Code == "-":
		data, err := io.ReadAll(io.LimitReader(os.Stdin, maxCodeFile))
		return string(data), "standard input", err
	case c.Code != "":
		if text, err = readCode(c.Code); errors.Is(err, os.ErrNotExist) {
			err = coded{fmt.Errorf("read the code: %w\nhint: a code begins with %s; all else is the name of a file with it",
				err, enrol.Prefix), exitUsage}
		}
		return text, c.Code, err
	}
	path := filepath.Join(cfg.CardDir, cardCode)
	text, err = readCode(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", "", coded{fmt.Errorf("no code: %w\nhint: give the code, or a file with it, as an argument",
			err), exitUsage}
	}
	return text, path, err
}

func (c enrolCmd) enrol(ctx context.Context, e *env, cfg *config.Config, code enrol.Code, from string) error {
	enroller := newEnroller(cfg, e.config)
	fmt.Fprintf(e.out, "code: from %s, for the registry %s\n", from, code.URL)
	if enroller.Pending() == code.String() {
		fmt.Fprintln(e.out, "key: from the earlier attempt with this code")
	} else {
		fmt.Fprintln(e.out, "key: made on this machine")
	}
	if code.SSID != "" {
		fmt.Fprintf(e.out, "Wi-Fi: %q, passed on to the system\n", code.SSID)
	}
	fmt.Fprintln(e.out, "asking the registry")
	if err := enroller.Enrol(ctx, code); err != nil {
		return enrolFailed(err)
	}
	done, err := loadConfig(e.config)
	if err != nil {
		return err
	}
	identity, err := enrol.Open(done.Registry.Identity, done.Registry.CAFile)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "enrolled: %q, the %s of a %s in a %s zone, certificate until %s\n",
		done.Door.Name, done.Door.Way, done.Door.Venue, done.Door.Zone,
		identity.Certificate().NotAfter.UTC().Format(time.DateOnly))
	if c.Again {
		fmt.Fprintln(e.out, "restart the daemon, if it is running: systemctl restart ashyq-kiosk")
	}
	if from == filepath.Join(cfg.CardDir, cardCode) {
		fmt.Fprintf(e.out, "%s is not needed any more and may be removed\n", from)
	}
	return nil
}

// enrolFailed adds what to do and the exit code.
func enrolFailed(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w\nhint: run it as root, or as the daemon's user", err)
	}
	if errors.Is(err, enrol.ErrForeign) {
		return coded{err, exitRefused}
	}
	refusal, ok := errors.AsType[*api.Refusal](err)
	if !ok || !refusal.IsFinal() {
		return withHint(err)
	}
	switch refusal.Said.Code {
	case api.CodeUsed:
		err = fmt.Errorf("%w\nhint: another device has used this code; get a new one from the registry's page", err)
	case api.CodeExpired:
		err = fmt.Errorf("%w\nhint: get a new code from the registry's page", err)
	default:
		err = withHint(err)
	}
	return coded{err, exitRefused}
}
