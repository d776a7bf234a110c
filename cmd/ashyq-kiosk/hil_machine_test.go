//go:build hil

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ashyq-kiosk/hardware"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/scanner/qrdraw"
)

// The machine of `make hil`: the real drivers of a user-mode kernel, Debian's real systemd, our
// real packages. These tests run inside it as root; image-build/hil/run builds it, boots it and
// copies them in.
const (
	shared     = "/hil" // what the host shares
	stateDir   = "/var/lib/ashyq-kiosk"
	configFile = "/etc/ashyq-kiosk/ashyq-kiosk.toml"
	chipLabel  = "pinctrl-bcm2835"
	screenAt   = "127.0.0.1:8081"
	registryAt = "127.0.0.1:8080"
)

// wiring is the use of each line, as the package configures it.
var wiring = map[string]int{"red": 17, "yellow": 27, "blue": 22, "green": 23, "buzzer": 24, "relay": 25}

// machine is a world whose door is an installed package.
type machine struct {
	*world
	chip  *simChip
	lens  *loopback
	panel *panelTrace
}

// newMachine plugs everything in, installs the packages, and waits for a working door.
func newMachine(t *testing.T) *machine {
	if _, err := os.Stat(filepath.Join(shared, "start")); err != nil {
		t.Skip("not inside the machine that `make hil` boots")
	}
	m := &machine{world: &world{t: t, dir: t.TempDir(), screen: screenAt, direct: "http://" + registryAt, client: http.DefaultClient}}
	step := stopwatch(t)
	m.chip = newSimChip(t)
	m.panel = newPanelTrace(t, m.chip)
	m.camera = &camera{t: t, source: "/dev/video0", doorway: qrdraw.Doorway(1280, 720, 3)}
	m.camera.empty = m.camera.scenes(nil)
	m.camera.show(nil)
	m.lens = newLoopback(t, m.camera)
	m.lens.plug()
	m.makeStatePartition()
	m.setSynchronised(true)
	step("chip, camera and state partition")

	m.sh("cd %s && dpkg -i ashyq-registry.deb", shared)
	m.put("/etc/ashyq-registry.env", "ASHYQ_PUBLIC_URL=http://"+registryAt+"\n", 0o600)
	m.sh("systemctl restart ashyq-registry")
	m.readAdminKey("/var/lib/private/ashyq-registry")
	var source server.SourceAnswer
	m.post(server.PathSources, m.admin, server.SourceRequest{Name: "Laboratory", Kind: "laboratory"}, &source)
	m.lab = source.Key
	m.post(server.PathSources, m.admin, server.SourceRequest{Name: "Centre", Kind: "covid-19-centre"}, &source)
	m.centre = source.Key
	step("registry installed and set up")

	m.sh("cd %s && dpkg -i ashyq-kiosk.deb", shared)
	m.configure()
	m.sh("systemctl restart ashyq-kiosk")
	m.sh("ashyq-kiosk enrol '%s'", m.code("Door", "shop"))
	m.awaitHealthy()
	step("kiosk installed and in order")
	return m
}

// configure edits the package's own file as an administrator would, so that an upgrade finds a
// changed file.
func (m *machine) configure() {
	m.t.Helper()
	info, err := os.Stat(configFile)
	if err != nil {
		m.t.Fatal(err)
	}
	text := fmt.Sprintf("[door]\nagain = \"1s\"\n[camera]\nsource = \"/dev/video0\"\nfrozen_after = \"4s\"\n[hardware]\npins = %q\n", hardware.Header)
	m.put(configFile, text, info.Mode().Perm()) // the owner stays, too
}

func (m *machine) put(path, text string, mode os.FileMode) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		m.t.Fatal(err)
	}
}

// sh runs a shell command that must succeed and returns its output.
func (m *machine) sh(format string, args ...any) string {
	m.t.Helper()
	line := fmt.Sprintf(format, args...)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sh", "-c", line).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s: %v\n%s\n%s", line, err, out, m.journal())
	}
	return strings.TrimSpace(string(out))
}

func (m *machine) journal() string {
	out, _ := exec.Command("journalctl", "-b", "-o", "short-monotonic", "--no-pager", "-n", "60",
		"-u", "ashyq-kiosk", "-u", "ashyq-registry").CombinedOutput() // only to explain another failure
	return string(out)
}

