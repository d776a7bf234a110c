package mirror

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/client"
)

// Fault is what is wrong with a mirror.
type Fault string

// The faults.
const (
	Fails      Fault = "fails"      // it cannot be reached, or answers with an error
	Slow       Fault = "slow"       // the registry answered sooner, although it was asked later
	Lags       Fault = "lags"       // its manifest is older than the registry's
	Incomplete Fault = "incomplete" // it does not have what its manifest names, or only a part of it
	Lies       Fault = "lies"       // a manifest without the registry's signature, or other bytes than the blob's
	Huge       Fault = "huge"       // longer than any answer of a registry
)

// Faults lists them.
var Faults = []Fault{Fails, Slow, Lags, Incomplete, Lies, Huge}

var (
	errSignature = errors.New("it is not signed by the door's registry")
	errSlow      = errors.New("the registry answered sooner, although it was asked later")
)

func faultOf(err error) Fault {
	_, wrong := errors.AsType[*client.WrongBytes](err)
	switch {
	case wrong, errors.Is(err, errSignature):
		return Lies
	case errors.Is(err, client.ErrTooLong):
		return Huge
	case errors.Is(err, errSlow):
		return Slow
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Incomplete
	}
	return Fails
}

// avoided is how long the door stays away from a mirror with a fault: a random time between half of
// a bound and the bound, which doubles from the first to the last with each fault.
type avoided struct{ first, last time.Duration }

// A network that comes and goes is nobody's fault. What is wrong with the bytes needs a person.
var avoid = map[Fault]avoided{
	Fails: {10 * time.Second, 5 * time.Minute}, Slow: {10 * time.Second, 5 * time.Minute}, Lags: {30 * time.Second, 5 * time.Minute},
	Incomplete: {2 * time.Minute, 2 * time.Hour}, Lies: {2 * time.Minute, 2 * time.Hour}, Huge: {2 * time.Minute, 2 * time.Hour},
}

const (
	// forgotten is how long after a fault the next one counts as the first.
	forgotten = time.Hour
	// firstPatience is how much longer than quick a mirror may keep the door waiting altogether
	// before the registry is asked as well. A mirror that then answers first gets twice as much,
	// because the door's own line is slow, to lastPatience.
	firstPatience, lastPatience = 4 * time.Second, time.Minute
	// quick is how long any answer may take. What a quicker one leaves goes back to the patience.
	quick = 250 * time.Millisecond
)

// peer is one mirror. Source.mu guards it.
type peer struct {
	Mirror
	host string

	tag    string     // entity tag of last
	last   *published // nil: nothing since the last fault
	behind time.Time  // since when it gives something older than the door has heard of; zero: it does not

	fault Fault // empty: none
	why   string
	since time.Time     // of the fault
	until time.Time     // it is avoided
	bound time.Duration // of the pause
	count map[Fault]int

	patience, full time.Duration // what is left, of how much
}

func newPeer(host string, m Mirror) *peer {
	return &peer{Mirror: m, host: host, count: map[Fault]int{}, patience: firstPatience, full: firstPatience}
}

// pick is the mirror to follow; nil: all are avoided until then.
func (s *Source) pick() (p *peer, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, p := range s.peers {
		if !now.Before(p.until) {
			return p, time.Time{}
		}
		if until.IsZero() || p.until.Before(until) {
			until = p.until
		}
	}
	return nil, until
}

// blame notes a fault, and stays away from the mirror for a while.
func (s *Source) blame(p *peer, fault Fault, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, pause := time.Now(), avoid[fault]
	p.bound = min(max(2*p.bound, pause.first), pause.last)
	if now.Sub(p.until) > forgotten {
		p.bound = pause.first
	}
	p.until = now.Add(p.bound/2 + rand.N(p.bound/2))
	p.tag, p.last, p.behind = "", nil, time.Time{}
	if s.from == p {
		s.from = nil
	}
	p.patience, p.full = firstPatience, firstPatience
	p.count[fault]++
	isNew := p.fault != fault
	if p.fault == "" {
		p.since = now
	}
	p.fault, p.why = fault, brief(why)
	if isNew {
		s.opt.Log.Warn("a mirror "+says[fault]+"; the door does without it for a while", "mirror", p.host, "fault", string(fault),
			"error", p.why)
	}
}

