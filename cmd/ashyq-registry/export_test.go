package main

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
	"ashyq-kiosk/registry/export"
	"ashyq-kiosk/registry/export/exporttest"
)

// mirrored is a registry whose list is exported to a folder, which a web server serves.
type mirrored struct {
	*town
	dir    string
	key    ed25519.PublicKey
	export *exec.Cmd
	log    bytes.Buffer // of the export; read it only after its end
}

func newMirrored(t *testing.T, dir string) *mirrored {
	m := &mirrored{town: newTown(t, ""), dir: dir}
	key, err := (&dataDir{name: m.data}).key(registryFile)
	if err != nil {
		t.Fatal(err)
	}
	m.key = key.Public().(ed25519.PublicKey)
	t.Cleanup(m.stop)
	return m
}

// start follows the registry's address for doors, as another machine does.
func (m *mirrored) start() {
	m.Helper()
	m.export = command("export", "--from", m.doors, "--ca", filepath.Join(m.data, caFile), "--key", api.FormatKey(m.key), "--verbose", m.dir)
	m.export.Stdout, m.export.Stderr = &m.log, &m.log
	if err := m.export.Start(); err != nil {
		m.Fatal(err)
	}
}

func (m *mirrored) stop() {
	if m.export != nil && m.export.ProcessState == nil {
		_ = m.export.Process.Kill()
		_ = m.export.Wait() // "signal: killed"
	}
}

// served is the manifest in the folder, which names only blobs that are there. ok is false before
// the first copy is complete.
func (m *mirrored) served() (served api.Manifest, ok bool) {
	m.Helper()
	sealed, err := os.ReadFile(filepath.Join(m.dir, api.PathManifest))
	if errors.Is(err, fs.ErrNotExist) {
		return served, false
	}
	if err == nil {
		served, err = api.OpenManifest(sealed, m.key)
	}
	if err != nil {
		m.Fatal(err)
	}
	for h := range everyBlob(served) {
		if data, err := os.ReadFile(filepath.Join(m.dir, api.PathBlob, h.String())); err != nil || api.HashOf(data) != h {
			m.Errorf("version %d names blob %v: %d bytes, %v", served.Version, h, len(data), err)
		}
	}
	return served, true
}

// awaitVersion waits until the folder has this version or a later one.
func (m *mirrored) awaitVersion(version uint64) {
	m.Helper()
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		served, _ := m.served()
		if served.Version >= version {
			return
		}
		if time.Now().After(end) {
			m.stop()
			m.Fatalf("the folder has version %d, want %d\n%s", served.Version, version, m.log.String())
		}
	}
}

// awaitWrite waits for the first file that changes.
func (m *mirrored) awaitWrite() {
	m.Helper()
	changed := func() (times [2]time.Time) {
		for i, name := range []string{api.PathManifest, api.PathBlob} {
			if info, err := os.Stat(filepath.Join(m.dir, name)); err == nil {
				times[i] = info.ModTime()
			}
		}
		return times
	}
	for before, end := changed(), time.Now().Add(90*time.Second); changed() == before; time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			m.stop()
			m.Fatalf("the export writes nothing\n%s", m.log.String())
		}
	}
}

func (m *mirrored) published() uint64 {
	m.Helper()
	sealed, err := m.get(api.PathManifest)
	if err != nil {
		m.Fatal(err)
	}
	current, err := api.OpenManifest(sealed, m.key)
	if err != nil {
		m.Fatal(err)
	}
	return current.Version
}

// TestExportKilled kills the export again and again while the registry publishes. What is served is
// always complete and never goes back, and a door that knows only the mirror learns everything.
func TestExportKilled(t *testing.T) {
	m := newMirrored(t, filepath.Join(t.TempDir(), "mirror"))
	last := uint64(0)
	var ill pass.Place
	for i, iin := range numbers(12) {
		ill = m.activate(iin)
		m.start()
		m.result(iin, fmt.Sprint(i), "positive")
		if i%2 == 0 {
			time.Sleep(rand.N(400 * time.Millisecond)) // it starts, copies, or follows
		} else {
			m.awaitWrite()
		}
		m.stop()
		served, ok := m.served()
		if ok && served.Version < last {
			t.Errorf("serves version %d after %d", served.Version, last)
		}
		last = served.Version
	}
	m.awaits(ill, statuslist.Red) // the registry has published
	m.start()
	m.awaitVersion(m.published())
	server := httptest.NewServer(http.FileServer(http.Dir(m.dir)))
	defer server.Close()
	empty, err := cache.Open(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.cache.Close(); err != nil {
		t.Fatal(err)
	}
	m.cache = empty // of a door that knows nothing yet
	mirror, err := client.New(client.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err := m.follow(noWait{mirror}); err != nil {
			t.Fatal(err)
		}
		got, err := m.door(ill)
		if err == nil && got.Status == statuslist.Red {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a door that follows the mirror takes the pass for %v, %v", got.Status, err)
		}
	}
	if err := m.export.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := m.export.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, m.log.String())
	}
}

// TestExportFullDisk fills the mirror's disk: it serves what it has, and goes on when there is
// room.
func TestExportFullDisk(t *testing.T) {
	small := disk(t, "4m")
	m := newMirrored(t, filepath.Join(small, "mirror"))
	iins := numbers(2)
	ill := m.activate(iins[0])
	m.start()
	m.awaitVersion(m.published())
	filler := filepath.Join(small, "filler")
	if err := os.WriteFile(filler, make([]byte, 8<<20), 0o600); err == nil {
		t.Fatal("the small disk is not full")
	}
	before, _ := m.served()
	m.result(iins[0], "1", "positive")
	m.awaits(ill, statuslist.Red) // the registry has published
	time.Sleep(time.Second)       // the export hears of it
	if after, _ := m.served(); after.Version != before.Version {
		t.Errorf("with a full disk it serves version %d after %d", after.Version, before.Version)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	m.awaitVersion(m.published())
	m.stop()
	if said := m.log.String(); !strings.Contains(said, "no space left") || !strings.Contains(said, "works again") {
		t.Errorf("the export said:\n%s", said)
	}
}

// everyBlob is what a manifest names.
func everyBlob(m api.Manifest) map[api.Hash]bool {
	blobs := blobsOf(m)
	for _, level := range m.Deltas {
		for _, d := range level {
			blobs[d.Blob] = true
		}
	}
	return blobs
}

// TestExportBucket copies the list of a real registry to a real object store.
func TestExportBucket(t *testing.T) {
	to := "s3://" + exporttest.Bucket(t) + "/lists"
	m := newMirrored(t, to)
	m.activate(numbers(1)[0])
	out, err := command("export", "--once", "--from", m.url, "--key", api.FormatKey(m.key), to).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bucket, err := export.OpenBucket(to)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := bucket.Get(t.Context(), "v1/manifest")
	if err != nil {
		t.Fatal(err)
	}
	served, err := api.OpenManifest(sealed, m.key)
	if err != nil {
		t.Fatal(err)
	}
	for h := range everyBlob(served) {
		if data, err := bucket.Get(t.Context(), "v1/blob/"+h.String()); err != nil || api.HashOf(data) != h {
			t.Errorf("blob %v: %d bytes, %v", h, len(data), err)
		}
	}
}
