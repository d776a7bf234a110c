package cache

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk/statuslist"
)

const testList = "https://registry.example/list"

var known = []statuslist.Status{
	statuslist.Valid, statuslist.Invalid, statuslist.Suspended, statuslist.Red, statuslist.Yellow, statuslist.Green,
}

// The tests load versions of a list that are made from nothing but their number, so that whoever
// finds a version in a cache, be it after a kill, knows what has to be in it: three sections; the
// last one changes only every third time.
const genSections = 3

func genSectionVersion(version uint64, id int) uint64 {
	if id == genSections-1 {
		return version/3 + 1
	}
	return version
}

func genSection(version uint64, id int) *statuslist.Section {
	version = genSectionVersion(version, id)
	s := statuslist.NewSection()
	where := rand.New(rand.NewPCG(uint64(id), 1))
	for k := range uint64(300) {
		// The version moves the statuses along, so that most, not all, of these entries change with
		// it.
		s.Set(where.Uint32N(statuslist.SectionSize), known[(version+k)/2%uint64(len(known))])
	}
	return s
}

func genUpdate(version uint64) Update {
	u := Update{
		Version: version,
		AsOf:    time.Unix(1_772_000_000+int64(version)*3600, 0).UTC(),
		List:    testList,
		Rules:   fmt.Appendf(nil, "rules of %d", version),
		Keys:    fmt.Appendf(nil, "keys of %d", version),
	}
	var contents [][32]byte
	for id := range genSections {
		u.Sections = append(u.Sections, SectionUpdate{Version: genSectionVersion(version, id)})
		contents = append(contents, genSection(version, id).Content())
	}
	u.Root = statuslist.Root(contents)
	return u
}

// genBlob is the hash of the blob in which a section comes.
func genBlob(version uint64, id int) [32]byte {
	return sha256.Sum256(fmt.Append(nil, "blob ", genSectionVersion(version, id), id))
}

// whole lets the staged section replace one.
func (u *Update) whole(version uint64, id int) {
	u.Sections[id] = SectionUpdate{Version: genSectionVersion(version, id), Staged: true, Blob: genBlob(version, id)}
}

// genWhole is the update to a version by whole sections.
func genWhole(version uint64) Update {
	u := genUpdate(version)
	for id := range u.Sections {
		u.whole(version, id)
	}
	return u
}

// load takes the cache to a version by whole sections, and goes on where it was cut off.
func load(c *Cache, version uint64) error {
	if err := stage(c, version); err != nil {
		return err
	}
	return c.Apply(genWhole(version))
}

func stage(c *Cache, version uint64) error {
	for id := range genSections {
		if _, blob, err := c.Staged(uint32(id)); err != nil || blob == genBlob(version, id) {
			continue
		}
		if err := stageOne(c, version, id); err != nil {
			return err
		}
	}
	return nil
}

func stageOne(c *Cache, version uint64, id int) error {
	return c.Stage(uint32(id), version, genBlob(version, id), genSection(version, id))
}

// genDeltas is the update to a version by the changes since the one before it.
func genDeltas(version uint64) Update {
	u := genUpdate(version)
	for id := range u.Sections {
		u.Sections[id].Changes = statuslist.Diff(genSection(version-1, id), genSection(version, id))
	}
	return u
}

// checkVersion compares everything that the cache holds with what the version has to be.
func checkVersion(c *Cache, version uint64) error {
	state, err := c.State()
	if err != nil {
		return err
	}
	if version == 0 {
		if state.Version != 0 || state.List != "" || state.Sections != nil {
			return fmt.Errorf("state %+v, want nothing", state)
		}
		return nil
	}
	want := genUpdate(version)
	if state.Version != version || state.List != want.List || !state.AsOf.Equal(want.AsOf) ||
		len(state.Sections) != genSections {
		return fmt.Errorf("state %+v, want that of version %d", state, version)
	}
	rules, err := c.Rules()
	if err != nil || string(rules) != string(want.Rules) {
		return fmt.Errorf("rules %q, %v, want %q", rules, err, want.Rules)
	}
	keys, err := c.Keys()
	if err != nil || string(keys) != string(want.Keys) {
		return fmt.Errorf("keys %q, %v, want %q", keys, err, want.Keys)
	}
	for id, s := range want.Sections {
		content := genSection(version, id).Content()
		if got := state.Sections[id]; got != (SectionState{s.Version, content}) {
			return fmt.Errorf("section %d is %+v, want version %d", id, got, s.Version)
		}
		if got := c.view.Load().sections[id].content(); got != content {
			return fmt.Errorf("section %d in memory is not version %d", id, s.Version)
		}
		if err := onCard(c, uint32(id), content); err != nil {
			return err
		}
	}
	return nil
}

// onCard compares a section on the card, unless a newer version waits for it.
func onCard(c *Cache, id uint32, content [32]byte) error {
	if c.pending != nil {
		return nil
	}
	return c.db.View(func(tx *bbolt.Tx) error {
		s, _, err := readSection(tx.Bucket(bucketSections), id)
		if err != nil {
			return err
		}
		_, err = readSlot(tx, s.slot, content)
		return err
	})
}

func testPath(t testing.TB) string { return filepath.Join(t.TempDir(), "cache.db") }

// mustOpen opens a cache that is to be good, and closes it after the test unless that has happened.
func mustOpen(t testing.TB, path string) *Cache {
	t.Helper()
	c, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.SetAside != nil {
		t.Fatal(c.SetAside)
	}
	c.writeThrough() // model_test.go tests write-behind
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func mustClose(t testing.TB, c *Cache) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustLoad(t testing.TB, c *Cache, version uint64) {
	t.Helper()
	if err := load(c, version); err != nil {
		t.Fatal(err)
	}
}

func mustBe(t testing.TB, c *Cache, version uint64) {
	t.Helper()
	if err := checkVersion(c, version); err != nil {
		t.Fatal(err)
	}
}