// longestWhy is how much of an error is kept, bytes: a mirror may have put a long header into it.
const longestWhy = 400

func brief(err error) string {
	text := err.Error()
	if len(text) <= longestWhy {
		return text
	}
	return strings.ToValidUTF8(text[:longestWhy], "") + "..."
}

// says is the fault in a sentence.
var says = map[Fault]string{
	Fails: "fails", Slow: "is slow", Lags: "lags", Incomplete: "is incomplete", Lies: "lies", Huge: "sends too much",
}

// works says that the mirror gave what it should. What is wrong with blobs ends with a good blob.
func (s *Source) works(p *peer, blob bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.fault == "" || !blob && !slices.Contains([]Fault{Fails, Slow, Lags}, p.fault) || time.Now().Before(p.until) {
		return
	}
	s.opt.Log.Info("the door follows the mirror again", "mirror", p.host, "fault", string(p.fault), "after", time.Since(p.since).Round(time.Second))
	p.fault, p.why = "", ""
}

// forgive tries at once again what the network may have done: the registry does not answer either.
func (s *Source) forgive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.peers {
		if p.fault == Fails || p.fault == Slow {
			p.until = time.Now()
		}
	}
}

// State is what a person should know about a mirror.
type State struct {
	Host    string
	Follows bool  // the door takes the list from there now
	Fault   Fault // empty: none
	Why     string
	Since   time.Time     // of the fault
	Count   map[Fault]int // since the start
}

// States are in the order of the hosts.
func (s *Source) States() []State {
	first, _ := s.pick()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []State
	for _, p := range s.peers {
		count := map[Fault]int{}
		for fault, n := range p.count {
			count[fault] = n
		}
		all = append(all, State{p.host, p == first && p.last != nil, p.fault, p.why, p.since, count})
	}
	slices.SortFunc(all, func(a, b State) int { return strings.Compare(a.Host, b.Host) })
	return all
}

// race asks the mirror, and the registry as well when the mirror fails or its patience is used up.
// fault is why the mirror did not give the answer. err is that of the last one who failed.
func race[T any](
	ctx context.Context, s *Source, p *peer, mirror, registry func(context.Context) (T, error),
) (v T, fault, err error) {
	type outcome struct {
		v   T
		err error
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	run := func(f func(context.Context) (T, error)) <-chan outcome {
		done := make(chan outcome, 1) // nobody waits for the one who comes second
		go func() {
			v, err := f(inner)
			done <- outcome{v, err}
		}()
		return done
	}
	s.mu.Lock()
	head := max(0, p.patience)
	s.mu.Unlock()
	began := time.Now()
	first := run(mirror)
	select {
	case o := <-first:
		if o.err == nil {
			s.waited(p, time.Since(began), false)
			return o.v, nil, nil
		}
		if ctx.Err() != nil {
			return v, o.err, o.err
		}
		v, err = registry(inner)
		return v, o.err, err
	case <-time.After(quick + head):
	}
	second := run(registry)
	select {
	case o := <-first:
		if o.err == nil {
			s.waited(p, time.Since(began), true)
			return o.v, nil, nil
		}
		fault, o = o.err, <-second
		return o.v, fault, o.err
	case o := <-second:
		if o.err == nil {
			return o.v, errSlow, nil
		}
		o = <-first
		return o.v, o.err, o.err
	}
}

// waited takes the time off the patience.
func (s *Source) waited(p *peer, took time.Duration, won bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if won { // over the registry
		p.full = min(2*p.full, lastPatience)
		p.patience = p.full
		return
	}
	p.patience = min(p.patience-(took-quick), p.full)
}
