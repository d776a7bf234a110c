package doorkeys

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/renameio/v2"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
)

// ringFile keeps the ring in the state directory: the array of the newest envelope, and of the list
// keys that only earlier ones held. An earlier envelope as a whole would also keep index keys of
// days that have passed.
const ringFile = "door-keys"

// keepLists is how many generations of list keys a ring keeps: deltas that were sealed before the
// last turnover can still be read.
const keepLists = 3

// clockSkew is by how much an envelope may be from the future before its time says nothing.
const clockSkew = 5 * time.Minute

var (
	// ErrOlder says that the ring has a newer envelope already.
	ErrOlder = errors.New("the door has newer keys")
	// ErrSave says that the ring uses an envelope and has not saved it.
	ErrSave = errors.New("the door's keys cannot be saved")
)

// Ring is the keys that the door has. Its methods may be called from any goroutine.
type Ring struct {
	file     string
	registry ed25519.PublicKey
	door     *ecdh.PrivateKey
	now      func() time.Time
	held     atomic.Pointer[held]
	wake     chan struct{} // one slot; full: the task has not seen the last wish yet
	first    chan struct{} // closed when there are keys
	once     sync.Once     // closes first

	putting sync.Mutex        // one Put at a time
	tried   map[string]string // guarded by putting: what was last found in a folder

	mu        sync.Mutex
	needed    bool      // guarded by mu: somebody misses a key
	announced announced // guarded by mu
}

type held struct {
	Keys
	lists   []ListKey // of this envelope, then of the ones before it
	ciphers *pass.PlaceKeys
}

// announced is a turnover of the list key.
type announced struct {
	generation   uint32
	heard, since time.Time
}

// kept is the content of ringFile.
type kept struct {
	_        struct{} `cbor:",toarray"`
	Envelope []byte
	Before   []ListKey
}

// OpenRing reads the ring of the state directory. A file that cannot be used, as after a new
// enrolment, is as good as a missing one: the door then has to fetch its keys.
func OpenRing(
	dir string, registry ed25519.PublicKey, door *ecdh.PrivateKey, now func() time.Time, log *slog.Logger,
) *Ring {
	r := &Ring{file: filepath.Join(dir, ringFile), registry: registry, door: door, now: now, wake: make(chan struct{}, 1), first: make(chan struct{}),
		tried: map[string]string{}}
	r.held.Store(&held{})
	if err := r.load(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("the door begins without its keys of before", "error", err)
	}
	return r
}

// Forget removes the ring of a door that the registry has revoked.
func Forget(dir string) error {
	if err := os.Remove(filepath.Join(dir, ringFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the door's keys: %w", err)
	}
	return nil
}

func (r *Ring) load() error {
	data, err := os.ReadFile(r.file)
	if err != nil {
		return err
	}
	var k kept
	if err := sign1.Unmarshal(data, &k); err != nil {
		return fmt.Errorf("read %q: %w", r.file, err)
	}
	keys, err := Open(k.Envelope, r.registry, r.door)
	if err != nil {
		return fmt.Errorf("read %q: %w", r.file, err)
	}
	r.hold(&held{keys, merged(keys.Lists, k.Before), keys.Ciphers()})
	return nil
}

func (r *Ring) hold(h *held) {
	r.held.Store(h)
	r.once.Do(func() { close(r.first) })
}

// AwaitFirst waits until the ring has keys, so that a door that was just enrolled does not try to
// read a list without them. It waits for longest at most.
func (r *Ring) AwaitFirst(ctx context.Context, longest time.Duration) {
	timeout := time.NewTimer(longest)
	defer timeout.Stop()
	select {
	case <-r.first:
	case <-timeout.C:
	case <-ctx.Done():
	}
}

// merged are the newest list keys, those of the newest envelope first.
func merged(lists, before []ListKey) []ListKey {
	lists = slices.Clone(lists)
	for _, k := range before {
		known := slices.ContainsFunc(lists, func(l ListKey) bool { return l.Generation == k.Generation })
		if !known && len(lists) < keepLists {
			lists = append(lists, k)
		}
	}
	return lists
}

// Put takes an envelope in. live says that the registry itself has just answered with it, over TLS:
// then it counts. Any other one, as from a stick, may be old and never takes the place of a newer
// one; unless that one is from the future, which a registry with a wrong clock has made. changed
// tells whether the ring has other keys than before. Errors: those of Open, ErrOlder, and ErrSave,
// after which the keys are in use until the door restarts.
func (r *Ring) Put(envelope []byte, live bool) (changed bool, err error) {
	r.putting.Lock()
	defer r.putting.Unlock()
	return r.put(envelope, live)
}

func (r *Ring) put(envelope []byte, live bool) (changed bool, err error) {
	keys, err := Open(envelope, r.registry, r.door)
	if err != nil {
		return false, err
	}
	had := r.held.Load()
	plausible := !had.Issued.After(r.now().Add(clockSkew))
	if !live && plausible && !keys.Issued.After(had.Issued) {
		return false, fmt.Errorf("%w: of %s, this envelope is of %s", ErrOlder, had.Issued.Format(time.RFC3339), keys.Issued.Format(time.RFC3339))
	}
	lists := merged(keys.Lists, had.lists)
	changed = !slices.Equal(lists, had.lists) || !keys.PlaceKeys.equal(had.PlaceKeys)
	r.hold(&held{keys, lists, keys.Ciphers()})
	if changed {
		err = r.save(kept{Envelope: envelope, Before: lists[len(keys.Lists):]})
	}
	return changed, err
}

// save writes nothing where only the envelope's time is new: a card bears a limited number of
// writes.
func (r *Ring) save(k kept) error {
	data, err := sign1.Marshal(k)
	if err == nil {
		err = renameio.WriteFile(r.file, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSave, err)
	}
	return nil
}

func (k PlaceKeys) equal(other PlaceKeys) bool {
	return k.FirstDay == other.FirstDay && k.FirstMonth == other.FirstMonth && slices.Equal(k.Days, other.Days) && slices.Equal(k.Months, other.Months)
}

// ListKey is the list key of a generation.
func (r *Ring) ListKey(generation uint32) (key [32]byte, ok bool) {
	for _, k := range r.held.Load().lists {
		if k.Generation == generation {
			return k.Key, true
		}
	}
	return key, false
}

// PlaceKeys are the keys that open codes. Nobody may change them.
func (r *Ring) PlaceKeys() PlaceKeys { return r.held.Load().PlaceKeys }

// Ciphers open codes with the newest keys.
func (r *Ring) Ciphers() *pass.PlaceKeys { return r.held.Load().ciphers }

// Issued is when the registry made the newest envelope; zero: the door has no keys.
func (r *Ring) Issued() time.Time { return r.held.Load().Issued }

// Need says that a key is missing that the registry may have. It returns immediately.
func (r *Ring) Need() {
	r.mu.Lock()
	was := r.needed
	r.needed = true
	r.mu.Unlock()
	if !was {
		r.awaken()
	}
}

// Announced says that the list will be sealed with a key of this generation from then on; a zero
// time takes that back. It may be called again and again, and returns immediately.
func (r *Ring) Announced(generation uint32, since time.Time) {
	if _, ok := r.ListKey(generation); ok {
		return
	}
	r.mu.Lock()
	is := r.announced.generation != generation || !r.announced.since.Equal(since)
	if is {
		r.announced = announced{generation, r.now(), since}
	}
	r.mu.Unlock()
	if is {
		r.awaken()
	}
}

func (r *Ring) awaken() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
