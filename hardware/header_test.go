package hardware

import (
	"strings"
	"testing"
)

// The positions are those of the table in the package comment.
func TestHeaderPositions(t *testing.T) {
	for position, want := range map[string]string{
		"P1_11": "GPIO17", "P1_13": "GPIO27", "P1_15": "GPIO22", "P1_16": "GPIO23", "P1_18": "GPIO24", "P1_22": "GPIO25",
		"P1_29": "GPIO5", "P1_31": "GPIO6", "P1_12": "GPIO18", "P1_40": "GPIO21", "GPIO17": "GPIO17", "17": "17", "": "",
	} {
		if got, err := lineName(position); err != nil || got != want {
			t.Errorf("%q is %q, %v, want %q", position, got, err, want)
		}
	}
	for position, want := range map[string]string{
		"P1_1": "is 3.3V and no line", "P1_2": "is 5V and no line", "P1_39": "is GROUND and no line",
		"P1_0": "want P1_1 to P1_40", "P1_41": "want P1_1 to P1_40", "P1_": "want P1_1 to P1_40", "P1_-1": "want P1_1 to P1_40",
	} {
		if _, err := lineName(position); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", position, err, want)
		}
	}
}
