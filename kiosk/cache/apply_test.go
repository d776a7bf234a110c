package cache

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
)

// TestApplyRefuses spoils one thing of an update after the other; the last section or the last
// delta, so that everything before it has been written within the transaction.
func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	const version = 6 // all three sections change
	for name, test := range map[string]struct {
		spoil func(u *Update)
		want  error
	}{
		"same version":       {func(u *Update) { u.Version = version - 1 }, ErrOlder},
		"older version":      {func(u *Update) { u.Version = 1 }, ErrOlder},
		"older section":      {func(u *Update) { u.Sections[2] = SectionUpdate{Version: 1} }, ErrOlder},
		"wrong root":         {func(u *Update) { u.Root[0] ^= 1 }, ErrMismatch},
		"no changes":         {func(u *Update) { u.Sections[2].Changes = nil }, ErrMismatch},
		"not staged":         {func(u *Update) { u.whole(version, 2) }, ErrMismatch},
		"changes of another": {func(u *Update) { u.Sections[2].Changes = u.Sections[1].Changes }, ErrMismatch},
		"a change missing": {func(u *Update) {
			changes := u.Sections[2].Changes
			u.Sections[2].Changes = changes[:len(changes)-1]
		}, ErrMismatch},
		"one change more": {func(u *Update) {
			u.Sections[2].Changes = append(u.Sections[2].Changes, statuslist.Change{Index: 77, Status: statuslist.Suspended})
		}, ErrMismatch},
		"another list":      {func(u *Update) { u.List = "https://registry.example/other" }, ErrMismatch},
		"one more section":  {func(u *Update) { u.Sections = append(u.Sections, u.Sections[0]) }, ErrMismatch},
		"one section moved": {func(u *Update) { u.Sections[0], u.Sections[1] = u.Sections[1], u.Sections[0] }, ErrMismatch},
	} {
		for _, waits := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, version before it waits %v", name, waits), func(t *testing.T) {
				c := mustOpen(t, testPath(t))
				if mustLoad(t, c, version-2); waits {
					writeNothing(c)
				}
				mustApply(t, c, version-1)
				u := genDeltas(version)
				test.spoil(&u)
				if err := c.Apply(u); !errors.Is(err, test.want) {
					t.Errorf("Apply: %v, want %v", err, test.want)
				}
				mustBe(t, c, version-1)
				mustApply(t, c, version)
				if (c.pending != nil) != waits {
					t.Errorf("pending: %v", !waits)
				}
				mustBe(t, c, version)
			})
		}
	}
}

// writeNothing lets all versions wait.
func writeNothing(c *Cache) { c.budget.balance = -10 * budgetBurst }

func mustApply(t *testing.T, c *Cache, version uint64) {
	t.Helper()
	if err := c.Apply(genDeltas(version)); err != nil {
		t.Fatal(err)
	}
}

// What waits for a card that lost its section is written with all of the section.
func TestPendingOnADamagedCard(t *testing.T) {
	path := testPath(t)
	c := mustOpen(t, path)
	mustLoad(t, c, 1)
	writeNothing(c)
	mustApply(t, c, 2)
	mustApply(t, c, 3)
	err := c.db.Update(func(tx *bbolt.Tx) error {
		s, _, err := readSection(tx.Bucket(bucketSections), 1)
		if err != nil {
			return err
		}
		return tx.Bucket(bucketSlots).DeleteBucket(slotKey(s.slot))
	})
	if err != nil {
		t.Fatal(err)
	}
	mustBe(t, c, 3)
	mustClose(t, c)
	mustBe(t, mustOpen(t, path), 3)
}

// What an update has changed before it is refused, no later one meets.
func TestRefusedUpdateIsForgotten(t *testing.T) {
	c := mustOpen(t, testPath(t))
	mustLoad(t, c, 1)
	writeNothing(c)
	mustApply(t, c, 2)
	other := genSection(3, 0)
	for i := range uint32(100) {
		other.Set(i*1000, statuslist.Suspended)
	}
	u := genDeltas(3)
	u.Sections[0].Changes = statuslist.Diff(genSection(2, 0), other)
	if err := c.Apply(u); !errors.Is(err, ErrMismatch) {
		t.Errorf("Apply: %v, want ErrMismatch", err)
	}
	mustApply(t, c, 3)
	mustBe(t, c, 3)
}

