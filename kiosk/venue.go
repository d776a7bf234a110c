package kiosk

import (
	"fmt"
	"slices"
	"strings"
)

// Venue is a kind of venue, as the decrees list them.
type Venue string

// Venues are the kinds that took part in Ashyq. A decree may name any of them; the rules without
// venues cover the others.
var Venues = []Venue{
	"airport", "banquet-hall", "beauty-salon", "bowling", "bus-station", "casino", "cinema", "computer-club", "conference",
	"dentist", "exhibition", "fitness", "food-court", "government-office", "hotel", "karaoke", "library", "market", "museum",
	"nightclub", "office", "pharmacy", "playground", "pool", "prayer-house", "railway-station", "restaurant", "sauna", "school",
	"shop", "shopping-mall", "sport-event", "theatre",
}

// ParseVenue checks that the kind is one of Venues.
func ParseVenue(s string) (Venue, error) {
	if slices.Contains(Venues, Venue(s)) {
		return Venue(s), nil
	}
	names := make([]string, len(Venues))
	for i, v := range Venues {
		names[i] = string(v)
	}
	return "", fmt.Errorf("unknown kind of venue %q, want one of %s", s, strings.Join(names, ", "))
}

// Zone is the epidemiological zone of the venue's region.
type Zone string

// The zones of the decrees.
const (
	RedZone    Zone = "red"
	YellowZone Zone = "yellow"
	GreenZone  Zone = "green"
)

// ParseZone checks that the zone is one of the three.
func ParseZone(s string) (Zone, error) {
	switch z := Zone(s); z {
	case RedZone, YellowZone, GreenZone:
		return z, nil
	}
	return "", fmt.Errorf("unknown zone %q, want red, yellow or green", s)
}

// Way is the direction in which people go through a door.
type Way string

// The ways. An exit door lets everybody out.
const (
	Entry Way = "entry"
	Exit  Way = "exit"
)

// ParseWay checks that the way is one of the two.
func ParseWay(s string) (Way, error) {
	switch w := Way(s); w {
	case Entry, Exit:
		return w, nil
	}
	return "", fmt.Errorf("unknown way %q, want entry or exit", s)
}
