package main

import (
	"maps"
	"slices"
	"sync"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
)

// faultLog keeps what the registry hears of the door's faults: also of one that has ended since the
// last hello. A case that was open for a minute is news.
type faultLog struct {
	mu  sync.Mutex
	had map[api.Fault]bool // guarded by mu; whether it lasts
}

func newFaultLog() *faultLog { return &faultLog{had: map[api.Fault]bool{}} }

// note subscribes to kiosk.Faults.
func (l *faultLog) note(reason kiosk.Reason, err error) {
	fault := api.Fault(reason)
	if !slices.Contains(api.Faults, fault) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.had[fault]; err != nil || known {
		l.had[fault] = err != nil
	}
}

func (l *faultLog) recent() []api.Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.had))
}

// forget drops those that the registry has heard of and that are over.
func (l *faultLog) forget(told []api.Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fault := range told {
		if !l.had[fault] {
			delete(l.had, fault)
		}
	}
}
