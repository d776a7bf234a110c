//go:build hil

package card_test

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// up is a generous limit for the start of an emulated board, on a machine that does other things
// too.
const up = 5 * time.Minute

// variant of the card that is tried: lean, or pi5 (on QEMU's virt board: it has no Pi 5).
var variant = cmp.Or(os.Getenv("ASHYQ_CARD_VARIANT"), "lean")

// readme is the README's chapter "A new door". The tests run its commands word for word.
func readme(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, ok := strings.Cut(string(text), "\n## A new door\n")
	chapter, _, more := strings.Cut(chapter, "\n## ")
	if !ok || !more {
		t.Fatal("README.md has no chapter \"A new door\"")
	}
	return chapter
}

// command is the chapter's command that begins with begin, with its examples replaced by real
// values.
func command(t testing.TB, begin string, replace ...string) string {
	t.Helper()
	for line := range strings.Lines(readme(t)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, begin) {
			continue
		}
		for i := 0; i < len(replace); i += 2 {
			if !strings.Contains(line, replace[i]) {
				t.Fatalf("the README's %q has no %q in it", line, replace[i])
			}
			line = strings.ReplaceAll(line, replace[i], replace[i+1])
		}
		return line
	}
	t.Fatalf("the README's chapter \"A new door\" has no command %q", begin)
	return ""
}

// freshCard writes a card as the README says.
func freshCard(t testing.TB) string {
	t.Helper()
	if os.Getenv("ASHYQ_CARD_PARTS") == "" {
		t.Skip("ASHYQ_CARD_PARTS names no boot loader: make image-test sets it")
	}
	disk := filepath.Join(t.TempDir(), "card.img")
	cmd := exec.Command("sh", "-c", command(t, "zstd ", "/dev/sdX", disk, "conv=fsync", "conv=sparse", "-lean-", "-"+variant+"-"))
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("write the card: %v\n%s", err, out)
	}
	return disk
}

// settings is an administrator's ashyq-kiosk.toml for a board without camera.
func settings(w *world, pins string) string {
	return fmt.Sprintf("[hardware]\npins = %q\n[camera]\nsource = %q\n[update]\ntrial = \"90s\"\n", pins, w.camera.source())
}

// prepare puts an administrator's files on a card.
func prepare(w *world, m *machine, pins string) {
	m.putKey()
	m.put("hostname", "north-gate\n")
	m.put("chrony.sources", "server "+gateway+" port "+w.time+" iburst\n")
	m.put("ashyq-kiosk.toml", settings(w, pins))
}

// enrol holds a door's code to its camera until the registry has it.
func enrol(w *world, m *machine, name string) {
	w.t.Helper()
	code := w.enrolCode(name, "shop")
	w.camera.show(func() string { return code })
	await(w.t, "the enrolment", up, func() string { return m.health() }, func() bool { return w.door(name).Enrolled })
	w.camera.show(nil)
	await(w.t, "the door to be in order", up, func() string { return m.health() }, m.healthy)
}

// health is for people to read; the command fails with the door.
func (m *machine) health() string {
	out, _ := m.try("ashyq-kiosk status; journalctl -b -u ashyq-kiosk --no-pager | tail -n 12; timedatectl | grep -i sync")
	return out
}

func (m *machine) healthy() bool {
	_, err := m.try("ashyq-kiosk status")
	return err == nil
}

func (m *machine) version() string {
	out, err := m.try("cat /etc/ashyq-image/version")
	if err != nil {
		return ""
	}
	return out
}

const trace = "/run/ashyq-kiosk/lines"

// TestCard follows a door from a blank card through its life: the enrolment by a code held to its
// camera, a pass, a stick with a new version while the registry is down, a good update, an update
// whose door is unhealthy, and one that does not boot.
func TestCard(t *testing.T) {
	m := newMachine(t, "virt", freshCard(t))
	w := newWorld(t)
	prepare(w, m, "sim:"+trace)
	putWired(m)
	m.on()
	m.awaitUp(up)
	if got := m.sh("hostname"); got != "north-gate" {
		t.Errorf("the host name is %q", got)
	}
	checkWired(t, m)
	if m.healthy() || !strings.Contains(m.health(), "enrol") {
		t.Errorf("before its enrolment the door says:\n%s", m.health())
	}
	enrol(w, m, "North gate")
	first := m.version()
	if got := w.door("North gate").Running; got != "" && got != first {
		t.Errorf("the registry says that the door runs %q, want %q", got, first)
	}

	green := w.citizen("010101500013", "negative")
	lit := func() bool { return strings.Contains(m.sh("cat "+trace), "green\t1") }
	w.camera.show(green.code)
	await(t, "green for a citizen", up, m.health, lit)
	w.camera.show(nil)

	t.Run("stick", func(t *testing.T) { stick(t, w, m, first) })
	t.Run("update", func(t *testing.T) { update(t, w, m, first) })
	t.Run("reset", func(t *testing.T) { factoryReset(t, w, m) })
}

