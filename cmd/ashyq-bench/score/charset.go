package score

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

var charsets = []encoding.Encoding{japanese.ShiftJIS, charmap.ISO8859_1, simplifiedchinese.GB18030, charmap.Windows1252,
	charmap.ISO8859_5, japanese.EUCJP, traditionalchinese.Big5}

// texts gives all that the bytes may mean.
func texts(data []byte) (found []string) {
	if isASCII(data) {
		return []string{strings.TrimSpace(strings.ReplaceAll(string(data), "\r\n", "\n"))}
	}
	if utf8.Valid(data) {
		found = append(found, withoutBlanks(string(data)))
		// UTF-8 made of bytes that were taken for Latin-1.
		if inner, err := charmap.ISO8859_1.NewEncoder().Bytes(data); err == nil && utf8.Valid(inner) {
			found = append(found, withoutBlanks(string(inner)))
		}
	}
	for _, charset := range charsets {
		if text, err := charset.NewDecoder().String(string(data)); err == nil && !strings.ContainsRune(text, utf8.RuneError) {
			found = append(found, withoutBlanks(text))
		}
	}
	return found
}

func isASCII(data []byte) bool {
	for _, b := range data {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func withoutBlanks(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || unicode.IsSpace(r) || r == '\ufeff' {
			return -1
		}
		return r
	}, s)
}
