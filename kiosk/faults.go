package kiosk

import "sync"

// Faults is where the parts of a door report what does not work. It exists before all of them, so
// that a part needs to know neither the Door nor the other subscribers.
type Faults struct {
	mu   sync.Mutex
	told []func(Reason, error) // guarded by mu
}

// Subscribe calls told with each later report, in order; earlier reports are not repeated. A
// subscriber that blocks delays the reporter.
func (f *Faults) Subscribe(told func(Reason, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, told)
}

// Report says that a part does not work, or with a nil error that it works again.
func (f *Faults) Report(reason Reason, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, told := range f.told {
		told(reason, err)
	}
}

// Of is Report for one reason, for parts that do not know reasons.
func (f *Faults) Of(reason Reason) func(error) {
	return func(err error) { f.Report(reason, err) }
}
