package qr

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// packed turns a string of zeros and ones into bytes, filled up with zeros; blanks are for the
// reader.
func packed(bits string) []byte {
	bits = strings.ReplaceAll(bits, " ", "")
	out := make([]byte, (len(bits)+7)/8)
	for i, b := range bits {
		if b == '1' {
			out[i/8] |= 0x80 >> (i % 8)
		}
	}
	return out
}

func TestParseSegments(t *testing.T) {
	for _, test := range []struct {
		name    string
		version int
		bits    string
		want    string // "": an error
	}{
		// The example of ISO/IEC 18004:2015, 7.4.3, and the two of its annex on FNC1.
		{"numeric 01234567", 1, "0001 0000001000 0000001100 0101011001 1000011 0000", "01234567"},
		{"numeric, one digit left", 1, "0001 0000000100 0001111011 0100", "1234"},
		{"numeric, version 10", 10, "0001 000000000011 0001111011", "123"},
		{"numeric, version 27", 27, "0001 00000000000011 0001111011", "123"},
		{"numeric of 1000", 1, "0001 0000000011 1111101000", ""},
		{"numeric, two digits of 100", 1, "0001 0000000010 1100100", ""},
		{"numeric, one digit of 10", 1, "0001 0000000001 1010", ""},
		{"alphanumeric AC-42", 1, "0010 000000101 00111001110 11100111001 000010 0000", "AC-42"},
		{"alphanumeric pair 2025", 1, "0010 000000010 11111101001", ""},
		{"alphanumeric single 45", 1, "0010 000000001 101101", ""},
		{"alphanumeric, version 26", 26, "0010 00000000001 001010", "A"},
		{"bytes, not touched", 1, "0100 00000011 10000011 01011100 11111111 0000", "\x83\x5c\xff"},
		{"bytes, version 10", 10, "0100 0000000000000001 01000001", "A"},
		{"bytes, cut short", 1, "0100 00000011 01000001", ""},
		{"kanji", 1, "1000 00000010 0110110011111 1101010101010", "\x93\x5f\xe4\xaa"},
		{"kanji without second byte", 1, "1000 00000001 0000000111111", ""},
		{"kanji with second byte FD", 1, "1000 00000001 0000010111101", ""},
		{"kanji, the last one", 1, "1000 00000001 1111111111111", "\xeb\xbf"},
		{"kanji, version 27", 27, "1000 000000000001 0110110011111", "\x93\x5f"},
		{"charset of one byte", 1, "0111 00011010 0100 00000001 01000001", "A"},
		{"charset of two bytes", 1, "0111 10000000 10101010 0100 00000001 01000001", "A"},
		{"charset of three bytes", 1, "0111 11000000 10101010 11111111 0100 00000001 01000001", "A"},
		{"charset mark 111", 1, "0111 11100000 0100 00000001 01000001", ""},
		{"structured append", 1, "0011 00010010 11001100 0100 00000001 01000001", ""},
		{"structured append, cut short", 1, "0011 0001", ""},
		{"FNC1 first, A%%B%C", 1, "0101 0010 000000110 00111101000 11010111001 11010111010 0000", "A%B\x1dC"},
		{"percent without FNC1", 1, "0010 000000001 100110", "%"},
		{"FNC1 second", 1, "1001 10100100 0010 000000001 001010", "A"},
		{"mixed", 1, "0010 000000001 001010 0001 0000000001 0111 0100 00000001 11111111 0000", "A7\xff"},
		{"two pads after the end are not read", 1, "0010 000000001 001010 0000 11101100 00010001", "A"},
		{"ends without a mark", 1, "0100 00000001 01000001 000", "A"},
		{"unknown mode", 1, "1111 00000001 01000001", ""},
		{"nothing", 1, "0000 11101100 00010001", ""},
		{"no bits", 1, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseSegments([]byte("before:"), packed(test.bits), test.version)
			if want := "before:" + test.want; string(got) != want || (err != nil) != (test.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}

// write is the encoder's side for texts of bytes and alphanumerics, enough to hold the parser
// against something.
func write(kind int, text []byte, version int) string {
	size := min(version/10, 1)
	if version > 26 {
		size = 2
	}
	if kind == modeByte {
		s := fmt.Sprintf("0100%0*b", [...]int{8, 16, 16}[size], len(text))
		for _, c := range text {
			s += fmt.Sprintf("%08b", c)
		}
		return s
	}
	s := fmt.Sprintf("0010%0*b", [...]int{9, 11, 13}[size], len(text))
	for ; len(text) >= 2; text = text[2:] {
		s += fmt.Sprintf("%011b", 45*strings.IndexByte(alphanumerics, text[0])+strings.IndexByte(alphanumerics, text[1]))
	}
	if len(text) == 1 {
		s += fmt.Sprintf("%06b", strings.IndexByte(alphanumerics, text[0]))
	}
	return s
}

// Whatever the bits are, parsing ends, keeps what was there before and is repeatable; and what was
// written is read.
func FuzzParseSegments(f *testing.F) {
	f.Add(packed("0010 000000101 00111001110 11100111001 000010 0000"), uint8(1))
	f.Add(packed("0001 000000000011 0001111011"), uint8(10))
	f.Add([]byte{0x40, 0x14, 0x10}, uint8(40))
	f.Add([]byte("AQ1:"), uint8(27))
	f.Fuzz(func(t *testing.T, data []byte, v uint8) {
		version := int(v)%40 + 1
		got, err := parseSegments([]byte("x"), data, version)
		if again, err2 := parseSegments([]byte("x"), data, version); !bytes.Equal(got, again) || (err == nil) != (err2 == nil) {
			t.Fatalf("%q, %v and then %q, %v", got, err, again, err2)
		}
		if got[0] != 'x' || (err == nil) != (len(got) > 1) {
			t.Fatalf("%q, %v", got, err)
		}
		// Numeric is the densest: ten bits make three bytes.
		if len(got)-1 > len(data)*8*3/10+3 {
			t.Fatalf("%d bytes out of %d", len(got)-1, len(data))
		}
		if len(data) == 0 || len(data) > 255 {
			return
		}
		alnum := bytes.Map(func(r rune) rune { return rune(alphanumerics[int(r)%45]) }, data)
		bits := packed(write(modeByte, data, version) + write(modeAlphanumeric, alnum, version) + "0000")
		want := string(data) + string(alnum)
		if back, err := parseSegments(nil, bits, version); err != nil || string(back) != want {
			t.Fatalf("wrote %q, read %q, %v", want, back, err)
		}
	})
}
