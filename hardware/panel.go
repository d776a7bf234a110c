package hardware

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/latest"
)

const (
	// relayGap is for how long the relay stays closed between two people: each gets an opening of their own, which a
	// turnstile counts and which is never longer than MaxRelay, however fast they come.
	relayGap = 250 * ms
	// beat is how often Run goes round at least: to prove that it is alive, and to try again what failed.
	beat = time.Second
)

// Options are what a Panel tells others. Both may be nil.
type Options struct {
	// OnLit is told each verdict with the time at which its lamps had been set. Called by Run: it must return at once.
	OnLit func(kiosk.Verdict, time.Time)
	// OnFault is told that a line cannot be switched, and with nil that all can again. The panel is in its safe state, or
	// has been tried to, by then. It has a goroutine of its own and may take its time, but Run waits for it at the end.
	OnFault func(error)
}

// Panel shows verdicts on lamps, buzzer and relay. It is a task and a kiosk.Outlet.
type Panel struct {
	pins     [lineCount]gpio.PinOut
	all      *Pins
	patterns Patterns
	opt      Options

	verdicts *latest.Slot[kiosk.Verdict]
	faults   *latest.Slot[error]
	releases chan struct{} // one slot; full: the door is about to open anyway
	ready    chan struct{}
	alive    atomic.Pointer[time.Time]

	// Owned by Run.
	have   [lineCount]bool // what was written last; lines are never read
	known  bool            // have is true of all lines
	faulty bool            // OnFault was told an error last
	closed time.Time       // when the relay was last closed
	leave  time.Time       // until when the relay is open for somebody who leaves
}

// NewPanel makes a panel of lines that OpenPins has claimed. It panics on a table that does not pass its Check, which is a
// mistake of the caller.
func NewPanel(pins *Pins, patterns Patterns, opt Options) *Panel {
	if err := patterns.Check(); err != nil {
		panic("hardware: NewPanel: " + err.Error())
	}
	p := &Panel{
		pins:     pins.list(),
		all:      pins,
		patterns: maps.Clone(patterns),
		opt:      opt,
		verdicts: latest.New[kiosk.Verdict](),
		faults:   latest.New[error](),
		releases: make(chan struct{}, 1),
		ready:    make(chan struct{}),
	}
	p.beat()
	return p
}

// String names the task.
func (p *Panel) String() string { return "panel" }

// Ready is closed once the panel has been in its safe state.
func (p *Panel) Ready() <-chan struct{} { return p.ready }

// Alive is when Run last went round its loop, at most a second ago while all is well.
func (p *Panel) Alive() time.Time { return *p.alive.Load() }

func (p *Panel) beat() {
	now := time.Now()
	p.alive.Store(&now)
}

// Show replaces what is shown. It returns at once. A light that lasts until the next verdict goes on undisturbed when
// its own signal comes again.
func (p *Panel) Show(v kiosk.Verdict) { p.verdicts.Put(v) }

// Release opens the relay for somebody who leaves, for as long as for somebody who is admitted, and whatever the door shows. While
// it is open for anybody it does nothing. It returns at once.
func (p *Panel) Release() {
	select {
	case p.releases <- struct{}{}:
	default:
	}
}

// cue is a verdict that is being shown.
type cue struct {
	verdict kiosk.Verdict
	pattern Pattern
	start   time.Time
	gap     time.Duration // before the relay opens
	told    bool          // OnLit knows
}

// Run switches the lines until ctx ends. It starts in the safe state and gets back there at the end, also when it
// panics. An error is one of getting there at the end; faults before that go to OnFault and are tried again.
func (p *Panel) Run(ctx context.Context) (err error) {
	defer p.tellFaults()()
	defer func() { err = p.safe() }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	c := &cue{told: true} // darkness until the first verdict
	for {
		wait := p.step(c)
		p.beat()
		timer.Reset(min(wait, beat))
		select {
		case <-ctx.Done():
			return nil
		case v := <-p.verdicts.C():
			c = p.take(v, c)
		case <-p.releases:
			if now := time.Now(); !p.have[relay] && now.Sub(p.closed) >= relayGap {
				p.leave = now.Add(p.patterns[kiosk.Admitted].Relay)
			}
		case <-timer.C:
		}
	}
}

