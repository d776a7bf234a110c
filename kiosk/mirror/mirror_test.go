package mirror_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/mirror"
	"ashyq-kiosk/kiosk/statuslist"
)

func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// blobText is a blob with the size that the manifests tell.
var blobText = bytes.Repeat([]byte("b"), statuslist.SizeStep)

var blob = api.HashOf(blobText)

// manifest was signed at this moment.
func manifest(epoch uint32, version uint64, key ed25519.PrivateKey) []byte {
	m := api.Manifest{
		Version: version, Epoch: epoch, List: "list", Issued: time.Now().Unix(), Expires: time.Now().Add(24 * time.Hour).Unix(),
		Sections: []api.Section{{Version: version, Changed: version, Size: 1, Blob: blob}},
	}
	if epoch > 0 {
		m.Ended = []api.Ended{{Version: 1}}
	}
	sealed, err := m.Seal(key)
	if err != nil {
		panic(err)
	}
	return sealed
}

// peer is a registry or a mirror, and can be told to go wrong.
type peer struct {
	mu       sync.Mutex // guards the rest
	epoch    uint32
	version  uint64
	frozen   []byte // its manifest; nil: a new one of this moment
	key      ed25519.PrivateKey
	data     []byte // the blob
	down     error
	blobDown error
	delay    time.Duration
	every    time.Duration // how long it serves one manifest before it takes one with a newer time; 0: not at all
	kept     []byte        // that one
	keptOf   statuslist.Edition
	keptAt   time.Time
	asked    int // manifests
	loads    int // blobs
}

func newPeer() *peer { return &peer{version: 1, key: testKey(1), data: blobText} }

func (p *peer) set(how func(*peer)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how(p)
}

