package cache

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
)

// A lookup allocates nothing, whatever its answer.
func TestStatusDoesNotAllocate(t *testing.T) {
	c := mustOpen(t, testPath(t))
	mustLoad(t, c, 1)
	for index, want := range map[uint64]error{
		7: nil, genSections * statuslist.SectionSize: kiosk.ErrUnknownPerson,
	} {
		n := testing.AllocsPerRun(1000, func() {
			if _, err := c.Status(t.Context(), kiosk.Person{Index: index}); !errors.Is(err, want) {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%v allocations for the error %v", n, want)
		}
	}
}

func fileSize(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func mustNotExceed(t *testing.T, path string, limit float64) {
	t.Helper()
	size := fileSize(t, path)
	if t.Logf("%.2f MB", float64(size)/1e6); float64(size) > limit {
		t.Errorf("the file has %d bytes, want at most %.0f", size, limit)
	}
}

// TestCardOfACountry is the file of a door of 20 million people. It doubles when a version changes
// everything, because a power cut must leave the version before it; the room is used again.
func TestCardOfACountry(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves a list of 20 million people to make test")
	}
	t.Parallel()
	path := testPath(t)
	c := mustOpen(t, path)
	u, sections := country(t, c)
	mustNotExceed(t, path, 12e6)
	random := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		u = nextVersion(u, sections, random, countrySections, 100_000)
		if err := c.Apply(u); err != nil {
			t.Fatal(err)
		}
	}
	mustNotExceed(t, path, 24e6)
	for id := range uint32(countrySections) { // a load that is broken off
		if err := c.Stage(id, u.Version+10, [32]byte{2}, sections[id]); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		u = nextVersion(u, sections, random, countrySections, 100_000)
		if err := c.Apply(u); err != nil {
			t.Fatal(err)
		}
	}
	mustNotExceed(t, path, most)
}

// A card with 64 MB free is enough for a country, also when its file was damaged at its largest.
func TestSmallCard(t *testing.T) { onDisk(t, "64000000", fitCountry) }

func fitCountry(t *testing.T, dir string) {
	if testing.Short() {
		t.Skip("-short leaves a list of 20 million people to make test")
	}
	path := filepath.Join(dir, "cache.db")
	for round, kept := range []int{0, 1, 0} {
		c, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if damaged := c.SetAside != nil; damaged != (round > 0) {
			t.Fatal(round, c.SetAside)
		}
		if names, err := filepath.Glob(path + ".broken-*"); err != nil || len(names) != kept {
			t.Errorf("round %d: damaged files %q, %v, want %d", round, names, err, kept)
		}
		c.writeThrough()
		u, sections := country(t, c)
		random := rand.New(rand.NewPCG(1, 1))
		changeAll := func() {
			u = nextVersion(u, sections, random, countrySections, 100_000)
			if err := c.Apply(u); err != nil {
				t.Fatal(err)
			}
		}
		if round > 0 { // at its largest
			for id := range uint32(countrySections) {
				if err := c.Stage(id, u.Version+10, [32]byte{2}, sections[id]); err != nil {
					t.Fatal(err)
				}
			}
		}
		changeAll()
		changeAll()
		mustClose(t, c)
		garbleMiddle(t, path)
	}
	var free syscall.Statfs_t
	if err := syscall.Statfs(dir, &free); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d MB free", free.Bavail*uint64(free.Bsize)/1e6, free.Blocks*uint64(free.Bsize)/1e6)
}

func garbleMiddle(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for page := range int64(200) {
		if _, err := f.WriteAt(make([]byte, pageSize), (2+page*10)*pageSize); err != nil {
			t.Fatal(err)
		}
	}
}
