package chrony

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"ashyq-kiosk/kiosk/uptime"
)

// MaxAge is how long a word is believed. A new one comes each minute.
const MaxAge = 150 * time.Second

// Word says that the time was signed.
type Word struct {
	Boot    [16]byte
	Running time.Duration
	Time    time.Time
	Source  string
}

// form is a Word as it is written.
type form struct {
	Boot    string    `json:"boot"`
	Running int64     `json:"running"`
	Time    time.Time `json:"time"`
	Source  string    `json:"source"`
}

// maxWord bounds the file, bytes.
const maxWord = 1024

// Write replaces the word at once, readable for everybody.
func (w Word) Write(path string) error {
	data, err := json.Marshal(form{hex.EncodeToString(w.Boot[:]), int64(w.Running), w.Time.UTC(), w.Source})
	if err != nil {
		return err
	}
	err = renameio.WriteFile(path, append(data, '\n'), 0o644,
		renameio.WithStaticPermissions(0o644), renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return fmt.Errorf("write that the time is signed: %w", err)
	}
	return nil
}

// Withdraw removes the word.
func Withdraw(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("withdraw that the time is signed: %w", err)
	}
	return nil
}

// Read reads a word that is believed now; an error wraps fs.ErrNotExist or ErrUnsigned if there is
// no such word.
func Read(path string, now uptime.Reading) (Word, error) {
	data, err := readTrusted(path)
	if err != nil {
		return Word{}, fmt.Errorf("read whether the time is signed: %w", err)
	}
	var f form
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return Word{}, fmt.Errorf("read whether the time is signed: %w", err)
	}
	boot, err := hex.DecodeString(f.Boot)
	w := Word{Running: time.Duration(f.Running), Time: f.Time, Source: f.Source}
	if err != nil || len(boot) != copy(w.Boot[:], boot) || len(boot) != len(w.Boot) {
		return Word{}, fmt.Errorf("read whether the time is signed: %q is not the ID of a start", f.Boot)
	}
	if age := now.For - w.Running; w.Boot != now.Boot || age < 0 || age > MaxAge {
		return Word{}, fmt.Errorf("%w: the word for it is of another start, or %v old", ErrUnsigned, age)
	}
	return w, nil
}

// At is the time at a later reading of the same start.
func (w Word) At(now uptime.Reading) time.Time {
	return w.Time.Add(now.Since(uptime.Reading{Boot: w.Boot, For: w.Running}))
}

// readTrusted reads a file that only root or chronyd's user can have written.
func readTrusted(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	folder, err := os.Lstat(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	for _, each := range []fs.FileInfo{folder, info} {
		owner, ok := each.Sys().(*syscall.Stat_t)
		usual := each.Mode().IsRegular() || each.IsDir()
		if !ok || !usual || !slices.Contains(writers(), owner.Uid) || each.Mode()&0o022 != 0 {
			return nil, fmt.Errorf("%q can be written by others than root and chronyd", path)
		}
	}
	data, err := io.ReadAll(io.LimitReader(file, maxWord+1))
	if err == nil && len(data) > maxWord {
		err = fmt.Errorf("%q is longer than %d bytes", path, maxWord)
	}
	return data, err
}

// unmapped is who everybody but root and oneself is in a user namespace (PrivateUsers=).
const unmapped = 65534

// writers are the users who may write the word.
var writers = sync.OnceValue(func() []uint32 {
	all := []uint32{0, unmapped}
	if u, err := user.Lookup("_chrony"); err == nil {
		if id, err := strconv.ParseUint(u.Uid, 10, 32); err == nil {
			all = append(all, uint32(id))
		}
	}
	return all
})
