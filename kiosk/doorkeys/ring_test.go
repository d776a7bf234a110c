package doorkeys

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// box is a door whose clock the test sets.
type box struct {
	t    testing.TB
	dir  string
	door *ecdh.PrivateKey
	now  time.Time
	log  bytes.Buffer
}

func newBox(t testing.TB) *box { return &box{t: t, dir: t.TempDir(), door: newDoor(t), now: t0} }

func (b *box) open() *Ring {
	return OpenRing(b.dir, registryPublic(), b.door, func() time.Time { return b.now }, slog.New(slog.NewTextHandler(&b.log, nil)))
}

func (b *box) put(r *Ring, k Keys, live bool) {
	b.t.Helper()
	if _, err := r.Put(seal(b.t, b.door, k), live); err != nil {
		b.t.Fatal(err)
	}
}

// has checks which generations of these a ring has.
func has(t *testing.T, r *Ring, generations map[uint32]bool) {
	t.Helper()
	for g, want := range generations {
		if key, ok := r.ListKey(g); ok != want || ok && key != [32]byte{byte(g)} {
			t.Errorf("list key of generation %d: %v, %v", g, key, ok)
		}
	}
}

func TestRingIsKept(t *testing.T) {
	b := newBox(t)
	r := b.open()
	has(t, r, map[uint32]bool{0: false, 1: false})
	if !r.Issued().IsZero() || len(r.PlaceKeys().Days) != 0 || b.log.Len() > 0 {
		t.Fatalf("a door that has no keys yet: %v, %s", r.Issued(), b.log.String())
	}
	b.put(r, sample(t0, 1), true)
	b.put(r, sample(t0.Add(time.Minute), 1, 2), true)
	b.put(r, sample(t0.Add(time.Hour), 3, 2), true)
	b.put(r, sample(t0.Add(2*time.Hour), 4), true)
	info, err := os.Stat(filepath.Join(b.dir, ringFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, r := range []*Ring{r, b.open()} {
		has(t, r, map[uint32]bool{1: false, 2: true, 3: true, 4: true}) // three are kept
		if d := r.PlaceKeys().LastDay(); d != pass.DayOf(t0)+4 {
			t.Errorf("keys up to day %d, want %d", d, pass.DayOf(t0)+4)
		}
	}
	if b.log.Len() > 0 {
		t.Errorf("logged %s", b.log.String())
	}
	for range 2 {
		if err := Forget(b.dir); err != nil {
			t.Error(err)
		}
	}
	has(t, b.open(), map[uint32]bool{4: false})
}

func TestRingNeverGoesBack(t *testing.T) {
	b := newBox(t)
	r := b.open()
	old, later := sample(t0, 1), sample(t0.Add(26*time.Hour), 2)
	b.now = t0.Add(27 * time.Hour)
	b.put(r, old, false)
	b.put(r, later, false)
	for range 2 {
		for _, k := range []Keys{old, later} {
			if changed, err := r.Put(seal(t, b.door, k), false); changed || !errors.Is(err, ErrOlder) {
				t.Errorf("an envelope of %v again: %v, %v", k.Issued, changed, err)
			}
		}
		r = b.open() // a door that restarts does not forget
	}
	if _, ok := r.PlaceKeys().Day(pass.DayOf(t0) - 1); ok {
		t.Error("keys of a past day are back")
	}
	// The registry itself may: two of them need not have the same clock.
	if _, err := r.Put(seal(t, b.door, sample(t0.Add(25*time.Hour), 3)), true); err != nil {
		t.Error(err)
	}
	has(t, r, map[uint32]bool{1: true, 2: true, 3: true})
}

// A registry whose clock was once years ahead has not made the door refuse every later stick.
func TestEnvelopeFromTheFutureDoesNotStay(t *testing.T) {
	b := newBox(t)
	r := b.open()
	b.put(r, sample(t0.AddDate(3, 0, 0), 9), false)
	b.put(r, sample(t0, 1), false)
	if !r.Issued().Equal(t0) {
		t.Errorf("the door has keys of %v", r.Issued())
	}
}

func TestForeignEnvelopesLeaveTheRing(t *testing.T) {
	b := newBox(t)
	r := b.open()
	b.put(r, sample(t0, 1), true)
	for name, envelope := range map[string][]byte{
		"another door's": seal(t, newDoor(t), sample(t0.Add(time.Hour), 2)), "garbage": []byte("<html>"), "empty": nil,
	} {
		if changed, err := r.Put(envelope, true); err == nil || changed {
			t.Errorf("%s: %v, %v", name, changed, err)
		}
	}
	for _, r := range []*Ring{r, b.open()} {
		has(t, r, map[uint32]bool{1: true, 2: false})
	}
}

// After a new enrolment, or with a damaged file, a door begins without keys and says so.
func TestUnusableFile(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, b *box, file string){
		"a new enrolment": func(t *testing.T, b *box, _ string) { b.door = newDoor(t) },
		"damaged": func(t *testing.T, _ *box, file string) {
			data, err := os.ReadFile(file)
			if err == nil {
				data[len(data)/2] ^= 1
				err = os.WriteFile(file, data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"cut off": func(t *testing.T, _ *box, file string) {
			if err := os.Truncate(file, 100); err != nil {
				t.Fatal(err)
			}
		},
		"a directory": func(t *testing.T, _ *box, file string) {
			if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.put(b.open(), sample(t0, 1), true)
			spoil(t, b, filepath.Join(b.dir, ringFile))
			r := b.open()
			has(t, r, map[uint32]bool{1: false})
			if !bytes.Contains(b.log.Bytes(), []byte("the door begins without its keys of before")) {
				t.Errorf("logged %q", b.log.String())
			}
		})
	}
}

// A card that cannot be written, because it is full or worn out, does not keep a door from its
// keys.
func TestKeysThatCannotBeSavedAreUsed(t *testing.T) {
	b := newBox(t)
	r := b.open()
	b.put(r, sample(t0, 1), true)
	r.file = filepath.Join(b.dir, "gone", ringFile)
	changed, err := r.Put(seal(t, b.door, sample(t0.Add(time.Hour), 2)), true)
	if !changed || !errors.Is(err, ErrSave) {
		t.Errorf("%v, %v", changed, err)
	}
	has(t, r, map[uint32]bool{1: true, 2: true})
	has(t, b.open(), map[uint32]bool{1: true, 2: false}) // what was there stays whole
}

func TestNothingNewIsNotWritten(t *testing.T) {
	b := newBox(t)
	r := b.open()
	b.put(r, sample(t0, 1), true)
	file := filepath.Join(b.dir, ringFile)
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	b.put(r, sample(t0.Add(time.Hour), 1), true)
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was replaced: %v", err)
	}
	if !r.Issued().Equal(t0.Add(time.Hour)) {
		t.Errorf("the newest envelope is of %v", r.Issued())
	}
}

// Whoever waits for the first keys goes on as soon as they are there, and not for ever without
// them.
func TestRingAwaitFirst(t *testing.T) {
	b := newBox(t)
	synctest.Test(t, func(t *testing.T) {
		r := b.open()
		for _, want := range []time.Duration{time.Minute, 0} {
			began := time.Now()
			r.AwaitFirst(t.Context(), time.Minute)
			if waited := time.Since(began); waited != want {
				t.Errorf("waited %v, want %v", waited, want)
			}
			b.put(r, sample(t0, 1), true)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		b.open().AwaitFirst(t.Context(), time.Minute)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("with the keys of before it waited %v", waited)
		}
	})
}
