// Package setup lists what a door still lacks before it works for the first time. The screen shows
// the list to the person who sets the door up, and the doctor uses the same names.
package setup

import (
	"context"
	"slices"
	"sync"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/task"
)

// Order is the order in which to deal with what is missing. The names are the doctor's.
var Order = []string{"panel", "camera", "network", "clock", "enrolment", "registry", "state"}

// routeEvery is how often the network task looks for a route.
const routeEvery = 3 * time.Second

// checkOf is the check that a fault of the door belongs to.
var checkOf = map[kiosk.Reason]string{kiosk.OutputFault: "panel", kiosk.CameraFault: "camera",
	kiosk.ClockFault: "clock"}

// Check is one line of the list.
type Check struct {
	ID   string // one of Order
	OK   bool
	Says string // why the registry refuses, in its words; empty: it does not
}

// Options describe the door. Show is required.
type Options struct {
	Show     func([]Check) // gets each change; nil: the door is set up. Must not block.
	Enrolled bool
	HasData  bool
	Registry string // URL; empty: the door needs no network, enrolment and registry
}

// List is shown until the door has its data. What goes wrong later is a fault, and the screen shows
// that.
type List struct {
	opt Options

	mu     sync.Mutex
	checks []Check // guarded by mu; nil: the door is set up
}

// New shows the first list, unless the door is set up already. All parts except the panel are
// missing until they report; the panel reports only a failure.
func New(opt Options) *List {
	l := &List{opt: opt}
	if opt.HasData && opt.Enrolled {
		return l
	}
	alone := opt.Registry == "" && opt.Enrolled
	for _, id := range Order {
		if alone && (id == "network" || id == "enrolment" || id == "registry") {
			continue
		}
		l.checks = append(l.checks, Check{ID: id, OK: id == "panel" || id == "enrolment" && opt.Enrolled})
	}
	l.show()
	return l
}

// Fault receives the door's faults (kiosk.Faults.Subscribe).
func (l *List) Fault(reason kiosk.Reason, err error) { l.Note(checkOf[reason], err) }

// Note says that a part is there, or with an error why not.
func (l *List) Note(id string, err error) { l.Refused(id, err, "") }

// Refused is Note with the registry's own words.
func (l *List) Refused(id string, err error, says string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.checks, func(c Check) bool { return c.ID == id })
	if i < 0 {
		return
	}
	if c := (Check{ID: id, OK: err == nil, Says: says}); c != l.checks[i] {
		l.checks[i] = c
		l.show()
	}
}

// HasData says that the door has a list. An enrolled door is then set up; any other door has the
// list of an earlier enrolment.
func (l *List) HasData() {
	if !l.opt.Enrolled {
		l.Note("state", nil)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.checks != nil {
		l.checks = nil
		l.opt.Show(nil)
	}
}

// show needs mu.
func (l *List) show() { l.opt.Show(slices.Clone(l.checks)) }

func (l *List) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checks == nil
}

// Network is a task that looks for a route out of this machine until the door is set up.
func (l *List) Network() task.Task {
	return task.Func{Name: "network", Do: func(ctx context.Context) error {
		ticker := time.NewTicker(routeEvery)
		defer ticker.Stop()
		for !l.isOver() {
			l.Note("network", Route(l.opt.Registry))
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
		}
		<-ctx.Done()
		return nil
	}}
}
