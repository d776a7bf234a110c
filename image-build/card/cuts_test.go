//go:build hil

package card_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/image-build/hil"
	"ashyq-kiosk/registry/api"
)

// TestUpdateCuts cuts the power at random moments of an update, from its first write until the new version has proved itself, and lets the card
// lose what was not flushed. Each time the door has to come up by itself, on the old version or the new one, with every byte of that
// version's slot as it was built, and to be in order: enrolled, with its list.
//
//	ASHYQ_CUTS     how many
//	ASHYQ_CUT_LOG  file for a table of them
func TestUpdateCuts(t *testing.T) {
	cuts, _ := strconv.Atoi(os.Getenv("ASHYQ_CUTS")) // none, where it is no number
	if cuts == 0 {
		t.Skip("ASHYQ_CUTS does not say how many: CUTS=50 make image-test")
	}
	card := freshCard(t)
	content, err := os.ReadFile(card)
	if err != nil {
		t.Fatal(err)
	}
	disk := hil.NewDisk(content)
	file, unmount, err := hil.Mount(t.TempDir(), disk)
	if err != nil {
		t.Skipf("no FUSE here, which the card is made of: %v", err)
	}
	t.Cleanup(func() { _ = unmount() })
	disk.On(0, nil)
	m := newMachine(t, "virt", file)
	w := newWorld(t)
	prepare(w, m, "sim:"+trace)
	m.on()
	m.awaitUp(up)
	enrol(w, m, "Gate")

	// Both versions get names of the test, so that each is known by its bytes.
	sums := map[string][sha256.Size]byte{}
	sizes := map[string]int64{}
	names := []string{"cut-a", "cut-b"}
	for _, version := range names {
		w.release(t, card, version, func(slot string) {
			data, err := os.ReadFile(slot)
			if err != nil {
				t.Fatal(err)
			}
			sums[version], sizes[version] = sha256.Sum256(data), int64(len(data))
		})
	}
	before := disk.Requests()
	w.give("cut-a")
	m.updateTo(t, "cut-a")
	await(t, "the self-test", up, m.health, func() bool { return m.judged("cut-a") == "good" })
	all := disk.Requests() - before
	t.Logf("a whole update is %d writes and flushes of the card", all)

	table := io.Writer(io.Discard)
	if name := os.Getenv("ASHYQ_CUT_LOG"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		table = f
	}
	fmt.Fprintln(table, "cut\tat request\tof\tloss\tsectors at stake\tkept\trunning before\tinstalling\tfound after")
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	found := map[string]int{}
	for n := range cuts {
		running := m.version()
		target := names[0]
		if running == target {
			target = names[1]
		}
		m.sh("rm -f /state/update.json && sync") // or a version whose trial was cut three times would not be tried again
		w.give(target)
		// Half of them anywhere, which is mostly while the slot is written; half at the ends, where the order of the slots changes.
		after := 1 + r.IntN(all)
		if n%2 == 1 {
			after = all - r.IntN(max(1, all/5))
		}
		gone := make(chan struct{})
		process := m.cmd.Process
		disk.On(after, func() { _ = process.Kill(); close(gone) })
		_, _ = m.try("ashyq-kiosk update --now") // ends with the machine, in one way or the other
		select {
		case <-gone:
		case <-time.After(2 * time.Minute): // fewer requests than the first time: it is done
		}
		m.cut()
		loss := hil.Loss(r.IntN(int(hil.Losses)))
		stake, kept := disk.Lose(loss, r)
		disk.On(0, nil)
		m.on()
		m.awaitUp(up)
		version := m.version()
		if version != running && version != target {
			t.Fatalf("cut %d: version %q, it was %q or %q", n, version, running, target)
		}
		if sum := sumOfSlot(t, disk, m, sizes[version]); sum != sums[version] {
			t.Fatalf("cut %d: the slot that runs says it is %q and has other bytes than that", n, version)
		}
		await(t, "the door to be in order", up, m.health, m.well)
		found[map[bool]string{true: "the new", false: "the old"}[version == target]]++
		fmt.Fprintf(table, "%d\t%d\t%d\t%s\t%d\t%d\t%s\t%s\t%s\n", n, after, all, loss, stake, kept, running, target, version)
		t.Logf("cut %d at %d of %d, %s: was %s, installing %s, found %s", n, after, all, loss, running, target, version)
	}
	t.Logf("after %d cuts: %v", cuts, found)
}

// sumOfSlot hashes what is in the slot that runs, up to a size.
func sumOfSlot(t *testing.T, disk *hil.Disk, m *machine, size int64) [sha256.Size]byte {
	t.Helper()
	offset := int64(slotA)
	if strings.Contains(m.sh("cat /proc/cmdline"), "rauc.slot=B") {
		offset = slotB
	}
	data := make([]byte, size)
	if _, err := disk.ReadAt(data, offset); err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(data)
}

// give makes a version that was released before what all doors should run.
func (w *world) give(version string) {
	w.t.Helper()
	w.ask(api.PathReleases, w.admin, api.ReleaseRequest{Ring: "all", Bundle: bundleName(version), Version: version}, nil)
}
