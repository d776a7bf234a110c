package kiosk

import (
	"fmt"

	"ashyq-kiosk/kiosk/statuslist"
)

// Colour is what a person's epidemiological status looks like at the door.
type Colour uint8

// The colours, from the top of the wall: NoColour is a verdict that is not about a status.
const (
	NoColour Colour = iota
	Red             // қызыл, красный: positive PCR, nowhere
	Yellow          // сары, жёлтый: contact of a case, only shop and pharmacy
	Blue            // көк, синий: nothing known, the way is open
	Green           // жасыл, зелёный: negative PCR, anywhere
)

// Colours lists the four in the order of the lamps on the wall.
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

// ColourOf is the colour of a status. Statuses about the credential instead of the person have none.
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
