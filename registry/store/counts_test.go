package store

import (
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
	must(t, s.AddCounts(ctx, door, "0", t0, count, t0)) // the answer was lost
	must(t, s.AddCounts(ctx, door, "next", t0.Add(time.Hour), count, t0.Add(time.Hour)))
	later := t0.Add(32 * 24 * time.Hour)
	must(t, s.AddCounts(ctx, door, "later", later, count, later))
	if counts, reports := stored("counts"), stored("reports"); counts != 2 || reports != 1 {
		t.Errorf("%d counts and %d reports after 32 days, want 2 and 1", counts, reports)
	}
}
