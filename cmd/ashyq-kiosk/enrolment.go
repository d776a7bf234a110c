package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/task"
)

// cardCode is the file on the card's boot partition with an enrolment code.
const cardCode = "ashyq-enrol.txt"

// maxCodeFile bounds it, bytes.
const maxCodeFile = 4 << 10

// errNotEnrolled is the fault of a door that waits for a code.
var errNotEnrolled = errors.New("the door is not enrolled")

// enrolReasons is what the door shows of an enrolment.
var enrolReasons = map[enrol.Progress]kiosk.Reason{
	enrol.Waiting: kiosk.NotEnrolled, enrol.Asking: kiosk.Enrolling, enrol.NoNetwork: kiosk.EnrolNetwork,
	enrol.WrongClock: kiosk.EnrolClock, enrol.Broken: kiosk.EnrolBroken, enrol.Used: kiosk.EnrolUsed,
	enrol.Expired: kiosk.EnrolExpired, enrol.Refused: kiosk.EnrolRefused,
}

func newEnroller(cfg *config.Config, configFile string) *enrol.Enroller {
	return &enrol.Enroller{
		Dir: cfg.StateDir, Device: enrol.Device(),
		Dial: func(code enrol.Code) (enrol.Registry, error) {
			return client.New(client.Config{URL: code.URL, Authority: code.Trusts, Device: enrol.Device(), Version: runningVersion()})
		},
		Check: func(settings []byte) error { return config.Check(configFile, settings) },
	}
}

// enrolment is the task of a door that is not enrolled; nil for any other.
func enrolment(cfg *config.Config, configFile string, fault func(kiosk.Reason, error), setup *setup, log *slog.Logger) *enrol.Task {
	if !cfg.Unenrolled {
		return nil
	}
	card, err := readCode(filepath.Join(cfg.CardDir, cardCode))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("read the enrolment code on the card", "error", err)
	}
	last := kiosk.NoReason
	progress := func(p enrol.Progress, err error) {
		showEnrolment(setup, p, err)
		if err == nil {
			err = errNotEnrolled
		}
		reason := enrolReasons[p]
		fault(reason, err)
		if last != reason && last != kiosk.NoReason {
			fault(last, nil)
		}
		last = reason
	}
	return enrol.NewTask(newEnroller(cfg, configFile), card, progress, log)
}

// showEnrolment says on the screen what the registry has said.
func showEnrolment(setup *setup, p enrol.Progress, err error) {
	switch p {
	case enrol.NoNetwork, enrol.WrongClock:
		setup.note("registry", err)
	case enrol.Used, enrol.Expired, enrol.Refused:
		setup.says("enrolment", err, wordsOf(setup, err))
	default:
		setup.note("enrolment", errNotEnrolled)
	}
}

// wordsOf are the registry's, or the door's about the registry's answer.
func wordsOf(setup *setup, err error) string {
	if errors.Is(err, enrol.ErrForm) {
		return "" // the screen's own words say it better
	}
	setup.note("registry", nil)
	if refusal, ok := errors.AsType[*api.Refusal](err); ok {
		return refusal.Said.Error
	}
	return err.Error()
}

// readCode reads a file with a code.
func readCode(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCodeFile))
	return string(text), err
}

// present is what happens to what the camera reads. An enrolment code is for a door that is not enrolled; before any other
// it is nobody's pass, and nothing is said about it.
func present(door *kiosk.Door, enrolling *enrol.Task) func(text []byte, taken time.Time) {
	return func(text []byte, taken time.Time) {
		if !bytes.HasPrefix(text, []byte(enrol.Prefix)) {
			door.Present(kiosk.Sighting{Text: text, Taken: taken})
		} else if enrolling != nil {
			enrolling.Present(text)
		}
	}
}