func (p *peer) get() (sealed []byte, data []byte, delay time.Duration, down, blobDown error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sealed = p.frozen
	if now := (statuslist.Edition{Epoch: p.epoch, Version: p.version}); sealed == nil {
		if p.kept == nil || p.keptOf != now || time.Since(p.keptAt) >= p.every {
			p.kept, p.keptOf, p.keptAt = manifest(p.epoch, p.version, p.key), now, time.Now()
		}
		sealed = p.kept
	}
	return sealed, p.data, p.delay, p.down, p.blobDown
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Manifest implements mirror.Registry.
func (p *peer) Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error) {
	p.set(func(p *peer) { p.asked++ })
	for end := time.Now().Add(wait); ; {
		sealed, _, delay, down, _ := p.get()
		if err := pause(ctx, delay); err != nil {
			return nil, err
		}
		p.mu.Lock()
		is := p.version > after
		p.mu.Unlock()
		if down != nil || is || time.Now().After(end) {
			return sealed, down
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// ManifestUnless implements mirror.Mirror.
func (p *peer) ManifestUnless(ctx context.Context, tag string) ([]byte, string, error) {
	p.set(func(p *peer) { p.asked++ })
	sealed, _, delay, down, _ := p.get()
	if err := pause(ctx, delay); err != nil || down != nil {
		return nil, "", errors.Join(err, down)
	}
	if tag == api.HashOf(sealed).String() {
		return nil, tag, nil
	}
	return sealed, api.HashOf(sealed).String(), nil
}

// Blob implements both.
func (p *peer) Blob(ctx context.Context, h api.Hash) ([]byte, error) {
	p.set(func(p *peer) { p.loads++ })
	_, data, delay, down, blobDown := p.get()
	if err := pause(ctx, delay); err != nil || down != nil || blobDown != nil {
		return nil, errors.Join(err, down, blobDown)
	}
	if got := api.HashOf(data); got != h {
		return nil, &client.WrongBytes{Size: len(data), Hash: got}
	}
	return data, nil
}

// door follows as package replica does.
type door struct {
	t        *testing.T
	registry *peer
	mirrors  map[string]*peer
	source   *mirror.Source
	log      strings.Builder

	mu      sync.Mutex // guards the rest
	edition statuslist.Edition
	asOf    time.Time
	lived   int
}

func newDoor(t *testing.T, hosts ...string) *door {
	d := &door{t: t, registry: newPeer(), mirrors: map[string]*peer{}}
	mirrors := map[string]mirror.Mirror{}
	for _, host := range hosts {
		d.mirrors[host] = newPeer()
		d.mirrors[host].every = 30 * time.Second // as an export
		mirrors[host] = d.mirrors[host]
	}
	d.source = mirror.New(d.options(mirrors))
	return d
}

func (d *door) options(mirrors map[string]mirror.Mirror) mirror.Options {
	return mirror.Options{
		Registry: d.registry, Mirrors: mirrors, Key: testKey(1).Public().(ed25519.PublicKey),
		Have:     func() (statuslist.Edition, time.Time) { d.mu.Lock(); defer d.mu.Unlock(); return d.edition, d.asOf },
		ClockSet: func() bool { return true },
		Live:     func(time.Time) { d.lived++ },
		Log:      slog.New(slog.NewTextHandler(&d.log, nil)),
	}
}

// publish makes the next version at the registry and all mirrors.
func (d *door) publish() {
	d.registry.set(func(p *peer) { p.version++ })
	for _, m := range d.mirrors {
		m.set(func(p *peer) { p.version++ })
	}
}

// follow makes attempts for so long, as package replica does.
func (d *door) follow(for_ time.Duration) (last error) {
	for end := time.Now().Add(for_); time.Now().Before(end); {
		if last = d.follow1(25 * time.Second); last != nil {
			time.Sleep(2 * time.Second)
		}
	}
	return last
}

func (d *door) follow1(wait time.Duration) error {
	defer synctest.Wait() // what the source still does beside it, it has done: the test reads without locks
	d.mu.Lock()
	after := d.edition.Version
	d.mu.Unlock()
	sealed, err := d.source.Manifest(d.t.Context(), after, wait)
	if err != nil {
		return err
	}
	m, err := api.OpenManifest(sealed, testKey(1).Public().(ed25519.PublicKey))
	if err != nil {
		d.t.Errorf("the source gave a manifest that nobody signed: %v", err)
		return err
	}
	d.mu.Lock()
	c := m.Edition().Compare(d.edition)
	d.mu.Unlock()
	if c < 0 {
		d.t.Errorf("the source gave %v after %v", m.Edition(), d.edition)
	}
	if c > 0 {
		if _, err := d.source.Blob(d.t.Context(), blob); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.edition, d.asOf = m.Edition(), m.IssuedAt()
	return nil
}

// fault is what the door says about a mirror.
func (d *door) fault(host string) mirror.Fault {
	for _, s := range d.source.States() {
		if s.Host == host {
			return s.Fault
		}
	}
	d.t.Fatalf("it says nothing about %s", host)
	return ""
}

func (d *door) has(version uint64) {
	d.t.Helper()
	if d.edition.Version != version {
		d.t.Errorf("the door has version %d, want %d; it said\n%s", d.edition.Version, version, d.log.String())
	}
}

func TestFollowsTheMirror(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, "one")
		if err := d.follow(time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := d.registry.asked; n < 2 || n > 7 {
			t.Errorf("the registry was asked %d times in an hour, want once in 10 to 20 minutes", n)
		}
		if n := d.mirrors["one"].asked; n < 500 {
			t.Errorf("the mirror was asked %d times in an hour", n)
		}
		d.publish()
		began := time.Now()
		for d.edition.Version != 2 && time.Since(began) < time.Minute {
			if err := d.follow1(25 * time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 7*time.Second {
			t.Errorf("it has the next version after %v", took)
		}
		if d.registry.loads > 0 || d.mirrors["one"].loads != 2 {
			t.Errorf("it loaded %d blobs from the registry and %d from the mirror", d.registry.loads, d.mirrors["one"].loads)
		}
		if d.lived != d.registry.asked {
			t.Errorf("%d manifests counted as the registry's own, of %d", d.lived, d.registry.asked)
		}
		if states := d.source.States(); len(states) != 1 || !states[0].Follows || states[0].Fault != "" {
			t.Errorf("it says %+v", states)
		}
	})
}

// TestFaults has a mirror go wrong in one way. The door says which, has the next version within
// seconds, and follows the mirror again when that is in order.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		want   mirror.Fault
		goes   func(*peer)
		within time.Duration
	}{
		"down":               {mirror.Fails, func(p *peer) { p.down = io.EOF }, 10 * time.Second},
		"another's":          {mirror.Lies, func(p *peer) { p.key = testKey(2) }, 10 * time.Second},
		"garbage":            {mirror.Lies, func(p *peer) { p.frozen = []byte("<html>") }, 10 * time.Second},
		"other bytes":        {mirror.Lies, func(p *peer) { p.data = bytes.Repeat([]byte("c"), len(blobText)) }, 10 * time.Second},
		"half":               {mirror.Incomplete, func(p *peer) { p.data = blobText[:500] }, 10 * time.Second},
		"missing":            {mirror.Incomplete, func(p *peer) { p.blobDown = &api.Refusal{Status: http.StatusNotFound} }, 10 * time.Second},
		"forbidden":          {mirror.Incomplete, func(p *peer) { p.blobDown = &api.Refusal{Status: http.StatusForbidden} }, 10 * time.Second},
		"huge":               {mirror.Huge, func(p *peer) { p.blobDown = client.ErrTooLong }, 10 * time.Second},
		"endless":            {mirror.Huge, func(p *peer) { p.down = client.ErrTooLong }, 10 * time.Second},
		"silent":             {mirror.Slow, func(p *peer) { p.delay = time.Hour }, 15 * time.Second},
		"slow":               {mirror.Slow, func(p *peer) { p.delay = 5 * time.Second }, 15 * time.Second},
		"frozen":             {mirror.Lags, func(p *peer) { p.frozen, p.version = manifest(0, p.version, p.key), 0 }, 130 * time.Second},
		"older":              {mirror.Lags, func(p *peer) { p.version = 3 }, 130 * time.Second},
		"before a restore":   {mirror.Lags, func(p *peer) { p.epoch = 0 }, 130 * time.Second},
		"connection too few": {mirror.Incomplete, func(p *peer) { p.blobDown = io.ErrUnexpectedEOF }, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDoor(t, "one")
				all := func(how func(*peer)) { d.registry.set(how); d.mirrors["one"].set(how) }
				all(func(p *peer) { p.version = 9; p.epoch = 5 })
				if name == "frozen" || name == "older" {
					all(func(p *peer) { p.epoch = 0 })
				}
				if err := d.follow(30 * time.Second); err != nil {
					t.Fatal(err)
				}
				d.mirrors["one"].set(c.goes)
				d.mirrors["one"].set(func(p *peer) { p.kept = nil })
				d.registry.set(func(p *peer) { p.version = 10 })
				if c.want != mirror.Lags {
					d.mirrors["one"].set(func(p *peer) { p.version = 10 })
				}
				for began := time.Now(); d.edition.Version != 10; {
					if err := d.follow1(25 * time.Second); err != nil {
						t.Fatal(err)
					}
					if time.Since(began) > c.within {
						t.Fatalf("it does not have the next version after %v; it said\n%s", c.within, d.log.String())
					}
				}
				if err := d.follow(2 * time.Minute); err != nil {
					t.Error(err)
				}
				if got := d.fault("one"); got != c.want {
					t.Errorf("the mirror %q, want %q; it said\n%s", got, c.want, d.log.String())
				}
				if !strings.Contains(d.log.String(), "mirror=one fault="+string(c.want)) {
					t.Errorf("it said\n%s", d.log.String())
				}
				fresh := newPeer()
				d.mirrors["one"].set(func(p *peer) {
					p.kept, p.epoch, p.frozen, p.key, p.data, p.down, p.blobDown, p.delay = nil, d.registry.epoch, nil, fresh.key, fresh.data, nil, nil, 0
				})
				all(func(p *peer) { p.version = 11 })
				if err := d.follow(40 * time.Minute); err != nil {
					t.Error(err)
				}
				all(func(p *peer) { p.version = 12 }) // what is wrong with blobs ends with a good one
				if err := d.follow(time.Minute); err != nil {
					t.Error(err)
				}
				d.has(12)
				if got := d.fault("one"); got != "" {
					t.Errorf("the mirror is in order and %q; it said\n%s", got, d.log.String())
				}
			})
		})
	}
}

