package server

import (
	"context"
	"time"

	"ashyq-kiosk/registry/store"
)

// Everybody is derived again when the list may follow another colour rule than this program's, as
// after an update with a new duration, and when a clock was ahead. All whose records may count
// become due, a part of them at a time, and go out as any others do: so that is one version. Those
// with news get versions of their own before.

// again is that everybody is derived again, as long as not all are due.
type again struct {
	why    string
	at     time.Time // since when they are due
	after  int64     // all citizens up to this one are, where their records may count
	people int       // so far
}

// compareRule has everybody derived again when the list follows another colour rule. Only a registry
// that begins to publish asks: while two with different rules run, it changes as often as the lease
// is taken.
func (p *publisher) compareRule(ctx context.Context) error {
	noted, err := p.store.ColourRule(ctx)
	if err != nil || noted == colourRule() {
		return err
	}
	p.again = &again{why: "the list was derived with other durations", at: now()}
	if noted == (store.ColourRule{}) { // or this is a new registry, where nobody is
		p.again.why = "the last registry that derived everybody again did not get to the end"
	}
	return nil
}

// compareClock has everybody derived again when the current version was made by a clock that was
// ahead: what had not ended yet may count as ended there, and nobody would look again.
func (p *publisher) compareClock() {
	ahead := p.manifest.IssuedAt().Sub(now())
	if ahead <= clockSkew || p.ahead == p.manifest.Version {
		return
	}
	p.log.Warn("the clock was ahead when this version was made; is NTP right on all machines?",
		"version", p.manifest.Version, "ahead", ahead)
	p.again = &again{why: "the clock was ahead", at: now()}
	p.ahead, p.held, p.listed = p.manifest.Version, nil, time.Time{}
}

// deriveAgain makes the next ones due.
func (p *publisher) deriveAgain(ctx context.Context) error {
	for n := 0; p.again != nil && n < most; n++ {
		last, people, err := p.store.DeriveAgain(ctx, p.term.Load(), colourRule(), p.again.after, p.batch, p.again.at)
		if err != nil {
			return err
		}
		p.again.after, p.again.people = last, p.again.people+people
		if last != 0 {
			continue
		}
		if p.again.people > 0 {
			p.log.Info(p.again.why+", so everybody is derived again", "people", p.again.people)
		}
		p.again = nil
	}
	return nil
}
