package cache

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/statuslist"
)

// TestCopyOf copies the file of a door that runs, again and again while it writes. Each copy is one
// complete version.
func TestCopyOf(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	path := testPath(t)
	c := mustOpen(t, path)
	mustLoad(t, c, 1)
	var stop atomic.Bool
	done := make(chan error, 1)
	go func() {
		for version := uint64(2); ; version++ {
			if err := c.Apply(genDeltas(version)); err != nil || stop.Load() {
				done <- err
				return
			}
		}
	}()
	last := uint64(0)
	for range 10 {
		copied, err := CopyOf(path)
		if err != nil {
			t.Fatal(err)
		}
		state, err := copied.State()
		if err != nil || state.Version < max(last, 1) {
			t.Fatalf("State = %+v, %v after version %d", state, err, last)
		}
		last = state.Version
		mustBe(t, copied.Cache, last)
		if err := copied.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(left) != 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

// A copy has everybody's status. A process that is killed with one, or while it makes one, leaves
// nothing in the folder for temporary files.
func TestCopyHasNoName(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	mustBeNameless := func(when string) {
		t.Helper()
		if left, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(left) != 0 {
			t.Errorf("%s, a kill would leave %q, %v", when, left, err)
		}
	}
	path := testPath(t)
	mustLoad(t, mustOpen(t, path), 1)
	copied, err := CopyOf(path)
	if err != nil {
		t.Fatal(err)
	}
	mustBeNameless("while the copy is used")
	if err := copied.Close(); err != nil {
		t.Fatal(err)
	}

	slow := filepath.Join(t.TempDir(), "slow") // a file that is never read to its end
	if err := syscall.Mkfifo(slow, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(slow, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := CopyOf(slow)
		done <- err
	}()
	if _, err := pipe.Write(make([]byte, 1<<20)); err != nil { // more than a pipe holds
		t.Fatal(err)
	}
	mustBeNameless("while the copy is made")
	if err := errors.Join(os.Remove(slow), pipe.Close()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrDamaged) {
		t.Errorf("CopyOf zeros: %v, want ErrDamaged", err)
	}
}

// A damaged file stays as it is, and each section that is damaged is named.
func TestCopyOfADamagedFile(t *testing.T) {
	path := testPath(t)
	c := mustOpen(t, path)
	mustLoad(t, c, 1)
	err := c.db.Update(func(tx *bbolt.Tx) error {
		for _, id := range []uint32{0, 2} {
			s, _, err := readSection(tx.Bucket(bucketSections), id)
			if err != nil {
				return err
			}
			chunk := bytes.Repeat([]byte{0xCC}, chunkSize)
			if err := tx.Bucket(bucketSlots).Bucket(slotKey(s.slot)).Put(chunkKey(5), chunk); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = CopyOf(path)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "section 0") || strings.Contains(err.Error(), "section 1") ||
		!strings.Contains(err.Error(), "section 2") {
		t.Errorf("CopyOf: %v, want ErrDamaged for sections 0 and 2", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
	if _, err := CopyOf(path + "/none"); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("a path below a file: %v", err)
	}
	if _, err := CopyOf(path + ".none"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "\nhint: ") {
		t.Errorf("no file: %v, want a hint", err)
	}
}

func TestStats(t *testing.T) {
	path := testPath(t)
	c := mustOpen(t, path)
	mustLoad(t, c, 1)
	if err := stageOne(c, 2, 1); err != nil {
		t.Fatal(err)
	}
	if err := c.Queue("report", nil); err != nil {
		t.Fatal(err)
	}
	got, err := c.Stats()
	if err != nil {
		t.Fatal(err)
	}
	people := 0
	for status, n := range got.Statuses {
		want := 0
		for id := range genSections {
			s := genSection(1, id)
			for i := range uint32(statuslist.SectionSize) {
				if s.Get(i) == status {
					want++
				}
			}
		}
		if people += n; n != want {
			t.Errorf("%d are %v, want %d", n, status, want)
		}
	}
	if people != genSections*statuslist.SectionSize || got.Staged != 1 || got.Reports != 1 ||
		got.Size != fileSize(t, path) || got.Free >= got.Size {
		t.Errorf("%+v", got)
	}
}

// TestExport: what is read is what was written, and nothing else is read.
func TestExport(t *testing.T) {
	c := mustOpen(t, testPath(t))
	if err := c.Export(new(bytes.Buffer)); !errors.Is(err, kiosk.ErrNoData) {
		t.Errorf("Export of an empty cache: %v", err)
	}
	mustLoad(t, c, 3)
	var file bytes.Buffer
	if err := c.Export(&file); err != nil {
		t.Fatal(err)
	}
	good := file.Bytes()
	e, err := ReadExport(bytes.NewReader(good))
	if err != nil || e.Edition != (statuslist.Edition{Version: 3}) || e.List != testList || len(e.Sections) != genSections {
		t.Fatalf("ReadExport = %+v, %v", e, err)
	}
	for id, s := range e.Sections {
		if s.Version != genSectionVersion(3, id) || s.Section.Content() != genSection(3, id).Content() {
			t.Errorf("section %d is not version %d", id, s.Version)
		}
	}
	// resum makes the hash right again: nothing may depend on it.
	resum := func(body []byte) []byte {
		sum := sha256.Sum256(body)
		return append(bytes.Clone(body), sum[:]...)
	}
	body := good[:len(good)-sha256.Size]
	flipped := bytes.Clone(good)
	flipped[len(good)/2] ^= 1
	unknown := bytes.Clone(body)
	unknown[len(body)-1] = 0x99
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("a list"), "cut": good[:len(good)-1], "longer": append(bytes.Clone(good), 0),
		"a flipped bit": flipped, "half": resum(body[:len(body)/2]), "no sections": resum(body[:22]),
		"a byte more": resum(append(bytes.Clone(body), 0)), "a status without a meaning": resum(unknown),
		"too many sections": resum(append(bytes.Clone(body[:14+len(testList)]), 0xFF, 0xFF, 0xFF, 0xFF)),
		"short head":        resum([]byte(exportMagic + "1234")),
		"long name":         resum(append([]byte(exportMagic), bytes.Repeat([]byte{0xFF}, 40)...)),
	} {
		if _, err := ReadExport(bytes.NewReader(data)); !errors.Is(err, ErrExport) {
			t.Errorf("%s: %v, want ErrExport", name, err)
		}
	}
}
