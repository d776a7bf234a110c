package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk/statuslist"
)

// Path is the cache file in a state directory.
func Path(dir string) string { return filepath.Join(dir, fileName) }

// Copy is a cache file as it was at one moment, in a temporary file. The door may run meanwhile.
type Copy struct {
	*Cache
	file *os.File
}

// CopyOf copies the cache file and checks all of it. An error wraps ErrDamaged if the file is damaged;
// it names each section that is. The copy has everybody's status and therefore no name: whatever ends
// the process, nothing stays.
func CopyOf(path string) (*Copy, error) {
	file, err := os.CreateTemp("", "ashyq-cache-")
	if err != nil {
		return nil, fmt.Errorf("copy the cache: %w", err)
	}
	c := &Copy{file: file}
	err = os.Remove(file.Name())
	for begin := time.Now(); err == nil; time.Sleep(10 * time.Millisecond) {
		c.Cache, err = c.copyOf(path)
		if err == nil {
			return c, nil
		}
		if errors.Is(err, ErrDamaged) && writtenSince(c.path(), path) && time.Since(begin) < time.Minute {
			err = nil
		}
	}
	_ = file.Close()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w\nhint: the door has no cache before its first start", err)
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("%w\nhint: run this as root", err)
	}
	return nil, fmt.Errorf("check cache %q: %w", path, err)
}

// path is what the kernel calls a file without a name.
func (c *Copy) path() string { return fmt.Sprintf("/proc/self/fd/%d", c.file.Fd()) }

func (c *Copy) copyOf(path string) (*Cache, error) {
	from, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	if err := c.file.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if _, err := io.Copy(c.file, io.LimitReader(from, largest+1)); err != nil {
		return nil, err
	}
	return open(c.path())
}

// writtenSince tells whether the door has written while the file was copied: a transaction ends with
// one of the first two pages. It leaves alone what the pages before it lead to, but the next one may
// use these pages again, and then the copy is torn.
func writtenSince(copied, path string) bool {
	before, after := firstPages(copied), firstPages(path)
	return before != nil && after != nil && !bytes.Equal(before, after)
}

// firstPages returns nil for a file that is shorter.
func firstPages(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	pages := make([]byte, 2*filePage)
	if _, err := io.ReadFull(f, pages); err != nil {
		return nil
	}
	return pages
}

// Close frees the copy's room.
func (c *Copy) Close() error { return errors.Join(c.db.Close(), c.file.Close()) }

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
