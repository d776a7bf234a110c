//go:build hil

package card_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// stick brings a new version and a new list to a door whose registry is down, without a login.
func stick(t *testing.T, w *world, m *machine, first string) {
	version := first + "+1stick"
	dir := filepath.Join(t.TempDir(), "stick")
	snapshot := filepath.Join(dir, "ashyq-offline-snapshot")
	if err := os.MkdirAll(snapshot, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "mv", makeBundle(t, m.disk, version, "", nil), filepath.Join(dir, bundleName(version)))

	before := m.list()
	m.sh("systemctl stop ashyq-kiosk") // so that it gets the newer list from the stick only
	w.citizen("020202500024", "positive")
	await(t, "a newer list", up, m.said, func() bool {
		var o store.Overview
		w.ask(server.PathOverview, w.admin, nil, &o)
		return o.Version > before
	})
	registry := filepath.Join(w.dir, "ashyq-registry")
	key := strings.TrimSpace(run(t, registry, "key", "--data", w.dir+"/data"))
	said := run(t, registry, "offline-snapshot", "--from", w.url, "--key="+key, "--ca", w.dir+"/data/ca.pem", snapshot)
	var newer uint64
	if _, err := fmt.Sscanf(said[strings.Index(said, "version "):], "version %d", &newer); err != nil {
		t.Fatalf("%v in %q", err, said)
	}
	signal := func(s syscall.Signal) {
		if err := w.registry.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { signal(syscall.SIGCONT) })
	signal(syscall.SIGSTOP)
	m.sh("systemctl start ashyq-kiosk")

	image := stickImage(t, 256, dir)
	m.plug("stick", image)
	await(t, "the start of "+version, 3*up, m.stickSays, func() bool { return m.version() == version })
	await(t, "the self-test", up, m.health, func() bool { return m.judged(version) == "good" })
	await(t, "the list on the stick", up, m.health, func() bool { return m.list() == newer })
	signal(syscall.SIGCONT)
	await(t, "the registry to see it", up, m.health, func() bool { return w.door("North gate").Running == version })

	m.plug("other", stickImage(t, 64, t.TempDir()))
	await(t, "the second stick to be left alone", up, m.stickSays, func() bool { return strings.Contains(m.stickSays(), "left alone") })
	m.pull("other")
	m.pull("stick")
	await(t, "the mount to go", up, m.stickSays, func() bool { return !m.stickIn() })
	nothing := func() int { return strings.Count(m.stickSays(), "nothing newer") }
	already := nothing() // the stick was in while the new version started
	m.plug("stick", image)
	await(t, "nothing newer on the next stick", up, m.stickSays, func() bool { return m.stickIn() && nothing() > already })
	m.pull("stick")
	await(t, "the mount to go again", up, m.stickSays, func() bool { return !m.stickIn() })
	// What is older than what ran here is left where it is.
	old := filepath.Join(t.TempDir(), "old")
	if err := os.Mkdir(old, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "mv", makeBundle(t, m.disk, "0~0", "", nil), old+"/old.raucb")
	m.plug("stick", stickImage(t, 256, old))
	await(t, "the old version to be refused", up, m.stickSays, func() bool { return strings.Contains(m.stickSays(), `"0~0" is below`) })
	m.pull("stick")
	if got := m.version(); got != version {
		t.Errorf("in the end it runs %s", got)
	}
}

// list is the version of the door's list; 0: no list yet.
func (m *machine) list() (version uint64) {
	out, _ := m.try("ashyq-kiosk status") // fails for an unhealthy door, and prints the version anyway
	_, data, _ := strings.Cut(out, "data: version ")
	_, _ = fmt.Sscan(data, &version)
	return version
}

func (m *machine) stickIn() bool {
	_, err := m.try("mountpoint -q /run/ashyq/stick")
	return err == nil
}

// stickSays is the journal about sticks since the last start.
func (m *machine) stickSays() string {
	out, _ := m.try("journalctl -b -o cat --no-pager -u 'ashyq-stick@*' -u 'ashyq-stick-read@*' -u 'ashyq-stick-update@*'")
	return out
}

// plug puts a stick into the machine.
func (m *machine) plug(id, image string) {
	m.t.Helper()
	for _, command := range []string{
		"drive_add 0 if=none,id=" + id + ",file=" + image + ",format=raw,readonly=on", "device_add usb-storage,bus=usb.0,drive=" + id + ",id=" + id,
	} {
		if out := m.monitor(command); strings.Contains(out, "Error") {
			m.t.Fatal(out)
		}
	}
}

// pull takes it out, without telling the machine before.
func (m *machine) pull(id string) {
	m.t.Helper()
	if out := m.monitor("device_del " + id); strings.Contains(out, "Error") {
		m.t.Fatal(out)
	}
}

// stickImage makes a stick with the files of a folder, formatted as sticks are sold: one FAT
// partition at 1 MiB.
func stickImage(t *testing.T, size int, dir string) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "stick.img")
	first, sectors := uint32(mib/512), uint32(size-1)*mib/512
	boot := make([]byte, 512)
	entry := boot[446:]
	entry[4] = 0x0c // FAT32, by numbers of sectors
	binary.LittleEndian.PutUint32(entry[8:], first)
	binary.LittleEndian.PutUint32(entry[12:], sectors)
	boot[510], boot[511] = 0x55, 0xaa
	if err := os.WriteFile(image, boot, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, int64(size)*mib); err != nil {
		t.Fatal(err)
	}
	partition := fmt.Sprintf("%s@@%d", image, mib)
	run(t, "mformat", "-i", partition, "-F", "-T", fmt.Sprint(sectors), "::")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		run(t, "mcopy", "-s", "-i", partition, filepath.Join(dir, e.Name()), "::")
	}
	return image
}
