package kiosk

import (
	"fmt"

	"ashyq-kiosk/kiosk/statuslist"
)

// Colour is what a person's epidemiological status looks like at the door.
type Colour uint8

// The colours, in the order of the lamps from top to bottom. NoColour belongs to a verdict that is
// not about a status.
const (
	NoColour Colour = iota
	Red             // қызыл, красный: positive PCR, nowhere
	Yellow          // сары, жёлтый: contact of a case, shop and pharmacy only
	Blue            // көк, синий: nothing known, admitted everywhere
	Green           // жасыл, зелёный: negative PCR, admitted everywhere
)

// Colours lists the four in the order of the lamps.
var Colours = []Colour{Red, Yellow, Blue, Green}

var colourNames = [...]string{"none", "red", "yellow", "blue", "green"}

// String is the colour's English name in lower case.
func (c Colour) String() string {
	if int(c) < len(colourNames) {
		return colourNames[c]
	}
	return fmt.Sprintf("colour %d", uint8(c))
}

// MarshalText writes the colour by name.
func (c Colour) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a colour by name.
func (c *Colour) UnmarshalText(text []byte) error {
	for i, name := range colourNames {
		if name == string(text) {
			*c = Colour(i)
			return nil
		}
	}
	return fmt.Errorf("unknown colour %q, want red, yellow, blue or green", text)
}

// ColourOf is the colour of a status, and NoColour for a status that is about the credential and
// not the person.
func ColourOf(s statuslist.Status) Colour {
	switch s {
	case statuslist.Red:
		return Red
	case statuslist.Yellow:
		return Yellow
	case statuslist.Valid:
		return Blue
	case statuslist.Green:
		return Green
	}
	return NoColour
}
