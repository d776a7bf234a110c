package store

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// testCounts bounds what one door stores, and deletes it after a while.
func testCounts(t *testing.T, s *Store) {
	ctx := t.Context()
	token(t, s, "door", "1")
	c, _, err := enrol(t, s, "1", "key", board, "a", 1)
	must(t, err)
	door, err := s.DoorBy(ctx, c, board, Said{}, t0)
	must(t, err)
	stored := func(table string) (n int) {
		t.Helper()
		must(t, s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table).Scan(&n))
		return n
	}
	count := map[string]uint64{"admitted/green": 1, "turned-back/red": 1}
	refused := 0
	for n := range 100 {
		if s.AddCounts(ctx, door, fmt.Sprint(n), t0, count, t0) != nil {
			refused++
		}
	}
	if counts, reports := stored("counts"), stored("reports"); counts != 2 || reports != 60 || refused != 40 {
		t.Errorf("%d counts and %d reports of one hour, %d refused; want 2, 60 and 40", counts, reports, refused)
	}
	more := []Report{{door, "many", t0.Add(-time.Hour), count}, {door, "more", t0.Add(-2 * time.Hour), count},
		{door, "full", t0, count}}
	err = s.AddReports(ctx, more, t0)
	if counts, reports := stored("counts"), stored("reports"); !errors.Is(err, ErrTooManyReports) || reports != 60 || counts != 2 {
		t.Errorf("of three reports the last one is too many: %v, and %d reports are stored", err, reports)
	}
	must(t, s.AddReports(ctx, more[:2], t0))
	if counts, reports := stored("counts"), stored("reports"); counts != 6 || reports != 62 {
		t.Errorf("%d counts and %d reports of three hours, want 6 and 62", counts, reports)
	}
	must(t, s.AddCounts(ctx, door, "0", t0, count, t0)) // the answer was lost
	must(t, s.AddCounts(ctx, door, "next", t0.Add(time.Hour), count, t0.Add(time.Hour)))
	later := t0.Add(32 * 24 * time.Hour)
	must(t, s.AddCounts(ctx, door, "later", later, count, later))
	if counts, reports := stored("counts"), stored("reports"); counts != 2 || reports != 1 {
		t.Errorf("%d counts and %d reports after 32 days, want 2 and 1", counts, reports)
	}
}
