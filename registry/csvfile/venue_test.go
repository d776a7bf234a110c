package csvfile_test

import (
	"testing"

	"ashyq-kiosk/registry/csvfile"
)

func TestVenueWords(t *testing.T) {
	for text, want := range map[string]string{
		"shop": "shop", "Shopping Mall": "shopping-mall", "shopping-mall": "shopping-mall", " МАГАЗИН ": "shop", "Дүкен": "shop",
		"аптека": "pharmacy", "дәріхана": "pharmacy", "Торговый  центр": "shopping-mall", "түнгі клуб": "nightclub", "moon": "", "": "",
	} {
		if got, ok := csvfile.VenueKind(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v, want %q", text, got, ok, want)
		}
	}
	for text, want := range map[string]string{"Green": "green", "жёлтая": "yellow", "желтая": "yellow", "Қызыл": "red", "blue": ""} {
		if got, ok := csvfile.Zone(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v, want %q", text, got, ok, want)
		}
	}
}

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