// TestOtherMirror takes the next one, and the registry is not asked more often for it.
func TestOtherMirror(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, "one", "two", "three")
		for _, host := range []string{"one", "two"} {
			d.mirrors[host].down = io.EOF
		}
		if err := d.follow(time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := d.registry.asked; n > 60 {
			t.Errorf("the registry was asked %d times in an hour", n)
		}
		if d.registry.loads > 1 {
			t.Errorf("it loaded %d blobs from the registry", d.registry.loads)
		}
	})
}

// TestNoRegistry goes on with a mirror while the registry cannot be reached.
func TestNoRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, "one")
		d.registry.down = io.EOF
		if err := d.follow(10 * time.Minute); err != nil {
			t.Fatal(err)
		}
		d.mirrors["one"].set(func(p *peer) { p.version = 2 })
		if err := d.follow(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		d.has(2)
		d.mirrors["one"].set(func(p *peer) { p.version = 3 })
		if err := d.follow1(0); err != nil { // somebody waits
			t.Fatal(err)
		}
		d.has(3)
	})
}

// TestNoNetwork comes back to the mirror as soon as there is a network again: the fault was not the
// mirror's.
func TestNoNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, "one")
		both := func(err error) {
			d.registry.set(func(p *peer) { p.down = err })
			d.mirrors["one"].set(func(p *peer) { p.down = err })
		}
		both(io.EOF)
		if err := d.follow(time.Hour); !errors.Is(err, io.EOF) {
			t.Fatalf("without a network: %v", err)
		}
		both(nil)
		if err := d.follow(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		if d.mirrors["one"].loads != 1 || d.registry.loads != 0 {
			t.Errorf("it loaded %d blobs from the mirror and %d from the registry", d.mirrors["one"].loads, d.registry.loads)
		}
	})
}

