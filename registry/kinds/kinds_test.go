package kinds_test

import (
	"slices"
	"testing"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/registry/kinds"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"shop": "shop", "Shopping Mall": "shopping-mall", "shopping-mall": "shopping-mall", " МАГАЗИН ": "shop", "Дүкен": "shop",
		"аптека": "pharmacy", "ДӘРІХАНА": "pharmacy", "Торговый  центр": "shopping-mall", "түнгі клуб": "nightclub", "кафе": "restaurant",
		"restaurant": "restaurant", "ТЦ": "shopping-mall", "фуд корт": "food-court", "moon": "", "": "",
	} {
		if got, ok := kinds.Venue(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v, want %q", text, got, ok, want)
		}
	}
	for text, want := range map[string]string{"Green": "green", "жёлтая": "yellow", "желтая": "yellow", "Қызыл": "red", "blue": ""} {
		if got, ok := kinds.Zone(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v, want %q", text, got, ok, want)
		}
	}
}

// Every kind that doors know has its names, and no two kinds share one.
func TestKindsOfDoors(t *testing.T) {
	var keys []kiosk.Venue
	of := map[string]string{}
	for _, k := range kinds.Venues {
		keys = append(keys, kiosk.Venue(k.Key))
		for _, word := range append([]string{k.Key, k.KK, k.RU, k.EN}, k.Also...) {
			got, ok := kinds.Venue(word)
			if !ok || got != k.Key || of[word] != "" && of[word] != k.Key {
				t.Errorf("%q of %q is read as %q, %v", word, k.Key, got, ok)
			}
			of[word] = k.Key
		}
	}
	if !slices.Equal(keys, kiosk.Venues) {
		t.Errorf("there are names of %v, doors know %v", keys, kiosk.Venues)
	}
	for _, z := range kinds.Zones {
		if _, err := kiosk.ParseZone(z.Key); err != nil || z.KK == "" || z.RU == "" || z.EN == "" {
			t.Errorf("zone %+v: %v", z, err)
		}
	}
}
