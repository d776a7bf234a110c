package names_test

import (
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/names"
)

func TestCheckTakesWhatPeopleWrite(t *testing.T) {
	for _, name := range []string{
		"door 1", "№ 4, вход «Север»", "Дүкен «Қазақстан» Әуезов к-сі 12", "مدخل ١", "Café René (2. Etage)", "入口", "a-b_c/d.e:f#7", "é", "🚪",
	} {
		if err := names.Check(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if err := names.CheckSSID(name); err != nil {
			t.Errorf("network %q: %v", name, err)
		}
	}
}

// A mark would join whatever stands before the name on a page.
func TestCheckRefusesAMarkAtTheStart(t *testing.T) {
	if err := names.Check("\u0301door"); err == nil {
		t.Error("a name begins with U+0301")
	}
}

func TestCheckNamesTheCharacter(t *testing.T) {
	for _, c := range []struct {
		name, want string
		ssid       bool // allowed in a network's name, which somebody else chose
	}{
		{"door \u202e1 rood", "U+202E RIGHT-TO-LEFT OVERRIDE", false},
		{"\u2066door\u2069", "U+2066 LEFT-TO-RIGHT ISOLATE", false},
		{"door\u200e", "U+200E LEFT-TO-RIGHT MARK", false},
		{"door\u061c", "U+061C ARABIC LETTER MARK", false},
		{"do\u200bor", "U+200B ZERO WIDTH SPACE", true},
		{"do\u200dor", "U+200D ZERO WIDTH JOINER", true},
		{"do\u00ador", "U+00AD SOFT HYPHEN", true},
		{"\ufeffdoor", "U+FEFF ZERO WIDTH NO-BREAK SPACE", true},
		{"door\ufe0f", "U+FE0F VARIATION SELECTOR-16", true},
		{"door\U000e0041", "U+E0041 TAG LATIN CAPITAL LETTER A", true},
		{"do\u034for", "U+034F COMBINING GRAPHEME JOINER", true},
		{"door\u3164", "U+3164 HANGUL FILLER", true},
		{"door\u2800", "U+2800 BRAILLE PATTERN BLANK", true},
		{"door\u00a01", "U+00A0 NO-BREAK SPACE", true},
		{"door\u2003 1", "U+2003 EM SPACE", true},
		{"door\u2028", "U+2028 LINE SEPARATOR", false},
		{"door\ue000", "U+E000", true},
		{"door\u0378", "U+0378", true},
		{"do\tor", "U+0009", false},
		{"door\x7f", "U+007F", false},
		{"door\u009b", "U+009B", false},
		{"door\ufffd", "U+FFFD REPLACEMENT CHARACTER", true},
		{"door\xff", "UTF-8", true},
	} {
		if err := names.Check(c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.name, err, c.want)
		} else if strings.Contains(err.Error(), c.name) {
			t.Errorf("%q: the error itself has the character", c.name)
		}
		if err := names.CheckSSID(c.name); c.ssid != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("network %q: %v, want %s", c.name, err, c.want)
		}
	}
	for _, name := range []string{" door", "door ", "do  or"} {
		if err := names.Check(name); err == nil || !strings.Contains(err.Error(), "space") {
			t.Errorf("%q: %v, want a word about the space", name, err)
		}
		if err := names.CheckSSID(name); err != nil {
			t.Errorf("network %q: %v", name, err)
		}
	}
}

// One letter in two encodings is one letter.
func TestCompose(t *testing.T) {
	for text, want := range map[string]string{
		"\u0418\u0306од": "\u0419од", "Cafe\u0301": "Caf\u00e9", "Caf\u00e9": "Caf\u00e9", "№ 4": "№ 4", "\u212bngstr\u00f6m": "\u00c5ngstr\u00f6m", "": "",
	} {
		if got := names.Compose(text); got != want {
			t.Errorf("%+q: %+q, want %+q", text, got, want)
		}
	}
}
