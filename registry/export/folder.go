package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// incoming is where files are while they are written. No web server needs to see it.
const incoming = ".incoming"

// Folder is a Place in the file system.
type Folder struct {
	dir  string
	lock *os.File // on incoming; closing it lets another program in
}

// OpenFolder makes the folder if it is missing. Only one program at a time may have it open.
func OpenFolder(dir string) (*Folder, error) {
	_, err := os.Stat(dir)
	found := err == nil // somebody has decided who may read it: it may be a home
	for _, name := range []string{"", path.Dir(manifestName), path.Clean(blobPrefix)} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return nil, fmt.Errorf("make the folder: %w", err)
		}
		if name == "" && found {
			continue
		}
		name = filepath.Join(dir, name)
		if err := os.Chmod(name, 0o755); err != nil { // the web server is another user
			return nil, fmt.Errorf("make the folder readable for everybody: %w", err)
		}
	}
	f := &Folder{dir: dir}
	if err := os.MkdirAll(f.path(incoming), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	lock, err := os.Open(f.path(incoming))
	if err != nil {
		return nil, fmt.Errorf("lock the folder: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		err = fmt.Errorf("lock the folder %q: %w\n"+
			"hint: another ashyq-registry export writes to it; stop that one first", dir, err)
		return nil, errors.Join(err, lock.Close())
	}
	f.lock = lock
	if err := f.clean(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// clean removes what a killed program left.
func (f *Folder) clean() error {
	left, err := os.ReadDir(f.path(incoming))
	if err != nil {
		return fmt.Errorf("look for unfinished files: %w", err)
	}
	for _, file := range left {
		if err := os.Remove(filepath.Join(f.path(incoming), file.Name())); err != nil {
			return fmt.Errorf("remove an unfinished file: %w", err)
		}
	}
	for _, dir := range []string{f.dir, f.path(path.Dir(manifestName))} {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// Close lets another program in.
func (f *Folder) Close() error { return f.lock.Close() }

func (f *Folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// Get implements Place.
func (f *Folder) Get(_ context.Context, name string) ([]byte, error) {
	file, err := os.Open(f.path(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFile)) // a longer one has another hash
}

// Put implements Place: all of it is signed or sealed, so everybody may read it.
func (f *Folder) Put(_ context.Context, name string, data []byte) error {
	file := f.path(name)
	err := renameio.WriteFile(file, data, 0o644, renameio.IgnoreUmask(), renameio.WithTempDir(f.path(incoming)))
	if err != nil {
		return fmt.Errorf("write %q: %w", file, err)
	}
	return syncDir(filepath.Dir(file))
}

// syncDir makes new names durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Touch implements Place.
func (f *Folder) Touch(_ context.Context, name string) error {
	now := time.Now()
	return os.Chtimes(f.path(name), now, now)
}

// List implements Place.
func (f *Folder) List(ctx context.Context, prefix string) ([]File, error) {
	entries, err := os.ReadDir(f.path(prefix))
	if err != nil {
		return nil, err
	}
	var all []File
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // gone, or nothing of ours
		}
		all = append(all, File{prefix + entry.Name(), info.ModTime()})
	}
	return all, ctx.Err()
}

// Delete implements Place.
func (f *Folder) Delete(_ context.Context, name string) error { return os.Remove(f.path(name)) }
