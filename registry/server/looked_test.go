package server

import "ashyq-kiosk/registry/store"

// looked is what the administrator sees on all pages together.
type looked struct {
	store.Overview
	Citizens int
	Doors    []store.DoorState
	Sources  []store.SourceState
	Waiting  []store.WaitingRecord
}

func (r *rig) lookNow() looked {
	r.Helper()
	var l looked
	r.get(PathOverview, &l.Overview)
	var doors store.DoorsPage
	r.get(PathDoors, &doors)
	var sources SourcesAnswer
	r.get(PathSources, &sources)
	l.Doors, l.Sources, l.Waiting = doors.Doors, sources.Sources, sources.Waiting
	for _, n := range l.People {
		l.Citizens += n
	}
	return l
}
