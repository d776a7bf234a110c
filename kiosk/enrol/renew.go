package enrol

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/retry"
)

// ErrRevoked ends a Renewer: the registry has revoked the door.
var ErrRevoked = errors.New("the registry has revoked the door")

// lookEvery is how often a Renewer checks the time. It uses no long timers, because the clock of a
// door that starts without a network jumps by months.
const lookEvery = time.Minute

// Renewer is the task that keeps a certificate valid. All fields but Waits are required.
type Renewer struct {
	Identity *Identity
	Registry Renewal
	Now      func() time.Time
	Log      *slog.Logger
	// Waits, if set, hears of each attempt whether the certificate has expired and the registry's
	// administrator has to approve the next one: with an error while that is so.
	Waits func(error)

	jitter float64
}

// NewRenewer returns a task. Its random jitter keeps doors that were enrolled on one day from
// renewing in one minute.
func NewRenewer(i *Identity, registry Renewal, now func() time.Time, log *slog.Logger) *Renewer {
	return &Renewer{Identity: i, Registry: registry, Now: now, Log: log, jitter: rand.Float64()}
}

// String names the task.
func (r *Renewer) String() string { return "renewer" }

// Run renews until ctx ends, or returns ErrRevoked when the door is revoked.
func (r *Renewer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		retry.Forever(ctx, r.Log, "renew the door's certificate", r.renew)
	}()
	defer func() { <-renewing }()
	defer cancel(nil) // before the wait above
	select {
	case <-r.Identity.revoked:
		return ErrRevoked
	case <-ctx.Done():
		return nil
	}
}

// renew renews when it is time. Only the registry judges the certificate's dates: an expired one
// may still be renewable.
func (r *Renewer) renew(ctx context.Context) (pause time.Duration, err error) {
	if r.Now().Before(r.due()) {
		return lookEvery, nil
	}
	err = r.Identity.Renew1(ctx, r.Registry)
	said, refused := refusal(err)
	if refused {
		r.Identity.Refused(said.Code)
	}
	if unapproved := refused && said.Code == api.CodeUnapproved; r.Waits != nil && (unapproved || err == nil) {
		r.Waits(err)
	}
	if err != nil {
		return 0, err
	}
	r.Log.Info("the door has a new certificate", "until", r.Identity.Certificate().NotAfter.UTC().Format(time.RFC3339))
	return lookEvery, nil
}

// due is at half of the certificate's life, plus up to a twentieth of it.
func (r *Renewer) due() time.Time {
	c := r.Identity.Certificate()
	life := c.NotAfter.Sub(c.NotBefore)
	return c.NotBefore.Add(life/2 + time.Duration(r.jitter*float64(life/20)))
}

// refusal is the registry's final refusal of a call.
func refusal(err error) (said api.Error, ok bool) {
	r, ok := errors.AsType[*api.Refusal](err)
	if !ok || !r.IsFinal() {
		return api.Error{}, false
	}
	return r.Said, true
}
