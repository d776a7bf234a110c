package csvfile_test

import (
	"testing"

	"ashyq-kiosk/registry/csvfile"
)

func TestPhone(t *testing.T) {
	for text, want := range map[string]string{
		"8 (701) 000-00-00": "+77010000000", "77010000000": "+77010000000", "+7 701 000 00 00": "+77010000000", "": "", "12": "-", "+0": "-",
		"7,7701E+10": "-",
	} {
		if got, ok := csvfile.Phone(text); ok != (want != "-") || ok && got != want {
			t.Errorf("%q is %q, %v, want %q", text, got, ok, want)
		}
	}
}
