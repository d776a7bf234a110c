package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk/statuslist"
)

// Path is the cache file in a state directory.
func Path(dir string) string { return filepath.Join(dir, fileName) }

// Copy is a cache file as it was at one moment, in a temporary directory. The door may run meanwhile.
type Copy struct {
	*Cache
	dir string
}

// CopyOf copies the cache file and checks all of it. An error wraps ErrDamaged if the file is damaged;
// it names each section that is.
func CopyOf(path string) (*Copy, error) {
	dir, err := os.MkdirTemp("", "ashyq-cache-")
	if err != nil {
		return nil, fmt.Errorf("copy the cache: %w", err)
	}
	c := &Copy{dir: dir}
	// A door that has written twice while the file was copied may have used pages again that were not
	// copied yet. It hardly does so three times in a row.
	for range 3 {
		if c.Cache, err = copyOf(filepath.Join(dir, fileName), path); !errors.Is(err, ErrDamaged) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err == nil {
		return c, nil
	}
	_ = os.RemoveAll(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w\nhint: the door has no cache before its first start", err)
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("%w\nhint: run this as root", err)
	}
	return nil, fmt.Errorf("check cache %q: %w", path, err)
}

func copyOf(to, from string) (*Cache, error) {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := copyFile(to, from); err != nil {
		return nil, err
	}
	return open(to)
}

// Close removes the copy.
func (c *Copy) Close() error { return errors.Join(c.db.Close(), os.RemoveAll(c.dir)) }

// Stats say how much there is in a cache, and of whom nothing.
type Stats struct {
	Size, Free int64 // bytes of the file, and of its pages that are free
	Statuses   map[statuslist.Status]int
	Staged     int // sections of a load that is going on, or was broken off
	Reports    int // that wait for the registry
}

// Stats counts what the cache holds.
func (c *Cache) Stats() (Stats, error) {
	out := Stats{Statuses: map[statuslist.Status]int{}}
	if v := c.view.Load(); v != nil {
		var counts [16]int
		for _, s := range v.sections {
			for i := range uint32(statuslist.SectionSize) {
				counts[s.get(i)&0xF]++
			}
		}
		for status, n := range counts {
			if n > 0 {
				out.Statuses[statuslist.Status(status)] = n
			}
		}
	}
	info, err := os.Stat(c.db.Path())
	if err != nil {
		return out, err
	}
	out.Size = info.Size()
	err = c.db.View(func(tx *bbolt.Tx) error {
		out.Free = out.Size - tx.Size() // not used yet
		out.Staged = tx.Bucket(bucketStaged).Stats().KeyN
		out.Reports = tx.Bucket(bucketOutbox).Stats().KeyN
		return nil
	})
	out.Free += int64(c.db.Stats().FreePageN * c.db.Info().PageSize)
	return out, err
}
