package statuslist

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/sign1"
)

func TestSealOpenDelta(t *testing.T) {
	key, pub := testKey(1)
	from := fill(NewSection(), 1000, 1)
	to := fill(from.Clone(), 100, 2)
	delta := Delta{List: "https://registry.example/list", ID: 3, From: 41, Changes: Diff(from, to), Result: to.Content()}
	sealed, err := delta.Seal(key)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenDelta(sealed, pub)
	if err != nil {
		t.Fatal(err)
	}
	if again.List != delta.List || again.ID != delta.ID || again.From != delta.From || again.Result != delta.Result ||
		!slices.Equal(again.Changes, delta.Changes) {
		t.Errorf("opened as %+v, sealed %+v", again, delta)
	}
	_, foreign := testKey(2)
	if _, err := OpenDelta(sealed, foreign); !errors.Is(err, sign1.ErrSignature) {
		t.Errorf("foreign key: %v, want ErrSignature", err)
	}
	if _, _, err := OpenSection(sealed, pub); !errors.Is(err, sign1.ErrForm) {
		t.Errorf("a delta opened as a section: %v, want ErrForm", err)
	}
}

// TestDeltaBytes pins the encoding that the package comment describes.
func TestDeltaBytes(t *testing.T) {
	payload, err := Delta{List: "l", From: 1, Changes: []Change{{0, Red}, {1, Green}, {130, Valid},
		{SectionSize - 1, Yellow}}}.encode()
	if err != nil {
		t.Fatal(err)
	}
	want := "\xa6" +
		"\x02\x61l" +
		"\x3a\x00\x01\x00\x00\x00" + // -65537: 0
		"\x3a\x00\x01\x00\x02\x01" + // -65539: 1
		"\x3a\x00\x01\x00\x03\x47\x00\x00\x80\x01\xfc\xfe\x3f" + // 0, 0, 128, 1048575-131
		"\x3a\x00\x01\x00\x04\x42\xec\xd0" +
		"\x3a\x00\x01\x00\x05\x58\x20" + strings.Repeat("\x00", 32)
	if string(payload) != want {
		t.Errorf("encoded as\n%x, want\n%x", payload, want)
	}
}

// badDeltas are refused when they are sealed, opened and applied.
var badDeltas = map[string]Delta{
	"no list":        {From: 1},
	"from 0":         {List: "l"},
	"last version":   {List: "l", From: math.MaxUint64},
	"descending":     {List: "l", From: 1, Changes: []Change{{7, Red}, {6, Red}}},
	"twice":          {List: "l", From: 1, Changes: []Change{{7, Red}, {7, Green}}},
	"beyond the end": {List: "l", From: 1, Changes: []Change{{SectionSize, Red}}},
	"unknown status": {List: "l", From: 1, Changes: []Change{{7, 0xF}}},
	"too wide":       {List: "l", From: 1, Changes: []Change{{7, 0x1C}}},
}

func TestBadDeltas(t *testing.T) {
	key, _ := testKey(1)
	for name, d := range badDeltas {
		if _, err := d.Seal(key); err == nil {
			t.Errorf("%s: sealed", name)
		}
		s := NewSection()
		d.Result = s.Content()
		if err := Apply(s, d); err == nil || s.Content() != d.Result {
			t.Errorf("%s: Apply: %v, want an error and the section as it was", name, err)
		}
	}
}

// chain is a way from a section over n versions, the first of which is 5.
func chain(n int) (from *Section, deltas []Delta, to *Section) {
	from = fill(NewSection(), 1000, 1)
	to = from.Clone()
	for i := range n {
		next := fill(to.Clone(), 100, uint64(i)+2)
		deltas = append(deltas, Delta{List: "l", ID: 2, From: 5 + uint64(i), Changes: Diff(to, next), Result: next.Content()})
		to = next
	}
	return from, deltas, to
}

func TestApplyChain(t *testing.T) {
	s, deltas, to := chain(5)
	if err := Apply(s, deltas...); err != nil || !bytes.Equal(s.Packed(), to.Packed()) {
		t.Errorf("Apply: %v, want the section after the last delta", err)
	}
	if err := Apply(s); err != nil {
		t.Errorf("Apply of no deltas: %v", err)
	}
}

