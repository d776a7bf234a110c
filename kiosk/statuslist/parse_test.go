package statuslist_test

import (
	"testing"

	"ashyq-kiosk/kiosk/statuslist"
)

func TestParseStatusReadsWhatStringWrites(t *testing.T) {
	for s := range statuslist.Status(16) {
		got, err := statuslist.ParseStatus(s.String())
		if s.Known() != (err == nil) {
			t.Errorf("ParseStatus(%q): %v, known is %v", s, err, s.Known())
		}
		if err == nil && got != s {
			t.Errorf("ParseStatus(%q) = %v", s, got)
		}
	}
	for _, name := range []string{"", "Red", " red", "blue", "0xC"} {
		if got, err := statuslist.ParseStatus(name); err == nil {
			t.Errorf("ParseStatus(%q) = %v, want an error", name, got)
		}
	}
}
