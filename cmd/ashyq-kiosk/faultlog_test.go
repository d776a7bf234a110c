package main

import (
	"errors"
	"fmt"
	"testing"

	"ashyq-kiosk/kiosk"
)

// The registry hears once of a fault that has ended, and as long as it lasts of one that has not.
func TestFaultLog(t *testing.T) {
	l, open := newFaultLog(), errors.New("open")
	is := func(want string) {
		t.Helper()
		if got := fmt.Sprint(l.recent()); got != want {
			t.Errorf("faults are %s, want %s", got, want)
		}
	}
	l.note(kiosk.TamperFault, nil)
	l.note(kiosk.Starting, open)
	is("[]")
	l.note(kiosk.TamperFault, open)
	l.note(kiosk.CameraFault, open)
	is("[camera tamper]")
	l.note(kiosk.TamperFault, nil)
	is("[camera tamper]")
	told := l.recent()
	l.forget(told)
	is("[camera]")
	l.note(kiosk.TamperFault, open)
	told = l.recent()
	l.note(kiosk.CameraFault, nil)
	l.note(kiosk.CameraFault, open) // again, while the hello was on its way
	l.forget(told)
	is("[camera tamper]")
}
