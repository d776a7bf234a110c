package api

import (
	"slices"
	"strings"
)

// What a door counts: these signals, each with one of these colours. The set is closed, so that no
// door fills a registry's database. They are those of package kiosk.
var (
	countedSignals = []string{"admitted", "admitted-here", "turned-back", "full", "left", "ask-staff", "code-problem", "code-refused"}
	countedColours = []string{"none", "red", "yellow", "blue", "green"}
)

// IsCount tells whether a name may be in Counts.
func IsCount(name string) bool {
	signal, colour, _ := strings.Cut(name, "/")
	return slices.Contains(countedSignals, signal) && slices.Contains(countedColours, colour)
}
