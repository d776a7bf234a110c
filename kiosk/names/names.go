// Package names checks names that somebody chose: of doors, of laboratories and of networks. Two names that look the same
// have to be the same, and a name has to say what it seems to say.
package names

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/runenames"
)

// Check refuses a name with a character that nobody sees, or that turns the direction of writing, and names the character.
// Spaces may stand alone between words.
func Check(name string) error {
	if err := refuse(name, invisible); err != nil {
		return err
	}
	if name != strings.TrimSpace(name) || strings.Contains(name, "  ") {
		return errors.New("it has a space at its start or end, or two in a row")
	}
	return nil
}

// CheckSSID refuses control characters and what turns the direction of writing. Everything else has to stay as it is: a
// network is called what its owner called it, with emoji and spaces.
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
	// Control characters and unassigned ones have no name; what stands there is a sort, as <control>.
	text := fmt.Sprintf("U+%04X", r)
	if called := runenames.Name(r); called != "" && called[0] != '<' {
		text += " " + called
	}
	return fmt.Errorf("it has the character %s", text)
}

// invisible is everything but letters, marks, digits, punctuation, symbols and the common space; and of those what shows
// nothing. IndexFunc gives the replacement character for what is not UTF-8, too.
func invisible(r rune) bool {
	const brailleBlank = '\u2800' // a symbol without a dot
	return !unicode.IsPrint(r) || r == utf8.RuneError || r == brailleBlank ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
