package cache

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

const pageSize = filePage

// image loads a version into a fresh cache, by whole sections and one delta, and returns the file.
func image(t *testing.T, version uint64) []byte {
	t.Helper()
	path := testPath(t)
	c := mustOpen(t, path)
	mustLoad(t, c, version-1)
	if err := c.Apply(genDeltas(version)); err != nil {
		t.Fatal(err)
	}
	if err := c.Queue("report", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := stageOne(c, version+1, 0); err != nil {
		t.Fatal(err)
	}
	mustClose(t, c)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// openImage opens a file with these bytes. It has to come up in any case: with the old content, or
// fresh and with the damaged file kept.
func openImage(t *testing.T, data []byte) *Cache {
	t.Helper()
	path := testPath(t)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if c.SetAside == nil {
		return c
	}
	if !errors.Is(c.SetAside, ErrDamaged) || !strings.Contains(c.SetAside.Error(), path+".broken-1") {
		t.Errorf("SetAside = %v, want ErrDamaged and the kept file's name", c.SetAside)
	}
	if kept, err := os.ReadFile(path + ".broken-1"); err != nil || !bytes.Equal(kept, data) {
		t.Errorf("the damaged file is not kept as it was: %d of %d bytes, %v", len(kept), len(data), err)
	}
	mustBe(t, c, 0)
	return c
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	const version = 5
	good := image(t, version)
	if c := openImage(t, good); c.SetAside != nil {
		t.Fatal(c.SetAside)
	}
	files := map[string][]byte{
		"text":        []byte(strings.Repeat("not a database\n", 10_000)),
		"short text":  []byte("x"),
		"zeros":       make([]byte, len(good)),
		"half a page": good[:pageSize/2],
		"two pages":   good[:2*pageSize],
		"four pages":  good[:4*pageSize],
		"half":        good[:len(good)/2],
		"no metas":    append(make([]byte, 2*pageSize), good[2*pageSize:]...),
		"zero middle": append(append(bytes.Clone(good[:len(good)/4]), make([]byte, len(good)/2)...), good[len(good)*3/4:]...),
	}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			c := openImage(t, data)
			if c.SetAside == nil {
				t.Error("was taken for good")
			}
			mustLoad(t, c, 1) // as good as any
			mustBe(t, c, 1)
		})
	}
}

// TestGarbledPages overwrites what a dying card may overwrite. Damage that is not noticed must be
// where nothing is.
func TestGarbledPages(t *testing.T) {
	t.Parallel()
	const version = 5
	good := image(t, version)
	noticed := 0
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 2))
		data := bytes.Clone(good)
		garble(random, data)
		c := openImage(t, data)
		if c.SetAside != nil {
			noticed++
		} else if err := checkVersion(c, version); err != nil {
			t.Errorf("seed %d: damage was not noticed: %v", seed, err)
		}
		mustClose(t, c)
	}
	if noticed < 30 {
		t.Errorf("%d of 100 damages were noticed", noticed)
	}
}

func garble(random *rand.Rand, data []byte) {
	at := random.IntN(len(data))
	if random.IntN(2) == 0 {
		at = at / pageSize * pageSize // page headers and the first elements are there
	}
	part := data[at:min(at+1<<random.IntN(14), len(data))]
	switch random.IntN(3) {
	case 0:
		for i := range part {
			part[i] = byte(random.Uint32())
		}
	case 1:
		clear(part)
	case 2:
		part[random.IntN(len(part))] ^= 1 << random.IntN(8)
	}
}

// TestPageHeaders flips each bit of the page headers and of the first elements, one at a time, in a
// few pages.
func TestPageHeaders(t *testing.T) {
	t.Parallel()
	const version = 2
	good := image(t, version)
	random := rand.New(rand.NewPCG(3, 3))
	for range 60 {
		data := bytes.Clone(good)
		page := random.IntN(min(len(data)/pageSize, 60))
		data[page*pageSize+random.IntN(48)] ^= 1 << random.IntN(8)
		c := openImage(t, data)
		if c.SetAside == nil {
			if err := checkVersion(c, version); err != nil {
				t.Errorf("page %d: damage was not noticed: %v", page, err)
			}
		}
		mustClose(t, c)
	}
}