// TestSlowLine keeps to the mirror where the registry is no quicker: the door's own line is slow.
func TestSlowLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, "one")
		d.registry.delay, d.mirrors["one"].delay = 7*time.Second, 7*time.Second
		if err := d.follow(10 * time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := d.fault("one"); got != "" {
			t.Errorf("the mirror %q; it said\n%s", got, d.log.String())
		}
		if n := d.registry.asked; n > 30 {
			t.Errorf("the registry was asked %d times in ten minutes, too", n)
		}
	})
}

// TestFrozen has a mirror that follows no more while the list stays the same: only the time of its
// manifest tells.
func TestFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, "one")
		if err := d.follow(time.Minute); err != nil {
			t.Fatal(err)
		}
		d.mirrors["one"].set(func(p *peer) { p.frozen = p.kept })
		if err := d.follow(10 * time.Minute); err != nil {
			t.Fatal(err)
		}
		if age := time.Since(d.asOf); d.fault("one") != mirror.Lags || age > 2*time.Minute {
			t.Errorf("the mirror %q, the list is of %v ago; it said\n%s", d.fault("one"), age, d.log.String())
		}
	})
}

// TestHasNewer has a door that has got a newer list from a stick, and then reaches only a mirror.
func TestHasNewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, "one")
		if err := d.follow(time.Minute); err != nil {
			t.Fatal(err)
		}
		d.registry.set(func(p *peer) { p.down = io.EOF })
		d.edition.Version, d.asOf = 7, time.Now()
		if err := d.follow(2 * time.Minute); !errors.Is(err, io.EOF) {
			t.Errorf("nobody has anything for it: %v", err)
		}
		d.has(7)
	})
}

