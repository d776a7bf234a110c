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
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/provision"
	"ashyq-kiosk/kiosk/setup"
	"ashyq-kiosk/kiosk/task"
)

// cardCode is the file with an enrolment code on the card's boot partition.
const cardCode = "ashyq-enrol.txt"

// maxCodeFile is its largest size, bytes.
const maxCodeFile = 4 << 10

// errNotEnrolled is the fault of a door that waits for a code.
var errNotEnrolled = errors.New("the door is not enrolled")

// enrolReasons is what the door shows for each stage of an enrolment.
var enrolReasons = map[enrol.Progress]kiosk.Reason{
	enrol.Waiting: kiosk.NotEnrolled, enrol.Asking: kiosk.Enrolling, enrol.NoNetwork: kiosk.EnrolNetwork,
	enrol.WrongClock: kiosk.EnrolClock, enrol.Broken: kiosk.EnrolBroken, enrol.Used: kiosk.EnrolUsed,
	enrol.Expired: kiosk.EnrolExpired, enrol.Refused: kiosk.EnrolRefused,
	enrol.Foreign: kiosk.EnrolForeign, enrol.Joining: kiosk.EnrolJoining,
}

func newEnroller(cfg *config.Config, configFile string) *enrol.Enroller {
	return &enrol.Enroller{
		Dir: cfg.StateDir, Device: enrol.Device(),
		Dial: func(code enrol.Code) (enrol.Registry, error) {
			return client.New(client.Config{URL: code.URL, Authority: code.Trusts, Device: enrol.Device(), Version: runningVersion()})
		},
		Check:   func(settings []byte) error { return config.Check(configFile, onCard(), settings) },
		Accepts: accepts(cfg),
	}
}

// newEnrolment returns the task of a door that is not enrolled; nil for any other.
func newEnrolment(
	cfg *config.Config, configFile string, faults *kiosk.Faults, missing *setup.List, log *slog.Logger,
) *enrol.Task {
	if !cfg.Unenrolled {
		return nil
	}
	card, err := readCode(filepath.Join(cfg.CardDir, cardCode))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("cannot read the enrolment code on the card", "error", err)
	}
	last := kiosk.NoReason
	progress := func(p enrol.Progress, code enrol.Code, err error) {
		listEnrolment(missing, p, code, err)
		if err == nil {
			err = errNotEnrolled
		}
		reason := enrolReasons[p]
		faults.Report(reason, err)
		if last != reason && last != kiosk.NoReason {
			faults.Report(last, nil)
		}
		last = reason
	}
	return enrol.NewTask(newEnroller(cfg, configFile), card, progress, log)
}

// listEnrolment shows the enrolment's progress in the list of what is missing.
func listEnrolment(missing *setup.List, p enrol.Progress, code enrol.Code, err error) {
	switch p {
	case enrol.Joining, enrol.Asking, enrol.Foreign:
		missing.Refused("enrolment", errNotEnrolled, code.Host())
	case enrol.NoNetwork, enrol.WrongClock:
		missing.Note("enrolment", errNotEnrolled)
		missing.Note("registry", err)
	case enrol.Used, enrol.Expired, enrol.Refused:
		if !errors.Is(err, enrol.ErrForm) { // only a registry answers in this form
			missing.Note("registry", nil)
		}
		missing.Refused("enrolment", err, wordsOf(err))
	default:
		missing.Note("enrolment", errNotEnrolled)
	}
}

