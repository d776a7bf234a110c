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

// resetFile on the boot partition asks for a factory reset.
const resetFile = "factory-reset"

// reset empties the state partition and then removes the file that asked for it. The order matters:
// after a power cut in between, the partition is emptied once more. Old data is not overwritten and
// can be read from raw flash; where that matters, replace the card.
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
		return fmt.Errorf("remove %q: %w\nhint: remove it by hand, or the door is reset at each start", asked, err)
	}
	return nil
}

// empty removes what is in the directories of the partition, except the files in keep. The
// directories stay, with their owners, because one may already be mounted elsewhere.
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

// writable runs do while the partition is mounted for writing, and mounts it read-only again. A
// directory that is not a mount point is left as it is.
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

// mountPoint tells whether something is mounted on dir itself, and with which flags (statfs).
func mountPoint(dir string) (bool, int64, error) {
	var here, above unix.Stat_t
	var fs unix.Statfs_t
	if err := errors.Join(unix.Stat(dir, &here), unix.Stat(filepath.Join(dir, ".."), &above),
		unix.Statfs(dir, &fs)); err != nil {
		return false, 0, err
	}
	return here.Dev != above.Dev, int64(fs.Flags), nil
}

// remountFlags are the flags of statfs that a remount would lose. Their numbers are the same
// (statvfs(3), mount(2)).
func remountFlags(flags int64) uintptr {
	return uintptr(flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_SYNCHRONOUS | unix.MS_NOATIME | unix.MS_NODIRATIME)
}
