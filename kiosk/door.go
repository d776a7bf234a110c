package kiosk

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"ashyq-kiosk/kiosk/pass"
)

// Sighting is a QR code in front of the camera: its bytes as encoded, and when the frame was taken.
type Sighting struct {
	Text  []byte
	Taken time.Time
}

// Trust is what the registry vouches for, all of one version. A door without it shows no verdicts.
type Trust struct {
	Issuers pass.Issuers
	Rules   *Rules
	AsOf    time.Time // when the registry last vouched for it
}

// Options are what a Door is made of. All fields are needed except Guard and Log.
type Options struct {
	Venue       Venue
	Zone        Zone
	AcceptPaper bool          // whether printed passes are taken here
	Again       time.Duration // for how long a person who was admitted is not admitted again
	Lookup      Lookup        // a Fallback, which knows what a list cannot know
	Outlets     []Outlet
	Guard       *pass.Guard // what is known of the people who were here; nil: nothing yet
	Now         func() time.Time
	Log         *slog.Logger
}

const (
	// standing is for how long after its last sighting the same code, or the same person with the next one, still is
	// the person standing there and not a new presentation.
	standing = 3 * time.Second
	// tick is how often the door looks at the data's age and proves that it is alive.
	tick = time.Second
	// GuardSize bounds the replay guard, persons: an hour of a busy door.
	GuardSize = 4096
)

// holds is how long a verdict is shown unless somebody else comes.
var holds = map[Signal]time.Duration{
	Admitted:     3 * time.Second,
	AdmittedHere: 3 * time.Second,
	TurnedBack:   5 * time.Second,
	AskStaff:     5 * time.Second,
	CodeProblem:  3 * time.Second,
	CodeRefused:  4 * time.Second,
}

// faultOrder lists what puts a door out of order, the one to be shown first at the front. What a network mends comes last: it must not hide
// from a self-test, nor from whoever stands there, what does not work in the door itself.
var faultOrder = []Reason{
	TamperFault, OutputFault,
	EnrolUsed, EnrolExpired, EnrolRefused, EnrolBroken, EnrolClock, EnrolNetwork, Enrolling, NotEnrolled,
	CameraFault, Starting, ClockFault, NoData, DataLimit,
}

// Door is one goroutine (Run) that owns everything about the door that changes: who was here, which faults there are,
// what is shown. Everybody else sends to it.
type Door struct {
	opt   Options
	judge judge

	sightings chan Sighting // one slot; full: the newest wins, an older sighting is of no use
	trusts    chan Trust    // one slot; full: the newest wins
	faults    chan fault    // full: the sender waits, no fault may be lost
	done      chan struct{} // closed when Run returns, so that no sender waits for ever
	ready     chan struct{}
	alive     atomic.Int64 // Unix ns of the last turn of the loop

	// Owned by Run.
	trust   Trust
	active  map[Reason]error
	shown   Verdict
	until   time.Time // when the shown verdict's hold is over; zero: it has none
	present presence
	seq     uint64
}

// presence is the person in front of the camera.
type presence struct {
	text   []byte
	person Person
	known  bool // person is set: the code was genuine
	last   time.Time
}

type fault struct {
	reason Reason
	err    error // nil: over
}

// NewDoor makes a door that is out of order until Run has been told that everything works: it starts with the faults
// Starting and NoData.
func NewDoor(opt Options) *Door {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Guard == nil {
		opt.Guard = pass.NewGuard(GuardSize)
	}
	return &Door{
		opt:       opt,
		judge:     judge{opt: opt, guard: opt.Guard},
		sightings: make(chan Sighting, 1),
		trusts:    make(chan Trust, 1),
		faults:    make(chan fault),
		done:      make(chan struct{}),
		ready:     make(chan struct{}),
		active:    map[Reason]error{Starting: nil, NoData: nil},
	}
}

// String names the task.
func (d *Door) String() string { return "door" }

// Ready is closed once the door is being watched.
func (d *Door) Ready() <-chan struct{} { return d.ready }

// Alive is when the door's loop last turned.
func (d *Door) Alive() time.Time { return time.Unix(0, d.alive.Load()) }

