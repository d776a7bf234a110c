package server

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/alert"
	"ashyq-kiosk/registry/store"
)

// AlertOptions is how people are told what is wrong with doors.
type AlertOptions struct {
	Mail        alert.Mailer
	Hooks       alert.Hooks
	SilentAfter time.Duration // a door counts as silent; 0: 30 minutes
}

// The rhythm of alerts.
const (
	alertLook  = 15 * time.Second
	alertSend  = 5 * time.Second
	alertGrace = 10 * time.Minute // after the start: two hellos of every door
	alertLease = 5 * time.Minute  // for sending; longer than two messages take
	alertAgain = 24 * time.Hour   // after which what lasts is told again
	alertLast  = 3 * 24 * time.Hour
	alertOnce  = 4 // messages on their way at the same time

	testsAtOnce = 10 // then one in a minute
)

// troubleKinds are the troubles of a board that somebody is told of.
var troubleKinds = map[string]string{
	string(api.Tampered): string(alert.Tamper), string(api.LowPower): string(alert.Power),
	string(api.Hot):    string(alert.Heat),
	string(api.Broken): string(alert.OutOfOrder),
}

// alerts looks what is wrong with doors and sends what is to be told. It keeps everything in the
// database, so that nothing is lost or told twice when the registry stops.
type alerts struct {
	opt     AlertOptions
	server  *Server
	started time.Time
	without withoutDatabase // owned by the goroutine that looks

	mu    sync.Mutex               // guards tried
	tried map[string]*rate.Limiter // how often somebody tries whether messages arrive, by region
}

func newAlerts(s *Server, opt AlertOptions) *alerts {
	if opt.SilentAfter == 0 {
		opt.SilentAfter = 30 * time.Minute
	}
	return &alerts{opt: opt, server: s, started: now(), tried: map[string]*rate.Limiter{}}
}

// mayTry tells whether the administrators of a region, or of the country, may send one more test.
func (a *alerts) mayTry(region string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tried[region] == nil {
		a.tried[region] = rate.NewLimiter(rate.Every(time.Minute), testsAtOnce)
	}
	return a.tried[region].Allow()
}

// run looks and sends until ctx ends.
func (a *alerts) run(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { a.every(ctx, alertLook, "look for alarms", a.look) })
	both.Go(func() { a.every(ctx, alertSend, "send alerts", a.send) })
	both.Wait()
}

func (a *alerts) every(ctx context.Context, pause time.Duration, doing string, once func(context.Context) error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if err := once(ctx); err != nil && ctx.Err() == nil {
			a.server.opt.Log.Warn(doing+", trying again", "error", err)
		}
	}
}

// stopped tells whether the registry has stopped publishing.
func (a *alerts) stopped() bool {
	return now().Sub(a.server.publisher.public.alive()) > healthy
}

// look compares what is wrong with what was wrong before. The registry that publishes does so for
// all; where nobody publishes, each of them.
func (a *alerts) look(ctx context.Context) error {
	if !a.server.publisher.leading() && !a.stopped() && !a.without.told {
		return nil
	}
	at := now()
	wrong := store.Wrong{
		Silent: string(alert.Silent), Before: at.Add(-a.opt.SilentAfter), Copied: string(alert.Copied),
		Renewal:  string(alert.Renewal),
		Troubles: troubleKinds,
	}
	if a.stopped() {
		wrong.Publisher = string(alert.Publisher)
	}
	var keep []string
	if at.Sub(a.started) < alertGrace {
		keep = []string{string(alert.Silent)} // while the registry was stopped, no door could be heard
	}
	tell := func(alarms []store.Alarm, to []store.Recipient) ([]store.Telling, error) {
		return tellings(alarms, to, at)
	}
	err := a.server.opt.Store.Alarms(ctx, wrong, keep, tell, at)
	return errors.Join(err, a.without.look(ctx, a, err != nil))
}

