package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"

	"ashyq-kiosk/kiosk/uptime"
)

// lockTimeout is how long Open waits until another process closes the file: the daemon that is
// being restarted.
const lockTimeout = 2 * time.Second

// growth is by how much the file grows, in bytes, beyond what a transaction needs.
const growth = 64 << 10

// filePage is the size of the file's pages, in bytes.
const filePage = 4096

// format is the version of the layout in the package comment.
const format = 1

// ErrDamaged says that the file is not what this package has written.
var ErrDamaged = errors.New("cache file is damaged")

func damaged(why string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(why, args...))
}

// most is how large the file of a country of 20 million people gets, in bytes: a list that is in
// force, one whose load was broken off, and a version that changes all of it.
const most = 36e6

// Open opens the cache file. If it does not exist, Open creates it with mode 0600, in a directory
// that must exist. Open reads the whole file once. It renames a damaged file to PATH.broken-N,
// where N counts and only the newest is kept, and starts a new one, see Cache.SetAside: a door has
// to start by itself, and the registry gives it everything again except the reports that were not
// sent. Where the card has no room for both, it removes the damaged one.
func Open(path string) (*Cache, error) {
	c, err := openNamed(path)
	if !errors.Is(err, ErrDamaged) {
		return c, err
	}
	kept, asideErr := setAside(path)
	if asideErr != nil {
		return nil, fmt.Errorf("%w; move it aside: %w", err, asideErr)
	}
	why := err
	if c, err = openNamed(path); err != nil {
		return nil, err
	}
	if kept == "" {
		c.SetAside = fmt.Errorf("started a new cache and removed the old file, for which the card has no room: %w", why)
		return c, nil
	}
	c.SetAside = fmt.Errorf("started a new cache and kept the old file as %q: %w", kept, why)
	return c, nil
}

func openNamed(path string) (*Cache, error) {
	c, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("open cache %q: %w", path, err)
	}
	return c, nil
}

func open(path string) (c *Cache, err error) {
	// The database trusts its file: a wrong page causes a panic, and a page beyond the end of a cut
	// file a fault. Both mean a damaged file here. A door that died of it would die again at each
	// start. What cannot be caught, openPages looks for.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var file *os.File
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, damaged("%v", r)
		}
		if err != nil && file != nil {
			_ = file.Close() // releases the lock, unless the database has closed it
		}
	}()

	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		PageSize: filePage,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = openPages(name, flag, mode)
			return file, err
		},
	})
	if err != nil {
		return nil, openError(err)
	}
	db.AllocSize = growth
	c = &Cache{db: db, Running: uptime.Now, budget: writeBudget{balance: budgetBurst}}
	if err := c.start(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return c, nil
}

// openError tells an error of the system from a damaged file.
func openError(err error) error {
	var refused syscall.Errno
	switch {
	case errors.Is(err, ErrDamaged):
		return err
	case errors.Is(err, bolterrors.ErrTimeout):
		return errors.New("another process has it open\nhint: stop the service first: systemctl stop ashyq-kiosk")
	case errors.As(err, &refused):
		return err
	}
	return damaged("%v", err)
}

// start lays out a new file, checks an old one, and reads what is kept in memory.
func (c *Cache) start() error {
	fresh := false
	err := c.db.View(func(tx *bbolt.Tx) error {
		first, _ := tx.Cursor().First()
		fresh = first == nil
		return nil
	})
	if err != nil {
		return err
	}
	if fresh {
		if err := c.db.Update(layOut); err != nil {
			return err
		}
	}
	v, err := c.readAll()
	if err != nil {
		return err
	}
	if v != nil {
		c.view.Store(v)
		c.asOf = v.asOf
	}
	return c.loadClock()
}

func layOut(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketSections, bucketStaged, bucketSlots, bucketOutbox} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keyFormat, []byte(strconv.Itoa(format)))
}

// setAside renames the file to PATH.broken-N and removes the one before it. N tells how often it
// happened. It removes this one, too, and returns "", if less than most is free then.
func setAside(path string) (string, error) {
	dir, prefix := filepath.Dir(path), filepath.Base(path)+".broken-"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	last := 0
	var older []string
	for _, e := range entries {
		number, ours := strings.CutPrefix(e.Name(), prefix)
		if n, err := strconv.Atoi(number); ours && err == nil {
			last = max(last, n)
			older = append(older, filepath.Join(dir, e.Name()))
		}
	}
	kept := filepath.Join(dir, prefix+strconv.Itoa(last+1))
	if err := os.Rename(path, kept); err != nil {
		return "", err
	}
	for _, name := range older {
		if err := remove(name); err != nil {
			return "", err
		}
	}
	var card unix.Statfs_t
	if err := unix.Statfs(dir, &card); err != nil {
		return "", fmt.Errorf("ask for the free room: %w", err)
	}
	if free := card.Bavail * uint64(card.Bsize); free < most {
		return "", remove(kept)
	}
	return kept, nil
}

// remove frees a damaged file's room at once. The database may have lost hold of its mapping in a
// panic, and without a truncation the room would be used until the process ends.
func remove(path string) error {
	if err := os.Truncate(path, 0); err != nil {
		return err
	}
	return os.Remove(path)
}
