package cache

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const writerEnv = "ASHYQ_TEST_CACHE_WRITER"

// write is the other process: it takes the cache from version to version until it is killed, by
// deltas and every fourth time by whole sections, and says so each time that Apply has returned.
func write(path string) error {
	c, err := Open(path)
	if err != nil {
		return err
	}
	if c.SetAside != nil {
		return c.SetAside
	}
	c.writeThrough()
	state, err := c.State()
	if err != nil {
		return err
	}
	for version := state.Version + 1; ; version++ {
		fmt.Println("writing")
		if version%4 == 1 {
			err = load(c, version)
		} else {
			err = c.Apply(genDeltas(version))
		}
		if err != nil {
			return err
		}
		fmt.Println("applied", version)
		if err := c.Queue(fmt.Sprint("report ", version), []byte("{}")); err != nil {
			return err
		}
	}
}

// TestKill kills a process again and again while it writes. Each time the cache has to come up as
// one complete version, and none that was reported as applied may be lost.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves 105 kills to make test")
	}
	t.Parallel()
	if raceDetector {
		t.Skip("built with the race detector, which makes writing too slow to be killed halfway and sees one process only")
	}
	const kills = 105
	began := time.Now()
	mustLoad(t, mustOpen(t, testPath(t)), 1)
	longest := min(3*time.Since(began), 150*time.Millisecond) // a few versions
	path := testPath(t)
	version, halfway := uint64(0), 0
	for n := range kills {
		// Some die at once, while they create or open the file.
		delay := rand.N(longest)
		said := runKilled(t, path, n%5 != 0, delay)
		reported := version
		for line := range strings.Lines(said) {
			_, _ = fmt.Sscanf(line, "applied %d\n", &reported)
		}
		c, err := Open(path)
		if err != nil {
			t.Fatalf("kill %d: %v", n, err)
		}
		// A process that dies before the file is laid out may leave a torn one, which holds nothing
		// yet.
		if c.SetAside != nil && reported != 0 {
			t.Fatalf("kill %d: %v", n, c.SetAside)
		}
		state, err := c.State()
		if err != nil {
			t.Fatalf("kill %d: %v", n, err)
		}
		if state.Version < reported || state.Version > reported+1 {
			t.Fatalf("kill %d: version %d, and %d was reported as applied", n, state.Version, reported)
		}
		// Open has run the database's own check already.
		if err := checkVersion(c, state.Version); err != nil {
			t.Fatalf("kill %d: %v", n, err)
		}
		if staged, _, err := c.Staged(0); err != nil || staged != 0 {
			halfway++
		}
		version = state.Version
		mustClose(t, c)
	}
	t.Logf("%d kills within %v each, %d versions, %d kills between Stage and Apply", kills, longest, version, halfway)
	if version < 5 || halfway < 3 {
		t.Errorf("%d kills for %d versions, %d of them between Stage and Apply: they come too early to prove anything",
			kills, version, halfway)
	}
}

// runKilled starts the writer, kills it after a delay, counted from when it is writing or from its
// start, and returns what it said.
func runKilled(t *testing.T, path string, writing bool, delay time.Duration) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+path)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout = in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	var said bytes.Buffer
	if writing {
		line := make([]byte, len("writing\n"))
		n, err := out.Read(line)
		said.Write(line[:n])
		if err != nil {
			t.Errorf("the writer did not start: %v", err)
		}
	}
	time.Sleep(delay)
	_ = cmd.Process.Kill()
	_, err = said.ReadFrom(out)
	if waitErr := cmd.Wait(); err != nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the writer ended by itself: %v, %v: %s", err, waitErr, complaint.Bytes())
	}
	return said.String()
}
