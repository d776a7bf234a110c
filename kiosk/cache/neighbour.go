package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"go.etcd.io/bbolt"
)

// fileOf is where a release with some format has its cache. Each format has a file of its own, so that a release never meets
// one that it cannot read, and one that comes back after a newer one failed finds its own as it left it.
func fileOf(path string, format int) string {
	if format == 1 {
		return path
	}
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-" + strconv.Itoa(format) + ext
}

// inheritAll moves the reports that the release before or after this one has left to the outbox. They are all that the
// registry cannot give again. An error keeps no door from opening: what it is about stays where it is.
func (c *Cache) inheritAll(path string) error {
	return errors.Join(c.inherit(fileOf(path, format-1)), c.inherit(fileOf(path, format+1)))
}

// inherit moves the reports of one file. They leave it when they are safe here; if the power is cut in between they are found
// again, and one that has been delivered meanwhile is delivered twice, which its id makes harmless.
func (c *Cache) inherit(path string) (err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // as in open
	var file *os.File
	defer func() {
		if r := recover(); r != nil {
			err = damaged("%v", r)
		}
		if err != nil {
			err = fmt.Errorf("take over the reports in %q: %w", path, err)
			_ = file.Close() // gives the lock back; it is closed already where the database could do it
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockTimeout,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
	if err != nil {
		return err
	}
	return errors.Join(c.move(db), db.Close())
}

func (c *Cache) move(from *bbolt.DB) error {
	reports, err := allReports(from)
	if err != nil || len(reports) == 0 {
		return err
	}
	here, err := allReports(c.db)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, r := range here {
		known[r.id] = true
	}
	for _, r := range reports {
		if known[r.id] {
			continue
		}
		if err := c.Queue(r.id, r.body); err != nil {
			return err
		}
	}
	return from.Update(func(tx *bbolt.Tx) error {
		for _, r := range reports {
			if err := tx.Bucket(bucketOutbox).Delete(r.key); err != nil {
				return err
			}
		}
		return nil
	})
}

// report is an entry of an outbox.
type report struct {
	key  []byte
	id   string
	body []byte
}

func allReports(db *bbolt.DB) (all []report, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketOutbox)
		if b == nil {
			return damaged("no outbox in it")
		}
		return b.ForEach(func(k, v []byte) error {
			id, body, err := parseReport(v)
			all = append(all, report{append([]byte{}, k...), string(id), append([]byte{}, body...)})
			return err
		})
	})
	return all, err
}
