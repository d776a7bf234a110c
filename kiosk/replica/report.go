package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/retry"
)

const (
	// queueEvery is how often the counts go to the outbox. Each report is a write to the card, so
	// it is minutes. A door where nothing happened writes nothing.
	queueEvery = 5 * time.Minute
	// sendEvery is how often the reporter looks into the outbox.
	sendEvery = time.Minute
	// helloEvery is how often the registry hears of a door where nobody comes, so that its
	// administrator sees which doors are running.
	helloEvery = 5 * time.Minute
)

// Outbox holds the reports that the registry does not have yet (kiosk/cache).
type Outbox interface {
	Queue(id string, body []byte) error
	Next() (id string, body []byte, err error) // the oldest; an empty id: the outbox is empty
	Done(id string) error
}

// Sink takes reports (package client). An *api.Refusal among its errors says whether to send again.
type Sink interface {
	SendCounts(ctx context.Context, body []byte) error
	Hello(ctx context.Context) error // says that the door is there, what it runs, and how its board is
}

// Reporter counts verdicts about people and codes for the registry: numbers, never identities. It
// is a kiosk.Outlet. It is also a task, which puts the counts into the outbox as reports and sends
// them, the oldest first.
//
// A report keeps its ID: in memory until the outbox has it, then in the outbox until the registry
// has it. If the reporter cannot tell whether a step has worked, it repeats the step, because the
// ID makes a second delivery harmless.
type Reporter struct {
	outbox Outbox
	sink   Sink
	log    *slog.Logger
	ready  chan struct{}

	mu    sync.Mutex        // guards from, count and over; never held during a write
	from  time.Time         // when the first of count was counted
	count map[string]uint64 // not in a report yet
	over  bool              // Run has ended

	queueing sync.Mutex  // guards made
	made     *api.Counts // a report that the outbox has not taken yet; nil: no report waits
}

// NewReporter makes a reporter. With a nil sink, reports wait in the outbox until the door has a
// registry.
func NewReporter(outbox Outbox, sink Sink, log *slog.Logger) *Reporter {
	ready := make(chan struct{})
	close(ready) // a door does its work whether its counts get through or not
	return &Reporter{outbox: outbox, sink: sink, log: log, ready: ready, count: map[string]uint64{}}
}

// Show implements kiosk.Outlet.
func (r *Reporter) Show(v kiosk.Verdict) {
	switch v.Signal {
	case kiosk.Idle, kiosk.Working, kiosk.OutOfOrder:
		return
	}
	if v.Signal == kiosk.Left && v.Reason != kiosk.NoReason {
		return // the door opened, and nobody knows whether for somebody who was counted before
	}
	if r.add(v.Signal.String() + "/" + v.Colour.String()) {
		r.queue() // the door stops a moment later than the reporter
	}
}

// add counts one verdict; over tells that Run will not queue it any more.
func (r *Reporter) add(name string) (over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.count) == 0 {
		r.from = time.Now() // not earlier: before the first verdict the clock may have been wrong
	}
	r.count[name]++
	return r.over
}

// String names the task.
func (r *Reporter) String() string { return "reporter" }

// Ready is closed from the start.
func (r *Reporter) Ready() <-chan struct{} { return r.ready }

// Run queues and sends reports, and says hello, until ctx ends. Then it queues the last one.
func (r *Reporter) Run(ctx context.Context) error {
	var sending sync.WaitGroup
	defer sending.Wait()
	if r.sink != nil {
		sending.Go(func() { r.send(ctx) })
	}
	ticker := time.NewTicker(queueEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.mu.Lock()
			r.over = true
			r.mu.Unlock()
			r.queue()
			return nil
		case <-ticker.C:
			r.queue()
		}
	}
}

// queue moves the counts to the outbox. What the card refuses stays in memory until the next time.
func (r *Reporter) queue() {
	r.queueing.Lock()
	defer r.queueing.Unlock()
	for {
		if r.made == nil {
			r.made = r.report()
		}
		if r.made == nil {
			return
		}
		body, err := json.Marshal(r.made)
		if err == nil {
			err = r.outbox.Queue(r.made.ID, body)
		}
		if err != nil {
			r.log.Warn("cannot put the counts into the outbox; they stay in memory", "error", err)
			return
		}
		r.made = nil
	}
}

// report turns the counts into a report; nil: no counts.
func (r *Reporter) report() *api.Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.count) == 0 {
		return nil
	}
	from, to := r.from.Round(0), time.Now().Round(0) // by the wall clock, as the registry
	if to.Before(from) {
		from = to // the clock was set back
	}
	report := &api.Counts{ID: uuid.NewString(), From: from, To: to, Count: r.count}
	r.count = map[string]uint64{}
	return report
}

// send empties the outbox again and again until ctx ends.
func (r *Reporter) send(ctx context.Context) {
	var hello time.Time // the last one
	retry.Forever(ctx, r.log, "send reports", func(ctx context.Context) (time.Duration, error) {
		if err := r.SendReports1(ctx); err != nil || time.Since(hello) < helloEvery {
			return sendEvery, err
		}
		if err := r.sink.Hello(ctx); err != nil {
			return sendEvery, err
		}
		hello = time.Now()
		return sendEvery, nil
	})
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
			// It would hold up all others for ever.
			r.log.Error("the registry rejected a report, so the door drops it", "report", id, "error", err)
		}
		if err := r.outbox.Done(id); err != nil {
			return fmt.Errorf("take report %q out of the outbox: %w", id, err)
		}
	}
}
