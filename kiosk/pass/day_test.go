package pass_test

import (
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// Days and months change at midnight by UTC, wherever the clock is: 05:00 in Almaty.
func TestDaysAndMonths(t *testing.T) {
	almaty := time.FixedZone("Almaty", 5*60*60)
	for text, want := range map[string]struct {
		day   pass.Day
		month pass.Month
	}{
		"2026-01-02T00:00:00Z": {nowOnDay, 672}, "2026-01-02T23:59:59Z": {nowOnDay, 672}, "2026-01-03T00:00:00Z": {nowOnDay + 1, 672},
		"1970-01-01T00:00:00Z": {0, 0}, "2026-07-31T23:59:59Z": {20665, paperMonth}, "2026-08-01T00:00:00Z": {20666, paperMonth + 1},
		"2026-12-31T23:59:59Z": {20818, 683}, "2027-01-01T00:00:00Z": {20819, 684},
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{at, at.In(almaty)} {
			day, month := pass.DayOf(at), pass.MonthOf(at)
			if day != want.day || month != want.month {
				t.Errorf("%v is day %d and month %d, want %+v", at, day, month, want)
			}
			if day.Start().After(at) || !(day + 1).Start().After(at) || !month.End().After(at) || (month-1).End().After(at) && month > 0 {
				t.Errorf("%v is outside of its day %v or its month %v", at, day, month)
			}
			if day.String() != text[:len("2026-01-02")] || month.String() != text[:len("2026-01")] {
				t.Errorf("%v is called %v and %v", at, day, month)
			}
		}
	}
}
