package server

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// A door that somebody took over makes neither the table of counts nor the overview grow.
func TestADoorFillsNoTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		b := r.newBox(r.serveTLS(), boardA)
		b.enrol(codesFor(r, "door")[0])
		from := now().Truncate(time.Hour)
		names := map[int]uint64{}
		for n := range 500 {
			report := api.Counts{ID: fmt.Sprint(n), From: from, To: now(), Count: map[string]uint64{}}
			for i := range 64 {
				report.Count[fmt.Sprintf("x%s/%s", letters(n), letters(i))] = 1 << 32
			}
			names[r.callAs(b, http.MethodPost, api.PathCounts, report).Code]++
		}
		overview := r.call(http.MethodGet, PathOverview, adminKey, "").Body.Len() + r.call(http.MethodGet, PathDoors, adminKey, "").Body.Len()
		if counts := overviewOf(t, r)["door"].Counts; len(counts) != 0 || overview > 2000 {
			t.Errorf("answers %v, then %d counts in an overview of %d bytes; want 0 in less than 2000", names, len(counts), overview)
		}
		known := map[int]uint64{}
		for n := range 500 {
			report := api.Counts{ID: fmt.Sprint("known ", n), From: from, To: now(), Count: map[string]uint64{"admitted/green": 1}}
			known[r.callAs(b, http.MethodPost, api.PathCounts, report).Code]++
		}
		if known[http.StatusNoContent] > 60 || overviewOf(t, r)["door"].Counts["admitted/green"] != known[http.StatusNoContent] {
			t.Errorf("500 reports of one hour are answered %v, want at most 60 taken", known)
		}
	})
}

// letters writes a number as small letters, as names of counts may have them.
func letters(n int) string {
	text := ""
	for ; n > 0 || text == ""; n /= 26 {
		text += string(rune('a' + n%26))
	}
	return text
}