// openIdentity opens what the door shows the registry; nil where it has nothing. A door whose card has lost it goes on with
// what the registry tells everybody, and says so.
func openIdentity(cfg *config.Config, log *slog.Logger) *enrol.Identity {
	if cfg.Registry.Identity == "" {
		return nil
	}
	identity, err := enrol.Open(cfg.Registry.Identity, cfg.Registry.CAFile)
	if err != nil {
		log.Error("the door cannot show the registry who it is; it decides by the list alone, and its counts are not sent", "error", err)
		return nil
	}
	return identity
}

// renewing keeps the identity good. Where the registry has withdrawn it, the door forgets what the enrolment gave it; what
// an administrator has configured by hand is not the door's to remove.
func renewing(cfg *config.Config, renewer *enrol.Renewer, log *slog.Logger) task.Task {
	return task.Func{Name: renewer.String(), Do: func(ctx context.Context) error {
		err := renewer.Run(ctx)
		if !errors.Is(err, enrol.ErrRevoked) {
			return err
		}
		log.Error("the registry has withdrawn this door", "hint", "where it is still wanted, enrol it again with a new code")
		if !enrol.Enrolled(cfg.StateDir) {
			<-ctx.Done()
			return nil
		}
		if forget := enrol.Forget(cfg.StateDir); forget != nil {
			return forget
		}
		return err
	}}
}

// startsAgain reports whether run has ended to begin again with other settings.
func startsAgain(err error) bool {
	return errors.Is(err, enrol.ErrEnrolled) || errors.Is(err, enrol.ErrRevoked)
}

// runningVersion is the card image's, or on any other system this program's.
func runningVersion() string {
	data, err := os.ReadFile("/etc/ashyq-image/version")
	if image := strings.TrimSpace(string(data)); err == nil && image != "" {
		return image
	}
	return version
}

// checkEnrolment is the doctor's.
func checkEnrolment(ctx context.Context, cfg *config.Config) (string, error) {
	switch {
	case cfg.Unenrolled:
		return "", fmt.Errorf("%w\nhint: put the code on the card as %s, hold it to the camera, or run ashyq-kiosk enrol",
			errNotEnrolled, filepath.Join(cfg.CardDir, cardCode))
	case cfg.Registry.Identity == "" && cfg.Registry.Token != "":
		return "none: a token is in the configuration", nil
	case cfg.Registry.Identity == "":
		return "none, and the configuration asks for none", nil
	}
	identity, err := enrol.Open(cfg.Registry.Identity, cfg.Registry.CAFile)
	if err != nil {
		return "", err
	}
	until := identity.Certificate().NotAfter
	if left := time.Until(until); left < 0 {
		return "", fmt.Errorf("the door's certificate ended on %s\nhint: with a network it renews itself for %d days; after that, enrol it again: ashyq-kiosk enrol --again",
			until.UTC().Format(time.DateOnly), int(api.RenewGrace.Hours()/24))
	}
	remote, err := registryClient(cfg, identity, nil)
	if err != nil {
		return "", err
	}
	defer remote.Close()
	_, _, err = remote.Update(ctx)
	if refusal, ok := errors.AsType[*api.Refusal](err); ok && refusal.IsFinal() {
		return "", withHint(err) // revoked, or copied: the registry's words and hint say which
	}
	return fmt.Sprintf("%q, certificate until %s", cfg.Door.Name, until.UTC().Format(time.DateOnly)), nil
}

// checkNetwork is the doctor's.
func checkNetwork(cfg *config.Config) (string, error) {
	err := route(cfg.Registry.URL)
	switch {
	case err == nil && proxyFor(cfg.Registry.URL) != nil:
		return "there is a way to the proxy " + proxyFor(cfg.Registry.URL).Redacted(), nil
	case err == nil:
		return "there is a way out", nil
	case cfg.Registry.URL == "" && !cfg.Unenrolled:
		return "none, and the configuration needs none", nil
	}
	if silentRadio("/sys") {
		return "", fmt.Errorf("%w; the board has a Wi-Fi chip and no firmware for it\nhint: use a cable, or a card built with FIRMWARE=DIR (docs/boards.md)", err)
	}
	return "", fmt.Errorf("%w\nhint: check the door's cable or Wi-Fi and its gateway (ip route)", err)
}
