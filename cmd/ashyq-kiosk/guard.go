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

// guardFile is where the replay guard's memory is, in the directory that systemd keeps over a restart of the daemon
// (RuntimeDirectoryPreserve=restart) and that is memory itself: nothing about people gets onto the card.
const guardFile = "guard"

// openGuard makes a guard that knows what the one before it knew. Without a directory, or where the file cannot be written, it
// knows what it sees itself: a door goes on.
func openGuard(dir string, size int, log *slog.Logger) *pass.Guard {
	guard := pass.NewGuard(size)
	if dir == "" {
		return guard
	}
	j := &guardJournal{guard: guard, path: filepath.Join(dir, guardFile), most: 2 * size, log: log}
	memory, err := os.ReadFile(j.path)
	if err == nil && !guard.Restore(memory) {
		err = errors.New("it has no key")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("the codes that were used before this start are not known", "error", fmt.Errorf("read %q: %w", j.path, err))
	}
	guard.OnUse = j.add
	j.check(j.begin())
	return guard
}

// guardJournal appends what the guard tells, on the door's goroutine, and begins a new file where the old one got long.
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
		j.check(j.begin()) // with this record: the guard knows it already
		return
	}
	_, err := j.file.Write(record)
	j.records++
	j.check(err)
}

// begin writes a new file with what the guard knows, and puts it in the place of the old one as a whole.
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

// check gives the file up after an error. What is in it stays true, and is soon of no matter.
func (j *guardJournal) check(err error) {
	if err != nil {
		j.log.Warn("a restart of this program will forget which codes were used", "error", err)
		j.guard.OnUse = nil
	}
}
