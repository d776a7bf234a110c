package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ashyq-kiosk/kiosk/config"
)

// A door on a card that has become read-only takes its cache along into memory.
func TestReadOnlyCard(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: nothing was mounted read-only")
	}
	card, memory := t.TempDir(), t.TempDir()
	if err := unix.Mount("tmpfs", card, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("this machine lets nobody mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(card, 0); err != nil {
			t.Error(err)
		}
	})
	log := slog.New(slog.DiscardHandler)
	cfg := &config.Config{StateDir: card}
	seen := time.Unix(1_800_000_000, 0).UTC()
	store, err := openCache(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.NoteTime(seen); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", card, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := openCache(cfg, log); err == nil {
		t.Fatal("a card that cannot be written was opened for writing")
	}
	t.Setenv("RUNTIME_DIRECTORY", memory)
	store, err = openCache(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if got, err := store.SeenTime(); err != nil || !got.Equal(seen) {
		t.Errorf("the copy has seen %v, %v, want %v", got, err, seen)
	}
	if _, err := os.Stat(filepath.Join(memory, "cache.db")); err != nil {
		t.Error(err)
	}
}