// until polls a condition and returns how long it took to become true.
func (m *machine) until(what string, limit time.Duration, done func() bool) time.Duration {
	m.t.Helper()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if done() {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			m.t.Fatalf("waited %v for %s; the health page says:\n%s\nthe panel did:\n%s\nthe journal:\n%s",
				limit, what, m.health(), m.panel.text(), m.journal())
		}
	}
}

// health is the beginning of the daemon's /healthz, or the error.
func (m *machine) health() string {
	text, err := askHealth(context.Background(), screenAt)
	if text == "" && err != nil {
		return err.Error()
	}
	return text
}

func (m *machine) healthy() bool { return strings.HasPrefix(m.health(), "ok\n") }
func (m *machine) quiet() bool   { return strings.Contains(m.health(), "shows: idle") }

func (m *machine) awaitHealthy() time.Duration {
	m.t.Helper()
	return m.until("the door to be in order", patience, m.healthy)
}

// published is the registry's newest version.
func (m *machine) published() int {
	m.t.Helper()
	var o store.Overview
	m.get(server.PathOverview, m.admin, &o)
	return int(o.Version)
}

// follow changes something at the registry and waits until the door has all of it.
func (m *machine) follow(news func()) {
	m.t.Helper()
	before := m.published()
	news()
	m.until("another version", patience, func() bool { return m.published() > before })
	time.Sleep(700 * time.Millisecond) // later changes are another version, after at least 0.5 s
	m.caughtUp()
}

// caughtUp waits until the door has the registry's newest version.
func (m *machine) caughtUp() {
	m.t.Helper()
	m.until("the door to follow the registry", patience, func() bool { return m.kioskVersion() == m.published() })
}

// setSynchronised tells the kernel what a time daemon would tell it, adjtimex(2).
func (m *machine) setSynchronised(on bool) {
	m.t.Helper()
	tx := unix.Timex{Modes: unix.ADJ_STATUS | unix.ADJ_MAXERROR | unix.ADJ_ESTERROR, Maxerror: 1000, Esterror: 1000}
	if !on {
		tx.Status, tx.Maxerror = unix.STA_UNSYNC, 16_000_000 // as after settimeofday(2)
	}
	if _, err := unix.Adjtimex(&tx); err != nil {
		m.t.Fatalf("tell the kernel about the clock: %v", err)
	}
}

// moveClock sets the clock; the kernel then says that it is not synchronised.
func (m *machine) moveClock(by time.Duration) {
	m.t.Helper()
	tv := unix.NsecToTimeval(time.Now().Add(by).UnixNano())
	if err := unix.Settimeofday(&tv); err != nil {
		m.t.Fatalf("set the clock: %v", err)
	}
}

// The state has a separate partition, behind the device mapper so that it can be made to fail.
const partition = "/dev/mapper/state"

func (m *machine) makeStatePartition() {
	m.t.Helper()
	m.sh("dmsetup create state --table '%s'", m.mapping("linear /dev/ubdb 0"))
	m.sh("mkfs.ext4 -q -m 0 %s && mkdir -p %s", partition, stateDir)
	m.mountState("rw")
}

// mountState mounts it with the options of a Pi's fstab: an error makes it read-only.
func (m *machine) mountState(mode string) {
	m.t.Helper()
	m.sh("mount -o errors=remount-ro,%s %s %s", mode, partition, stateDir)
}

// mapping is a device mapper's table for the whole disk.
func (m *machine) mapping(target string) string {
	m.t.Helper()
	return fmt.Sprintf("0 %s %s", strings.TrimSpace(m.sh("cat /sys/block/ubdb/size")), target)
}

func (m *machine) remap(target string) {
	m.t.Helper()
	m.sh("dmsetup load state --table '%s' && dmsetup resume state", m.mapping(target))
}

// stopwatch logs how long each step took.
func stopwatch(t testing.TB) func(string) {
	last := time.Now()
	return func(name string) {
		t.Helper()
		t.Logf("%-40s %5.1f s", name, time.Since(last).Seconds())
		last = time.Now()
	}
}
