package export_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/export"
)

// registry signs manifests whose blobs nobody reads here.
type registry struct {
	t   *testing.T
	key ed25519.PrivateKey

	mu       sync.Mutex // guards the rest
	manifest api.Manifest
	blobs    map[api.Hash][]byte
	loads    int
	fails    func(api.Hash) error // nil: nothing fails
}

func newRegistry(t *testing.T) *registry {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	r := &registry{t: t, key: key, blobs: map[api.Hash][]byte{}}
	r.publish()
	return r
}

func (r *registry) put(text string) api.Hash {
	h := api.HashOf([]byte(text))
	r.blobs[h] = []byte(text)
	return h
}

// publish makes the next version: a new section, and deltas from the last three versions.
func (r *registry) publish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.manifest
	m.Version++
	m.List, m.Issued = "list", 1_800_000_000+int64(m.Version)
	m.Expires = m.Issued + 86400
	name := fmt.Sprintf("%d of epoch %d", m.Version, m.Epoch)
	m.Rules, m.Keys = r.put("rules"), r.put("keys")
	m.Sections = []api.Section{{Version: m.Version, Changed: m.Version, Size: 1, Blob: r.put("section " + name)}}
	if m.Version > 1 {
		deltas := []api.Delta{{From: m.Version - 1, To: m.Version, Size: 1, Blob: r.put("delta " + name)}}
		if len(m.Deltas) > 0 {
			deltas = append(deltas, m.Deltas[0][:min(2, len(m.Deltas[0]))]...)
		}
		m.Deltas = [][]api.Delta{deltas}
	}
	r.manifest = m
}

func (r *registry) change(how func(*api.Manifest)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	how(&r.manifest)
}

func (r *registry) current() api.Manifest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.manifest
}

// Manifest implements export.Source.
func (r *registry) Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error) {
	for end := time.Now().Add(wait); after != 0 && r.current().Version <= after && time.Now().Before(end); {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		time.Sleep(time.Millisecond)
	}
	return r.current().Seal(r.key)
}

// Blob implements export.Source.
func (r *registry) Blob(_ context.Context, h api.Hash) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails != nil {
		if err := r.fails(h); err != nil {
			return nil, err
		}
	}
	data, ok := r.blobs[h]
	if !ok {
		return nil, fmt.Errorf("blob %v: %w", h, fs.ErrNotExist)
	}
	r.loads++
	return data, nil
}

func (r *registry) options(place export.Place) export.Options {
	return export.Options{Source: r, Key: r.key.Public().(ed25519.PublicKey), Place: place, Keep: time.Hour,
		Log: slog.New(slog.DiscardHandler), Progress: func(int, int, int64) {}}
}

func openFolder(t *testing.T, dir string) *export.Folder {
	t.Helper()
	f, err := export.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // a test may have closed it
	return f
}

