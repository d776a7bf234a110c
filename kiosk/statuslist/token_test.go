package statuslist

import (
	"bytes"
	"compress/zlib"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/sign1"
)

var testToken = Token{ID: 3, Version: 7}

// fill gives n entries a status, always the same ones.
func fill(s *Section, n int, seed uint64) *Section {
	random := rand.New(rand.NewPCG(seed, 0))
	for range n {
		s.Set(random.Uint32N(SectionSize), known[random.IntN(len(known))])
	}
	return s
}

func TestSealOpenSection(t *testing.T) {
	key := testKey(1)
	s := fill(NewSection(), 10_000, 1)
	sealed, err := SealSection(key, testList, testToken, s)
	if err != nil {
		t.Fatal(err)
	}
	token, again, err := OpenSection(sealed, testList, key)
	if err != nil {
		t.Fatal(err)
	}
	if token != testToken || again.Content() != s.Content() {
		t.Errorf("opened as %+v with other content than sealed", token)
	}
	if _, _, err := OpenSection(sealed, testList, testKey(2)); !errors.Is(err, ErrNoKey) {
		t.Errorf("another generation: %v, want ErrNoKey", err)
	}
	if _, err := OpenDelta(sealed, testList, key); !errors.Is(err, ErrSealed) {
		t.Errorf("a section opened as a delta: %v, want ErrSealed", err)
	}
	if _, err := SealSection(key, testList, Token{}, s); err == nil {
		t.Error("sealed as version 0")
	}
}

func mustDeflate(t testing.TB, data []byte) []byte {
	t.Helper()
	lst, err := deflate(data)
	if err != nil {
		t.Fatal(err)
	}
	return lst
}

func TestDecodeTokenRefuses(t *testing.T) {
	good := mustDeflate(t, make([]byte, PackedSize))
	unknown := make([]byte, PackedSize)
	unknown[99] = 0x50
	var preset bytes.Buffer
	w, err := zlib.NewWriterLevelDict(&preset, zlib.DefaultCompression, []byte("dictionary"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, PackedSize)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1

	for name, test := range map[string]struct {
		change func(c map[int64]any)
		want   string
	}{
		"short": {func(c map[int64]any) { c[3] = mustDeflate(t, make([]byte, PackedSize-1)) },
			"unexpected EOF"},
		"long": {func(c map[int64]any) { c[3] = mustDeflate(t, make([]byte, PackedSize+1)) },
			"more than"},
		"cut":           {func(c map[int64]any) { c[3] = good[:len(good)-3] }, "EOF"},
		"checksum":      {func(c map[int64]any) { c[3] = flipped }, "checksum"},
		"byte after":    {func(c map[int64]any) { c[3] = append(bytes.Clone(good), 0) }, "1 bytes after"},
		"dictionary":    {func(c map[int64]any) { c[3] = preset.Bytes() }, "dictionary"},
		"null list":     {func(c map[int64]any) { c[3] = nil }, "deterministic"},
		"raw deflate":   {func(c map[int64]any) { c[3] = good[2 : len(good)-4] }, "invalid header"},
		"unknown":       {func(c map[int64]any) { c[3] = mustDeflate(t, unknown) }, "byte 99"},
		"version 0":     {func(c map[int64]any) { c[2] = 0 }, "version is 0"},
		"no version":    {func(c map[int64]any) { delete(c, 2) }, "deterministic"},
		"another claim": {func(c map[int64]any) { c[4] = 300 }, "unknown"},
		"big section":   {func(c map[int64]any) { c[1] = uint64(1) << 32 }, "overflow"},
	} {
		claims := map[int64]any{1: 0, 2: 1, 3: good}
		test.change(claims)
		payload, err := sign1.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := decodeToken(payload); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}

// TestBomb unpacks 64 MiB of zeros, which travel as 64 KiB.
func TestBomb(t *testing.T) {
	bomb := mustDeflate(t, make([]byte, 64<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := inflate(bomb)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("was taken for a section")
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 2*PackedSize {
		t.Errorf("used %d bytes of memory, want less than %d", used, 2*PackedSize)
	}
}

func FuzzDecodeToken(f *testing.F) {
	for _, s := range []*Section{NewSection(), fill(NewSection(), 50, 1)} {
		payload, err := encodeToken(testToken, s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		token, s, err := decodeToken(payload)
		if err != nil {
			return
		}
		// Compressors differ, so the bytes may too; what they say may not.
		again, err := encodeToken(token, s)
		if err != nil {
			t.Fatalf("decoded %+v, which does not encode: %v", token, err)
		}
		token2, s2, err := decodeToken(again)
		if err != nil || token2 != token || s2.Content() != s.Content() {
			t.Fatalf("decoded %+v, then %+v, %v", token, token2, err)
		}
	})
}

func BenchmarkGet(b *testing.B) {
	s := fill(NewSection(), 1000, 1)
	i := uint32(0)
	for b.Loop() {
		i = (i + 7919) % SectionSize
		s.Get(i)
	}
}

func BenchmarkDiff(b *testing.B) {
	from := fill(NewSection(), 100_000, 1)
	to := fill(from.Clone(), 100, 2)
	for b.Loop() {
		Diff(from, to)
	}
}

// The registry's work for each section that it seals anew, and a door's for each it takes whole: a
// tenth is not Valid.
func BenchmarkSealSection(b *testing.B) {
	key, s := testKey(1), fill(NewSection(), SectionSize/10, 1)
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		sealed, err := SealSection(key, testList, testToken, s)
		if err != nil {
			b.Fatal(err)
		}
		size = len(sealed)
	}
	b.ReportMetric(float64(size), "wire-B")
}

func BenchmarkOpenSection(b *testing.B) {
	key := testKey(1)
	sealed, err := SealSection(key, testList, testToken, fill(NewSection(), SectionSize/10, 1))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := OpenSection(sealed, testList, key); err != nil {
			b.Fatal(err)
		}
	}
}