// tellings decides what is told now. News of a kind are gathered from the first one on; what lasts
// is told again after a day.
func tellings(alarms []store.Alarm, to []store.Recipient, at time.Time) (all []store.Telling, err error) {
	for _, kind := range alert.Kinds {
		var of []store.Alarm
		news, again := false, false
		for _, a := range alarms {
			if a.Kind != string(kind) {
				continue
			}
			of = append(of, a)
			switch {
			case !a.Ended.IsZero():
				news = news || at.Sub(a.Ended) >= kind.Settle()
			case a.Told.IsZero():
				news = news || at.Sub(a.Began) >= kind.Gather()
			default:
				again = again || at.Sub(a.Told) >= alertAgain
			}
		}
		if !news && !again {
			continue
		}
		one := store.Telling{Kind: string(kind), All: again, Messages: map[int64][]byte{}}
		for _, r := range to {
			if !slices.Contains(r.Kinds, string(kind)) {
				continue
			}
			if m := messageOf(kind, of, r, again, at); !m.Begun.IsZero() || !m.Still.IsZero() || !m.Ended.IsZero() {
				if one.Messages[r.ID], err = json.Marshal(m); err != nil {
					return nil, fmt.Errorf("encode an alert: %w", err)
				}
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// messageOf is what a recipient is told of a kind's alarms.
func messageOf(kind alert.Kind, alarms []store.Alarm, to store.Recipient, again bool, at time.Time) alert.Message {
	m := alert.Message{Kind: kind, At: at}
	for _, a := range alarms {
		if to.Region != "" && a.Region != to.Region && kind != alert.Publisher {
			continue
		}
		door := alert.Door{Name: a.Name, Venue: a.Venue, Region: a.Region, Address: a.Address, Phone: a.Phone,
			Since: a.Began}
		if kind == alert.Silent && a.Ended.IsZero() {
			door.Since = a.Seen
		}
		switch {
		case !a.Ended.IsZero():
			m.Ended.Add(door)
		case a.Told.IsZero():
			m.Begun.Add(door)
		case again:
			m.Still.Add(door)
		}
	}
	return m
}

// send sends what is due.
func (a *alerts) send(ctx context.Context) error {
	for {
		due, err := a.server.opt.Store.ClaimMessages(ctx, 2*alertOnce, alertLease, now())
		if err != nil || len(due) == 0 {
			return err
		}
		var group errgroup.Group
		group.SetLimit(alertOnce)
		for _, w := range due {
			group.Go(func() error { return a.sendOne(ctx, w) })
		}
		if err := group.Wait(); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

func (a *alerts) sendOne(ctx context.Context, w store.WaitingMessage) error {
	db := a.server.opt.Store
	var m alert.Message
	if err := json.Unmarshal(w.Body, &m); err != nil {
		return errors.Join(fmt.Errorf("read an alert: %w", err), db.MessageDropped(ctx, w, "cannot be read"))
	}
	m.ID = fmt.Sprintf("%d-%d", w.Made.Unix(), w.ID) // a restored database gives ids again
	err := a.deliver(ctx, w.To, m)
	switch {
	case err == nil:
		a.server.metrics.alerts.WithLabelValues("sent").Inc()
		return db.MessageSent(ctx, w, now())
	case ctx.Err() != nil:
		return nil // the lease ends
	case now().Sub(w.Made) > alertLast:
		a.server.metrics.alerts.WithLabelValues("dropped").Inc()
		a.server.opt.Log.Error("an alert cannot be sent, given up", "recipient", w.To.Name, "error", err)
		return db.MessageDropped(ctx, w, brief(err))
	}
	a.server.metrics.alerts.WithLabelValues("failed").Inc()
	a.server.opt.Log.Warn("send an alert, trying again", "recipient", w.To.Name, "error", err)
	return db.MessageFailed(ctx, w, brief(err), now().Add(min(time.Minute<<min(w.Tries-1, 6), time.Hour)))
}

// brief is an error for the page.
func brief(err error) string { return fmt.Sprintf("%.300s", err.Error()) }

// deliver sends one message now.
func (a *alerts) deliver(ctx context.Context, to store.Recipient, m alert.Message) error {
	if to.Hook != "" {
		secret, err := a.secret(to)
		if err != nil {
			return err
		}
		return a.opt.Hooks.Send(ctx, to.Hook, secret, m)
	}
	regions := map[string]string{}
	if m.Kind != alert.Publisher && !m.Test {
		list, err := a.server.opt.Store.Regions(ctx)
		if err != nil {
			return err
		}
		for _, r := range list {
			regions[r.Code] = map[string]string{"kk": r.KK, "ru": r.RU, "en": r.EN}[to.Language]
		}
	}
	text := m.Text(to.Language, regions, a.server.opt.PublicURL+"/alerts")
	return a.opt.Mail.Send(ctx, to.Mail, m.Subject(to.Language), text, m.ID)
}

// secret signs what a webhook gets. It follows from the registry's key and is kept nowhere.
func (a *alerts) secret(to store.Recipient) (string, error) {
	purpose := fmt.Sprintf("ashyq webhook %d %s", to.ID, to.Hook)
	key, err := hkdf.Key(sha256.New, a.server.opt.RegistryKey.Seed(), nil, purpose, api.KeySize)
	if err != nil {
		return "", fmt.Errorf("derive a webhook's secret: %w", err)
	}
	return api.FormatKey(key), nil
}

// withoutDatabase tells that the registry has stopped publishing where its database, which holds
// all that is to be told, is the reason.
type withoutDatabase struct {
	known []store.Recipient // as the database said last
	told  bool
	left  []store.Recipient // that still have to be told
	tried time.Time
}

func (w *withoutDatabase) look(ctx context.Context, a *alerts, failed bool) error {
	if !failed && !w.told && len(w.left) == 0 {
		list, err := a.server.opt.Store.Recipients(ctx, "")
		if err == nil {
			w.known = slices.DeleteFunc(list, func(r store.Recipient) bool {
				return !slices.Contains(r.Kinds, string(alert.Publisher))
			})
		}
		return err
	}
	if down := a.stopped(); failed && down && !w.told || !failed && !down && w.told {
		w.told, w.left, w.tried = !w.told, slices.Clone(w.known), time.Time{}
	}
	if now().Sub(w.tried) < time.Minute {
		return nil
	}
	w.tried = now()
	m := alert.Message{ID: fmt.Sprintf("%d-0", a.started.Unix()), Kind: alert.Publisher, At: now()}
	side := &m.Ended
	if w.told {
		side = &m.Begun
	}
	side.Add(alert.Door{Since: m.At})
	var errs error
	w.left = slices.DeleteFunc(w.left, func(r store.Recipient) bool {
		err := a.deliver(ctx, r, m)
		errs = errors.Join(errs, err)
		return err == nil
	})
	return errs
}
