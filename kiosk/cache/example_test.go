package cache_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/statuslist"
)

// A first section is staged and applied; then a person's standing is looked up.
func Example() {
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	c, err := cache.Open(filepath.Join(dir, "cache.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	section := statuslist.NewSection()
	section.Set(4711, statuslist.Red)
	blob := sha256.Sum256([]byte("the section as it came"))
	if err := c.Stage(0, 1, blob, section); err != nil {
		fmt.Println(err)
		return
	}
	err = c.Apply(cache.Update{
		Version:  1,
		AsOf:     time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC),
		List:     "https://registry.example/list",
		Sections: []cache.SectionUpdate{{Version: 1, Staged: true, Blob: blob}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	standing, err := c.Status(context.Background(), kiosk.Person{Index: 4711})
	fmt.Println(standing.Status, standing.AsOf.Format(time.DateTime), err)
	// Output: red 2026-03-01 08:30:00 <nil>
}