// tellFaults hands faults to OnFault from a goroutine of its own, because whoever is told may be busy and a relay must not
// wait for that. The function that it returns ends it; a fault that comes last of all is in Run's error.
func (p *Panel) tellFaults() (end func()) {
	var teller sync.WaitGroup
	done := make(chan struct{})
	teller.Go(func() {
		for {
			select {
			case err := <-p.faults.C():
				if p.opt.OnFault != nil {
					p.opt.OnFault(err)
				}
			case <-done:
				return
			}
		}
	})
	return func() { close(done); teller.Wait() }
}

// take makes a cue of a new verdict while c is being shown.
func (p *Panel) take(v kiosk.Verdict, c *cue) *cue {
	if v.Signal == c.verdict.Signal && c.pattern.For == 0 && !c.start.IsZero() {
		return c
	}
	now := time.Now()
	next := &cue{verdict: v, pattern: p.patterns.of(v), start: now}
	if next.pattern.Relay > 0 {
		p.leave = time.Time{} // the next opening is this person's own
	}
	if p.have[relay] {
		next.gap = relayGap
	} else {
		next.gap = max(0, relayGap-now.Sub(p.closed))
	}
	return next
}

// step makes the lines what the cue wants now and returns for how long that is right.
func (p *Panel) step(c *cue) time.Duration {
	want, wait := c.pattern.at(time.Since(c.start), c.gap)
	if left := time.Until(p.leave); left > 0 {
		want.relay, wait = true, min(wait, left)
	}
	lit, err := p.write(want)
	if err == nil {
		err = p.set(relay, p.have[relay]) // a chip that is gone is noticed within a beat, also where nothing changes
	}
	if err != nil {
		p.fault(errors.Join(err, p.safe()))
		return wait
	}
	p.fault(nil)
	p.becomeReady()
	if !c.told {
		c.told = true
		if p.opt.OnLit != nil {
			p.opt.OnLit(c.verdict, lit)
		}
	}
	return wait
}

func (p *Panel) becomeReady() {
	select {
	case <-p.ready:
	default:
		close(p.ready)
	}
}

// write switches what differs from want, first everything off and then everything on, and returns when the lamps were
// done. It stops at the first error.
func (p *Panel) write(want outputs) (lit time.Time, err error) {
	levels := [lineCount]bool{
		red: want.lamp == Red, yellow: want.lamp == Yellow, blue: want.lamp == Blue, green: want.lamp == Green,
		buzzer: want.buzzer, relay: want.relay,
	}
	for i := lineCount - 1; i >= 0; i-- {
		if !levels[i] && (p.have[i] || !p.known) {
			if err := p.set(i, false); err != nil {
				return lit, err
			}
		}
	}
	for i := range lineCount {
		if i == buzzer {
			lit = time.Now()
		}
		if levels[i] && (!p.have[i] || !p.known) {
			if err := p.set(i, true); err != nil {
				return lit, err
			}
		}
	}
	p.known = true
	return lit, nil
}

func (p *Panel) set(i line, on bool) error {
	if err := switchTo(i, p.pins[i], on); err != nil {
		p.known = false
		return err
	}
	if i == relay && p.have[relay] && !on {
		p.closed = time.Now()
	}
	p.have[i] = on
	return nil
}

// safe switches everything off, whatever it was. After a fault known is false, so that the next step writes all lines.
func (p *Panel) safe() error {
	if p.have[relay] {
		p.closed = time.Now()
	}
	p.have = [lineCount]bool{}
	return p.all.Safe()
}

// fault tells a change from good to bad or back.
func (p *Panel) fault(err error) {
	if (err != nil) != p.faulty {
		p.faulty = err != nil
		p.faults.Put(err)
	}
}
