package update

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// State is update.json. A key that one of two neighbouring versions does not know has to be without harm to it, as either may
// be the one that runs next.
type State struct {
	Trial    *Trial  `json:"trial,omitempty"`    // nil: nothing is being tried
	Versions []Tried `json:"versions,omitempty"` // the newest last
}

// Trial is a version on its way into service.
type Trial struct {
	Version   string `json:"version"`
	From      string `json:"from"`              // boot name of the slot that was running while it was installed
	Boot      string `json:"boot"`              // the kernel's ID of that start
	Installed bool   `json:"installed"`         // in full
	Alone     bool   `json:"alone,omitempty"`   // it came as a file, and the registry did not answer the old version either
	Judged    bool   `json:"judged"`            // it has failed, as is kept in Versions; only the way back is missing
	Refused   string `json:"refused,omitempty"` // why RAUC may not write the bundle, see Admit
}

// Tried is how a version did.
type Tried struct {
	Version string    `json:"version"`
	Result  Result    `json:"result"`
	Why     string    `json:"why,omitempty"`
	Times   int       `json:"times"` // that it was tried
	At      time.Time `json:"at"`    // the last time
}

// Result of a trial.
type Result string

// Results of trials.
const (
	Good     Result = "good"
	Failed   Result = "failed"   // it came up and was not well
	Returned Result = "returned" // it never came so far, or was without its registry; power and network may be the reason
)

const (
	maxReturns  = 3  // a version that returned as often is not installed again
	maxVersions = 50 // kept in the file
	maxFile     = 1 << 20
)

// change lets do work on the file and nobody else meanwhile. A door whose file cannot be read has tried nothing: one that
// forgot is better than one that is never brought up to date again.
func change(path string, log *slog.Logger, do func(*State)) error {
	unlock, err := lock(path+".lock", unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	before, err := os.ReadFile(path)
	var s State
	switch {
	case errors.Is(err, fs.ErrNotExist):
		before = []byte("{}\n")
	case err != nil:
		log.Error("read which versions were tried; it begins anew", "error", err)
	case len(before) > maxFile || json.Unmarshal(before, &s) != nil:
		log.Error("the file of the versions that were tried is none; it begins anew", "file", path)
		s = State{}
	}
	do(&s)
	after, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	if after = append(after, '\n'); bytes.Equal(before, after) {
		return nil // a start does not have to cost the card a write
	}
	return renameio.WriteFile(path, after, 0o644)
}

// lock takes a lock that ends with the process, too. how is LOCK_EX, or LOCK_EX|LOCK_NB not to wait (flock(2)).
func lock(path string, how int) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), how); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %q: %w", path, err), file.Close())
	}
	return func() { _ = file.Close() }, nil // nothing was written to it
}

// note keeps how a version did.
func (s *State) note(version string, result Result, why string, at time.Time) {
	t := Tried{Version: version, Result: result, Why: why, At: at.UTC().Truncate(time.Second), Times: 1}
	if i := s.find(version); i >= 0 {
		t.Times += s.Versions[i].Times
		s.Versions = slices.Delete(s.Versions, i, i+1)
	}
	s.Versions = append(s.Versions, t)
	if n := len(s.Versions) - maxVersions; n > 0 {
		s.Versions = slices.Delete(s.Versions, 0, n)
	}
}

func (s State) find(version string) int {
	return slices.IndexFunc(s.Versions, func(t Tried) bool { return t.Version == version })
}

// wasGood says that a version has proved itself here, whatever came after it.
func (s State) wasGood(version string) bool {
	i := s.find(version)
	return i >= 0 && s.Versions[i].Result == Good
}

// refused says why a version is not installed; "": it may be.
func (s State) refused(version string) string {
	i := s.find(version)
	if i < 0 {
		return ""
	}
	switch t := s.Versions[i]; {
	case t.Result == Failed:
		return fmt.Sprintf("version %q failed its self-test on %s: %s", version, t.At.Format(time.DateOnly), t.Why)
	case t.Result == Returned && t.Times >= maxReturns:
		return fmt.Sprintf("version %q did not prove itself in %d trials: %s", version, t.Times, t.Why)
	}
	return ""
}

// stage of the trial, as seen from the system that is running.
type stage int

const (
	nothing stage = iota // is being tried
	waiting              // it is installed; the restart is still to come
	onTrial              // it is what is running
)

// settle works out where the trial stands now, and closes one that is over.
func (s *State) settle(booted, boot string, now time.Time) stage {
	t := s.Trial
	switch {
	case t == nil:
		return nothing
	case booted != t.From:
		return onTrial
	case boot == t.Boot && t.Installed:
		return waiting
	case boot == t.Boot: // it is being installed, or that was stopped
		return nothing
	case t.Installed && !t.Judged:
		s.note(t.Version, Returned, "the boot loader went back to the old system", now)
	}
	s.Trial = nil
	return nothing
}
