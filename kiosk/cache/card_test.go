package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A door on a card that has become read-only takes its cache along into memory, and goes on there
// when it starts again.
func TestReadOnlyCard(t *testing.T) { onDisk(t, "8m", makeReadOnly) }

func makeReadOnly(t *testing.T, card string) {
	memory := t.TempDir()
	s := state{t, card, memory}
	c, log := s.open()
	mustLoad(t, c, 1)
	mustClose(t, c)
	expectLog(t, log)

	s.remount(syscall.MS_RDONLY)
	if _, err := OpenState(card, "", slog.New(slog.DiscardHandler)); !errors.Is(err, syscall.EROFS) {
		t.Errorf("without memory: %v, want the card's error", err)
	}
	c, log = s.open()
	mustBe(t, c, 1)
	mustLoad(t, c, 2)
	mustClose(t, c)
	expectLog(t, log, "level=ERROR msg=\"cannot write to the card; the door uses a copy of the cache in memory, which a restart loses\"",
		"hint=\"replace the card\"")

	// The same process starts again: the copy is newer than the card.
	c, log = s.open()
	mustBe(t, c, 2)
	mustClose(t, c)
	expectLog(t, log, "cannot write to the card")

	s.remount(0)
	c, log = s.open()
	mustBe(t, c, 1)
	mustLoad(t, c, 3)
	mustClose(t, c)
	expectLog(t, log)

	// Now the copy would be older than the card.
	s.remount(syscall.MS_RDONLY)
	c, _ = s.open()
	mustBe(t, c, 3)
	mustClose(t, c)
}

// A card that is full or read-only from the start has nothing to copy; the door comes up all the
// same.
func TestCardWithoutCache(t *testing.T) { onDisk(t, "64k", startWithoutCache) }

func startWithoutCache(t *testing.T, card string) {
	s := state{t, filepath.Join(card, "state"), t.TempDir()}
	if err := os.WriteFile(filepath.Join(card, "ballast"), make([]byte, 48<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	c, log := s.open()
	mustBe(t, c, 0)
	mustLoad(t, c, 1)
	mustClose(t, c)
	expectLog(t, log, "no space left on device")
	if err := os.RemoveAll(s.card); err != nil {
		t.Fatal(err)
	}

	s = state{t, filepath.Join(card, "other"), t.TempDir()}
	if err := syscall.Mount("", card, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	c, log = s.open()
	mustLoad(t, c, 1)
	mustClose(t, c)
	expectLog(t, log, "read-only file system", "cannot copy the cache from the card; the door loads a new one from the registry")
}

type state struct {
	*testing.T
	card, memory string
}

func (s state) open() (*Cache, *bytes.Buffer) {
	s.Helper()
	log := new(bytes.Buffer)
	c, err := OpenState(s.card, s.memory, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		s.Fatal(err)
	}
	c.writeThrough()
	return c, log
}

func (s state) remount(flags uintptr) {
	s.Helper()
	if err := syscall.Mount("", s.card, "", syscall.MS_REMOUNT|flags, ""); err != nil {
		s.Fatal(err)
	}
}

// expectLog wants a line with each of these, in this order, or with none of them an empty log.
func expectLog(t *testing.T, log *bytes.Buffer, want ...string) {
	t.Helper()
	rest := log.String()
	if len(want) == 0 && rest != "" {
		t.Errorf("logged\n%swant nothing", rest)
	}
	for _, w := range want {
		_, after, found := strings.Cut(rest, w)
		if !found {
			t.Errorf("logged\n%swant %q in it", log, want)
			return
		}
		rest = after
	}
}

// A damaged cache on a good card is replaced, and what cannot be written later is told.
func TestOpenStateLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made")
	s := state{t, dir, t.TempDir()}
	c, _ := s.open()
	mustClose(t, c)
	if err := os.WriteFile(filepath.Join(dir, fileName), bytes.Repeat([]byte("x"), 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	c, log := s.open()
	defer mustClose(t, c)
	c.OnUnwritten(errors.New("worn out"))
	expectLog(t, log, "the cache was damaged", "cannot write the newest list to the card", "worn out")
}

func TestCardFails(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.EROFS:   true,
		syscall.EIO:     true,
		syscall.ENOSPC:  true,
		syscall.EUCLEAN: true,
		syscall.EACCES:  false, // the administrator's mistake, and memory would hide it
		syscall.ENOENT:  false,
		ErrDamaged:      false,
	} {
		if got := cardFails(fmt.Errorf("open cache: %w", &fs.PathError{Op: "open", Path: "cache.db", Err: err})); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}
