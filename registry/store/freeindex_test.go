package store

import (
	"database/sql"
	"testing"
)

// testFreeIndex draws from a list that is seven eighths full, where the publisher adds a section,
// and goes on beyond what the publisher lets happen.
func testFreeIndex(t *testing.T, s *Store) {
	const capacity, draws = 8000, 800
	ctx := t.Context()
	stored(t)(addResult(t, s, addSource(t, s, "lab"), ann, "1", Record{Kind: Positive, At: t0}, t0))
	sum := uint64(0)
	must(t, s.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO credentials (citizen, idx)
			WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)
			SELECT (SELECT MIN(id) FROM citizens), i FROM n WHERE i % 8 <> 3`, capacity)
		for n := 0; err == nil && n < draws; n++ {
			var index uint64
			if index, err = freeIndex(ctx, tx, capacity); err != nil {
				return err
			}
			if index >= capacity {
				t.Errorf("index %d of %d", index, capacity)
			}
			sum += index
			_, err = tx.ExecContext(ctx, `INSERT INTO credentials (citizen, idx)
				SELECT MIN(id), $1 FROM citizens`, int64(index)) // one that is used would be refused
		}
		return err
	}))
	if mean := sum / draws; mean < capacity*2/5 || mean > capacity*3/5 {
		t.Errorf("the mean of the indexes is %d of %d: not all are equally likely", mean, capacity)
	}
}
