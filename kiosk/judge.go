package kiosk

import (
	"context"
	"errors"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/statuslist"
)

// judge turns one code into one verdict. The Door's goroutine owns it.
type judge struct {
	opt    Options
	status func(context.Context, *pass.Code) (Standing, error)
	guard  *pass.Guard
	asking func() // called before the registry is asked, because somebody waits now
}

// problems says what the door shows for each error of a pass. The first entry that errors.Is
// matches counts.
var problems = []struct {
	err    error
	signal Signal
	reason Reason
}{
	{pass.ErrNotAPass, CodeProblem, NotAPass},
	{pass.ErrUnknownIssuer, CodeRefused, UnknownIssuer},
	{pass.ErrForged, CodeRefused, Forged},
	{pass.ErrExpired, CodeProblem, Expired},
	{pass.ErrStale, CodeProblem, Stale},
	{pass.ErrFuture, CodeProblem, PhoneClock},
	{pass.ErrReplayed, CodeRefused, Replayed},
	{pass.ErrPassedAlready, CodeRefused, PassedAlready},
}

func problemOf(err error) *Verdict {
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return &Verdict{Signal: p.signal, Reason: p.reason}
		}
	}
	return &Verdict{Signal: CodeRefused, Reason: Forged} // an unknown error must not open the door
}

// read parses, verifies and opens a code. The verdict is nil if the code is genuine and in force,
// also if no key opens it.
func (j *judge) read(text []byte, issuers pass.Issuers, now time.Time) (*pass.Code, *Verdict) {
	c, err := pass.Parse(text)
	if err != nil {
		return nil, problemOf(err)
	}
	if err := c.Verify(issuers, now); err != nil {
		v := problemOf(err)
		v.Paper = c.IsPaper()
		return c, v
	}
	if _, err := c.Open(j.keys()); err != nil && j.opt.NeedKeys != nil {
		j.opt.NeedKeys()
	}
	return c, nil
}

func (j *judge) keys() *pass.PlaceKeys {
	if j.opt.Keys == nil {
		return nil
	}
	return j.opt.Keys()
}

// decide looks up the person of a genuine code and asks the rules.
func (j *judge) decide(ctx context.Context, c *pass.Code, t Trust, now time.Time) Verdict {
	v := j.lookUp(ctx, c, t, now)
	v.Paper = c.IsPaper()
	switch v.Signal {
	case Admitted, AdmittedHere:
		j.guard.Used(c, now)
		j.guard.Admitted(c, now)
		j.tellOthers(c, now)
	case TurnedBack:
		j.guard.Used(c, now)
	}
	return v
}

// leave lets everybody out: nobody may be locked in. Who shows a genuine pass, in force or not, is
// counted once; without that rule, one picture of a code could empty the venue on paper.
func (j *judge) leave(c *pass.Code, problem *Verdict, now time.Time) Verdict {
	v := Verdict{Signal: Left}
	if problem != nil && problem.Reason != Expired {
		v.Reason = problem.Reason
		return v
	}
	if again := j.guard.Check(c, now, j.opt.Again); again != nil {
		v.Reason = problemOf(again).Reason
		return v
	}
	j.guard.Used(c, now)
	j.guard.Admitted(c, now)
	if j.opt.Places != nil {
		j.opt.Places.Left()
	}
	return v
}

func (j *judge) lookUp(ctx context.Context, c *pass.Code, t Trust, now time.Time) Verdict {
	if c.IsPaper() && !j.opt.AcceptPaper {
		return Verdict{Signal: CodeRefused, Reason: PaperRefused}
	}
	again := j.guard.Check(c, now, j.opt.Again)
	if errors.Is(again, pass.ErrReplayed) {
		return *problemOf(again)
	}
	if again == nil && j.wasElsewhere(c, now) {
		again = pass.ErrPassedAlready
	}
	s, err := j.status(ctx, c)
	switch {
	case errors.Is(err, errNoPlace):
		return Verdict{Signal: AskStaff, Reason: NoKey}
	case err != nil:
		return Verdict{Signal: AskStaff, Reason: UnknownPerson}
	}
	v := Verdict{Age: j.opt.age(s.AsOf, now), Until: s.Until}
	switch s.Status {
	case statuslist.Invalid:
		v.Signal, v.Reason = CodeRefused, Revoked
		return v
	case statuslist.Suspended:
		v.Signal, v.Reason = AskStaff, PassSuspended
		return v
	}
	v.Colour = ColourOf(s.Status)
	d := t.Rules.Decide(Situation{
		Venue: j.opt.Venue, Zone: j.opt.Zone, Colour: v.Colour, Time: now, Age: v.Age,
		Occupancy: j.occupancy(ctx, t.Rules),
	})
	v.Signal, v.Reason, v.Rule, v.Text, v.Aged = d.Signal, d.Reason, d.Rule, d.Text, d.Aged
	if v.Signal == Admitted || v.Signal == AdmittedHere { // who is turned back reads when the status ends
		v.Until = firstOf(v.Until, d.Until)
	}
	// Only somebody who would be admitted can have passed already; a person who is turned back must
	// see why.
	if again != nil && (v.Signal == Admitted || v.Signal == AdmittedHere) {
		return *problemOf(again)
	}
	return j.seat(ctx, v)
}

// occupancy is -1 where no rule asks for it.
func (j *judge) occupancy(ctx context.Context, rules *Rules) float64 {
	if j.opt.Places == nil || !rules.NeedOccupancy(j.opt.Venue) {
		return -1
	}
	return j.opt.Places.Occupancy(ctx)
}

// seat takes a place for somebody who may enter. A venue without a free place says nothing about
// the person.
func (j *judge) seat(ctx context.Context, v Verdict) Verdict {
	if j.opt.Places == nil || v.Signal != Admitted && v.Signal != AdmittedHere {
		return v
	}
	switch err := j.opt.Places.Take(ctx, j.asking); {
	case errors.Is(err, ErrFull):
		return Verdict{Signal: Full, Age: v.Age}
	case err != nil:
		return Verdict{Signal: AskStaff, Reason: NoPlaces, Age: v.Age}
	}
	return v
}

// Judge decides about codes as a door does, where there is no door: for the staff's own phone. It
// is not for several goroutines.
type Judge struct{ own judge }

// NewJudge takes of the options what does not belong to the door itself: Venue, Zone, AcceptPaper,
// Again, Cache, Keys, Places, Guard, NotBefore.
func NewJudge(opt Options) *Judge {
	own := &Fallback{Cache: opt.Cache}
	return &Judge{judge{opt: opt, status: own.cached, guard: opt.Guard, asking: func() {}}}
}

// Decide decides about one code.
func (j *Judge) Decide(ctx context.Context, text []byte, t Trust, now time.Time) Verdict {
	c, problem := j.own.read(text, t.Issuers, now)
	if problem != nil {
		return *problem
	}
	return j.own.decide(ctx, c, t, now)
}