// factoryReset puts the file factory-reset on the card: the door forgets everything, and accepts
// another code.
func factoryReset(t *testing.T, w *world, m *machine) {
	lowest := m.sh("cat /state/lowest")
	m.cut()
	m.put("factory-reset", "")
	m.on()
	m.awaitUp(up)
	if m.healthy() || !strings.Contains(m.health(), "enrol") {
		t.Errorf("after a factory reset the door says:\n%s", m.health())
	}
	if got := m.sh("ls /boot/firmware /state/ashyq-kiosk"); strings.Contains(got, "factory-reset") || strings.Contains(got, "identity") {
		t.Errorf("left after a factory reset:\n%s", got)
	}
	if got := m.sh("cat /state/lowest"); got != lowest {
		t.Errorf("the lowest version was %q, and after a factory reset it is %q", lowest, got)
	}
	enrol(w, m, "North gate, again")
}

func update(t *testing.T, w *world, m *machine, first string) {
	second := first + "+2second"
	w.release(t, m.disk, second, nil)
	m.updateTo(t, second)
	await(t, "the self-test", up, m.health, func() bool { return m.judged(second) == "good" })
	if !m.healthy() || !w.door("North gate").Enrolled {
		t.Fatalf("after the update: %s", m.health())
	}
	m.restart(t)
	if got := m.version(); got != second {
		t.Fatalf("confirmed %s, and after another start it runs %s", second, got)
	}

	// The registry's word is not what the bundle is signed for, and the door's own user may not
	// talk to RAUC.
	newer := first + "+2trick"
	w.offer(t, newer, makeBundle(t, m.disk, first, "", nil))
	if out, err := m.try("ashyq-kiosk update --now"); err == nil || !strings.Contains(out, "is below") || m.version() != second {
		t.Errorf("an old version under a newer name: %v\n%s", err, out)
	}
	if out, err := m.try("setpriv --reuid=ashyq-kiosk --clear-groups busctl get-property de.pengutronix.rauc / de.pengutronix.rauc.Installer Operation"); err == nil || !strings.Contains(out, "denied") {
		t.Errorf("the door's user asks RAUC: %v\n%s", err, out)
	}

	// The power is cut while a slot is being written or just after that: writes in the machine's
	// memory cannot be seen from here. TestUpdateCuts covers each moment.
	half := first + "+3half"
	w.release(t, m.disk, half, nil)
	written := func() int { // MiB, since the start
		sectors, _ := strconv.Atoi(m.sh("awk '{ print $7 }' /sys/block/vda/stat")) // it is a number
		return sectors * 512 / mib
	}
	before := written()
	go func() { _, _ = m.try("ashyq-kiosk update --now") }() // the restart ends the connection
	await(t, "the slot's first writes", up, m.health, func() bool { return written() > before+2 })
	m.cut()
	m.on()
	m.awaitUp(up)
	switch got := m.version(); got {
	case second:
		await(t, "the door to be in order", up, m.health, m.healthy)
	case half:
		await(t, "the self-test", up, m.health, func() bool { return m.judged(half) == "good" })
		second = half
	default:
		t.Fatalf("after a power cut during an update it runs %q, not %s", got, second)
	}

	third := first + "+4third"
	w.release(t, m.disk, third, nil)
	m.updateTo(t, third)
	w.camera.stop(true)
	await(t, "the way back from an unhealthy door", up, m.health, func() bool { return m.version() == second })
	if got := m.judged(third); got != "failed" {
		t.Errorf("the version of the unhealthy door is remembered as %q", got)
	}
	w.camera.stop(false)
	await(t, "the door to be in order again", up, m.health, m.healthy)

	fourth := first + "+5fourth"
	w.release(t, m.disk, fourth, func(slot string) {
		empty := filepath.Join(t.TempDir(), "vmlinuz")
		if err := os.WriteFile(empty, make([]byte, 1<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, "mcopy", "-n", "-o", "-i", slot, empty, "::vmlinuz")
	})
	start := m.bootID()
	_, _ = m.try("ashyq-kiosk update --now") // the restart ends the connection
	await(t, "the way back from a broken kernel", up, m.said, func() bool { id := m.bootID(); return id != "" && id != start })
	if got := m.version(); got != second {
		t.Errorf("after a release that does not boot it runs %q", got)
	}
	await(t, "the door to be in order again", up, m.health, m.healthy)
}

func (m *machine) bootID() string {
	out, err := m.try("cat /proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return out
}

// judged is the result of a version's trial that the door remembers.
func (m *machine) judged(version string) string {
	out, _ := m.try("cat /state/update.json") // absent at first
	return verdictOf(out, version)
}

func (m *machine) updateTo(t *testing.T, version string) {
	t.Helper()
	out, _ := m.try("ashyq-kiosk update --now") // the restart ends the connection
	await(t, "the start of "+version, up, func() string { return out + m.said() }, func() bool { return m.version() == version })
}

func (m *machine) restart(t *testing.T) {
	t.Helper()
	before := m.bootID()
	_, _ = m.try("systemctl reboot")
	await(t, "a restart", up, m.said, func() bool { id := m.bootID(); return id != "" && id != before })
}

// release makes a bundle of the card's own slot with another version, lets spoil change the slot,
// and offers it to all doors.
func (w *world) release(t *testing.T, disk, version string, spoil func(slot string)) {
	t.Helper()
	w.offer(t, version, makeBundle(t, disk, version, "", spoil))
}

// offer tells all doors that a bundle is of that version.
func (w *world) offer(t *testing.T, version, bundle string) {
	t.Helper()
	name := bundleName(version)
	if err := os.MkdirAll(w.dir+"/data/bundles", 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "mv", bundle, filepath.Join(w.dir, "data/bundles", name))
	w.ask(server.PathReleases, w.admin, store.ReleaseRequest{Ring: "all", Bundle: name, Version: version}, nil)
}

// bundleName has only characters that the registry accepts.
func bundleName(version string) string {
	return strings.NewReplacer("~", "-", "+", "-").Replace(version) + ".raucb"
}

// slotImage copies the file system in slot A of a card.
func slotImage(t testing.TB, disk, to string) {
	t.Helper()
	card, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	sector := make([]byte, 512)
	if _, err := card.ReadAt(sector, slotA); err != nil {
		t.Fatal(err)
	}
	size := int64(binary.LittleEndian.Uint16(sector[19:])) // FAT's count of sectors, 16 or 32 bits
	if size == 0 {
		size = int64(binary.LittleEndian.Uint32(sector[32:]))
	}
	run(t, "dd", "if="+disk, "of="+to, "bs=1M", fmt.Sprintf("skip=%d", slotA/mib), fmt.Sprintf("count=%d", size*512/mib), "status=none")
}

// makeBundle makes one of the card's own slot under another version. update is more of the
// manifest's section of that name.
func makeBundle(t testing.TB, disk, version, update string, spoil func(slot string)) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	slot := filepath.Join(dir, "slot.img")
	slotImage(t, disk, slot)
	file := filepath.Join(t.TempDir(), "version")
	manifest := "[update]\ncompatible=ashyq-kiosk-" + variant + "\nversion=" + version + "\n" + update + "[bundle]\nformat=verity\n[image.card]\nfilename=slot.img\n"
	for name, content := range map[string]string{file: version + "\n", dir + "/manifest.raucm": manifest} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"version", "lowest"} {
		run(t, "mcopy", "-n", "-o", "-i", slot, file, "::"+name)
	}
	if spoil != nil {
		spoil(slot)
	}
	keys := os.Getenv("ASHYQ_CARD_KEYS")
	run(t, "rauc", "--cert", keys+"/update.pem", "--key", keys+"/update.key", "bundle", dir, dir+".raucb")
	return dir + ".raucb"
}

// verdictOf reads a version's result in update.json.
func verdictOf(text, version string) string {
	var state struct {
		Versions []struct{ Version, Result string }
	}
	if json.Unmarshal([]byte(text), &state) != nil {
		return ""
	}
	for _, v := range state.Versions {
		if v.Version == version {
			return v.Result
		}
	}
	return ""
}
