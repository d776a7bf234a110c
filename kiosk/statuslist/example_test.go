package statuslist_test

import (
	"fmt"

	"ashyq-kiosk/kiosk/statuslist"
)

// A registry seals the difference between two versions; a door that has the key opens it and brings
// its own copy up to date.
func Example() {
	key := statuslist.Key{Generation: 1, Secret: [32]byte{1, 2, 3}}
	before := statuslist.NewSection()
	after := before.Clone()
	after.Set(4711, statuslist.Red)

	sealed, err := statuslist.Delta{
		From: 1, To: 2,
		Sections: []statuslist.SectionChanges{{ID: 0, Changes: statuslist.Diff(before, after)}},
		Result:   statuslist.Root([][32]byte{after.Content()}),
	}.Seal(key, "aq:abc")
	if err != nil {
		fmt.Println(err)
		return
	}

	delta, err := statuslist.OpenDelta(sealed, "aq:abc", key)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range delta.Sections[0].Changes {
		before.Set(c.Index, c.Status)
	}
	fmt.Println(before.Get(4711), before.Get(4712), len(sealed), "bytes")
	// Output: red valid 1024 bytes
}
