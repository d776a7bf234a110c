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
	// relayGap is how long the relay stays closed between two people: each person gets a separate
	// opening, which a turnstile counts and which never exceeds MaxRelay.
	relayGap = 250 * ms
	// beat is the longest time between two rounds of Run: it proves that Run is alive and repeats
	// what failed.
	beat = time.Second
)

// Options are a Panel's callbacks. Both may be nil.
type Options struct {
	// OnLit gets each verdict and the time at which its lamps were set. Run calls it, so it must
	// return immediately.
	OnLit func(kiosk.Verdict, time.Time)
	// OnFault gets an error when a line cannot be switched, after the panel has tried to reach its
	// safe state, and nil when all lines work again. It runs in a separate goroutine and may take
	// its time, but Run waits for it at the end.
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
	have   [lineCount]bool // what was last written; lines are never read
	known  bool            // have is right for all lines
	faulty bool            // OnFault last got an error
	closed time.Time       // when the relay was last closed
	leave  time.Time       // end of the opening for a person who leaves
}

// NewPanel returns a panel of claimed lines (OpenPins). It panics if Check rejects the table, which
// is a mistake of the caller.
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

// Ready is closed once the panel has reached its safe state.
func (p *Panel) Ready() <-chan struct{} { return p.ready }

// Alive is when Run's loop last ran, normally less than a second ago.
func (p *Panel) Alive() time.Time { return *p.alive.Load() }

func (p *Panel) beat() {
	now := time.Now()
	p.alive.Store(&now)
}

// Show replaces what is shown. It returns immediately. A light that lasts until the next verdict
// continues undisturbed if the same signal comes again.
func (p *Panel) Show(v kiosk.Verdict) { p.verdicts.Put(v) }

// Release opens the relay for a person who leaves, for as long as for an admitted one, whatever the
// door shows. While the relay is open it does nothing. It returns immediately.
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
	told    bool          // OnLit was called
}

// Run switches the lines until ctx ends. It starts and ends in the safe state, even if it panics.
// An error says that the final safe state failed; earlier faults go to OnFault and are tried again.
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

// tellFaults passes faults to OnFault in a separate goroutine, because the receiver may be busy and
// a relay must not wait for it. The returned function ends that; the last fault of all is in Run's
// error.
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

// take makes a cue of a new verdict while c is shown.
func (p *Panel) take(v kiosk.Verdict, c *cue) *cue {
	if v.Signal == c.verdict.Signal && c.pattern.For == 0 && !c.start.IsZero() {
		return c
	}
	now := time.Now()
	next := &cue{verdict: v, pattern: p.patterns.of(v), start: now}
	if next.pattern.Relay > 0 {
		p.leave = time.Time{} // the next opening is for this person
	}
	if p.have[relay] {
		next.gap = relayGap
	} else {
		next.gap = max(0, relayGap-now.Sub(p.closed))
	}
	return next
}

// step sets the lines to what the cue wants now, and returns how long that stays right.
func (p *Panel) step(c *cue) time.Duration {
	want, wait := c.pattern.at(time.Since(c.start), c.gap)
	if left := time.Until(p.leave); left > 0 {
		want.relay, wait = true, min(wait, left)
	}
	lit, err := p.write(want)
	if err == nil {
		err = p.set(relay, p.have[relay]) // notices a lost chip within a beat, even if nothing changes
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

// write switches what differs from want, first everything off and then everything on, and returns
// when the lamps were set. It stops at the first error.
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

// safe switches everything off. After a fault known is false, so the next step writes all lines.
func (p *Panel) safe() error {
	if p.have[relay] {
		p.closed = time.Now()
	}
	p.have = [lineCount]bool{}
	return p.all.Safe()
}

// fault reports a change between working and failed.
func (p *Panel) fault(err error) {
	if (err != nil) != p.faulty {
		p.faulty = err != nil
		p.faults.Put(err)
	}
}
