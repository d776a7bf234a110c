//go:build hil

package hil

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// bootLimit is how long a machine may take to open its cache.
const bootLimit = 60 * time.Second

// stateFeatures are the ext4 features of the partition that the door writes to.
const stateFeatures = "^metadata_csum,^metadata_csum_seed,^orphan_file"

// TestPowerCuts cuts the power of a machine that loads status lists, changes rules and queues
// reports, again and again, and each time the disk loses some of what was not flushed. The machine
// has to boot each time, and to find one complete version that is not older than the last one it
// reported as written, and every report that it had queued.
//
// How many versions are written and how many cuts lose sectors is chance. The test goes on until
// both prove something, at most three times as long.
//
//	ASHYQ_CUTS      smallest number of cuts (20)
//	ASHYQ_CUT_LOG   file for a table of the cuts
//	ASHYQ_KERNEL    directory of the user-mode kernel, as image-build/hil/kernel prints it
func TestPowerCuts(t *testing.T) {
	kernel := os.Getenv("ASHYQ_KERNEL")
	if kernel == "" {
		t.Skip("ASHYQ_KERNEL names no user-mode kernel: make powercut builds one")
	}
	cuts := 20
	if s := os.Getenv("ASHYQ_CUTS"); s != "" {
		var err error
		if cuts, err = strconv.Atoi(s); err != nil {
			t.Fatalf("ASHYQ_CUTS: %v", err)
		}
	}
	table := io.Discard
	if name := os.Getenv("ASHYQ_CUT_LOG"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		table = f
	}
	m := newMachine(t, kernel)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	fmt.Fprintln(table, "cut\tat request\tsectors at stake\tkept\tloss\ton the card before\tin force before\tfound after")
	var n, versions, lossy, ahead int
	enough := func() bool { return lossy >= cuts/4 && versions >= cuts/2 }
	for ; n < cuts || !enough() && n < 3*cuts; n++ {
		after, early := int(math.Exp(r.Float64()*math.Log(3000))), n%5 == 4 // a delta: some 20; a section: 130
		if early {
			after = 1 + r.IntN(12) // the machine is mounting its card or opening the cache
		}
		loss := Loss(r.IntN(int(Losses)))
		written, newest := m.applied, m.newest
		got := m.runAndCut(n, after, early, loss, r)
		if got.found && (got.opened < written || got.opened > newest+1) {
			t.Fatalf("cut %d: version %d, %d was on the card and %d in force when the power was cut", n, got.opened, written, newest)
		}
		if got.found && got.opened != written {
			ahead++
		}
		if got.kept < got.atStake {
			lossy++
		}
		found := "cut before the cache was open"
		if got.found {
			found = fmt.Sprint(got.opened)
		}
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%v\t%d\t%d\t%s\n", n, after, got.atStake, got.kept, loss, written, newest, found)
		versions = int(m.applied)
	}
	t.Logf("%d cuts: %d lost sectors, %d found a later version than the last one reported as written, %d file systems were corrected; "+
		"%d versions were written", n, lossy, ahead, m.repaired, versions)
	if !enough() {
		t.Errorf("%d cuts lost sectors and %d versions were written: too few to prove anything", lossy, versions)
	}
}

// machine is a user-mode Linux whose process 1 is the cache's test binary.
type machine struct {
	t            *testing.T
	kernel, root string
	disk         *Disk
	file         string // the disk

	applied uint64 // newest version that was reported as written
	newest  uint64 // newest version that was reported as in force
	queued  uint64 // newest report that was queued and is not delivered yet
	report  uint64 // newest report that was delivered

	repaired int // file systems that e2fsck corrected
}

func newMachine(t *testing.T, kernel string) *machine {
	m := &machine{t: t, kernel: filepath.Join(kernel, "linux"), root: t.TempDir()}
	for _, dir := range []string{"dev", "proc", "tmp", "state"} {
		if err := os.Mkdir(filepath.Join(m.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "test", "-c", "-tags", "hil", "-o", filepath.Join(m.root, "init"), "ashyq-kiosk/kiosk/cache")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the machine's process 1: %v\n%s", err, out)
	}

	image := filepath.Join(t.TempDir(), "ext4")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 48<<20); err != nil {
		t.Fatal(err)
	}
	// Without checksums: the superblock has two sectors. If a card writes only one of them, each
	// field is still valid, but neither the kernel nor e2fsck -p accepts the checksum (seen in this
	// test). The cache's content has its own checksums.
	if out, err := exec.Command("mke2fs", "-q", "-t", "ext4", "-O", stateFeatures, image).CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
	content, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	m.disk = NewDisk(content)

	file, unmount, err := Mount(t.TempDir(), m.disk)
	if err != nil {
		t.Skipf("this machine cannot mount FUSE, which the disk needs: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(); err != nil {
			t.Error(err)
		}
	})
	m.file = file
	return m
}

