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

// State is update.json. Either of two versions may run next, so a key that one of them does not
// know must not harm it.
type State struct {
	Trial    *Trial  `json:"trial,omitempty"`    // nil: nothing is being tried
	Versions []Tried `json:"versions,omitempty"` // the newest last
}

// Trial is a version on its way into service.
type Trial struct {
	Version   string `json:"version"`
	From      string `json:"from"`              // boot name of the slot that installed it
	Boot      string `json:"boot"`              // the kernel's ID of that start
	Installed bool   `json:"installed"`         // the whole bundle is written
	Alone     bool   `json:"alone,omitempty"`   // from a file, and the old version had no registry
	Judged    bool   `json:"judged"`            // it failed; the door only has to go back
	Refused   string `json:"refused,omitempty"` // why RAUC may not write the bundle, see Admit
}

// Tried is the result of a version's trials.
type Tried struct {
	Version string    `json:"version"`
	Result  Result    `json:"result"`
	Why     string    `json:"why,omitempty"`
	Times   int       `json:"times"` // how often it was tried
	At      time.Time `json:"at"`    // the last time
}

// Result of a trial.
type Result string

// Results of trials.
const (
	Good   Result = "good"
	Failed Result = "failed" // it started and was unhealthy
	// Returned: it never got so far, or did not reach its registry. A power cut or the network may
	// be the reason.
	Returned Result = "returned"
)

const (
	maxReturns  = 3  // after so many returns a version is not installed again
	maxVersions = 50 // kept in the file
	maxFile     = 1 << 20
)

// change calls do with the file's content and writes it back, under a lock. If the file cannot be
// read, the door starts with an empty one: forgetting what was tried is better than never updating
// again.
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
		log.Error("cannot read which versions were tried; starting with an empty file", "error", err)
	case len(before) > maxFile || json.Unmarshal(before, &s) != nil:
		log.Error("the file of tried versions is damaged; starting with an empty one", "file", path)
		s = State{}
	}
	do(&s)
	after, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	if after = append(after, '\n'); bytes.Equal(before, after) {
		return nil // spares the card a write at each start
	}
	return renameio.WriteFile(path, after, 0o644)
}

// lock takes a lock, which also ends with the process. how is LOCK_EX, or LOCK_EX|LOCK_NB not to
// wait (flock(2)).
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

// note writes down a version's result.
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

// wasGood reports whether a version has passed its trial here, whatever came after it.
func (s State) wasGood(version string) bool {
	i := s.find(version)
	return i >= 0 && s.Versions[i].Result == Good
}

// refused says why a version must not be installed; "": it may.
func (s State) refused(version string) string {
	i := s.find(version)
	if i < 0 {
		return ""
	}
	switch t := s.Versions[i]; {
	case t.Result == Failed:
		return fmt.Sprintf("version %q failed its self-test on %s: %s", version, t.At.Format(time.DateOnly), t.Why)
	case t.Result == Returned && t.Times >= maxReturns:
		return fmt.Sprintf("version %q did not pass its self-test in %d trials: %s", version, t.Times, t.Why)
	}
	return ""
}

// stage of the trial, as the running system sees it.
type stage int

const (
	nothing stage = iota // is being tried
	waiting              // it is installed and waits for the restart
	onTrial              // it is running
)

// settle returns the stage of the trial, and ends one that is over.
func (s *State) settle(booted, boot string, now time.Time) stage {
	t := s.Trial
	switch {
	case t == nil:
		return nothing
	case booted != t.From:
		return onTrial
	case boot == t.Boot && t.Installed:
		return waiting
	case boot == t.Boot: // the installation is running, or was stopped
		return nothing
	case t.Installed && !t.Judged:
		s.note(t.Version, Returned, "the boot loader went back to the old system", now)
	}
	s.Trial = nil
	return nothing
}
