// Package names checks names that people chose for doors, laboratories and networks. Two names that
// look the same must be the same, and a name must read as it is stored.
package names

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/runenames"
)

// Compose brings a name into Unicode's composed form, NFC. A letter with its accent may be typed as
// one character or as two, and is one letter all the same. Whoever takes a name in composes it.
func Compose(name string) string { return norm.NFC.String(name) }

// Check refuses a name with a character that is invisible or changes the direction of writing, and
// names the character. Between words, single spaces are allowed. So are words of several scripts:
// only the administrator chooses names, and many venues have such ones, like "Mega Алматы".
func Check(name string) error {
	if err := refuse(name, invisible); err != nil {
		return err
	}
	if first, _ := utf8.DecodeRuneInString(name); unicode.IsMark(first) {
		return errors.New("it begins with a mark that belongs to a letter before it")
	}
	if name != strings.TrimSpace(name) || strings.Contains(name, "  ") {
		return errors.New("it has a space at its start or end, or two in a row")
	}
	return nil
}

// CheckSSID refuses control characters and those that change the direction of writing. All others
// are allowed, such as emoji and spaces: a network's name is its owner's choice.
func CheckSSID(name string) error {
	return refuse(name, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
	})
}

func refuse(name string, unwanted func(rune) bool) error {
	i := strings.IndexFunc(name, unwanted)
	if i < 0 {
		return nil
	}
	r, size := utf8.DecodeRuneInString(name[i:])
	if r == utf8.RuneError && size == 1 {
		return errors.New("it is not in UTF-8")
	}
	// Control and unassigned characters have no name; runenames gives a class such as <control>.
	text := fmt.Sprintf("U+%04X", r)
	if called := runenames.Name(r); called != "" && called[0] != '<' {
		text += " " + called
	}
	return fmt.Errorf("it has the character %s", text)
}

// invisible reports everything but letters, marks, digits, punctuation, symbols and the common
// space, and those of them that show nothing. IndexFunc also passes the replacement character for
// what is not UTF-8.
func invisible(r rune) bool {
	const brailleBlank = '\u2800' // a symbol without a dot
	return !unicode.IsPrint(r) || r == utf8.RuneError || r == brailleBlank ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
