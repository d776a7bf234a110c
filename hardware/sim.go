package hardware

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// Sim is a panel in memory: six lines that know the state of their parts. Its trace has one line
// per change of a level,
//
//	UNIX_NANOSECONDS <TAB> red|yellow|blue|green|buzzer|relay <TAB> 0|1 <LF>
//
// where 1 means that the part is on, whatever its polarity. A line's first level counts as a
// change, so each start writes six lines that end in 0.
type Sim struct {
	mu    sync.Mutex // guards all below
	trace io.Writer  // may be nil
	fail  [lineCount]error
	parts [lineCount]part
}

type part struct{ set, on bool }

// NewSim makes a panel in memory. Each change is one Write to trace, which may be nil.
func NewSim(trace io.Writer) *Sim { return &Sim{trace: trace} }

// Pins are the panel's lines.
func (s *Sim) Pins() *Pins {
	var list [lineCount]gpio.PinOut
	for i := range list {
		list[i] = &simPin{sim: s, line: line(i)}
	}
	return newPins(list)
}

// Fail makes every switching of a line fail with err from now on; nil makes it work again.
func (s *Sim) Fail(name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail[mustLine(name)] = err
}

// On reports whether a part is on.
func (s *Sim) On(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parts[mustLine(name)].on
}

// mustLine panics if the name is not a line, which is a mistake of the caller.
func mustLine(name string) line {
	i := slices.Index(lineNames[:], name)
	if i < 0 {
		panic("hardware: no line " + name)
	}
	return line(i)
}

func (s *Sim) set(i line, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail[i] != nil {
		return s.fail[i]
	}
	if s.parts[i] == (part{true, on}) {
		return nil
	}
	if s.trace != nil {
		bit := 0
		if on {
			bit = 1
		}
		if _, err := fmt.Fprintf(s.trace, "%d\t%s\t%d\n", time.Now().UnixNano(), lineNames[i], bit); err != nil {
			return fmt.Errorf("write the trace: %w", err)
		}
	}
	s.parts[i] = part{true, on}
	return nil
}

// simPin is a line of a Sim.
type simPin struct {
	sim  *Sim
	line line
}

func (p *simPin) Out(l gpio.Level) error { return p.sim.set(p.line, bool(l)) }

func (p *simPin) PWM(gpio.Duty, physic.Frequency) error {
	return errors.New("a simulated line has no PWM")
}

func (p *simPin) String() string   { return "sim " + p.Name() }
func (p *simPin) Name() string     { return lineNames[p.line] }
func (p *simPin) Number() int      { return int(p.line) }
func (p *simPin) Function() string { return "Out" }
func (p *simPin) Halt() error      { return nil }

// openSim opens a simulated panel, and appends its trace to the file if one is named.
func openSim(file string) (*Pins, io.Closer, error) {
	if file == "" {
		pins := NewSim(nil).Pins()
		return pins, closer{pins, func() error { return nil }}, pins.Safe()
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("open the trace of the simulated panel: %w", err)
	}
	pins := NewSim(f).Pins()
	if err := pins.Safe(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("claim the simulated panel: %w", err), f.Close())
	}
	return pins, closer{pins, f.Close}, nil
}