// once copies what is current.
func (r *registry) once(place export.Place) export.Result {
	r.t.Helper()
	result, err := export.New(r.options(place)).Once(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return result
}

// served is the manifest in a folder. It names only blobs that are there.
func (r *registry) served(dir string) api.Manifest {
	r.t.Helper()
	sealed, err := os.ReadFile(filepath.Join(dir, api.PathManifest))
	if err != nil {
		r.t.Fatal(err)
	}
	m, err := api.OpenManifest(sealed, r.key.Public().(ed25519.PublicKey))
	if err != nil {
		r.t.Fatal(err)
	}
	hashes := []api.Hash{m.Rules, m.Keys, m.Sections[0].Blob}
	if len(m.Deltas) > 0 {
		for _, d := range m.Deltas[0] {
			hashes = append(hashes, d.Blob)
		}
	}
	for _, h := range hashes {
		data, err := os.ReadFile(filepath.Join(dir, api.PathBlob, h.String()))
		if err != nil || api.HashOf(data) != h {
			r.t.Errorf("blob %v of version %v: %d bytes, %v", h, m.Edition(), len(data), err)
		}
	}
	return m
}

func TestOnce(t *testing.T) {
	r, dir := newRegistry(t), t.TempDir()
	place := openFolder(t, dir)
	if got := r.once(place); !got.Changed || got.Blobs != 3 || got.Loaded != 3 {
		t.Errorf("the first copy: %+v", got)
	}
	if m := r.served(dir); m.Version != 1 {
		t.Errorf("serves version %d", m.Version)
	}
	r.publish()
	if got := r.once(place); !got.Changed || got.Blobs != 4 || got.Loaded != 2 {
		t.Errorf("the second copy: %+v", got)
	}
	if got := r.once(place); got.Changed || got.Loaded != 0 {
		t.Errorf("the same again: %+v", got)
	}
	if m := r.served(dir); m.Version != 2 {
		t.Errorf("serves version %d", m.Version)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, _ := d.Info(); err == nil && info.Mode()&0o044 == 0 && !strings.Contains(path, ".incoming") {
			t.Errorf("a web server cannot read %s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestResigned copies a manifest that is only signed again: doors see by its time that the mirror
// follows.
func TestResigned(t *testing.T) {
	r, dir := newRegistry(t), t.TempDir()
	place := openFolder(t, dir)
	r.once(place)
	r.change(func(m *api.Manifest) { m.Issued += 30 })
	r.once(place)
	if got, want := r.served(dir).Issued, r.current().Issued; got != want {
		t.Errorf("serves the manifest of %d, want %d", got, want)
	}
	r.change(func(m *api.Manifest) { m.Issued -= 10 })
	r.once(place)
	if got, want := r.served(dir).Issued, r.current().Issued+10; got != want {
		t.Errorf("serves the manifest of %d, want %d: it never goes back", got, want)
	}
}

// TestNeverOlder does not replace what it has by an older edition, not even after a restart of the
// export, and follows a registry that was restored.
func TestNeverOlder(t *testing.T) {
	r, dir := newRegistry(t), t.TempDir()
	place := openFolder(t, dir)
	older := r.current()
	r.publish()
	r.once(place)
	r.change(func(m *api.Manifest) { *m = older })
	if _, err := export.New(r.options(place)).Once(t.Context()); !errors.Is(err, export.ErrOlder) {
		t.Errorf("an older edition: %v", err)
	}
	if m := r.served(dir); m.Version != 2 {
		t.Errorf("serves version %d", m.Version)
	}
	r.change(func(m *api.Manifest) { m.Epoch, m.Ended = 7, []api.Ended{{Version: 1}} })
	r.publish()
	r.once(place)
	if m := r.served(dir); m.Epoch != 7 {
		t.Errorf("serves %v after a restore", m.Edition())
	}
}

// TestContinues goes on where a copy broke off, and does not load what has arrived.
func TestContinues(t *testing.T) {
	r, dir := newRegistry(t), t.TempDir()
	broken := errors.New("broken off")
	r.fails = func(h api.Hash) error {
		if h == r.manifest.Sections[0].Blob {
			return broken
		}
		return nil
	}
	place := openFolder(t, dir)
	if _, err := export.New(r.options(place)).Once(t.Context()); !errors.Is(err, broken) {
		t.Fatalf("a copy that breaks off: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, api.PathManifest)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it serves a manifest: %v", err)
	}
	before := r.loads
	r.fails = nil
	if got := r.once(place); got.Loaded != 3-before || got.Blobs != 3 {
		t.Errorf("goes on with %+v after %d", got, before)
	}
	r.served(dir)
}

// TestMovesOn goes on with the newer manifest where the registry drops a blob meanwhile.
func TestMovesOn(t *testing.T) {
	r, dir := newRegistry(t), t.TempDir()
	gone := r.current().Sections[0].Blob
	r.fails = func(h api.Hash) error {
		if h != gone {
			return nil
		}
		r.mu.Unlock()
		defer r.mu.Lock()
		if r.current().Version == 1 {
			r.publish()
		}
		return fs.ErrNotExist
	}
	if got := r.once(openFolder(t, dir)); got.Manifest.Version != 2 {
		t.Errorf("copied version %d", got.Manifest.Version)
	}
	r.served(dir)
}

// TestRepairs replaces a file whose bytes have changed.
func TestRepairs(t *testing.T) {
	r, dir := newRegistry(t), t.TempDir()
	place := openFolder(t, dir)
	r.once(place)
	blob := filepath.Join(dir, api.PathBlob, r.current().Sections[0].Blob.String())
	for _, damaged := range []string{"", "other bytes", strings.Repeat("long", 1<<20)} {
		if err := os.WriteFile(blob, []byte(damaged), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := r.once(place); got.Loaded != 1 {
			t.Errorf("loaded %d after %d other bytes", got.Loaded, len(damaged))
		}
		r.served(dir)
	}
}

// TestSweeps removes a blob only long after the last manifest that named it.
func TestSweeps(t *testing.T) {
	r, dir := newRegistry(t), t.TempDir()
	place := openFolder(t, dir)
	r.once(place)
	blobs := filepath.Join(dir, api.PathBlob)
	foreign := filepath.Join(blobs, "index.html")
	if err := os.WriteFile(foreign, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	age := func(path string, by time.Duration) {
		t.Helper()
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-by)); err != nil {
			t.Fatal(err)
		}
	}
	first := filepath.Join(blobs, r.current().Sections[0].Blob.String())
	age(first, 24*time.Hour) // it was written long ago, and is still needed
	age(foreign, 24*time.Hour)
	r.once(place)
	is := func(path string, want bool) {
		t.Helper()
		if _, err := os.Stat(path); err == nil != want {
			t.Errorf("%s is there: %v, want %v", filepath.Base(path), err == nil, want)
		}
	}
	is(first, true)
	r.publish()
	r.once(place)
	is(first, true) // not needed any longer, since a moment
	age(first, 59*time.Minute)
	r.once(place)
	is(first, true)
	age(first, 61*time.Minute)
	r.once(place)
	is(first, false)
	is(foreign, true)
	r.served(dir)
}

// full is a place whose disk is full.
type full struct {
	export.Place
	left atomic.Int64 // files until then
}

// Put implements export.Place.
func (f *full) Put(ctx context.Context, name string, data []byte) error {
	if f.left.Add(-1) < 0 {
		return fmt.Errorf("write %q: %w", name, syscall.ENOSPC)
	}
	return f.Place.Put(ctx, name, data)
}

// TestFullDisk serves what it had while nothing more can be written, at whichever file that begins,
// and goes on afterwards.
func TestFullDisk(t *testing.T) {
	for left := range int64(3) {
		r, dir := newRegistry(t), t.TempDir()
		place := openFolder(t, dir)
		r.once(place)
		r.publish()
		disk := &full{Place: place}
		disk.left.Store(left)
		if _, err := export.New(r.options(disk)).Once(t.Context()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("a full disk: %v", err)
		}
		if m := r.served(dir); m.Version != 1 {
			t.Errorf("serves version %d", m.Version)
		}
		r.once(place)
		if m := r.served(dir); m.Version != 2 {
			t.Errorf("serves version %d when there is room again", m.Version)
		}
	}
}

// TestForeign leaves another registry's copy as it is.
func TestForeign(t *testing.T) {
	r, other, dir := newRegistry(t), newRegistry(t), t.TempDir()
	other.key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	place := openFolder(t, dir)
	r.once(place)
	if _, err := export.New(other.options(place)).Once(t.Context()); !errors.Is(err, export.ErrForeign) {
		t.Errorf("another registry's copy: %v", err)
	}
	r.served(dir)
	r.key = other.key
	opt := r.options(openFolder(t, t.TempDir()))
	opt.Key = newRegistry(t).options(nil).Key
	if _, err := export.New(opt).Once(t.Context()); err == nil || !strings.Contains(err.Error(), "--key") {
		t.Errorf("a manifest with another registry's signature: %v", err)
	}
}

func TestFolderIsLocked(t *testing.T) {
	dir := t.TempDir()
	first := openFolder(t, dir)
	if _, err := export.OpenFolder(dir); err == nil || !strings.Contains(err.Error(), "another") {
		t.Errorf("a second one opens: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	incoming := filepath.Join(dir, ".incoming")
	for _, name := range []string{"manifest", api.HashOf(nil).String(), "somebody's"} {
		if err := os.WriteFile(filepath.Join(incoming, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openFolder(t, dir)
	if left, err := os.ReadDir(incoming); err != nil || len(left) != 1 || left[0].Name() != "somebody's" {
		t.Errorf("of what a killed program left, there is still %v, %v", left, err)
	}
}

// TestRun follows until it is stopped.
func TestRun(t *testing.T) {
	r, dir := newRegistry(t), t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- export.New(r.options(openFolder(t, dir))).Run(ctx) }()
	for range 5 {
		for end := time.Now().Add(90 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			_, err := os.Stat(filepath.Join(dir, api.PathManifest))
			if err == nil && r.served(dir).Version == r.current().Version {
				break
			}
			if time.Now().After(end) {
				t.Fatal("it does not follow")
			}
		}
		r.publish()
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestFolderModes has a folder that somebody made, which may be a home: it stays as private as it was.
// What the exporter makes is for everybody.
func TestFolderModes(t *testing.T) {
	old := syscall.Umask(0o077)
	t.Cleanup(func() { syscall.Umask(old) })
	mode := func(path string, want fs.FileMode) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: mode %v, want %v", path, got, want)
		}
	}
	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]fs.FileMode{home: 0o700, filepath.Join(t.TempDir(), "new"): 0o755} {
		r := newRegistry(t)
		r.once(openFolder(t, dir))
		mode(dir, want)
		mode(filepath.Join(dir, "v1", "blob"), 0o755)
		mode(filepath.Join(dir, api.PathManifest), 0o644)
		mode(filepath.Join(dir, ".incoming"), 0o700)
	}
}
