//go:build hil

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/hardware/gpiosim"
)

// simChip is the kernel's gpio-sim, configured like a Pi's header.
type simChip struct {
	*gpiosim.Chip
	t testing.TB
}

func newSimChip(t testing.TB) *simChip {
	t.Helper()
	c, err := gpiosim.New(chipLabel, 54)
	if err != nil {
		t.Fatal(err)
	}
	return &simChip{c, t}
}

// live plugs the chip in or unplugs it.
func (c *simChip) live(on bool) {
	c.t.Helper()
	if err := c.Live(on); err != nil {
		c.t.Fatal(err)
	}
}

// pullLine sets what is connected to a line from outside.
func (c *simChip) pullLine(n int, to string) {
	c.t.Helper()
	if err := c.Pull(n, to); err != nil {
		c.t.Fatal(err)
	}
}

// sampleEvery is how often the lines are sampled: a beep of 120 ms is seen 24 times.
const sampleEvery = 5 * time.Millisecond

// panelTrace samples the chip's lines from outside all the time, and remembers each change.
type panelTrace struct {
	t    testing.TB
	chip *simChip

	mu     sync.Mutex
	events []event         // guarded by mu
	levels map[string]bool // guarded by mu
	gap    time.Duration   // guarded by mu: the longest between two samples
}

func newPanelTrace(t testing.TB, chip *simChip) *panelTrace {
	p := &panelTrace{t: t, chip: chip, levels: map[string]bool{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.sample(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return p
}

// sample polls. The lines of a missing chip are off.
func (p *panelTrace) sample(ctx context.Context) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	files := map[string]*os.File{}
	closeAll := func() {
		for name, f := range files {
			f.Close()
			delete(files, name)
		}
	}
	defer closeAll()
	last := time.Now()
	for {
		if len(files) == 0 {
			for name, n := range wiring {
				line, err := p.chip.Line(n)
				if err != nil {
					break
				}
				f, err := os.Open(filepath.Join(line, "value"))
				if err != nil {
					closeAll()
					break
				}
				files[name] = f
			}
		}
		now, level := time.Now(), map[string]bool{}
		for name, f := range files {
			var b [1]byte
			if _, err := f.ReadAt(b[:], 0); err != nil {
				closeAll()
				clear(level)
				break
			}
			level[name] = b[0] == '1'
		}
		p.note(now, now.Sub(last), level)
		last = now
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p *panelTrace) note(at time.Time, gap time.Duration, level map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gap = max(p.gap, gap)
	for name := range wiring {
		if level[name] != p.levels[name] {
			p.levels[name] = level[name]
			p.events = append(p.events, event{at, name, level[name]})
		}
	}
}

// clear forgets the events; lines that are on stay known.
func (p *panelTrace) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events, p.gap = nil, 0
}

func (p *panelTrace) seen() (events []event, gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]event(nil), p.events...), p.gap
}

// on names the lines that are on now.
func (p *panelTrace) on() (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range []string{"red", "yellow", "blue", "green", "buzzer", "relay"} {
		if p.levels[name] {
			names = append(names, name)
		}
	}
	return names
}

// since is when the line last went on after the events were cleared.
func (p *panelTrace) since(line string) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.events) - 1; i >= 0; i-- {
		if e := p.events[i]; e.line == line && e.on {
			return e.at, true
		}
	}
	return time.Time{}, false
}

func (p *panelTrace) text() string {
	events, _ := p.seen()
	var b strings.Builder
	for i, e := range events {
		fmt.Fprintf(&b, "%8.3f %s %v\n", e.at.Sub(events[0].at).Seconds(), e.line, e.on)
		if i > 60 {
			break
		}
	}
	return b.String()
}

// span is the time from .. to in which a line was on.
type span struct {
	line     string
	from, to time.Time
}

func (s span) length() time.Duration { return s.to.Sub(s.from) }

// spans are all of them; for a line that is still on, the last one ends now.
func (p *panelTrace) spans() []span {
	events, _ := p.seen()
	since := map[string]time.Time{}
	var all []span
	for _, e := range events {
		if e.on {
			since[e.line] = e.at
		} else if from, was := since[e.line]; was {
			all = append(all, span{e.line, from, e.at})
			delete(since, e.line)
		}
	}
	for line, from := range since {
		all = append(all, span{line, from, time.Now()})
	}
	return all
}
