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

// ErrRevoked ends a Renewer: the registry has withdrawn the door's certificate.
var ErrRevoked = errors.New("the registry has withdrawn the door's certificate")

// lookEvery is how often a Renewer looks at the clock. It counts no long pauses, because the clock of a door that starts
// without a network jumps by months.
const lookEvery = time.Minute

// Renewer is the task that keeps an identity good. All fields are needed.
type Renewer struct {
	Identity *Identity
	Registry Renewal
	Now      func() time.Time
	Log      *slog.Logger

	revoked chan struct{} // one slot; full: it is known already
	jitter  float64
}

// NewRenewer makes a task. The doors that were enrolled on one day do not renew in one minute: each has its own jitter.
func NewRenewer(i *Identity, registry Renewal, now func() time.Time, log *slog.Logger) *Renewer {
	return &Renewer{Identity: i, Registry: registry, Now: now, Log: log, revoked: make(chan struct{}, 1), jitter: rand.Float64()}
}

// Refused takes the code of a refusal of any of the door's calls: a revoked door hears of it with the first.
func (r *Renewer) Refused(code string) {
	if code != api.CodeRevoked {
		return
	}
	select {
	case r.revoked <- struct{}{}:
	default:
	}
}

// String names the task.
func (r *Renewer) String() string { return "renewer" }

// Ready is closed from the start.
func (r *Renewer) Ready() <-chan struct{} { return ready }

var ready = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Run renews until ctx ends, or until the certificate is withdrawn, which is ErrRevoked.
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
	case <-r.revoked:
		return ErrRevoked
	case <-ctx.Done():
		return nil
	}
}

// renew does so when it is time. The certificate's time is the registry's to know: one that is over may still be renewed.
func (r *Renewer) renew(ctx context.Context) (pause time.Duration, err error) {
	if r.Now().Before(r.due()) {
		return lookEvery, nil
	}
	err = r.Identity.Renew1(ctx, r.Registry)
	if said, refused := refusal(err); refused {
		r.Refused(said.Code)
	}
	if err != nil {
		return 0, err
	}
	r.Log.Info("the door has a new certificate", "until", r.Identity.Certificate().NotAfter.UTC().Format(time.RFC3339))
	return lookEvery, nil
}

// due is at half of the certificate's life, and up to a twentieth of it later.
func (r *Renewer) due() time.Time {
	c := r.Identity.Certificate()
	life := c.NotAfter.Sub(c.NotBefore)
	return c.NotBefore.Add(life/2 + time.Duration(r.jitter*float64(life/20)))
}

// refusal is what the registry itself said against a call.
func refusal(err error) (said api.Error, ok bool) {
	r, ok := errors.AsType[*api.Refusal](err)
	if !ok || !r.IsFinal() {
		return api.Error{}, false
	}
	return r.Said, true
}
