package store

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// looked is what there is to see at a moment: everything at once.
type looked struct {
	Overview
	Citizens int
	Doors    []DoorState // by name
	Sources  []SourceState
	Waiting  []WaitingRecord
	Releases []ReleaseRequest
}

func fleetAt(now time.Time) Fleet { return Fleet{Silent: now.Add(-30 * time.Minute), Now: now} }

func lookAt(ctx context.Context, s *Store, now time.Time) (l looked, err error) {
	doors, err := s.Doors(ctx, fleetAt(now))
	if err != nil {
		return l, err
	}
	l.Doors = doors.Doors
	slices.SortFunc(l.Doors, func(a, b DoorState) int { return cmp.Compare(a.Name, b.Name) })
	if l.Sources, err = s.Sources(ctx, ""); err != nil {
		return l, err
	}
	if l.Waiting, err = s.WaitingRecords(ctx); err != nil {
		return l, err
	}
	if l.Releases, err = s.Releases(ctx); err != nil {
		return l, err
	}
	l.Overview, err = s.Overview(ctx, fleetAt(now))
	for _, n := range l.People {
		l.Citizens += n
	}
	return l, err
}
