package store

import (
	"errors"
	"testing"
	"time"
)

func testImports(t *testing.T, s *Store) {
	ctx := t.Context()
	lab, other := addSource(t, s, "lab"), addSource(t, s, "other")
	id, err := s.StartImport(ctx, lab, "clerk", 100, t0)
	must(t, err)
	_, err = s.StartImport(ctx, lab, "clerk", 100, t0)
	wants(t, "two files at once", err, ErrRunning)
	_, err = s.StartImport(ctx, other, "clerk", 100, t0)
	must(t, err)

	i := Import{ID: id, State: Running, Done: 50, Line: 3, Entered: 1, Refused: 1}
	must(t, s.NoteImport(ctx, i, []RowRefusal{{Line: 3, Field: "iin", Reason: "empty"}}, t0.Add(time.Second)))
	i.State, i.Done, i.Line, i.Known, i.Refused = Finished, 100, 5, 1, 2
	must(t, s.NoteImport(ctx, i, []RowRefusal{{Line: 5, Reason: "empty"}}, t0.Add(2*time.Second)))
	wants(t, "note a finished one", s.NoteImport(ctx, i, nil, t0), ErrNotFound)

	got, err := s.ImportOf(ctx, lab, id)
	must(t, err)
	want := i
	want.Person, want.Size, want.Started, want.Alive = "clerk", 100, t0, t0.Add(2*time.Second)
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	_, err = s.ImportOf(ctx, other, id)
	wants(t, "another source's", err, ErrNotFound)
	refused := func(source int64) (lines []int) {
		must(t, s.RefusedRows(ctx, source, id, func(r RowRefusal) error { lines = append(lines, r.Line); return nil }))
		return lines
	}
	if got := refused(lab); len(got) != 2 || got[0] != 3 || got[1] != 5 {
		t.Errorf("refused lines %v", got)
	}
	if got := refused(other); got != nil {
		t.Errorf("another source sees the lines %v", got)
	}
	stop := errors.New("stop")
	wants(t, "an early end", s.RefusedRows(ctx, lab, id, func(RowRefusal) error { return stop }), stop)

	late := t0.Add(keepImports + time.Hour)
	must(t, s.InterruptImports(ctx, late))
	list, err := s.Imports(ctx, other)
	must(t, err)
	if len(list) != 1 || list[0].State != Interrupted {
		t.Errorf("the other's: %+v", list)
	}
	next, err := s.StartImport(ctx, lab, "clerk", 1, late)
	must(t, err)
	list, err = s.Imports(ctx, lab)
	must(t, err)
	if len(list) != 1 || list[0].ID != next || refused(lab) != nil {
		t.Errorf("after 30 days: %+v, refused %v", list, refused(lab))
	}
}
