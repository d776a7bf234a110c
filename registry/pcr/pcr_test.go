package pcr_test

import (
	"testing"

	"ashyq-kiosk/registry/pcr"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]pcr.Outcome{
		"positive": pcr.Positive, " Positive ": pcr.Positive, "DETECTED": pcr.Positive, "ОҢ": pcr.Positive, "Обнаружено": pcr.Positive,
		"negative": pcr.Negative, "NOT_DETECTED": pcr.Negative, "Not  detected": pcr.Negative, "теріс": pcr.Negative, "Не обнаружено": pcr.Negative,
		"inconclusive": pcr.Inconclusive, "Неопределённый": pcr.Inconclusive, "Presumptive positive": pcr.Inconclusive, "күмәнді": pcr.Inconclusive,
		// No outcome at all, though each of them has one in it.
		"": "", "not positive": "", "positive?": "", "positive for influenza": "", "1": "", "+": "", "true": "", "detected\x00": "", "не": "",
	} {
		got, ok := pcr.Read(text)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", text, got, ok, want)
		}
	}
}
