package kiosk

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"ashyq-kiosk/kiosk/latest"
	"ashyq-kiosk/kiosk/pass"
)

// Sighting is a QR code in front of the camera: its bytes as encoded, and when the frame was taken.
type Sighting struct {
	Text  []byte
	Taken time.Time
}

// Trust is what the registry vouches for, all from one version. A door without it is out of order.
type Trust struct {
	Issuers pass.Issuers
	Rules   *Rules
	AsOf    time.Time // when the registry last vouched for it
}

// Options configure a Door. All fields are required except Way, NeedKeys, Places, Visits, Newer,
// Registry, Guard, NotBefore and Log.
type Options struct {
	Venue       Venue
	Zone        Zone
	Way         Way
	AcceptPaper bool                        // accept printed passes
	Again       time.Duration               // how long an admitted person is not admitted again
	Cache       Lookup                      // the list on the card
	Keys        func() *pass.PlaceKeys      // the newest that open the codes
	NeedKeys    func()                      // told of a code that they do not open; must return at once
	Places      Places                      // of the venue; nil: their number is not limited
	Visits      Visits                      // at the venue's other doors; nil: it has no other
	Newer       func(context.Context) error // brings the cache a newer list; asked before Registry; nil: never
	Registry    Checker                     // asked if the cache does not answer, see Fallback; nil: never
	Fresh       time.Duration               // up to this age the cache's answer counts
	Deadline    time.Duration               // of all questions about one person
	Faults      *Faults                     // what does not work
	Outlets     []Outlet
	Guard       *pass.Guard // what is known of the people who were here; nil: nothing yet
	Now         func() time.Time
	NotBefore   func() time.Time // how late it is for sure, even if the clock was set back; nil: unknown
	Log         *slog.Logger
}

// age is how old data is; never negative, even if the registry's clock is ahead.
func (o *Options) age(asOf, now time.Time) time.Duration {
	if o.NotBefore != nil {
		if sure := o.NotBefore(); sure.After(now) {
			now = sure
		}
	}
	return max(0, now.Sub(asOf))
}

const (
	// standing is how long after its last sighting the same code, or the same person with the next
	// code, counts as the person still standing there and not as a new presentation.
	standing = 3 * time.Second
	// registryPause is how long the door does not ask a registry that failed to answer: one person
	// waits, not everybody.
	registryPause = 10 * time.Second
	// tick is how often the door looks at the data's age and proves that it is alive.
	tick = time.Second
	// GuardSize limits the replay guard, persons: an hour at a busy door.
	GuardSize = 4096
)

// holds is how long a verdict is shown unless another follows.
var holds = map[Signal]time.Duration{
	Admitted:     3 * time.Second,
	AdmittedHere: 3 * time.Second,
	TurnedBack:   5 * time.Second,
	Full:         5 * time.Second,
	Left:         3 * time.Second,
	AskStaff:     5 * time.Second,
	CodeProblem:  3 * time.Second,
	CodeRefused:  4 * time.Second,
}

// faultOrder lists what puts a door out of order, most urgent first. What a network repairs comes
// last: it must not hide a fault of the door itself from a self-test or from the people at the
// door.
var faultOrder = []Reason{
	TamperFault, OutputFault,
	EnrolUsed, EnrolExpired, EnrolRefused, EnrolForeign, EnrolBroken, EnrolClock, EnrolNetwork, EnrolJoining, Enrolling, NotEnrolled,
	CameraFault, Starting, Unapproved, ClockFault, NoData, DataLimit,
}

// Door is one goroutine (Run) that owns all changing state of the door: who was here, the faults,
// what is shown. Everybody else sends to it.
type Door struct {
	opt   Options
	judge judge

	sightings *latest.Slot[Sighting]
	trusts    *latest.Slot[Trust]
	vouched   *latest.Slot[time.Time]
	faults    chan fault    // full: the sender waits, so that no fault is lost
	done      chan struct{} // closed when Run returns, so that no sender waits forever
	ready     chan struct{}
	alive     atomic.Int64 // Unix ns of the last turn of the loop

	// Owned by Run.
	trust   Trust
	active  map[Reason]error
	shown   Verdict
	until   time.Time // when the hold of the shown verdict ends; zero: it has no hold
	present presence
	seq     uint64
}

