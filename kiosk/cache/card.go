package cache

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// fileName is the cache file in a state directory.
const fileName = "cache.db"

// OpenState opens the cache in the state directory dir, which it makes if it is missing. If the
// card cannot be written, it opens a copy in memory, a directory in RAM, so that a door on a
// worn-out card keeps working. Without memory ("") it returns the error instead. The log tells what
// was wrong, and later which versions cannot be written.
func OpenState(dir, memory string, log *slog.Logger) (*Cache, error) {
	c, err := openIn(dir)
	if memory != "" {
		switch {
		case err == nil:
			forget(memory, log)
		case cardFails(err):
			log.Error("cannot write to the card; the door uses a copy of the cache in memory, which a restart loses",
				"error", err, "hint", "replace the card")
			c, err = openCopy(dir, memory, log)
		}
	}
	if err != nil {
		return nil, err
	}
	if c.SetAside != nil {
		log.Error("the cache was damaged; the door loads a new one from the registry", "error", c.SetAside)
	}
	c.OnUnwritten = func(err error) {
		log.Warn("cannot write the newest list to the card; the door uses it all the same and tries again", "error", err)
	}
	return c, nil
}

// cardFails reports whether an error means that the card is read-only, failing or full. EUCLEAN and
// EBADMSG are what ext4 returns for its own damaged blocks.
func cardFails(err error) bool {
	return slices.ContainsFunc(
		[]syscall.Errno{syscall.EROFS, syscall.EIO, syscall.ENOSPC, syscall.EUCLEAN, syscall.EBADMSG},
		func(errno syscall.Errno) bool { return errors.Is(err, errno) })
}

func openIn(dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w\nhint: with StateDirectory=ashyq-kiosk in the unit, systemd makes it", err)
	}
	return Open(filepath.Join(dir, fileName))
}

// openCopy opens the copy in memory. If one is there already, this process has used it before, and
// it is newer than the card.
func openCopy(dir, memory string, log *slog.Logger) (*Cache, error) {
	to := filepath.Join(memory, fileName)
	if _, err := os.Stat(to); errors.Is(err, os.ErrNotExist) {
		if err := copyFile(to, filepath.Join(dir, fileName)); err != nil {
			log.Error("cannot copy the cache from the card; the door loads a new one from the registry", "error", err)
		}
	}
	return openIn(memory)
}

// forget removes a copy in memory: the card can be written again, and will be newer.
func forget(memory string, log *slog.Logger) {
	if err := os.Remove(filepath.Join(memory, fileName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("cannot remove the copy of the cache in memory", "error", err)
	}
}

// copyFile leaves no file if it fails: half a cache would only be set aside as damaged.
func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}
