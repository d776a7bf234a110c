package statuslist

import (
	"bytes"
	"compress/zlib"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/sign1"
)

func testKey(seed byte) (ed25519.PrivateKey, ed25519.PublicKey) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return key, key.Public().(ed25519.PublicKey)
}

var testToken = Token{List: "https://registry.example/list", ID: 3, Version: 7, Issued: 1_772_000_000}

// fill gives n entries a status, always the same ones.
func fill(s *Section, n int, seed uint64) *Section {
	random := rand.New(rand.NewPCG(seed, 0))
	for range n {
		s.Set(random.Uint32N(SectionSize), known[random.IntN(len(known))])
	}
	return s
}

func TestSealOpenSection(t *testing.T) {
	key, pub := testKey(1)
	s := fill(NewSection(), 10_000, 1)
	sealed, err := SealSection(key, testToken, s)
	if err != nil {
		t.Fatal(err)
	}
	token, again, err := OpenSection(sealed, pub)
	if err != nil {
		t.Fatal(err)
	}
	if token != testToken || again.Content() != s.Content() {
		t.Errorf("opened as %+v with other content than sealed", token)
	}
	_, foreign := testKey(2)
	if _, _, err := OpenSection(sealed, foreign); !errors.Is(err, sign1.ErrSignature) {
		t.Errorf("foreign key: %v, want ErrSignature", err)
	}
	if _, err := OpenDelta(sealed, pub); !errors.Is(err, sign1.ErrForm) {
		t.Errorf("a section opened as a delta: %v, want ErrForm", err)
	}
	for name, bad := range map[string]Token{
		"no list":    {Version: 1},
		"no version": {List: "l"},
		"bad time":   {List: "l", Version: 1, Issued: -1},
	} {
		if _, err := SealSection(key, bad, s); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
}

// TestTokenClaims reads a token as somebody would who knows the draft and not this package.
func TestTokenClaims(t *testing.T) {
	payload, err := encodeToken(testToken, NewSection())
	if err != nil {
		t.Fatal(err)
	}
	var claims map[int64]any
	if err := sign1.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	list, _ := claims[65533].(map[any]any)
	lst, _ := list["lst"].([]byte)
	if claims[2] != testToken.List || claims[6] != uint64(testToken.Issued) || list["bits"] != uint64(4) || len(lst) == 0 {
		t.Errorf("claims %v", claims)
	}
	if claims[-65537] != uint64(3) || claims[-65538] != uint64(7) || len(claims) != 5 {
		t.Errorf("private claims %v", claims)
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
		"two bits":   {func(c map[int64]any) { c[65533] = listClaim{2, good} }, "2 bits"},
		"eight bits": {func(c map[int64]any) { c[65533] = listClaim{8, good} }, "8 bits"},
		"short": {func(c map[int64]any) { c[65533] = listClaim{4, mustDeflate(t, make([]byte, PackedSize-1))} },
			"unexpected EOF"},
		"long": {func(c map[int64]any) { c[65533] = listClaim{4, mustDeflate(t, make([]byte, PackedSize+1))} },
			"more than"},
		"cut":           {func(c map[int64]any) { c[65533] = listClaim{4, good[:len(good)-3]} }, "EOF"},
		"checksum":      {func(c map[int64]any) { c[65533] = listClaim{4, flipped} }, "checksum"},
		"byte after":    {func(c map[int64]any) { c[65533] = listClaim{4, append(bytes.Clone(good), 0)} }, "1 bytes after"},
		"dictionary":    {func(c map[int64]any) { c[65533] = listClaim{4, preset.Bytes()} }, "dictionary"},
		"null list":     {func(c map[int64]any) { c[65533] = listClaim{4, nil} }, "EOF"},
		"raw deflate":   {func(c map[int64]any) { c[65533] = listClaim{4, good[2 : len(good)-4]} }, "invalid header"},
		"unknown":       {func(c map[int64]any) { c[65533] = listClaim{4, mustDeflate(t, unknown)} }, "byte 99"},
		"version 0":     {func(c map[int64]any) { c[-65538] = 0 }, "version is 0"},
		"no version":    {func(c map[int64]any) { delete(c, -65538) }, "deterministic"},
		"no list":       {func(c map[int64]any) { c[2] = "" }, "names no list"},
		"time":          {func(c map[int64]any) { c[6] = sign1.MaxTime + 1 }, "outside"},
		"another claim": {func(c map[int64]any) { c[65534] = 300 }, "unknown"},
		"big section":   {func(c map[int64]any) { c[-65537] = uint64(1) << 32 }, "overflow"},
	} {
		claims := map[int64]any{2: "l", 6: 1, 65533: listClaim{4, good}, -65537: 0, -65538: 1}
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

// The registry's work for each version of a section, and a door's for each it takes whole: a tenth
// is not Valid.
func BenchmarkSealSection(b *testing.B) {
	key, _ := testKey(1)
	s := fill(NewSection(), SectionSize/10, 1)
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		sealed, err := SealSection(key, testToken, s)
		if err != nil {
			b.Fatal(err)
		}
		size = len(sealed)
	}
	b.ReportMetric(float64(size), "wire-B")
}

func BenchmarkOpenSection(b *testing.B) {
	key, pub := testKey(1)
	sealed, err := SealSection(key, testToken, fill(NewSection(), SectionSize/10, 1))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := OpenSection(sealed, pub); err != nil {
			b.Fatal(err)
		}
	}
}
