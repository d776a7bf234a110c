package statuslist

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ashyq-kiosk/kiosk/sign1"
)

func TestSealOpenDelta(t *testing.T) {
	key := testKey(1)
	from := fill(NewSection(), 1000, 1)
	delta := Delta{From: 41, To: 43, Result: [32]byte{7}, Sections: []SectionChanges{
		{3, Diff(from, fill(from.Clone(), 100, 2))}, {9, Diff(from, fill(from.Clone(), 20_000, 3))},
	}}
	sealed, err := delta.Seal(key, testList)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenDelta(sealed, testList, key)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, delta) {
		t.Errorf("opened as %+v, sealed %+v", again, delta)
	}
	if _, err := OpenDelta(sealed, testList, testKey(2)); !errors.Is(err, ErrNoKey) {
		t.Errorf("another generation: %v, want ErrNoKey", err)
	}
	if _, _, err := OpenSection(sealed, testList, key); !errors.Is(err, ErrSealed) {
		t.Errorf("a delta opened as a section: %v, want ErrSealed", err)
	}
}

func TestTooLargeDelta(t *testing.T) {
	d := Delta{From: 1, To: 2}
	for id := range uint32(2) {
		d.Sections = append(d.Sections, SectionChanges{ID: id})
		for i := range uint32(SectionSize) {
			d.Sections[id].Changes = append(d.Sections[id].Changes, Change{i, Green})
		}
	}
	if _, err := d.Seal(testKey(1), testList); !errors.Is(err, ErrTooLarge) {
		t.Errorf("two sections with every entry changed: %v, want ErrTooLarge", err)
	}
	d.Sections = d.Sections[:1]
	if _, err := d.Seal(testKey(1), testList); err != nil {
		t.Errorf("one section with every entry changed: %v", err)
	}
}

// TestDeltaBytes pins the encoding that the package comment describes.
func TestDeltaBytes(t *testing.T) {
	payload, err := Delta{From: 1, To: 3, Sections: []SectionChanges{
		{7, []Change{{0, Red}, {1, Green}, {6, Valid}}}, // gaps 0 0 4, parameter 0: 0 0 11110
	}}.encode()
	if err != nil {
		t.Fatal(err)
	}
	want := "\xa4" +
		"\x01\x01" +
		"\x02\x03" +
		"\x03\x81\x85\x07\x03\x00\x41\x3c\x42\xec\x00" +
		"\x04\x58\x20" + strings.Repeat("\x00", 32)
	if string(payload) != want {
		t.Errorf("encoded as\n%x, want\n%x", payload, want)
	}
	// gaps 5, 14, 1048575-21: with the parameter 18 they take 2*19 + 22 bits.
	c := SectionChanges{1, []Change{{5, Red}, {20, Red}, {SectionSize - 1, Yellow}}}.encode()
	if c.Parameter != 18 || !bytes.Equal(c.Gaps, []byte{0x00, 0x00, 0xA0, 0x00, 0x3B, 0xBF, 0xFE, 0xA0}) {
		t.Errorf("parameter %d, gaps %x", c.Parameter, c.Gaps)
	}
}

func TestBadDeltas(t *testing.T) {
	changes := func(c ...Change) []SectionChanges { return []SectionChanges{{0, c}} }
	for name, d := range map[string]Delta{
		"from 0":                {To: 1},
		"nowhere":               {From: 2, To: 2},
		"back":                  {From: 2, To: 1},
		"section without any":   {From: 1, To: 2, Sections: changes()},
		"section twice":         {From: 1, To: 2, Sections: append(changes(Change{1, Red}), changes(Change{2, Red})...)},
		"descending":            {From: 1, To: 2, Sections: changes(Change{7, Red}, Change{6, Red})},
		"twice":                 {From: 1, To: 2, Sections: changes(Change{7, Red}, Change{7, Green})},
		"beyond the end":        {From: 1, To: 2, Sections: changes(Change{SectionSize, Red})},
		"unknown status":        {From: 1, To: 2, Sections: changes(Change{7, 0xF})},
		"too wide":              {From: 1, To: 2, Sections: changes(Change{7, 0x1C})},
		"sections not in order": {From: 1, To: 2, Sections: []SectionChanges{{1, []Change{{0, Red}}}, {0, []Change{{0, Red}}}}},
	} {
		if _, err := d.Seal(testKey(1), testList); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
}

func TestDecodeDeltaRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(d map[int64]any, s []any)
		want   string
	}{
		"another parameter": {func(_ map[int64]any, s []any) { s[2], s[3] = 1, []byte{0x60} }, "canonical encoding"},
		"huge parameter":    {func(_ map[int64]any, s []any) { s[2] = 64 }, "gaps"},
		"cut gaps":          {func(_ map[int64]any, s []any) { s[3] = []byte{} }, "gaps"},
		"endless gap":       {func(_ map[int64]any, s []any) { s[3] = []byte{0xFF} }, "gaps"},
		"gap beyond":        {func(_ map[int64]any, s []any) { s[2], s[3] = 20, []byte{0x40, 0, 2, 0, 0, 0x10, 0, 0} }, "beyond"},
		"gap far beyond":    {func(_ map[int64]any, s []any) { s[2], s[3] = 20, []byte{0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0} }, "gaps"},
		"bits after":        {func(_ map[int64]any, s []any) { s[3] = []byte{0x3C | 1} }, "gaps"},
		"byte after":        {func(_ map[int64]any, s []any) { s[3] = []byte{0x3C, 0} }, "gaps"},
		"no changes":        {func(_ map[int64]any, s []any) { s[1], s[3], s[4] = 0, []byte{}, []byte{} }, "no changes"},
		"many changes":      {func(_ map[int64]any, s []any) { s[1] = SectionSize + 1 }, "statuses"},
		"full status byte":  {func(_ map[int64]any, s []any) { s[4] = []byte{0xEC, 0xC0} }, "canonical encoding"},
		"status missing":    {func(_ map[int64]any, s []any) { s[4] = []byte{0xEC} }, "1 bytes of statuses"},
		"status too many":   {func(_ map[int64]any, s []any) { s[4] = []byte{0xEC, 0, 0} }, "3 bytes of statuses"},
		"unknown status":    {func(_ map[int64]any, s []any) { s[4] = []byte{0xEF, 0} }, "without a meaning"},
		"null gaps":         {func(_ map[int64]any, s []any) { s[3] = nil }, ""},
		"short result":      {func(d map[int64]any, _ []any) { d[4] = make([]byte, 31) }, "deterministic"},
		"version 0":         {func(d map[int64]any, _ []any) { d[1] = 0 }, "version 0"},
		"null sections":     {func(d map[int64]any, _ []any) { d[3] = nil }, ""},
		"another key":       {func(d map[int64]any, _ []any) { d[5] = 1 }, "unknown"},
	} {
		section := []any{7, 3, 0, []byte{0x3C}, []byte{0xEC, 0}}
		delta := map[int64]any{1: 1, 2: 3, 3: []any{section}, 4: make([]byte, 32)}
		decode := func() error {
			payload, err := sign1.Marshal(delta)
			if err != nil {
				t.Fatal(err)
			}
			_, err = decodeDelta(payload)
			return err
		}
		if err := decode(); err != nil {
			t.Fatalf("before the change: %v", err)
		}
		test.change(delta, section)
		if err := decode(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}

func FuzzDecodeDelta(f *testing.F) {
	for _, changes := range [][]Change{{{0, Red}}, {{0, Red}, {1, Green}, {130, Valid}, {SectionSize - 1, Yellow}}} {
		payload, err := Delta{From: 24, To: 25, Sections: []SectionChanges{{3, changes}}}.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		d, err := decodeDelta(payload)
		if err != nil {
			return
		}
		again, err := d.encode()
		if err != nil || !bytes.Equal(again, payload) {
			t.Fatalf("decoded %x, encodes as %x, %v", payload, again, err)
		}
	})
}

