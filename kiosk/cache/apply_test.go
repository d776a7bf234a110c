package cache

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

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
		"same version":          {func(u *Update) { u.Version = version - 1 }, ErrOlder},
		"older version":         {func(u *Update) { u.Version = 1 }, ErrOlder},
		"older section":         {func(u *Update) { u.Sections[2] = SectionUpdate{Version: 1} }, ErrOlder},
		"wrong content":         {func(u *Update) { u.Sections[2].Content[0] ^= 1 }, ErrMismatch},
		"wrong version":         {func(u *Update) { u.Sections[2].Version++ }, ErrMismatch},
		"not staged":            {func(u *Update) { u.Sections[2].Deltas = nil }, ErrMismatch},
		"delta of another list": {func(u *Update) { u.Sections[2].Deltas[0].List = "other" }, ErrMismatch},
		"delta of another one":  {func(u *Update) { u.Sections[2].Deltas[0].ID = 1 }, ErrMismatch},
		"delta from elsewhere":  {func(u *Update) { u.Sections[2].Deltas[0].From++ }, ErrMismatch},
		"delta without a change": {func(u *Update) {
			changes := u.Sections[2].Deltas[0].Changes
			u.Sections[2].Deltas[0].Changes = changes[:len(changes)-1]
		}, ErrMismatch},
		"delta twice": {func(u *Update) {
			u.Sections[2].Deltas = append(u.Sections[2].Deltas, u.Sections[2].Deltas[0])
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
				if (c.pending.Load() != nil) != waits {
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

// What waits for a card that lost its section is given up, so that the registry's section comes
// whole.
func TestPendingOnADamagedCard(t *testing.T) {
	c := mustOpen(t, testPath(t))
	mustLoad(t, c, 1)
	writeNothing(c)
	mustApply(t, c, 2)
	mustApply(t, c, 3)
	mustBe(t, c, 3)
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
	mustBeRefused := func(err error) {
		t.Helper()
		if !errors.Is(err, ErrMismatch) {
			t.Errorf("%v, want ErrMismatch", err)
		}
	}
	mustBeRefused(c.flush())
	if state, err := c.State(); err != nil || state.Version != 1 {
		t.Errorf("State = %+v, %v, want version 1, which the card has", state, err)
	}
	mustBeRefused(c.Apply(genDeltas(2)))
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
	u.Sections[0].Content = other.Content()
	u.Sections[0].Deltas[0].Changes, u.Sections[0].Deltas[0].Result = statuslist.Diff(genSection(2, 0),
		other), other.Content()
	u.Sections[1].Content[0] ^= 1
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
	u.Sections[1].Deltas = nil
	if err := c.Stage(1, u.Sections[1].Version, genSection(3, 1)); err != nil {
		t.Fatal(err)
	}
	writeNothing(c)
	mustApply(t, c, 2)
	spoilt := u
	spoilt.Sections = slices.Clone(u.Sections)
	spoilt.Sections[1].Content[0] ^= 1
	if err := c.Apply(spoilt); !errors.Is(err, ErrMismatch) {
		t.Errorf("Apply: %v, want ErrMismatch", err)
	}
	mustBe(t, c, 2)
	if err := c.Apply(u); err != nil {
		t.Fatal(err)
	}
	mustBe(t, c, 3)
	if c.pending.Load() != nil {
		t.Error("a version with a whole section waits")
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

// TestTornStatusList is the way of a whole section from the wire to the card, with a blob that is
// torn or garbled, or that is another one than the manifest has promised.
func TestTornStatusList(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	public := key.Public().(ed25519.PublicKey)
	c := mustOpen(t, testPath(t))
	mustLoad(t, c, 1)
	// take does what the replica does with a blob for section 0 in version 2.
	take := func(blob []byte) error {
		token, s, err := statuslist.OpenSection(blob, public)
		if err != nil {
			return err
		}
		if err := c.Stage(token.ID, token.Version, s); err != nil {
			return err
		}
		u := genDeltas(2)
		u.Sections[0].Deltas = nil
		return c.Apply(u)
	}
	seal := func(s *statuslist.Section) []byte {
		blob, err := statuslist.SealSection(key, statuslist.Token{List: testList, ID: 0, Version: 2}, s)
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

// TestDamagedSection garbles what is on the card. Deltas find it out, and a whole section heals it.
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
			return tx.Bucket(bucketSlots).Bucket(slotKey(s.slot)).Put(chunkKey(700), bytes.Repeat([]byte{0xC1}, chunkSize))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	garble(bucketSections)
	if err := c.Check(); !errors.Is(err, ErrDamaged) {
		t.Errorf("Check: %v, want ErrDamaged", err)
	}
	if err := c.Apply(genDeltas(2)); !errors.Is(err, ErrMismatch) {
		t.Errorf("Apply of deltas to a damaged section: %v, want ErrMismatch", err)
	}

	u := genDeltas(2)
	u.Sections[1].Deltas = nil
	stage := func() {
		if err := c.Stage(1, u.Sections[1].Version, genSection(2, 1)); err != nil {
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
	mustBe(t, c, 2)
	mustClose(t, c)
	mustBe(t, mustOpen(t, path), 2)
}

// TestOtherList replaces the list by one with fewer sections, whose versions start over. One of
// them is by chance as it was; what was staged beside it was for the old list.
func TestOtherList(t *testing.T) {
	c := mustOpen(t, testPath(t))
	mustLoad(t, c, 7)
	s := genSection(1, 0)
	if err := c.Stage(0, 1, s); err != nil {
		t.Fatal(err)
	}
	for _, id := range []uint32{1, 2} {
		if err := c.Stage(id, 99, s); err != nil {
			t.Fatal(err)
		}
	}
	u := genUpdate(7)
	u.Version, u.List = 8, "https://registry.example/other"
	u.Sections = []SectionUpdate{{Version: 1, Content: s.Content()}, u.Sections[1]}
	if err := c.Apply(u); err != nil {
		t.Fatal(err)
	}
	state, err := c.State()
	if err != nil || state.List != u.List || len(state.Sections) != 2 || state.Sections[0].Version != 1 {
		t.Errorf("State = %+v, %v", state, err)
	}
	for id := range uint32(3) {
		if staged, err := c.Staged(id); err != nil || staged.Version != 0 {
			t.Errorf("Staged(%d) = %+v, %v, want nothing", id, staged, err)
		}
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}
