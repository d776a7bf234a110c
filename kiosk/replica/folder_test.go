package replica_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
)

// snapshot writes what a registry serves into a folder, as an administrator does for a card.
func snapshot(t *testing.T, r *testRegistry) replica.Folder {
	t.Helper()
	remote, err := client.New(client.Config{URL: r.url})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	manifest, err := remote.Manifest(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "blob"), 0o755); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"manifest": manifest}
	for h, data := range r.blobs {
		files["blob/"+h.String()] = data
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return replica.Folder(dir)
}

func openCache(t *testing.T) *cache.Cache {
	t.Helper()
	store, err := cache.Open(filepath.Join(t.TempDir(), "cache.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func TestSnapshot(t *testing.T) {
	registry := newRegistry(t, 2)
	registry.publish(set(map[uint64]statuslist.Status{5: statuslist.Red}))
	issued := registry.now
	folder := snapshot(t, registry)
	options := func(store *cache.Cache, now time.Time) replica.Options {
		return replica.Options{
			Store: store, Keys: ringOf(registry), Key: registry.key.Public().(ed25519.PublicKey), Log: slog.New(slog.DiscardHandler),
			Now: func() time.Time { return now },
		}
	}
	// The clock of a board that was never set, one that is right, and one a year on: the data are
	// as old as they are.
	for _, now := range []time.Time{time.Unix(0, 0), issued, issued.AddDate(1, 0, 0)} {
		store := openCache(t)
		result, ok, err := replica.FollowSnapshot(t.Context(), folder, options(store, now))
		if err != nil || !ok || result.Version != 2 || result.Whole != 2 {
			t.Fatalf("at %v: %+v, %v, %v", now, result, ok, err)
		}
		if state, err := store.State(); err != nil || state.Version != 2 || !state.AsOf.Equal(issued.Truncate(time.Second)) {
			t.Errorf("at %v: %+v, %v, want it as of %v", now, state, err, issued)
		}
	}
	// A cache that is newer is left alone.
	store := openCache(t)
	newer := newRegistry(t, 2)
	newer.publish(set(map[uint64]statuslist.Status{5: statuslist.Red}))
	newer.publish(set(map[uint64]statuslist.Status{6: statuslist.Red}))
	if _, ok, err := replica.FollowSnapshot(t.Context(), snapshot(t, newer), options(store, issued)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, ok, err := replica.FollowSnapshot(t.Context(), folder, options(store, issued)); ok || err != nil {
		t.Errorf("an older snapshot over version 3: %v, %v", ok, err)
	}
	if _, ok, err := replica.FollowSnapshot(t.Context(), replica.Folder(t.TempDir()),
		options(store, issued)); ok || err != nil {
		t.Errorf("no snapshot: %v, %v", ok, err)
	}
}

func TestSpoiltSnapshotChangesNothing(t *testing.T) {
	registry := newRegistry(t, 2)
	for name, spoil := range map[string]func(replica.Folder, *replica.Options) error{
		"a torn blob": func(f replica.Folder, _ *replica.Options) error {
			return os.Truncate(filepath.Join(string(f), "blob", registry.current.manifest.Sections[1].Blob.String()), 10)
		},
		"a blob less": func(f replica.Folder, _ *replica.Options) error {
			return os.Remove(filepath.Join(string(f), "blob", registry.current.manifest.Keys.String()))
		},
		"another registry's": func(_ replica.Folder, o *replica.Options) error {
			o.Key = testKey(9).Public().(ed25519.PublicKey)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder, store := snapshot(t, registry), openCache(t)
			opt := replica.Options{
				Store: store, Keys: ringOf(registry), Key: registry.key.Public().(ed25519.PublicKey), Log: slog.New(slog.DiscardHandler),
				Now: time.Now,
			}
			if err := spoil(folder, &opt); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := replica.FollowSnapshot(t.Context(), folder, opt); ok || err == nil {
				t.Error("it was taken")
			}
			if state, err := store.State(); err != nil || state.Version != 0 {
				t.Errorf("the cache has version %d, %v", state.Version, err)
			}
		})
	}
}

// A stick comes with an offline snapshot, goes, and another one comes.
func TestSnapshotsComeAndGo(t *testing.T) {
	registry := newRegistry(t, 2)
	old := snapshot(t, registry)
	registry.publish(set(map[uint64]statuslist.Status{5: statuslist.Red}))
	newer, torn := snapshot(t, registry), snapshot(t, registry)
	if err := os.Truncate(filepath.Join(string(torn), "blob", registry.current.manifest.Keys.String()), 3); err != nil {
		t.Fatal(err)
	}
	store, stick := openCache(t), filepath.Join(t.TempDir(), "stick")
	var log bytes.Buffer
	snapshots := replica.NewSnapshots(replica.Options{
		Store: store, Keys: ringOf(registry), Key: registry.key.Public().(ed25519.PublicKey), Log: slog.New(slog.NewTextHandler(&log, nil)),
		Now: time.Now,
	}, replica.Folder(t.TempDir()), replica.Folder(stick))
	for _, step := range []struct {
		name       string
		folder     replica.Folder // "": none is in
		version    uint64         // that the cache has then
		complaints int            // so far
	}{
		{"none", "", 0, 0}, {"torn", torn, 0, 1}, {"none", "", 0, 1}, {"torn again", torn, 0, 2}, {"none", "", 0, 2},
		{"newer", newer, 2, 2}, {"none", "", 2, 2}, {"old", old, 2, 2}, {"newer at once", newer, 2, 2},
	} {
		if err := os.RemoveAll(stick); err != nil {
			t.Fatal(err)
		}
		if step.folder != "" {
			if err := os.CopyFS(stick, os.DirFS(string(step.folder))); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			snapshots.Follow(t.Context())
		}
		state, err := store.State()
		if err != nil || state.Version != step.version {
			t.Errorf("%s: version %d, %v, want %d", step.name, state.Version, err, step.version)
		}
		if n := strings.Count(log.String(), "cannot follow"); n != step.complaints {
			t.Errorf("%s: %d complaints, want %d:\n%s", step.name, n, step.complaints, &log)
		}
	}
}

// The keys of a stick come first, and a list that could not be read is tried again with them.
func TestSnapshotIsTriedAgainWithNewKeys(t *testing.T) {
	registry := newRegistry(t, 2)
	torn := snapshot(t, registry)
	if err := os.Truncate(filepath.Join(string(torn), "blob", registry.current.manifest.Keys.String()), 3); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	keys := ringOf(registry)
	keys.takes = []taken{{}, {changed: true}, {err: errors.New("the keys are another door's")}, {}}
	snapshots := replica.NewSnapshots(replica.Options{
		Store: openCache(t), Key: registry.key.Public().(ed25519.PublicKey), Log: slog.New(slog.NewTextHandler(&log, nil)),
		Now: time.Now, Keys: keys,
	}, torn)
	for i, want := range []int{1, 2, 2, 2} {
		snapshots.Follow(t.Context())
		if n := strings.Count(log.String(), "cannot follow"); n != want {
			t.Errorf("look %d: %d tries, want %d", i, n, want)
		}
	}
	if n := strings.Count(log.String(), "the keys are another door's"); n != 1 {
		t.Errorf("%d complaints about the keys:\n%s", n, &log)
	}
}
