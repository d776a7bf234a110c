package doorkeys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// FolderName is where an offline snapshot has the envelopes of doors, each under its FileName:
// beside the manifest.
const FolderName = "keys"

// Take takes the door's envelope in that the folder of an offline snapshot may hold. What it has
// seen there before, it does not look at again: neither a file nor an error is reported twice.
// changed tells whether the ring has other keys than before. A folder without an envelope for this
// door, or with an older one, is no error.
func (r *Ring) Take(folder string) (changed bool, err error) {
	envelope, err := readEnvelope(folder, FileName(r.door.PublicKey()))
	r.putting.Lock()
	defer r.putting.Unlock()
	found := fmt.Sprint(envelope, err)
	if found == r.tried[folder] {
		return false, nil
	}
	r.tried[folder] = found
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		changed, err = r.put(envelope, false)
	}
	if errors.Is(err, ErrOlder) {
		return false, nil
	}
	if err != nil {
		return changed, fmt.Errorf("the door's keys in %q: %w", filepath.Join(folder, FolderName), err)
	}
	return changed, nil
}

// readEnvelope opens exactly one file. It follows no link out of the folder, and does not wait for
// the writer of a pipe: a stick may be made by anybody.
func readEnvelope(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.OpenFile(filepath.Join(FolderName, name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a file", name)
	}
	return io.ReadAll(io.LimitReader(file, MaxEnvelope+1))
}