// wordsOf are the registry's words, or the door's about the registry's answer; empty if the screen
// has better ones.
func wordsOf(err error) string {
	if errors.Is(err, enrol.ErrForm) {
		return ""
	}
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

// present passes on what the camera reads. An enrolment code goes to the enrolment, and an enrolled
// door ignores it: it is not a pass.
func present(door *kiosk.Door, enrolling *enrol.Task) func(text []byte, taken time.Time) {
	return func(text []byte, taken time.Time) {
		if !bytes.HasPrefix(text, []byte(enrol.Prefix)) {
			door.Present(kiosk.Sighting{Text: text, Taken: taken})
		} else if enrolling != nil {
			enrolling.Present(text)
		}
	}
}

// openIdentity opens the door's identity; nil if there is no identity. A door whose card has lost
// it still follows the registry, and logs that.
func openIdentity(cfg *config.Config, log *slog.Logger) *enrol.Identity {
	if cfg.Registry.Identity == "" {
		return nil
	}
	identity, err := enrol.Open(cfg.Registry.Identity, cfg.Registry.CAFile)
	if err != nil {
		log.Error("the door cannot identify itself to the registry: it decides by the list alone and sends no counts", "error", err)
		return nil
	}
	return identity
}

// enrolTasks enrol a door that is not enrolled, and renew the certificate of one that is.
func enrolTasks(
	cfg *config.Config, enrolling *enrol.Task, identity *enrol.Identity, remote *client.Client,
	faults *kiosk.Faults, log *slog.Logger,
) []task.Task {
	switch {
	case enrolling != nil:
		return []task.Task{enrolling}
	case identity != nil:
		renewer := enrol.NewRenewer(identity, remote, time.Now, log)
		renewer.Waits = faults.Of(kiosk.Unapproved)
		return []task.Task{task.Func{Name: renewer.String(), Do: func(ctx context.Context) error { return renew(ctx, cfg, renewer, log) }}}
	}
	return nil
}

// renew ends when the registry revokes the door, which then removes its enrolment. It does not
// remove what an administrator configured by hand.
func renew(ctx context.Context, cfg *config.Config, renewer *enrol.Renewer, log *slog.Logger) error {
	err := renewer.Run(ctx)
	if !errors.Is(err, enrol.ErrRevoked) {
		return err
	}
	log.Error("the registry revoked this door", "hint", "to use the door again, enrol it with a new code")
	if !enrol.Enrolled(cfg.StateDir) {
		<-ctx.Done()
		return nil
	}
	if forget := errors.Join(enrol.Forget(cfg.StateDir), doorkeys.Forget(cfg.StateDir)); forget != nil {
		return forget
	}
	return err
}

// runningVersion is the version of the card image, or on any other system of this program.
func runningVersion() string {
	data, err := os.ReadFile(imageVersion)
	if image := strings.TrimSpace(string(data)); err == nil && image != "" {
		return image
	}
	return version
}

// checkEnrolment is one of the doctor's checks.
func checkEnrolment(ctx context.Context, cfg *config.Config) (string, error) {
	switch {
	case cfg.Unenrolled:
		return "", fmt.Errorf("%w\nhint: put the code on the card as %s, hold it to the camera, or run ashyq-kiosk enrol",
			errNotEnrolled, filepath.Join(cfg.CardDir, cardCode))
	case cfg.Registry.Identity == "":
		return "not enrolled, and the configuration needs no enrolment", nil
	}
	identity, err := enrol.Open(cfg.Registry.Identity, cfg.Registry.CAFile)
	if err != nil {
		return "", err
	}
	until := identity.Certificate().NotAfter
	if left := time.Until(until); left < 0 {
		return "", fmt.Errorf("the door's certificate expired on %s\n"+
			"hint: the administrator has to approve a new one on the registry's page /doors, where the door asks for it as soon as it "+
			"has a network; after %d days, run ashyq-kiosk enrol --again",
			until.UTC().Format(time.DateOnly), int(api.RenewGrace.Hours()/24))
	}
	remote, err := registryClient(cfg, identity)
	if err != nil {
		return "", err
	}
	defer remote.Close()
	_, _, err = remote.Update(ctx)
	if refusal, ok := errors.AsType[*api.Refusal](err); ok && refusal.IsFinal() {
		return "", withHint(err) // revoked or copied: the registry says which
	}
	return fmt.Sprintf("%q at the registry %s, certificate until %s", cfg.Door.Name, cfg.Registry.URL, until.UTC().Format(time.DateOnly)), nil
}

// checkNetwork is one of the doctor's checks.
func checkNetwork(ctx context.Context, cfg *config.Config) (string, error) {
	cable, err := provision.Switch(ctx)
	if err != nil {
		return "", err
	}
	if cable != "" {
		cable = "; " + cable
	}
	err = setup.Route(cfg.Registry.URL)
	switch {
	case err == nil && setup.ProxyFor(cfg.Registry.URL) != nil:
		return "there is a way to the proxy " + setup.ProxyFor(cfg.Registry.URL).Redacted() + cable, nil
	case err == nil && cfg.Registry.URL == "":
		return "there is a network" + cable, nil
	case err == nil:
		return "there is a route to the registry" + cable, nil
	case cfg.Registry.URL == "" && !cfg.Unenrolled:
		return "no network, and the configuration needs no network", nil
	}
	if silentRadio("/sys") {
		return "", fmt.Errorf("%w; the board has a Wi-Fi chip and no firmware for it\n"+
			"hint: use a cable, or a card built with FIRMWARE=DIR (docs/boards.md)", err)
	}
	return "", fmt.Errorf("%w%s\nhint: check the door's cable or Wi-Fi and its gateway (ip route)", err, cable)
}
