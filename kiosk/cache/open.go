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
	"ashyq-kiosk/kiosk/uptime"
)

// lockTimeout is how long Open waits until another process closes the file: the daemon that is
// being restarted.
const lockTimeout = 2 * time.Second

// format is the version of the layout in the package comment.
const format = 1

// ErrDamaged says that the file is not what this package has written.
var ErrDamaged = errors.New("cache file is damaged")

func damaged(why string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(why, args...))
}

// Open opens the cache file. If it does not exist, Open creates it with mode 0600, in a directory
// that must exist. Open reads the whole file once. It renames a damaged file to PATH.broken-N,
// where N counts and only the newest is kept, and starts a new one, see Cache.SetAside: a door has
// to start by itself, and the registry gives it everything again except the reports that were not
// sent.
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
	c.SetAside = fmt.Errorf("started a new cache and kept the old file as %q: %w", kept, why)
	return c, nil
}

func open(path string) (c *Cache, err error) {
	// The database trusts its file: a wrong page causes a panic, and a page beyond the end of a cut
	// file a fault. Both mean a damaged file here. A door that died of it would die again at each
	// start.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var file *os.File
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("open cache %q: %w", path, damaged("%v", r))
		}
		if err != nil && file != nil {
			_ = file.Close() // releases the lock, unless the database has closed it
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
	c = &Cache{
		db: db, Running: uptime.Now,
		budget: writeBudget{balance: budgetBurst}, whole: map[uint32]*statuslist.Section{},
	}
	if err := c.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("open cache %q: %w", path, err), db.Close())
	}
	return c, nil
}

// openError tells an error of the system from a damaged file.
func openError(path string, err error) error {
	var refused syscall.Errno
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("open cache %q: another process has it open\n"+
			"hint: stop the service first: systemctl stop ashyq-kiosk", path)
	case errors.As(err, &refused):
		return fmt.Errorf("open cache: %w", err) // names the path
	}
	return fmt.Errorf("open cache %q: %w", path, damaged("%v", err))
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
	if err := c.Check(); err != nil {
		return err
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
// happened.
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