// Present tells the door that a code is in front of the camera. The text is copied. It never blocks.
func (d *Door) Present(s Sighting) {
	s.Text = bytes.Clone(s.Text)
	put(d.sightings, s)
}

// Follow hands the door what the registry vouches for now. It never blocks.
func (d *Door) Follow(t Trust) { put(d.trusts, t) }

// Fault tells the door that a part of it does not work, and with a nil error that it does again.
func (d *Door) Fault(reason Reason, err error) {
	select {
	case d.faults <- fault{reason, err}:
	case <-d.done:
	}
}

// put replaces what is in a one-slot channel. It relies on a single sender a channel.
func put[T any](slot chan T, v T) {
	for {
		select {
		case slot <- v:
			return
		default:
		}
		select {
		case <-slot:
		default:
		}
	}
}

// Run watches the door until ctx ends, then shows Idle: all dark, relay closed. It must be called once.
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
		case t := <-d.trusts:
			d.trust = t
			delete(d.active, NoData)
			d.checkAge()
		case s := <-d.sightings:
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

// note takes a fault in or out and shows what follows from it.
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

// checkAge turns data that is too old into a fault.
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

// age is how old the data is; a registry whose clock is a moment ahead makes it no younger than new.
func (d *Door) age() time.Duration {
	if d.trust.AsOf.IsZero() {
		return 0
	}
	return max(0, d.opt.Now().Sub(d.trust.AsOf))
}

// fault is the fault to be shown; ok is false when there is none.
func (d *Door) fault() (reason Reason, ok bool) {
	for _, r := range faultOrder {
		if _, active := d.active[r]; active {
			return r, true
		}
	}
	return NoReason, false
}

// settle shows a change of the faults at once: a fault ends whatever is shown, its end ends the fault's picture.
func (d *Door) settle() {
	reason, faulty := d.fault()
	if faulty && (d.shown.Signal != OutOfOrder || d.shown.Reason != reason) || !faulty && d.shown.Signal == OutOfOrder {
		d.rest()
	}
}

// rest shows what the door shows while nobody is there.
func (d *Door) rest() {
	if reason, faulty := d.fault(); faulty {
		d.show(Verdict{Signal: OutOfOrder, Reason: reason, Age: d.age(), Aged: !d.trust.AsOf.IsZero()})
		return
	}
	v := Verdict{Signal: Idle, Age: d.age()}
	v.Aged = v.Age > time.Duration(d.trust.Rules.Ages.Quiet)
	d.show(v)
}

// see is one sighting: either the person still standing there, or somebody new to be judged.
func (d *Door) see(ctx context.Context, s Sighting) {
	if _, faulty := d.fault(); faulty {
		return
	}
	now := d.opt.Now()
	here := now.Sub(d.present.last) < standing
	if here && bytes.Equal(s.Text, d.present.text) {
		d.present.last = now
		return
	}
	c, problem := d.judge.read(s.Text, d.trust.Issuers, now)
	p := presence{text: s.Text, last: now, known: problem == nil}
	if p.known {
		p.person = Person{List: c.Credential.List, Index: c.Credential.Index, Since: c.Credential.Issued}
		if here && d.present.known && d.present.person.List == p.person.List && d.present.person.Index == p.person.Index {
			d.present = p
			return
		}
	}
	d.present = p
	if problem != nil {
		d.give(*problem, s)
		return
	}
	d.give(d.judge.decide(ctx, c, p.person, d.trust, now), s)
	d.present.last = d.opt.Now() // asking the registry may have taken a while
}

// give shows a verdict about a sighting for as long as its signal holds.
func (d *Door) give(v Verdict, s Sighting) {
	v.Taken, v.Hold = s.Taken, holds[v.Signal]
	d.show(v)
	d.opt.Log.Info("verdict", "signal", v.Signal.String(), "colour", v.Colour.String(), "reason", string(v.Reason),
		"rule", v.Rule, "age", v.Age.Round(time.Second), "paper", v.Paper)
}

// Asking shows that the registry is being asked. Only the Lookup calls it, from within Door's own call.
func (d *Door) Asking() { d.show(Verdict{Signal: Working}) }

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
