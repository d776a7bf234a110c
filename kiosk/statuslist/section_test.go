package statuslist

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"pgregory.net/rapid"
)

var known = []Status{Valid, Invalid, Suspended, Red, Yellow, Green}

// TestDraftVector reads the 4-bit test vector of draft-ietf-oauth-status-list (appendix "Test
// vectors for Status List encoding"), which happens to be one section long. It uses all sixteen
// values, so as a list of ours it is refused.
func TestDraftVector(t *testing.T) {
	lst, err := os.ReadFile("testdata/draft-4bits.zlib")
	if err != nil {
		t.Fatal(err)
	}
	packed, err := inflate(lst)
	if err != nil {
		t.Fatal(err)
	}
	want := map[uint32]Status{
		0: 1, 1993: 2, 35460: 3, 459495: 4, 595669: 5, 754353: 6, 845645: 7, 923232: 8, 924445: 9, 934534: 10,
		1004534: 11, 1000345: 12, 1030203: 13, 1030204: 14, 1030205: 15,
	}
	s := &Section{packed: packed}
	for i := range uint32(SectionSize) {
		if got := s.Get(i); got != want[i] {
			t.Errorf("entry %d is %d, want %d", i, got, want[i])
		}
	}
	if _, err := FromPacked(packed); !errors.Is(err, ErrStatus) {
		t.Errorf("FromPacked of statuses without a meaning: %v, want ErrStatus", err)
	}
}

func TestFromPacked(t *testing.T) {
	for _, n := range []int{0, PackedSize - 1, PackedSize + 1} {
		if _, err := FromPacked(make([]byte, n)); err == nil {
			t.Errorf("%d bytes were taken for a section", n)
		}
	}
	for _, b := range []byte{0x03, 0x30, 0x0B, 0xF0} {
		packed := make([]byte, PackedSize)
		packed[PackedSize-1] = b
		if _, err := FromPacked(packed); !errors.Is(err, ErrStatus) {
			t.Errorf("last byte 0x%02X: %v, want ErrStatus", b, err)
		}
	}
	packed := make([]byte, PackedSize)
	packed[7] = 0xEC
	s, err := FromPacked(packed)
	if err != nil {
		t.Fatal(err)
	}
	s.Packed()[7] = 0xFF
	s.Clone().Set(14, Valid)
	if s.Get(14) != Red || s.Get(15) != Green {
		t.Errorf("entries 14 and 15 are %v and %v, want red and green, whatever happens to the copies", s.Get(14), s.Get(15))
	}
}

func TestSetRefusesUnknown(t *testing.T) {
	s := NewSection()
	defer func() {
		if recover() == nil || s.Content() != NewSection().Content() {
			t.Error("a status without a meaning was set")
		}
	}()
	s.Set(0, 0xF)
}

// model is a section the simple way.
type model map[uint32]Status

func drawChanges(t *rapid.T) model {
	index := rapid.OneOf(
		rapid.Uint32Range(0, SectionSize-1),
		rapid.Uint32Range(0, 40), // neighbours, in one word and across words
		rapid.Just(uint32(SectionSize-1)),
	)
	return rapid.MapOfN(index, rapid.SampledFrom(known), 0, 60).Draw(t, "changes")
}

// TestModel makes a section by single changes, another one from it, and goes from the first to the
// second by a delta that has been over the wire.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := model{}
		from := NewSection()
		for i, st := range drawChanges(t) {
			from.Set(i, st)
			entries[i] = st
		}
		to := from.Clone()
		want := model{} // what has to change
		for i, st := range drawChanges(t) {
			to.Set(i, st)
			if entries[i] != st {
				want[i] = st
			}
		}
		for i, st := range entries {
			if from.Get(i) != st {
				t.Fatalf("entry %d is %v, want %v", i, from.Get(i), st)
			}
		}

		changes := Diff(from, to)
		if len(changes) != len(want) {
			t.Fatalf("Diff = %v, want %v", changes, want)
		}
		for k, c := range changes {
			if want[c.Index] != c.Status || k > 0 && changes[k-1].Index >= c.Index {
				t.Fatalf("Diff = %v, want %v in ascending order", changes, want)
			}
		}
		if len(changes) == 0 {
			return
		}
		payload, err := Delta{From: 1, To: 2, Sections: []SectionChanges{{0, changes}}}.encode()
		if err != nil {
			t.Fatal(err)
		}
		delta, err := decodeDelta(payload)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range delta.Sections[0].Changes {
			from.Set(c.Index, c.Status)
		}
		if !bytes.Equal(from.Packed(), to.Packed()) {
			t.Fatal("the delta leads elsewhere")
		}
	})
}