// A pending version and whole sections reach the card together, and a failure leaves the pending
// one in force.
func TestWholeSectionOntoPending(t *testing.T) {
	c := mustOpen(t, testPath(t))
	mustLoad(t, c, 1)
	u := genDeltas(3)
	u.whole(3, 1)
	if err := stageOne(c, 3, 1); err != nil {
		t.Fatal(err)
	}
	writeNothing(c)
	mustApply(t, c, 2)
	spoilt := u
	spoilt.Root[0] ^= 1
	if err := c.Apply(spoilt); !errors.Is(err, ErrMismatch) {
		t.Errorf("Apply: %v, want ErrMismatch", err)
	}
	mustBe(t, c, 2)
	if err := c.Apply(u); err != nil {
		t.Fatal(err)
	}
	mustBe(t, c, 3)
	if c.pending != nil {
		t.Error("a version with a whole section waits")
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

// TestTornStatusList is the way of a whole section from the wire to the card, with a blob that is
// torn or garbled, or that is another one than the manifest has promised.
func TestTornStatusList(t *testing.T) {
	key := statuslist.Key{Generation: 1, Secret: [32]byte{1}}
	c := mustOpen(t, testPath(t))
	mustLoad(t, c, 1)
	// take does what the replica does with a blob for section 0 in version 2.
	take := func(blob []byte) error {
		token, s, err := statuslist.OpenSection(blob, testList, key)
		if err != nil {
			return err
		}
		if err := c.Stage(token.ID, token.Version, sha256.Sum256(blob), s); err != nil {
			return err
		}
		u := genDeltas(2)
		u.Sections[0] = SectionUpdate{Version: 2, Staged: true, Blob: sha256.Sum256(blob)}
		return c.Apply(u)
	}
	seal := func(s *statuslist.Section) []byte {
		blob, err := statuslist.SealSection(key, testList, statuslist.Token{ID: 0, Version: 2}, s)
		if err != nil {
			t.Fatal(err)
		}
		return blob
	}
	good := seal(genSection(2, 0))
	for n := 0; n < len(good); n += 1 + len(good)/50 {
		if take(good[:n]) == nil {
			t.Fatalf("a blob cut after %d bytes was applied", n)
		}
		garbled := bytes.Clone(good)
		garbled[n] ^= 0x10
		if take(garbled) == nil {
			t.Fatalf("a blob with a flipped bit in byte %d was applied", n)
		}
	}
	if err := take(seal(genSection(3, 0))); !errors.Is(err, ErrMismatch) {
		t.Fatalf("another section than promised: %v, want ErrMismatch", err)
	}
	mustBe(t, c, 1)
	if err := take(good); err != nil {
		t.Fatal(err)
	}
	mustBe(t, c, 2)
}

// TestDamagedSection garbles what is on the card, below a running door. Lookups do not see it, and
// the next version that is written to this section heals it.
func TestDamagedSection(t *testing.T) {
	path := testPath(t)
	c := mustOpen(t, path)
	mustLoad(t, c, 1)
	garble := func(bucket []byte) {
		err := c.db.Update(func(tx *bbolt.Tx) error {
			s, _, err := readSection(tx.Bucket(bucket), 1)
			if err != nil {
				return err
			}
			return tx.Bucket(bucketSlots).Bucket(slotKey(s.slot)).Put(chunkKey(177), bytes.Repeat([]byte{0xC1}, chunkSize))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	garble(bucketSections)
	if err := c.Check(); !errors.Is(err, ErrDamaged) {
		t.Errorf("Check: %v, want ErrDamaged", err)
	}
	want := genSection(1, 1)
	for i := range uint32(statuslist.SectionSize) {
		got, err := c.Status(t.Context(), kiosk.Person{Index: statuslist.SectionSize + uint64(i)})
		if err != nil || got.Status != want.Get(i) {
			t.Fatalf("Status of entry %d = %v, %v", i, got.Status, err)
		}
	}
	mustApply(t, c, 2)
	mustBe(t, c, 2)
	if err := c.Check(); err != nil {
		t.Errorf("the next version did not heal the section: %v", err)
	}

	u := genDeltas(3)
	u.whole(3, 1)
	stage := func() {
		if err := stageOne(c, 3, 1); err != nil {
			t.Fatal(err)
		}
	}
	stage()
	garble(bucketStaged)
	if err := c.Apply(u); !errors.Is(err, ErrMismatch) {
		t.Errorf("Apply of a damaged staged section: %v, want ErrMismatch", err)
	}
	stage()
	if err := c.Apply(u); err != nil {
		t.Fatal(err)
	}
	mustBe(t, c, 3)
	mustClose(t, c)
	mustBe(t, mustOpen(t, path), 3)
}

// TestOtherList replaces the list by one with fewer sections, whose versions start over; what else
// was staged was for the old list.
func TestOtherList(t *testing.T) {
	c := mustOpen(t, testPath(t))
	mustLoad(t, c, 7)
	s := genSection(1, 0)
	for id, version := range []uint64{1, 1, 99} {
		if err := c.Stage(uint32(id), version, [32]byte{9}, s); err != nil {
			t.Fatal(err)
		}
	}
	u := genUpdate(7)
	u.Version, u.List, u.Root = 8, "https://registry.example/other", [32]byte{}
	u.Sections = []SectionUpdate{{Version: 1, Staged: true, Blob: [32]byte{9}}, u.Sections[1]}
	if err := c.Apply(u); !errors.Is(err, ErrMismatch) {
		t.Errorf("a section of the other list counts as one of this: %v", err)
	}
	u.Sections[1] = u.Sections[0]
	if err := c.Apply(u); err != nil {
		t.Fatal(err)
	}
	state, err := c.State()
	if err != nil || state.List != u.List || len(state.Sections) != 2 || state.Sections[0].Version != 1 {
		t.Errorf("State = %+v, %v", state, err)
	}
	for id := range uint32(3) {
		if version, _, err := c.Staged(id); err != nil || version != 0 {
			t.Errorf("Staged(%d) = %d, %v, want nothing", id, version, err)
		}
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}