type outcome struct {
	found         bool // the machine opened its cache
	opened        uint64
	atStake, kept int
}

// runAndCut boots the machine and cuts the power at a request to its disk. Requests count from the
// moment it has opened its cache or, with early, from its start.
func (m *machine) runAndCut(n, after int, early bool, loss Loss, r *rand.Rand) outcome {
	m.t.Helper()
	var off atomic.Bool // from then on the machine's reports do not count
	cut := make(chan struct{})
	gone := func() { off.Store(true); close(cut) }
	m.check(n)
	if early {
		m.disk.On(after, gone)
	} else {
		m.disk.On(0, nil)
	}
	cmd := exec.Command(m.kernel, "mem=192M", "ubd0="+m.file, "root=/dev/root", "rootfstype=hostfs", "rootflags="+m.root, "rw", "init=/init",
		"con0=null,fd:1", "con=null", "ssl=null", "quiet", "loglevel=3", "uml_dir="+m.t.TempDir(), "--", "-test.run=^TestPowerCutMachine$")
	cmd.Env = append(os.Environ(), "TMPDIR=/dev/shm")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	out, in, err := os.Pipe()
	if err != nil {
		m.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	in.Close()
	kill := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	late := time.AfterFunc(bootLimit, kill)
	defer late.Stop()

	var got outcome
	var said []string
	ended := make(chan error, 1)
	go func() {
		ended <- m.listen(out, &said, &off, func(v uint64) {
			got.found, got.opened = true, v
			if !early {
				m.disk.On(after, gone)
			}
		})
	}()
	var complaint error
	select {
	case <-cut:
		kill()
		complaint = <-ended
	case complaint = <-ended:
		kill()
	}
	_ = cmd.Wait()
	out.Close()
	if complaint != nil || !off.Load() {
		m.t.Fatalf("cut %d: the machine stopped by itself: %v\n%s", n, complaint, strings.Join(said, "\n"))
	}
	got.atStake, got.kept = m.disk.Lose(loss, r)
	return got
}

// check does what systemd-fsck does before a card is mounted.
func (m *machine) check(n int) {
	m.t.Helper()
	m.disk.On(0, nil)
	out, err := exec.Command("e2fsck", "-p", m.file).CombinedOutput()
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.ExitCode() == 1 { // it corrected errors
		m.repaired++
		return
	}
	if err != nil {
		m.t.Fatalf("cut %d: e2fsck -p: %v\n%s", n, err, out)
	}
}

// listen reads the machine's reports until the power is off. The machine runs on for some
// milliseconds without its disk.
func (m *machine) listen(r io.Reader, said *[]string, off *atomic.Bool, opened func(version uint64)) error {
	lines := bufio.NewScanner(r)
	m.report = 0
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if off.Load() {
			continue
		}
		*said = append(*said, line)
		word, rest, _ := strings.Cut(line, " ")
		v, err := strconv.ParseUint(rest, 10, 64)
		switch {
		case word == "broken:":
			return fmt.Errorf("the machine says %q", line)
		case err != nil:
			continue
		case word == "opened":
			opened(v)
			m.applied, m.newest = v, v
		case word == "report":
			if v != m.report+1 && m.report != 0 {
				return fmt.Errorf("report %d after %d", v, m.report)
			}
			if m.report = v; v == m.queued {
				m.queued = 0
			}
		case word == "applied", word == "waiting":
			if m.queued != 0 && m.report != m.queued {
				return fmt.Errorf("report %d was queued and never delivered, the last one is %d", m.queued, m.report)
			}
			if m.newest, m.queued = v, 0; word == "applied" {
				m.applied = v
			}
		case word == "queued":
			m.queued, m.report = v, v
		}
	}
	return nil
}
