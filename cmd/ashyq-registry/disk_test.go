package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// disk mounts a disk of this size, like 128k, until the test ends.
func disk(t *testing.T, size string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("this machine mounts no small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Error(err)
		}
	})
	return small
}

// TestRestoreFullDisk has too little room for the backup, and for the restored registry.
func TestRestoreFullDisk(t *testing.T) {
	w := newTown(t, "")
	w.activate(numbers(1)[0])
	file, small := w.backup(), disk(t, "128k")
	if out, err := tool("restore", "--data", filepath.Join(small, "data"), file); err == nil ||
		!strings.Contains(out, "full") {
		t.Errorf("restore onto a full disk: %v\n%s", err, out)
	}
	if (&dataDir{name: filepath.Join(small, "data")}).has(registryFile) {
		t.Error("half a registry is there")
	}
	if err := os.WriteFile(filepath.Join(small, "filler"), make([]byte, 64<<10), 0o600); err == nil {
		t.Fatal("the small disk is not full")
	}
	target := filepath.Join(small, "backup")
	if out, err := tool("backup", "--data", w.data, target); err == nil || !strings.Contains(out, "no space left") {
		t.Errorf("backup onto a full disk: %v\n%s", err, out)
	}
	if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a backup is there: %v", err)
	}
}

// TestRestoreReadOnlyDisk restores onto a disk that cannot be written, and backs a registry up that
// is on one: as the hint says, a copy of its directory has everything.
func TestRestoreReadOnlyDisk(t *testing.T) {
	small := disk(t, "64m")
	w := newTownIn(t, filepath.Join(small, "data"), "")
	iins := numbers(2)
	w.result(iins[0], "1", "positive")
	ill := w.activate(iins[0])
	w.awaits(ill, statuslist.Red)
	file := w.backup()
	w.result(iins[0], "2", "positive")
	w.kill() // it leaves a write-ahead log
	if err := syscall.Mount("", small, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadDir(w.data)
	if err != nil {
		t.Fatal(err)
	}

	for what, args := range map[string][]string{
		"restore": {"restore", "--data", filepath.Join(small, "new"), file},
		"backup":  {"backup", "--data", w.data, filepath.Join(small, "backup")},
		"serve":   w.program().Args[1:],
	} {
		if out, err := tool(args...); err == nil || !strings.Contains(out, "read-only file system") {
			t.Errorf("%s on a read-only disk: %v\n%s", what, err, out)
		}
	}
	out, err := tool("backup", "--data", w.data, filepath.Join(t.TempDir(), "backup"))
	if err == nil || !strings.Contains(out, "hint: its disk is read-only: copy ") {
		t.Errorf("backup of a read-only disk: %v\n%s", err, out)
	}
	if after, err := os.ReadDir(w.data); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the read-only disk has %v, %v, before %v", after, err, before)
	}

	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(w.data)); err != nil {
		t.Fatal(err)
	}
	w.data = copied
	file = w.backup()
	w.serve()
	w.restore(file, "")
	w.awaits(ill, statuslist.Red)
	again := server.ResultRequest{IIN: iins[0], Sample: "2", Result: "negative", Taken: time.Now()}
	if code, err := w.post(server.PathResults, w.lab, again, nil); err != nil || code != http.StatusConflict {
		t.Errorf("the last result before the disk was read-only, with other content: %d, %v", code, err)
	}
}

// TestDiskFullWhileServing fills the disk of a running registry. Laboratories are told, what was
// acknowledged stays, and as soon as there is room it goes on by itself.
func TestDiskFullWhileServing(t *testing.T) {
	small := disk(t, "8m")
	w := newTownIn(t, filepath.Join(small, "data"), "")
	iins := numbers(150)
	ill := w.activate(iins[0])
	filler := filepath.Join(small, "filler")
	var free syscall.Statfs_t
	if err := syscall.Statfs(small, &free); err != nil {
		t.Fatal(err)
	}
	const room = 2 << 20 // for some of them
	if err := os.WriteFile(filler, make([]byte, int64(free.Bavail)*free.Bsize-room), 0o600); err != nil {
		t.Fatal(err)
	}
	var taken []string
	refused := 0
	for n, iin := range iins {
		result := server.ResultRequest{IIN: iin, Sample: fmt.Sprint(n), Result: "negative", Taken: time.Now().Add(-time.Hour)}
		code, err := w.post(server.PathResults, w.lab, result, nil)
		switch {
		case err != nil:
			t.Fatal(err)
		case code < 300:
			taken = append(taken, iin)
		case code == http.StatusInternalServerError:
			refused++
		default:
			t.Fatalf("on a full disk the answer is %d", code)
		}
	}
	t.Logf("%d results taken, %d refused", len(taken), refused)
	if refused < 10 || len(taken) < 10 {
		t.Fatal("the disk was not full in the middle: this proves nothing")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	w.result(iins[0], "last", "positive")
	w.awaits(ill, statuslist.Red)
	for _, iin := range taken {
		var kept []store.Kept
		w.ask(w.admin, server.PathHistory, server.CitizenRequest{IIN: iin}, &kept)
		if len(kept) == 0 || kept[len(kept)-1].State != store.InForce {
			t.Errorf("a result that was acknowledged: %+v", kept)
		}
	}
}