func TestRice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gaps := rapid.SliceOfN(rapid.OneOf(rapid.Uint32Range(0, 40), rapid.Uint32Range(0, SectionSize-1)), 1, 300).Draw(t, "gaps")
		parameter, size := riceOf(gaps)
		data := appendRice(nil, gaps, parameter)
		if len(data) != (size+7)/8 {
			t.Fatalf("%d bytes, want %d bits", len(data), size)
		}
		again, err := readRice(data, len(gaps), parameter)
		if err != nil || !slices.Equal(again, gaps) {
			t.Fatalf("%v read as %v, %v", gaps, again, err)
		}
	})
}

// TestMerge follows random histories of a small part of two sections: a merged delta leads from
// every version that it covers to its last one.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type list = [2][16]Status
		versions := []list{{}}
		var deltas []Delta
		for range rapid.IntRange(1, 9).Draw(t, "versions") {
			next := versions[len(versions)-1]
			d := Delta{From: uint64(len(versions)), To: uint64(len(versions)) + 1, Result: sha256.Sum256([]byte{byte(len(versions))})}
			for id := range next {
				s := SectionChanges{ID: uint32(id)}
				for i := range next[id] {
					if status := rapid.SampledFrom([]Status{Valid, Red, Green, 0xF}).Draw(t, "status"); status != 0xF && status != next[id][i] {
						next[id][i] = status
						s.Changes = append(s.Changes, Change{uint32(i), status})
					}
				}
				if len(s.Changes) > 0 {
					d.Sections = append(d.Sections, s)
				}
			}
			versions, deltas = append(versions, next), append(deltas, d)
		}
		merged := Merge(deltas...)
		if merged.From != 1 || merged.To != uint64(len(versions)) || merged.Result != deltas[len(deltas)-1].Result {
			t.Fatalf("merged to %+v", merged)
		}
		if err := merged.check(); err != nil {
			t.Fatal(err)
		}
		for i, list := range versions {
			for _, s := range merged.Sections {
				for _, c := range s.Changes {
					list[s.ID][c.Index] = c.Status
				}
			}
			if want := versions[len(versions)-1]; list != want {
				t.Fatalf("from version %d to %v, want %v", i+1, list, want)
			}
		}
	})
}

func TestRoot(t *testing.T) {
	one, two := [32]byte{1}, [32]byte{2}
	if Root([][32]byte{one, two}) != sha256.Sum256(append(one[:], two[:]...)) {
		t.Error("not the hash of both")
	}
}

// A result that changes 60,000 people of 20 million, and one that changes as many of one million.
func BenchmarkDelta60000(b *testing.B) {
	for name, sections := range map[string]int{"20M": 22, "1M": 1} {
		b.Run(name, func(b *testing.B) {
			d := Delta{From: 1, To: 2}
			for id := range uint32(sections) {
				from := NewSection()
				changes := Diff(from, fill(from.Clone(), 60_000/sections*6/5+60_000/sections/16, uint64(id)))
				d.Sections = append(d.Sections, SectionChanges{id, changes[:60_000/sections]})
			}
			payload, err := d.encode()
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := decodeDelta(payload); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(payload)), "payload-B")
		})
	}
}