// presence is the person in front of the camera.
type presence struct {
	text []byte
	code *pass.Code // nil: it was not genuine
	last time.Time
}

type fault struct {
	reason Reason
	err    error // nil: the fault is over
}

// NewDoor returns a door that is out of order until Run hears that everything works: it starts with
// the faults Starting and NoData.
func NewDoor(opt Options) *Door {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Guard == nil {
		opt.Guard = pass.NewGuard(GuardSize)
	}
	d := &Door{
		opt:       opt,
		sightings: latest.New[Sighting](),
		trusts:    latest.New[Trust](),
		vouched:   latest.New[time.Time](),
		faults:    make(chan fault),
		done:      make(chan struct{}),
		ready:     make(chan struct{}),
		active:    map[Reason]error{Starting: nil, NoData: nil},
	}
	asking := func() { d.show(Verdict{Signal: Working}) }
	lookup := &Fallback{
		Cache: opt.Cache, Newer: opt.Newer, Registry: opt.Registry, Fresh: opt.Fresh, Deadline: opt.Deadline, Pause: registryPause,
		Now: opt.Now, Asking: asking,
	}
	d.judge = judge{opt: opt, status: lookup.Status, guard: opt.Guard, asking: asking}
	opt.Faults.Subscribe(d.fault)
	return d
}

// String names the task.
func (d *Door) String() string { return "door" }

// Ready is closed once Run is running.
func (d *Door) Ready() <-chan struct{} { return d.ready }

// Alive is when Run's loop last ran.
func (d *Door) Alive() time.Time { return time.Unix(0, d.alive.Load()) }

// Present tells the door that a code is in front of the camera. It copies the text and never
// blocks.
func (d *Door) Present(s Sighting) {
	s.Text = bytes.Clone(s.Text)
	d.sightings.Put(s)
}

// Follow gives the door what the registry vouches for now. It never blocks.
func (d *Door) Follow(t Trust) { d.trusts.Put(t) }

// Vouch tells the door that the registry vouched again, at asOf, for what the door follows. It
// never blocks. A time that is not newer changes nothing.
func (d *Door) Vouch(asOf time.Time) { d.vouched.Put(asOf) }

// fault gives a fault to Run. It waits until Run has taken it, so that no fault is lost.
func (d *Door) fault(reason Reason, err error) {
	select {
	case d.faults <- fault{reason, err}:
	case <-d.done:
	}
}

// Run works until ctx ends, then shows Idle: all dark, relay closed. Call it once.
func (d *Door) Run(ctx context.Context) error {
	defer close(d.done)
	defer d.show(Verdict{})
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	hold := time.NewTimer(0)
	defer hold.Stop()
	close(d.ready)
	d.rest()
	for {
		d.alive.Store(d.opt.Now().UnixNano())
		if !d.until.IsZero() {
			hold.Reset(time.Until(d.until))
		}
		select {
		case <-ctx.Done():
			return nil
		case f := <-d.faults:
			d.note(f)
		case t := <-d.trusts.C():
			d.trust = t
			delete(d.active, NoData)
			d.checkAge()
		case asOf := <-d.vouched.C():
			if d.trust.Rules != nil && asOf.After(d.trust.AsOf) {
				d.trust.AsOf = asOf
				d.checkAge()
			}
		case s := <-d.sightings.C():
			d.see(ctx, s)
		case <-hold.C:
			if !d.until.IsZero() && !time.Now().Before(d.until) {
				d.rest()
			}
		case <-ticker.C:
			d.checkAge()
		}
	}
}

