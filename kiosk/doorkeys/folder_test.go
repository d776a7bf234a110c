package doorkeys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stick is a folder with an envelope under a door's name; nil: without it.
func stick(t *testing.T, b *box, envelope []byte) (folder, file string) {
	t.Helper()
	folder = t.TempDir()
	file = filepath.Join(folder, FolderName, FileName(b.door.PublicKey()))
	err := os.Mkdir(filepath.Dir(file), 0o755)
	if err == nil && envelope != nil {
		err = os.WriteFile(file, envelope, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder, file
}

func TestStickBringsKeys(t *testing.T) {
	b := newBox(t)
	r := b.open()
	if changed, err := r.Take(t.TempDir()); changed || err != nil {
		t.Errorf("an empty stick: %v, %v", changed, err)
	}
	folder, file := stick(t, b, seal(t, b.door, sample(t0, 1)))
	for i := range 2 {
		if changed, err := r.Take(folder); changed != (i == 0) || err != nil {
			t.Errorf("time %d: %v, %v", i, changed, err)
		}
	}
	has(t, r, map[uint32]bool{1: true})
	if err := os.WriteFile(file, seal(t, b.door, sample(t0.Add(time.Hour), 2)), 0o644); err != nil {
		t.Fatal(err)
	}
	if changed, err := r.Take(folder); !changed || err != nil {
		t.Errorf("a newer file on the same stick: %v, %v", changed, err)
	}
	b.now = t0.Add(time.Hour)
	older, _ := stick(t, b, seal(t, b.door, sample(t0, 1)))
	if changed, err := r.Take(older); changed || err != nil {
		t.Errorf("an older stick: %v, %v", changed, err)
	}
	has(t, b.open(), map[uint32]bool{1: true, 2: true})
}

// A stick for many doors: nobody but the right one reads each, and the number of files costs
// nothing.
func TestDoorsOnlyReadTheirOwnFile(t *testing.T) {
	b := newBox(t)
	folder, _ := stick(t, b, nil)
	for i := range 10_000 {
		name := filepath.Join(folder, FolderName, fmt.Sprintf("%016x", i))
		if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := b.open()
	if changed, err := r.Take(folder); changed || err != nil {
		t.Errorf("%v, %v", changed, err)
	}
	theirs := seal(t, newDoor(t), sample(t0, 1))
	if err := os.WriteFile(filepath.Join(folder, FolderName, FileName(b.door.PublicKey())), theirs, 0o644); err != nil {
		t.Fatal(err)
	}
	if changed, err := r.Take(folder); changed || !errors.Is(err, ErrOther) || !strings.Contains(err.Error(), folder) {
		t.Errorf("another door's envelope under this door's name: %v, %v", changed, err)
	}
	has(t, r, map[uint32]bool{1: false})
}

func TestHostileSticks(t *testing.T) {
	for name, prepare := range map[string]func(folder, file string) error{
		"garbage": func(_, file string) error { return os.WriteFile(file, []byte("AQ1:"), 0o644) },
		"empty":   func(_, file string) error { return os.WriteFile(file, nil, 0o644) },
		"huge": func(_, file string) error {
			return errors.Join(os.WriteFile(file, nil, 0o644), os.Truncate(file, 1<<40))
		},
		"a directory":      func(_, file string) error { return os.Mkdir(file, 0o755) },
		"a pipe":           func(_, file string) error { return syscall.Mkfifo(file, 0o644) },
		"a link to itself": func(_, file string) error { return os.Symlink(filepath.Base(file), file) },
		"a folder in itself": func(folder, file string) error {
			return errors.Join(os.Remove(filepath.Dir(file)), os.Symlink(FolderName, filepath.Join(folder, FolderName)))
		},
		"a link to elsewhere": func(_, file string) error { return os.Symlink("/dev/zero", file) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			r := b.open()
			b.put(r, sample(t0, 1), true)
			folder, file := stick(t, b, nil)
			if err := prepare(folder, file); err != nil {
				t.Fatal(err)
			}
			if changed, err := r.Take(folder); changed || err == nil {
				t.Errorf("%v, %v", changed, err)
			}
			if changed, err := r.Take(folder); changed || err != nil {
				t.Errorf("it is reported again: %v, %v", changed, err)
			}
			has(t, r, map[uint32]bool{1: true})
		})
	}
}
