//go:build hil

// Package card_test boots the card image in QEMU: on a virtio board, which is faster, for updates,
// and on an emulated Raspberry Pi 3 for its lines.
package card_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Offsets in the image, bytes; the script "build" lays it out.
const (
	mib     = 1 << 20
	bootAt  = 4 * mib
	slotA   = 68 * mib
	slotB   = 548 * mib
	stateAt = 1028 * mib
)

// machine is a board with a card in it.
type machine struct {
	t      testing.TB
	board  string   // virt, or a Pi: 3B, 4B
	disk   string   // the card's image, or a device in its place
	parts  string   // folder with files of packages: U-Boot, device trees
	key    string   // file of the SSH key
	direct []string // QEMU arguments that replace the card's boot loader
	serial string   // file with the console's output
	port   string   // of SSH, on this machine
	cmd    *exec.Cmd
	quit   string // socket of QEMU's monitor
}

func newMachine(t testing.TB, board, disk string) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{t: t, board: board, disk: disk, parts: os.Getenv("ASHYQ_CARD_PARTS"), serial: filepath.Join(dir, "serial"), quit: filepath.Join(dir, "monitor")}
	m.key = filepath.Join(dir, "key")
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", m.key)
	t.Cleanup(m.cut)
	return m
}

// run runs a program on this machine, which has to succeed.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// put writes a file to the card's boot partition, as an administrator does before the card goes
// into the door.
func (m *machine) put(name, content string) {
	m.t.Helper()
	file := filepath.Join(m.t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
	run(m.t, "mcopy", "-n", "-o", "-i", fmt.Sprintf("%s@@%d", m.disk, bootAt), file, "::"+name)
}

// putKey gives the test access by SSH.
func (m *machine) putKey() {
	public, err := os.ReadFile(m.key + ".pub")
	if err != nil {
		m.t.Fatal(err)
	}
	m.put("authorized_keys", string(public))
}

// on switches the machine on.
func (m *machine) on() {
	m.t.Helper()
	m.port = freePort(m.t)
	console, err := os.OpenFile(m.serial, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	defer console.Close()
	args := []string{"-display", "none", "-monitor", "unix:" + m.quit + ",server=on,wait=off",
		"-netdev", "user,id=net,hostfwd=tcp:127.0.0.1:" + m.port + "-:22"}
	if m.board == "virt" {
		args = append(args, "-M", "virt", "-cpu", "cortex-a53", "-smp", "2", "-m", "1024", "-serial", "stdio",
			"-bios", m.parts+"/usr/lib/u-boot/qemu_arm64/u-boot.bin",
			"-drive", "file="+m.disk+",format=raw,if=none,id=card", "-device", "virtio-blk-device,drive=card",
			"-device", "virtio-net-device,netdev=net", "-device", "virtio-rng-device", "-device", "qemu-xhci,id=usb")
	} else {
		args = append(args, "-M", pis[m.board].machine, "-device", "usb-net,netdev=net")
		args = append(args, pis[m.board].consoles...)
		args = append(args, pis[m.board].card(m.disk)...)
		args = append(args, m.boots()...)
	}
	m.cmd = exec.Command("qemu-system-aarch64", args...)
	m.cmd.Stdout, m.cmd.Stderr = console, console
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
}

// boots replaces the Pi's firmware, which QEMU does not have: QEMU starts U-Boot with the board's
// device tree.
func (m *machine) boots() []string {
	if m.direct != nil {
		return m.direct
	}
	return []string{"-kernel", m.parts + "/usr/lib/u-boot/rpi_arm64/u-boot.bin", "-dtb", m.tree()}
}

// cut cuts the power.
func (m *machine) cut() {
	if m.cmd != nil {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
		m.cmd = nil
	}
}

// monitor runs a command of QEMU's monitor, outside the machine.
func (m *machine) monitor(command string) string {
	m.t.Helper()
	conn, err := net.Dial("unix", m.quit)
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		m.t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	out, _ := io.ReadAll(conn) // ends with the deadline
	return string(out)
}

// try runs a command in the machine.
func (m *machine) try(command string) (string, error) {
	ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ssh", "-i", m.key, "-p", m.port, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=10", "root@127.0.0.1", command).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// sh runs a command that has to succeed.
func (m *machine) sh(command string) string {
	m.t.Helper()
	out, err := m.try(command)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return out
}

// awaitUp waits until the machine accepts a login.
func (m *machine) awaitUp(limit time.Duration) {
	m.t.Helper()
	await(m.t, "the machine to come up", limit, m.said, func() bool {
		_, err := m.try("true")
		return err == nil
	})
}

// said is the end of the console's output.
func (m *machine) said() string {
	data, _ := os.ReadFile(m.serial) // absent before the start
	return string(data[max(0, len(data)-3000):])
}

// await polls until something is true.
func await(t testing.TB, what string, limit time.Duration, why func() string, done func() bool) {
	t.Helper()
	start := time.Now()
	for !done() {
		if time.Since(start) > limit {
			t.Fatalf("waited %v for %s:\n%s", limit, what, why())
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Logf("%s took %v", what, time.Since(start).Round(100*time.Millisecond))
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String()) // it has one
	return port
}
