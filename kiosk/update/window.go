package update

import "time"

// Window says when a door may restart for an update, as times since midnight. If both are the same,
// it may at any time.
type Window struct{ From, Until time.Duration }

// open reports whether t, in its own time zone, is inside. A window may reach over midnight.
func (w Window) open(t time.Time) bool {
	hour, minute, second := t.Clock()
	at := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	if w.From <= w.Until {
		return w.From == w.Until || w.From <= at && at < w.Until
	}
	return at >= w.From || at < w.Until
}
