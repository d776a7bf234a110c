//go:build hil

package card_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/image-build/hil"
)

// TestUpdateCuts cuts the power at random moments of an update, between its first write and the end
// of the new version's trial, and the card loses some of what was not flushed. Each time the door
// has to start by itself, on the old or the new version, with every byte of that version's slot as
// built, and has to be in order: enrolled, with its list. Two updates, one into each slot, are
// recorded as requests to the card. For each cut, a machine starts with a card as these requests
// leave it at that moment.
//
//	ASHYQ_CUTS     number of cuts
//	ASHYQ_CUT_LOG  file for a table of the cuts
func TestUpdateCuts(t *testing.T) {
	cuts, _ := strconv.Atoi(os.Getenv("ASHYQ_CUTS")) // 0 if it is not a number
	if cuts == 0 {
		t.Skip("ASHYQ_CUTS does not say how many cuts: CUTS=50 make image-test")
	}
	u := recordUpdates(t)
	table := cutTable(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	found := map[string]int{} // guarded by mu
	t.Run("cut", func(t *testing.T) {
		for n := range cuts {
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(seed, uint64(n)))
				c := u.updates[n/2%2]
				of := c.recording.Requests()
				// Half of the cuts at any request, which is mostly a write of the slot; half near
				// the end, where the order of the slots changes.
				at := 1 + r.IntN(of)
				if n%2 == 1 {
					at = of - r.IntN(max(1, of/5))
				}
				loss := hil.Loss(r.IntN(int(hil.Losses)))
				card := filepath.Join(t.TempDir(), "card.img")
				stake, kept, err := c.recording.Cut(card, at, loss, r)
				if err != nil {
					t.Fatal(err)
				}
				m := newMachine(t, "virt", card)
				m.key = u.key
				m.on()
				m.awaitUp(up)
				version := m.version()
				if version != c.running && version != c.installing {
					t.Fatalf("it runs %q, want %q or %q", version, c.running, c.installing)
				}
				if sumOfSlot(t, m, u.slots[version].size) != u.slots[version] {
					t.Fatalf("the running slot says that it is %q, but its bytes differ", version)
				}
				await(t, "the door to be in order", up, m.health, m.healthy)
				m.cut()
				t.Logf("cut at %d of %d, %v: was %s, installing %s, found %s", at, of, loss, c.running, c.installing, version)
				mu.Lock()
				defer mu.Unlock()
				found[map[bool]string{true: "the new", false: "the old"}[version == c.installing]]++
				fmt.Fprintf(table, "%d\t%d\t%d\t%s\t%d\t%d\t%s\t%s\t%s\n", n, at, of, loss, stake, kept, c.running, c.installing, version)
			})
		}
	})
	t.Logf("after %d cuts: %v", cuts, found)
}

// updates are two recorded updates.
type updates struct {
	key     string          // SSH key of the machine that made them
	slots   map[string]slot // by version
	updates [2]recordedCard
}

type recordedCard struct {
	recording           *hil.Recording
	running, installing string // versions
}

// slot is the content of a version's slot.
type slot struct {
	size int64
	sum  [sha256.Size]byte
}

func readSlot(t *testing.T, file string) slot {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return slot{int64(len(data)), sha256.Sum256(data)}
}

// recordUpdates enrols a door and updates it twice, so that each slot is written once.
func recordUpdates(t *testing.T) updates {
	card := freshCard(t)
	content, err := os.ReadFile(card)
	if err != nil {
		t.Fatal(err)
	}
	disk := hil.NewDisk(content)
	file, unmount, err := hil.Mount(t.TempDir(), disk)
	if err != nil {
		t.Skipf("this machine cannot mount FUSE, which the card needs: %v", err)
	}
	defer unmount()
	disk.On(0, nil)
	m := newMachine(t, "virt", file)
	defer m.cut()
	w := newWorld(t)
	prepare(w, m, "sim:"+trace)
	m.on()
	m.awaitUp(up)
	enrol(w, m, "Gate")

	first := m.version()
	u := updates{key: m.key, slots: map[string]slot{}}
	whole := filepath.Join(t.TempDir(), "slot.img")
	slotImage(t, card, whole)
	u.slots[first] = readSlot(t, whole)
	for i, name := range []string{"a", "b"} {
		version := first + "+" + name
		w.release(t, card, version, func(image string) { u.slots[version] = readSlot(t, image) })
		if err := disk.Record(filepath.Join(t.TempDir(), "before")); err != nil {
			t.Fatal(err)
		}
		c := recordedCard{running: m.version(), installing: version}
		m.updateTo(t, version)
		await(t, "the self-test", up, m.health, func() bool { return m.judged(version) == "good" })
		c.recording = disk.Recorded()
		u.updates[i] = c
		t.Logf("%s over %s is %d writes and flushes of the card", c.installing, c.running, c.recording.Requests())
	}
	return u
}

// cutTable begins the table, if ASHYQ_CUT_LOG asks for one.
func cutTable(t *testing.T) io.Writer {
	name := os.Getenv("ASHYQ_CUT_LOG")
	if name == "" {
		return io.Discard
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	fmt.Fprintln(f, "cut\tat request\tof\tloss\tsectors at stake\tkept\trunning before\tinstalling\tfound after")
	return f
}

// sumOfSlot reads the running slot up to size.
func sumOfSlot(t *testing.T, m *machine, size int64) slot {
	t.Helper()
	offset := int64(slotA)
	if strings.Contains(m.sh("cat /proc/cmdline"), "rauc.slot=B") {
		offset = slotB
	}
	card, err := os.Open(m.disk)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	data := make([]byte, size)
	if _, err := card.ReadAt(data, offset); err != nil {
		t.Fatal(err)
	}
	return slot{size, sha256.Sum256(data)}
}
