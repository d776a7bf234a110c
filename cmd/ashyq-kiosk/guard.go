package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"ashyq-kiosk/kiosk/pass"
)

// guardFile holds the replay guard's memory. Its directory is in memory and systemd keeps it over a
// restart of the daemon (RuntimeDirectoryPreserve=restart): nothing about people is written to the
// card.
const guardFile = "guard"

// openGuard makes a guard with the memory of the one before it. Without a directory, or if the file
// cannot be written, the guard knows only what it sees itself: the door goes on.
func openGuard(dir string, size int, log *slog.Logger) *pass.Guard {
	guard := pass.NewGuard(size)
	if dir == "" {
		return guard
	}
	j := &guardJournal{guard: guard, path: filepath.Join(dir, guardFile), most: 2 * size, log: log}
	memory, err := os.ReadFile(j.path)
	if err == nil && !guard.Restore(memory) {
		err = errors.New("the file has no key")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("this program has forgotten which codes were used before it started", "error",
			fmt.Errorf("read %q: %w", j.path, err))
	}
	guard.OnUse = j.add
	j.check(j.begin())
	return guard
}

// guardJournal appends the guard's records, on the door's goroutine, and begins a new file when the
// old one is too long.
type guardJournal struct {
	guard   *pass.Guard
	path    string
	most    int // records in the file
	records int
	file    *os.File
	log     *slog.Logger
}

func (j *guardJournal) add(record []byte) {
	if j.records >= j.most {
		j.check(j.begin()) // including this record: the guard has it already
		return
	}
	_, err := j.file.Write(record)
	j.records++
	j.check(err)
}

// begin writes the guard's memory to a new file, which then replaces the old one in one step.
func (j *guardJournal) begin() (err error) {
	if j.file != nil {
		err = j.file.Close()
	}
	memory := j.guard.Memory()
	j.records = len(memory) / pass.GuardRecord
	next := j.path + ".new"
	file, openErr := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err := errors.Join(err, openErr); err != nil {
		return err
	}
	j.file = file
	if _, err := file.Write(memory); err != nil {
		return err
	}
	return os.Rename(next, j.path)
}

// check stops writing after an error. What is in the file stays true, and soon no longer matters.
func (j *guardJournal) check(err error) {
	if err != nil {
		j.log.Warn("a restart of this program will forget which codes were used", "error", err)
		j.guard.OnUse = nil
	}
}
