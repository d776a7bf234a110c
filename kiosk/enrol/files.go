package enrol

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// What the state directory holds of an enrolment. All are 0600, written as a whole and on the card before the next.
const (
	pendingFile  = "enrolling.pem" // the key, and the code that it was shown with, until the registry's answer is kept
	identityFile = "identity.pem"  // key and certificates in one file, so that they always fit each other
	caFile       = "ca.pem"
	enrolledFile = "enrolled.toml" // the last one written and the first one removed: with it the door is enrolled
	wifiFile     = "wifi.json"     // api.WiFi, for the image to apply
)

// Enrolled reports whether the state directory is that of a door that is enrolled.
func Enrolled(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, enrolledFile))
	return err == nil
}

// Forget makes a door of which the registry wants to know nothing more one that is not enrolled.
func Forget(dir string) error {
	for _, name := range []string{enrolledFile, identityFile, caFile, pendingFile} {
		if err := remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("forget the enrolment: %w", err)
		}
	}
	return nil
}

// touched is called after each change of a file; tests cut the power there.
var touched = func() {}

// write replaces a file as a whole. When it returns, the new one is on the card. It belongs to whom the directory belongs:
// an administrator may enrol as root what the daemon, which is not, has to read.
func write(path string, data []byte) (err error) {
	file, err := renameio.NewPendingFile(path, renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Cleanup()) }()
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := giveToOwner(file.File, filepath.Dir(path)); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return settle(path)
}

func remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return settle(path)
}

// settle brings the directory's entry to the card: a rename that is not there has not happened after a power cut.
func settle(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return err
	}
	touched()
	return nil
}

func giveToOwner(file *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return file.Chown(int(owner.Uid), int(owner.Gid))
}
