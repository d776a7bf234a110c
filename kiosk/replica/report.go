package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/retry"
)

const (
	// reportEvery is how often the outbox is looked at.
	reportEvery = time.Minute
	// helloEvery is how long the registry hears nothing of a door where nobody comes. Its administrator sees by it which doors are there.
	helloEvery = 5 * time.Minute
)

// Outbox holds reports that still have to be sent (kiosk/cache).
type Outbox interface {
	Next() (id string, body []byte, err error) // the oldest; "" when there is none
	Done(id string) error
}

// Sink takes reports (package client). An *api.Refusal among its errors says whether to send again.
type Sink interface {
	SendCounts(ctx context.Context, body []byte) error
	Hello(ctx context.Context) error // says that the door is there, and what it runs
}

// Reporter sends what is in the outbox, the oldest first. A report leaves the outbox when the registry has it; if the
// door stops right in between, it is sent twice, which its ID makes harmless.
type Reporter struct {
	outbox Outbox
	sink   Sink
	log    *slog.Logger
	ready  chan struct{}
}

// NewReporter makes a reporter. It does nothing until Run or SendReports1.
func NewReporter(outbox Outbox, sink Sink, log *slog.Logger) *Reporter {
	ready := make(chan struct{})
	close(ready) // a door does its work whether its counts get through or not
	return &Reporter{outbox: outbox, sink: sink, log: log, ready: ready}
}

// String names the task.
func (r *Reporter) String() string { return "reporter" }

// Ready is closed from the start.
func (r *Reporter) Ready() <-chan struct{} { return r.ready }

// Run sends reports, and says hello, until ctx ends.
func (r *Reporter) Run(ctx context.Context) error {
	var hello time.Time // the last one
	retry.Forever(ctx, r.log, "send reports", func(ctx context.Context) (time.Duration, error) {
		if err := r.SendReports1(ctx); err != nil || time.Since(hello) < helloEvery {
			return reportEvery, err
		}
		if err := r.sink.Hello(ctx); err != nil {
			return reportEvery, err
		}
		hello = time.Now()
		return reportEvery, nil
	})
	return nil
}

// SendReports1 sends until the outbox is empty or something fails.
func (r *Reporter) SendReports1(ctx context.Context) error {
	for {
		id, body, err := r.outbox.Next()
		if err != nil {
			return fmt.Errorf("read the next report: %w", err)
		}
		if id == "" {
			return nil
		}
		if err := r.sink.SendCounts(ctx, body); err != nil {
			if refusal, ok := errors.AsType[*api.Refusal](err); !ok || !refusal.IsPermanent() {
				return err
			}
			// It would stand before all others for ever.
			r.log.Error("the registry does not take a report, it is dropped", "report", id, "error", err)
		}
		if err := r.outbox.Done(id); err != nil {
			return fmt.Errorf("take report %q out of the outbox: %w", id, err)
		}
	}
}
