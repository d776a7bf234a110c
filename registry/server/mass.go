package server

import (
	"context"
	"time"

	"ashyq-kiosk/registry/store"
)

// A mass change goes out as one version: very many are due at once, because the results of one day
// expire, because a source's records were withdrawn, or after a restore. The publisher reads all of
// them and collects what they derive to beside the list, stores nothing meanwhile, and publishes
// the whole. Then it stores the outcomes, which the list holds by then, as always: they are due
// still, so it derives them a second time. Until it is published a mass change leaves no trace in
// the database. After a crash, or with another registry, it begins anew.
//
// Those with news do not wait for it. Between its steps they get versions of their own, and what
// they derive to goes into the mass change as well.

// massChange is a mass change that is not published yet.
type massChange struct {
	at    time.Time      // it is of those who were due then
	after *store.Citizen // how far it is
	draft *draft         // of no version: it only collects statuses
}

// take follows the list, which may have a new version, and derived is what that was made of.
func (m *massChange) take(p *publisher, derived []store.Derived) {
	if m == nil {
		return
	}
	m.draft = m.draft.onto(p)
	for _, one := range derived {
		m.draft.list(one)
	}
}

// onto is the draft with its changes as one of the next version. A section that it has not changed
// is the current one.
func (d *draft) onto(p *publisher) *draft {
	next := p.draft()
	next.fresh, next.behind = d.fresh, d.behind
	for id, section := range d.sections {
		if section != d.from[id] {
			next.sections[id] = section
		}
	}
	return next
}

// walk reads the next ones of a mass change, and publishes it after the last one.
func (p *publisher) walk(ctx context.Context, seen sight) error {
	if p.held == nil {
		if _, looked := p.public.state(); !looked.IsZero() { // so that a registry that starts meanwhile answers
			if _, err := p.store.Vouch(ctx, p.term.Load(), looked); err != nil {
				return err
			}
		}
		p.held = &massChange{at: seen.at, after: store.AfterNews(), draft: p.draft()}
	}
	for range most {
		due, err := p.store.DueAfter(ctx, p.held.after, p.held.at, p.batch)
		if err != nil {
			return err
		}
		p.watches.wake(due)
		p.held.draft.derive(due, now())
		if len(due) < p.batch {
			return p.release(ctx, seen.backup)
		}
		p.held.after = due[p.batch-1]
	}
	return nil
}

// release publishes a mass change. From here on whoever was due is due only because the outcomes
// are not stored.
func (p *publisher) release(ctx context.Context, backup time.Time) error {
	if err := p.complete(ctx, p.held.draft.onto(p)); err != nil {
		return err
	}
	p.listed, p.held = p.held.at, nil
	return p.getOn(ctx, backup)
}
