package statuslist_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	"ashyq-kiosk/kiosk/statuslist"
)

// A registry seals the difference between two versions; a door opens it and brings its own copy up
// to date.
func Example() {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	before := statuslist.NewSection()
	after := before.Clone()
	after.Set(4711, statuslist.Red)

	sealed, err := statuslist.Delta{
		List:    "https://registry.example/list",
		From:    1,
		Changes: statuslist.Diff(before, after),
		Result:  after.Content(),
	}.Seal(key)
	if err != nil {
		fmt.Println(err)
		return
	}

	delta, err := statuslist.OpenDelta(sealed, key.Public().(ed25519.PublicKey))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := statuslist.Apply(before, delta); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(before.Get(4711), before.Get(4712), len(sealed), "bytes")
	// Output: red valid 211 bytes
}
