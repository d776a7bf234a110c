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

	"ashyq-kiosk/kiosk/statuslist"
)

// lockTimeout is how long Open waits for another process to let go of the file: the daemon that is being restarted.
const lockTimeout = 2 * time.Second

// format is the version of the layout in the package comment.
const format = 1

// ErrDamaged says that the file is not, or is no longer, what this package has written.
var ErrDamaged = errors.New("cache file is damaged")

func damaged(why string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(why, args...))
}

// Open opens the cache file, and creates it with mode 0600 where there is none; its directory has to exist. It reads
// all of the file once: a damaged one is moved aside to PATH.broken-N, where N counts and only the newest is kept, and
// a fresh one is started, see Cache.SetAside. A door has to come up by itself, and everything but the reports that were
// not sent comes again from the registry.
func Open(path string) (*Cache, error) {
	c, err := open(path)
	if !errors.Is(err, ErrDamaged) {
		return c, err
	}
	kept, asideErr := setAside(path)
	if asideErr != nil {
		return nil, fmt.Errorf("%w; move it aside: %w", err, asideErr)
	}
	why := err
	if c, err = open(path); err != nil {
		return nil, err
	}
	c.SetAside = fmt.Errorf("started a fresh cache, the old file is kept as %q: %w", kept, why)
	return c, nil
}

func open(path string) (c *Cache, err error) {
	// The database trusts its file: a page that is not what it should be ends in a panic, one beyond the end of a cut
	// file in a fault. Here both mean a damaged file, and a door that dies of it would die again at each start.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var file *os.File
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("open cache %q: %w", path, damaged("%v", r))
		}
		if err != nil && file != nil {
			_ = file.Close() // gives the lock back; it is closed already where the database could do it
		}
	}()

	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:  lockTimeout,
		PageSize: 4096,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
	if err != nil {
		return nil, openError(path, err)
	}
	c = &Cache{db: db, budget: writeBudget{balance: budgetBurst}, whole: map[uint32]*statuslist.Section{}}
	if err := c.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("open cache %q: %w", path, err), db.Close())
	}
	return c, nil
}

// openError tells what the system refuses from what the file is.
func openError(path string, err error) error {
	var refused syscall.Errno
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("open cache %q: another process has it open\n"+
			"hint: stop the service first, as in: systemctl stop ashyq-kiosk", path)
	case errors.As(err, &refused):
		return fmt.Errorf("open cache: %w", err) // names the path
	}
	return fmt.Errorf("open cache %q: %w", path, damaged("%v", err))
}

// start makes sure of the file, lays out a new one and reads what lives in memory.
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
	if err := c.Check(); err != nil {
		return err
	}
	return c.loadSeen()
}

func layOut(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketSections, bucketStaged, bucketSlots, bucketOutbox} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keyFormat, []byte(strconv.Itoa(format)))
}

// setAside renames the file to PATH.broken-N and removes the one kept before. N tells how often it happened.
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
		if err := os.Remove(name); err != nil {
			return "", err
		}
	}
	return kept, nil
}
