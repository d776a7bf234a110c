package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// resetFile on the boot partition asks for a door as new.
const resetFile = "factory-reset"

// reset empties the state partition and then, when that is sure to be on the card, takes back the file that asked for it:
// after a power cut in between it is emptied once more. Nothing is overwritten; whoever fears a reader of raw flash
// replaces the card.
func (o Options) reset() error {
	asked := filepath.Join(o.Boot, resetFile)
	if _, err := os.Lstat(asked); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if err := empty(o.State, o.Keep); err != nil {
		return err
	}
	unix.Sync()
	o.Log.Warn("emptied the state partition", "file", asked)
	if err := writable(o.Boot, func() error { return os.RemoveAll(asked) }); err != nil {
		return fmt.Errorf("take back %q: %w\nhint: remove it by hand, or the door is reset at each start", asked, err)
	}
	return nil
}

// empty removes what is in the directories of the partition and leaves those themselves, with their owners: one of them may
// be mounted elsewhere already.
func empty(state string, keep []string) error {
	entries, err := os.ReadDir(state)
	if err != nil {
		return err
	}
	var problems []error
	for _, e := range entries {
		path := filepath.Join(state, e.Name())
		switch {
		case e.Name() == "lost+found", slices.Contains(keep, e.Name()):
		case !e.IsDir():
			problems = append(problems, os.Remove(path))
		default:
			problems = append(problems, emptyDir(path))
		}
	}
	return errors.Join(problems...)
}

func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var problems []error
	for _, e := range entries {
		problems = append(problems, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(problems...)
}

// writable does something on a partition that is mounted read-only, and leaves it so. Where the directory is no mount point
// it is as it is.
func writable(dir string, do func() error) (err error) {
	mounted, flags, err := mountPoint(dir)
	if err != nil {
		return err
	}
	if !mounted || flags&unix.ST_RDONLY == 0 {
		err := do()
		unix.Sync()
		return err
	}
	keep := remountFlags(flags)
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|keep, ""); err != nil {
		return fmt.Errorf("mount it for writing: %w", err)
	}
	defer func() {
		unix.Sync()
		err = errors.Join(err, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY|keep, ""))
	}()
	return do()
}

// mountPoint says whether something is mounted on dir itself, and with which flags (statfs).
func mountPoint(dir string) (bool, int64, error) {
	var here, above unix.Stat_t
	var fs unix.Statfs_t
	if err := errors.Join(unix.Stat(dir, &here), unix.Stat(filepath.Join(dir, ".."), &above), unix.Statfs(dir, &fs)); err != nil {
		return false, 0, err
	}
	return here.Dev != above.Dev, int64(fs.Flags), nil
}

// remountFlags are those of statfs that a remount would lose. The numbers are the same (statvfs(3), mount(2)).
func remountFlags(flags int64) uintptr {
	return uintptr(flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_SYNCHRONOUS | unix.MS_NOATIME | unix.MS_NODIRATIME)
}
