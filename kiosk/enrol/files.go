package enrol

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// The files of an enrolment in the state directory. All are 0600, replaced as a whole, and on the
// card before the next one is written.
const (
	pendingFile  = "enrolling.pem" // the keys and their code, until the registry's answer is saved
	identityFile = "identity.pem"  // keys and certificates in one file, so that they always match
	caFile       = "ca.pem"
	enrolledFile = "enrolled.toml" // written last and removed first: if it exists, the door is enrolled
	wifiFile     = "wifi.json"     // api.WiFi, for the image to apply
)

// Enrolled reports whether the state directory belongs to an enrolled door.
func Enrolled(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, enrolledFile))
	return err == nil
}

// Forget removes the enrolment of a door that the registry has revoked.
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

// write replaces a file as a whole. When it returns, the new one is on the card. The file gets the
// owner of the directory: an administrator may enrol as root, and the daemon, which is not root,
// must read the file.
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

// settle syncs the directory: without that, a power cut may undo a rename.
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
