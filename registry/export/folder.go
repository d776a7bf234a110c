package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// incoming is where files are while they are written. No web server needs to see it.
const incoming = ".incoming"

// Folder is a Place in the file system. Whoever else may write there, a web server for instance, leads
// it nowhere else: it follows no symbolic link out of the folder.
type Folder struct {
	root *os.Root
	lock *os.File // on incoming; closing it lets another program in
}

// OpenFolder makes the folder if it is missing. Only one program at a time may have it open.
func OpenFolder(dir string) (*Folder, error) {
	if err := makeReadable(dir); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder: %w", err)
	}
	f := &Folder{root: root}
	err = f.layOut()
	if err == nil {
		f.lock, err = f.root.Open(incoming)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the folder %q: %w\n"+
			"hint: v1, v1/blob and .incoming have to be folders inside it, not links to others", dir, err), root.Close())
	}
	if err = unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		err = fmt.Errorf("lock the folder %q: %w\n"+
			"hint: another ashyq-registry export writes to it; stop that one first", dir, err)
	} else {
		err = f.clean()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// makeReadable makes a folder and the missing ones above it, and lets the web server, which is
// another user, enter them. Of those that are there somebody has decided who may: one may be a home.
func makeReadable(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeReadable(filepath.Dir(dir)); err != nil {
		return err
	}
	switch err := os.Mkdir(dir, 0o755); {
	case errors.Is(err, fs.ErrExist): // another program has made it meanwhile
		return nil
	case err != nil:
		return err
	}
	return os.Chmod(dir, 0o755) // whatever the umask
}

// layOut makes what the folder has in it. The web server may read all but what is incoming.
func (f *Folder) layOut() error {
	for _, name := range []string{path.Dir(manifestName), path.Clean(blobPrefix)} {
		if err := f.root.MkdirAll(name, 0o755); err != nil {
			return err
		}
		if err := f.root.Chmod(name, 0o755); err != nil {
			return err
		}
	}
	return f.root.MkdirAll(incoming, 0o700)
}

// clean removes what a killed program left, and nothing that another one keeps there.
func (f *Folder) clean() error {
	left, err := fs.ReadDir(f.root.FS(), incoming)
	if err != nil {
		return fmt.Errorf("look for unfinished files: %w", err)
	}
	for _, file := range left {
		if name := file.Name(); name != path.Base(manifestName) && !isBlob(blobPrefix+name) {
			continue
		}
		if err := f.root.Remove(path.Join(incoming, file.Name())); err != nil {
			return fmt.Errorf("remove an unfinished file: %w", err)
		}
	}
	for _, dir := range []string{".", path.Dir(manifestName)} {
		if err := f.syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// Close lets another program in.
func (f *Folder) Close() error { return errors.Join(f.lock.Close(), f.root.Close()) }

// Get implements Place.
func (f *Folder) Get(_ context.Context, name string) ([]byte, error) {
	if err := f.isFile(name); err != nil {
		return nil, err
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFile)) // a longer one has another hash
}

// isFile tells files from pipes, which would wait for a writer, and from links. Those count as
// missing: Put replaces them.
func (f *Folder) isFile(name string) error {
	info, err := f.root.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%q is something else: %w", name, fs.ErrNotExist)
	}
	return err
}

// Put implements Place: all of it is signed or sealed, so everybody may read it.
func (f *Folder) Put(_ context.Context, name string, data []byte) error {
	unfinished := path.Join(incoming, path.Base(name))
	err := f.write(unfinished, data)
	if err == nil {
		err = f.root.Rename(unfinished, name)
	}
	if err != nil {
		_ = f.root.Remove(unfinished) // it may not be there; the next start tries again
		return fmt.Errorf("write %q: %w", name, err)
	}
	return f.syncDir(path.Dir(name))
}

// write makes a file's bytes durable, whatever had its name before.
func (f *Folder) write(name string, data []byte) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = errors.Join(file.Chmod(0o644), file.Sync())
	}
	return errors.Join(err, file.Close())
}

// syncDir makes new names durable.
func (f *Folder) syncDir(name string) error {
	d, err := f.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Touch implements Place.
func (f *Folder) Touch(_ context.Context, name string) error {
	if err := f.isFile(name); err != nil {
		return err
	}
	now := time.Now()
	return f.root.Chtimes(name, now, now)
}

// List implements Place.
func (f *Folder) List(ctx context.Context, prefix string) ([]File, error) {
	entries, err := fs.ReadDir(f.root.FS(), path.Clean(prefix))
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
func (f *Folder) Delete(_ context.Context, name string) error { return f.root.Remove(name) }