// TestPatienceEnds has a mirror that is just quick enough each time.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, "one")
		d.mirrors["one"].delay = 3 * time.Second
		began := time.Now()
		for range 20 {
			if _, err := d.source.Blob(t.Context(), blob); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("20 blobs took %v", took)
		}
		if got := d.fault("one"); got != mirror.Slow {
			t.Errorf("the mirror %q", got)
		}
	})
}

// TestJustPublished does not blame a mirror that follows in a moment.
func TestJustPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, "one")
		if err := d.follow(time.Minute); err != nil {
			t.Fatal(err)
		}
		d.registry.set(func(p *peer) { p.version = 2 })
		d.mirrors["one"].set(func(p *peer) { p.blobDown = &api.Refusal{Status: http.StatusNotFound} })
		if err := d.follow1(0); err != nil { // somebody waits
			t.Fatal(err)
		}
		d.has(2)
		if err := d.follow(20 * time.Second); err != nil {
			t.Fatal(err)
		}
		d.mirrors["one"].set(func(p *peer) { p.version, p.blobDown = 2, nil })
		if err := d.follow(time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := d.fault("one"); got != "" {
			t.Errorf("the mirror %q; it said\n%s", got, d.log.String())
		}
	})
}

// TestRestored follows a registry that was restored from a backup: its time goes back.
func TestRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, "one")
		backup := manifest(7, 2, testKey(1))
		d.registry.version, d.mirrors["one"].version = 9, 9
		if err := d.follow(10 * time.Minute); err != nil {
			t.Fatal(err)
		}
		d.registry.set(func(p *peer) { p.frozen, p.version = backup, 2 })
		if err := d.follow(20 * time.Second); err != nil {
			t.Fatal(err)
		}
		d.mirrors["one"].set(func(p *peer) { p.frozen = backup })
		asked := d.registry.asked
		if err := d.follow(time.Hour); err != nil {
			t.Fatal(err)
		}
		if d.edition != (statuslist.Edition{Epoch: 7, Version: 2}) || d.fault("one") != "" {
			t.Errorf("the door has %v, the mirror %q; it said\n%s", d.edition, d.fault("one"), d.log.String())
		}
		if n := d.registry.asked - asked; n > 12 {
			t.Errorf("the registry was asked %d times in an hour", n)
		}
	})
}

// TestComesBack follows a mirror again that lagged, although the registry's manifest of the same
// edition was signed a little later each time.
func TestComesBack(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			d := newDoor(t, "one")
			if err := d.follow(time.Minute); err != nil {
				t.Fatal(err)
			}
			one := d.mirrors["one"]
			one.set(func(p *peer) { p.frozen = p.kept })
			d.registry.set(func(p *peer) { p.version = 2 })
			for end := time.Now().Add(3 * time.Minute); d.fault("one") != mirror.Lags && time.Now().Before(end); {
				if err := d.follow1(25 * time.Second); err != nil {
					t.Fatal(err)
				}
			}
			one.set(func(p *peer) { p.frozen, p.version, p.every = nil, 2, 40*time.Second })
			one.get() // it signs now, and not when the door comes
			if err := d.follow(75 * time.Second); err != nil {
				t.Fatal(err)
			}
			d.has(2)
			if got := d.fault("one"); got != "" {
				t.Errorf("the mirror is in order and %q; it said\n%s", got, d.log.String())
			}
		})
	}
}