// TestPowerCut makes every file that a power cut within one Apply can leave: any of its pages are
// on the card or not, and the page that makes them count comes last, whole, torn or not at all.
func TestPowerCut(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves a hundred files, each of them checked as a whole, to make test")
	}
	t.Parallel()
	const version = 5
	path := testPath(t)
	c := mustOpen(t, path)
	mustLoad(t, c, version-1)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(genDeltas(version)); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before = append(before, make([]byte, len(after)-len(before))...)
	var metas, pages []int // offsets of what has changed
	for at := 0; at < len(after); at += pageSize {
		switch {
		case bytes.Equal(before[at:][:pageSize], after[at:][:pageSize]):
		case at < 2*pageSize:
			metas = append(metas, at)
		default:
			pages = append(pages, at)
		}
	}
	if len(metas) != 1 || len(pages) < 20 {
		t.Fatalf("Apply has changed %d metas and %d pages", len(metas), len(pages))
	}
	write := func(data []byte, at, n int) { copy(data[at:at+n], after[at:]) }

	random := rand.New(rand.NewPCG(1, 1))
	for range 25 {
		data := bytes.Clone(before)
		for _, at := range pages {
			switch random.IntN(3) {
			case 0:
				write(data, at, pageSize)
			case 1:
				write(data, at, 512*random.IntN(pageSize/512)) // a card writes sectors
			}
		}
		c := openImage(t, data)
		if c.SetAside != nil {
			t.Fatal(c.SetAside)
		}
		mustBe(t, c, version-1)
		mustClose(t, c)
	}
	for torn := 0; torn <= 128; torn += 8 {
		data := bytes.Clone(after)
		copy(data[metas[0]:], before[metas[0]:][:pageSize])
		write(data, metas[0], torn)
		c := openImage(t, data)
		if c.SetAside != nil {
			t.Fatal(c.SetAside)
		}
		if err := checkVersion(c, version); err != nil {
			mustBe(t, c, version-1)
		} else if torn < 64 {
			t.Errorf("version %d counts after %d bytes of its meta page", version, torn)
		}
		mustClose(t, c)
	}
	// A card that loses what it has confirmed: the old file is gone then, but nobody may be shown a
	// wrong colour.
	lost := 0
	for _, at := range pages {
		data := bytes.Clone(after)
		copy(data[at:], before[at:][:pageSize])
		c := openImage(t, data)
		if c.SetAside != nil {
			lost++
		} else {
			mustBe(t, c, version)
		}
		mustClose(t, c)
	}
	if lost < len(pages)/2 {
		t.Errorf("%d of %d lost pages were noticed", lost, len(pages))
	}
}

func TestForeignDatabase(t *testing.T) {
	for name, lay := range map[string]func(tx *bbolt.Tx) error{
		"of somebody else": func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("users")); return err },
		"of the future": func(tx *bbolt.Tx) error {
			if err := layOut(tx); err != nil {
				return err
			}
			return tx.Bucket(bucketMeta).Put(keyFormat, []byte("2"))
		},
	} {
		path := testPath(t)
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(lay); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		c, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if !errors.Is(c.SetAside, ErrDamaged) {
			t.Errorf("%s: SetAside = %v, want ErrDamaged", name, c.SetAside)
		}
		mustClose(t, c)
	}
}

// TestSetAsideCounts breaks the file three times: only the last one is kept, and its name says that
// it is the third.
func TestSetAsideCounts(t *testing.T) {
	path := testPath(t)
	for _, what := range []string{"first", "second", "third"} {
		if err := os.WriteFile(path, []byte(what), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Open(path)
		if err != nil || c.SetAside == nil {
			t.Fatalf("Open: %v, want a fresh cache", err)
		}
		mustClose(t, c)
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(names) != 2 || names[0] != path || names[1] != path+".broken-3" {
		t.Fatalf("files %q, %v, want the cache and .broken-3", names, err)
	}
	if kept, err := os.ReadFile(names[1]); err != nil || string(kept) != "third" {
		t.Errorf("kept %q, %v, want the third", kept, err)
	}
}
