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
	mustClose(t, c)
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
