package main

import (
	"context"
	"errors"
	"time"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// desk is a door's own judge, for the staff's phone: the same code decides by the same rules, and
// the same words are said.
type desk struct {
	parts server.DeskParts
	judge *kiosk.Judge
	keys  *pass.PlaceKeys // as of this decision
}

// deskAgain is how long an admitted person is not admitted again; a door's default.
const deskAgain = time.Minute

func newDesk(parts server.DeskParts) server.Desk {
	d := &desk{parts: parts}
	d.judge = kiosk.NewJudge(kiosk.Options{
		Venue: kiosk.Venue(parts.Kind), Zone: kiosk.Zone(parts.Zone), AcceptPaper: true, Again: deskAgain,
		Cache: d, Keys: func() *pass.PlaceKeys { return d.keys }, Places: d, Guard: pass.NewGuard(kiosk.GuardSize),
	})
	return d
}

// Decide implements server.Desk.
func (d *desk) Decide(ctx context.Context, code, document []byte, now time.Time) (server.Decision, error) {
	rules, err := kiosk.ParseRules(document)
	if err != nil {
		return server.Decision{}, err
	}
	if d.keys, err = d.parts.Keys(ctx); err != nil {
		return server.Decision{}, err
	}
	v := d.judge.Decide(ctx, code, kiosk.Trust{Issuers: d.parts.Issuers, Rules: rules, AsOf: now}, now)
	decision := server.Decision{
		Signal: v.Signal.String(), Colour: v.Colour.String(), Reason: string(v.Reason), Rule: v.Rule, Lines: map[string]server.Line{},
	}
	for _, lang := range []string{"kk", "ru", "en"} {
		head, body, until := display.Say(v, lang, now.In(store.Country))
		decision.Lines[lang] = server.Line{Head: head, Body: body, Until: until}
	}
	return decision, nil
}

// Status implements kiosk.Lookup.
func (d *desk) Status(ctx context.Context, p kiosk.Person) (kiosk.Standing, error) {
	s, err := d.parts.Standing(ctx, p.Index, p.Since)
	if errors.Is(err, store.ErrNotFound) {
		err = kiosk.ErrUnknownPerson
	}
	return kiosk.Standing{Status: s.Status, AsOf: s.AsOf, Until: s.Until}, err
}

// Take implements kiosk.Places.
func (d *desk) Take(ctx context.Context, _ func()) error {
	err := d.parts.Seat(ctx)
	if errors.Is(err, store.ErrFull) {
		return kiosk.ErrFull
	}
	return err
}

// Occupancy implements kiosk.Places.
func (d *desk) Occupancy(ctx context.Context) float64 { return d.parts.Occupancy(ctx) }

// Left implements kiosk.Places. Staff take who leaves off the number themselves.
func (d *desk) Left() {}
