package cache

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
)

// TestThereAndBack goes from format 1 to format 2 and back, as a card does whose new release fails. Format 2 is played by
// this code on a file that it could not read itself afterwards.
func TestThereAndBack(t *testing.T) {
	path := testPath(t)
	first := mustOpen(t, path)
	mustLoad(t, first, 3)
	queue(t, first, "a", "b")
	mustClose(t, first)

	next := openNext(t, path)
	expectReports(t, next, "a", "b")
	if err := next.Done("a"); err != nil {
		t.Fatal(err)
	}
	queue(t, next, "c")
	closeNext(t, next, path)

	back := mustOpen(t, path)
	if state, err := back.State(); err != nil || state.Version != 3 || back.SetAside != nil || back.LeftBehind != nil {
		t.Errorf("came back to %+v, %v; set aside: %v, left behind: %v", state, err, back.SetAside, back.LeftBehind)
	}
	expectReports(t, back, "b", "c")
	queue(t, back, "d")
	mustClose(t, back)

	again := openNext(t, path)
	expectReports(t, again, "b", "c", "d")
	closeNext(t, again, path)
}

// A report that the power cut left in both files is there once.
func TestInheritTwice(t *testing.T) {
	path := testPath(t)
	next := openNext(t, path)
	queue(t, next, "a", "b")
	closeNext(t, next, path)
	left, err := os.ReadFile(fileOf(path, 2))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := os.WriteFile(fileOf(path, 2), left, 0o600); err != nil {
			t.Fatal(err)
		}
		c := mustOpen(t, path)
		expectReports(t, c, "a", "b")
		mustClose(t, c)
	}
}

// Whatever is in a neighbour's file, the door opens its own.
func TestDamagedNeighbour(t *testing.T) {
	path := testPath(t)
	next := openNext(t, path)
	queue(t, next, "a", "b")
	closeNext(t, next, path)
	good, err := os.ReadFile(fileOf(path, 2))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	reported := 0
	for range 60 {
		data := bytes.Clone(good)
		for range 1 + random.IntN(200) {
			data[random.IntN(len(data))] = byte(random.Uint32())
		}
		if random.IntN(4) == 0 {
			data = data[:random.IntN(len(data))]
		}
		path := testPath(t)
		if err := os.WriteFile(fileOf(path, 2), data, 0o600); err != nil {
			t.Fatal(err)
		}
		c := mustOpen(t, path)
		if c.SetAside != nil {
			t.Errorf("the own file was set aside: %v", c.SetAside)
		}
		if c.LeftBehind != nil {
			reported++
		}
		if err := c.Check(); err != nil {
			t.Error(err)
		}
		mustClose(t, c)
	}
	if reported == 0 {
		t.Error("no damage was ever reported")
	}
	t.Logf("%d of 60 damaged files were reported", reported)
}

func TestFileOf(t *testing.T) {
	for format, want := range map[int]string{1: "/state/cache.db", 2: "/state/cache-2.db"} {
		if got := fileOf("/state/cache.db", format); got != want {
			t.Errorf("format %d is in %q, want %q", format, got, want)
		}
	}
}

// openNext is the release with format 2 that starts: it takes over what format 1 left.
func openNext(t *testing.T, path string) *Cache {
	t.Helper()
	mark(t, fileOf(path, 2), "1")
	c, err := openOrBegin(fileOf(path, 2))
	if err != nil {
		t.Fatal(err)
	}
	if c.SetAside != nil {
		t.Fatal(c.SetAside)
	}
	if err := c.inherit(path); err != nil {
		t.Fatal(err)
	}
	return c
}

// closeNext ends it and leaves a file that format 1 cannot read.
func closeNext(t *testing.T, c *Cache, path string) {
	t.Helper()
	mustClose(t, c)
	mark(t, fileOf(path, 2), "2")
}

// mark writes a format into a file, if it is there.
func mark(t *testing.T, path, format string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		return
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyFormat, []byte(format)) })
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func queue(t *testing.T, c *Cache, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := c.Queue(id, []byte("counts of "+id)); err != nil {
			t.Fatal(err)
		}
	}
}

func expectReports(t *testing.T, c *Cache, want ...string) {
	t.Helper()
	reports, err := allReports(c.db)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range reports {
		if string(r.body) != "counts of "+r.id {
			t.Errorf("report %q says %q", r.id, r.body)
		}
		got = append(got, r.id)
	}
	if !slices.Equal(got, want) {
		t.Errorf("reports %q, want %q", got, want)
	}
}