// note records the start or the end of a fault and shows the consequence.
func (d *Door) note(f fault) {
	_, was := d.active[f.reason]
	switch {
	case f.err != nil && !was:
		d.opt.Log.Warn("out of order", "reason", string(f.reason), "error", f.err)
		d.active[f.reason] = f.err
	case f.err == nil && was:
		if f.reason != Starting {
			d.opt.Log.Info("in order again", "reason", string(f.reason))
		}
		delete(d.active, f.reason)
	default:
		return
	}
	d.settle()
}

// checkAge makes data that is too old a fault.
func (d *Door) checkAge() {
	if _, none := d.active[NoData]; none {
		return
	}
	if age := d.age(); age > time.Duration(d.trust.Rules.Ages.Limit) {
		if _, was := d.active[DataLimit]; !was {
			d.opt.Log.Warn("out of order", "reason", string(DataLimit), "age", age)
		}
		d.active[DataLimit] = nil
	} else {
		delete(d.active, DataLimit)
	}
	d.settle()
}

// age is how old the data is; 0 without data.
func (d *Door) age() time.Duration {
	if d.trust.AsOf.IsZero() {
		return 0
	}
	return d.opt.age(d.trust.AsOf, d.opt.Now())
}

// worst is the fault to show; ok is false when everything works.
func (d *Door) worst() (reason Reason, ok bool) {
	for _, r := range faultOrder {
		if _, active := d.active[r]; active {
			return r, true
		}
	}
	return NoReason, false
}

// settle shows a change of the faults immediately: a fault ends whatever is shown, and the end of
// the last fault ends its picture.
func (d *Door) settle() {
	if d.shown.Signal == Left {
		return // the door is open for somebody who wants to get out
	}
	reason, faulty := d.worst()
	if faulty && (d.shown.Signal != OutOfOrder || d.shown.Reason != reason) || !faulty && d.shown.Signal == OutOfOrder {
		d.rest()
	}
}

// rest shows what the door shows while nobody is there.
func (d *Door) rest() {
	if reason, faulty := d.worst(); faulty {
		d.show(Verdict{Signal: OutOfOrder, Reason: reason, Age: d.age(), Aged: !d.trust.AsOf.IsZero()})
		return
	}
	v := Verdict{Signal: Idle, Age: d.age()}
	v.Aged = v.Age > time.Duration(d.trust.Rules.Ages.Quiet)
	d.show(v)
}

// see handles one sighting: the person still standing there, or somebody new to judge.
func (d *Door) see(ctx context.Context, s Sighting) {
	if _, faulty := d.worst(); faulty && d.opt.Way != Exit {
		return
	}
	now := d.opt.Now()
	here := now.Sub(d.present.last) < standing
	if here && bytes.Equal(s.Text, d.present.text) {
		d.present.last = now
		return
	}
	c, problem := d.judge.read(s.Text, d.trust.Issuers, now)
	p := presence{text: s.Text, last: now}
	if problem == nil {
		p.code = c
	}
	same := here && p.code != nil && d.present.code != nil && p.code.IsOf(d.present.code)
	if d.present = p; same {
		return
	}
	switch {
	case d.opt.Way == Exit:
		d.give(d.judge.leave(c, problem, now), s)
	case problem != nil:
		d.give(*problem, s)
	default:
		d.give(d.judge.decide(ctx, c, d.trust, now), s)
		d.present.last = d.opt.Now() // asking the registry may have taken a while
	}
}

// give shows a verdict about a sighting for as long as its signal is held.
func (d *Door) give(v Verdict, s Sighting) {
	v.Taken, v.Hold = s.Taken, holds[v.Signal]
	d.show(v)
	d.opt.Log.Info("verdict", "signal", v.Signal.String(), "colour", v.Colour.String(), "reason", string(v.Reason),
		"rule", v.Rule, "age", v.Age.Round(time.Second), "paper", v.Paper)
}

func (d *Door) show(v Verdict) {
	d.seq++
	v.Seq = d.seq
	d.shown = v
	d.until = time.Time{}
	if v.Hold > 0 {
		d.until = time.Now().Add(v.Hold)
	}
	for _, o := range d.opt.Outlets {
		o.Show(v)
	}
}
