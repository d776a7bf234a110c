package cache

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
)

const diskEnv = "ASHYQ_TEST_CACHE_DISK"

// onDisk runs do on a real file system of some MiB, mounted where only a child process of its own
// sees it.
func onDisk(t *testing.T, size string, do func(t *testing.T, dir string)) {
	if dir, inside := os.LookupEnv(diskEnv); inside {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
			t.Fatal(noMount, err)
		}
		do(t, dir)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), diskEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || strings.Contains(string(out), noMount):
		t.Skipf("this system lets nobody mount a file system in a user namespace: %v", err)
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

const noMount = "cannot mount"

func TestDiskFull(t *testing.T) { onDisk(t, "6m", fillDisk) }

func fillDisk(t *testing.T, dir string) {
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "cache.db")
	c := mustOpen(t, path)
	mustLoad(t, c, 1)

	// Everything that writes fails sooner or later, and what was there stays.
	var err error
	staged := uint32(0)
	for ; err == nil && staged < 20; staged++ {
		err = c.Stage(100+staged, 1, [32]byte{1}, genSection(2, 0))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("staged %d sections: %v, want ENOSPC", staged, err)
	}
	if err := load(c, 2); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("load: %v, want ENOSPC", err)
	}
	mustBe(t, c, 1)
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	// A change is in force all the same, and the card keeps what it has.
	var unwritten error
	c.OnUnwritten = func(err error) { unwritten = err }
	c.budget = writeBudget{balance: budgetBurst}
	u := genUpdate(2)
	u.Sections[2] = SectionUpdate{Version: 1}
	changes := everyPage(genSection(1, 0))
	u.Sections[0].Changes, u.Sections[1], u.Root = changes, SectionUpdate{Version: 1}, [32]byte{}
	if err := c.Apply(u); err != nil || !errors.Is(unwritten, syscall.ENOSPC) {
		t.Errorf("Apply: %v, not written: %v, want ENOSPC", err, unwritten)
	}
	for _, change := range changes {
		got, err := c.Status(t.Context(), kiosk.Person{Index: uint64(change.Index)})
		if err != nil || got.Status != change.Status {
			t.Fatalf("Status(%d) = %v, %v, want %v", change.Index, got.Status, err, change.Status)
		}
	}
	if err := c.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Close: %v, want ENOSPC", err)
	}
	c = mustOpen(t, path)
	mustBe(t, c, 1)

	// With room again all goes on.
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, c, 2)
	if err := c.Apply(genDeltas(3)); err != nil {
		t.Fatal(err)
	}
	mustBe(t, c, 3)
	fmt.Println("the disk was full after", staged, "sections")
}

// everyPage changes an entry in each page of a section.
func everyPage(s *statuslist.Section) (changes []statuslist.Change) {
	for i := uint32(0); i < statuslist.SectionSize; i += chunksOnPage * chunkEntries {
		status := statuslist.Red
		if s.Get(i) == status {
			status = statuslist.Green
		}
		changes = append(changes, statuslist.Change{Index: i, Status: status})
	}
	return changes
}