func TestApplyRefusesBrokenChains(t *testing.T) {
	for name, spoil := range map[string]func(d []Delta) []Delta{
		"one missing":      func(d []Delta) []Delta { return append(d[:2:2], d[3:]...) },
		"first missing":    func(d []Delta) []Delta { return d[1:] },
		"last missing":     func(d []Delta) []Delta { d[3].Result = d[4].Result; return d[:4] },
		"one twice":        func(d []Delta) []Delta { return append(d, d[4]) },
		"wrong order":      func(d []Delta) []Delta { d[1], d[2] = d[2], d[1]; return d },
		"another list":     func(d []Delta) []Delta { d[3].List = "m"; return d },
		"another section":  func(d []Delta) []Delta { d[3].ID++; return d },
		"a change missing": func(d []Delta) []Delta { d[4].Changes = d[4].Changes[1:]; return d },
		"another result":   func(d []Delta) []Delta { d[4].Result[0] ^= 1; return d },
	} {
		s, deltas, _ := chain(5)
		before := s.Packed()
		if err := Apply(s, spoil(deltas)...); !errors.Is(err, ErrResult) || !bytes.Equal(s.Packed(), before) {
			t.Errorf("%s: %v, want ErrResult and the section as it was", name, err)
		}
	}
}

func TestDecodeDeltaRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(c map[int64]any)
		want   string
	}{
		"long gap":         {func(c map[int64]any) { c[-65540] = []byte{0x80, 0x00, 5} }, "canonical encoding"},
		"cut gap":          {func(c map[int64]any) { c[-65540] = []byte{0, 0x80} }, "beyond"},
		"overflowing gap":  {func(c map[int64]any) { c[-65540] = bytes.Repeat([]byte{0xFF}, 11) }, "beyond"},
		"gap beyond":       {func(c map[int64]any) { c[-65540] = []byte{0, 0xFF, 0xFF, 0x3F} }, "beyond"},
		"full status byte": {func(c map[int64]any) { c[-65540] = []byte{7} }, "canonical encoding"},
		"status missing":   {func(c map[int64]any) { c[-65540] = []byte{7, 0, 0} }, "1 bytes of statuses"},
		"status too many":  {func(c map[int64]any) { c[-65541] = []byte{0xCC, 0} }, "canonical encoding"},
		"unknown status":   {func(c map[int64]any) { c[-65541] = []byte{0xCF} }, "without a meaning"},
		"null gaps":        {func(c map[int64]any) { c[-65540], c[-65541] = nil, []byte{} }, "deterministic"},
		"null statuses":    {func(c map[int64]any) { c[-65540], c[-65541] = []byte{}, nil }, "deterministic"},
		"short result":     {func(c map[int64]any) { c[-65542] = make([]byte, 31) }, "deterministic"},
		"version 0":        {func(c map[int64]any) { c[-65539] = 0 }, "version 0"},
		"no list":          {func(c map[int64]any) { c[2] = "" }, "names no list"},
		"another claim":    {func(c map[int64]any) { c[6] = 1 }, "unknown"},
	} {
		claims := map[int64]any{2: "l", -65537: 0, -65539: 1, -65540: []byte{0, 5}, -65541: []byte{0xCC},
			-65542: make([]byte, 32)}
		payload, err := sign1.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeDelta(payload); err != nil {
			t.Fatalf("before the change: %v", err)
		}
		test.change(claims)
		if payload, err = sign1.Marshal(claims); err != nil {
			t.Fatal(err)
		}
		if _, err := decodeDelta(payload); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}

func FuzzDecodeDelta(f *testing.F) {
	for _, changes := range [][]Change{nil, {{0, Red}}, {{0, Red}, {1, Green}, {130, Valid}, {SectionSize - 1, Yellow}}} {
		payload, err := Delta{List: "l", ID: 3, From: 24, Changes: changes}.encode()
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
		s := NewSection()
		if err := Apply(s, d); err == nil {
			t.Fatal("a made-up delta has the right hash")
		}
		if s.Content() != NewSection().Content() {
			t.Fatal("a failed Apply has changed the section")
		}
	})
}

func BenchmarkApply100(b *testing.B) {
	from := fill(NewSection(), 100_000, 1)
	to := fill(from.Clone(), 100, 2)
	forth := Delta{List: "l", From: 1, Changes: Diff(from, to), Result: to.Content()}
	back := Delta{List: "l", From: 2, Changes: Diff(to, from), Result: from.Content()}
	s := from.Clone()
	b.ReportAllocs()
	for b.Loop() {
		if err := Apply(s, forth); err != nil {
			b.Fatal(err)
		}
		forth, back = back, forth
	}
}
