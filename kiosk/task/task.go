// Package task runs the daemon's long-lived parts as one group: they start, get ready, are watched
// and end together. It also holds the trusted clock, because knowing the time can fail like any
// other part.
package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
)

// Task is a long-lived part of a daemon.
type Task interface {
	Run(ctx context.Context) error // until ctx ends, then nil; anything else ends the daemon
	Ready() <-chan struct{}        // closed once the part does its work
	String() string                // as in "camera /dev/video0"
}

// Run runs all tasks until ctx ends or one of them fails, and returns when all have ended. A task
// that panics fails, so that the others still reach their safe state. Run calls onReady once all
// tasks are ready.
func Run(ctx context.Context, log *slog.Logger, onReady func(), tasks ...Task) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, t := range tasks {
		group.Go(func() error { return runOne(ctx, log, t) })
	}
	group.Go(func() error {
		for _, t := range tasks {
			select {
			case <-t.Ready():
				log.Debug("ready", "task", t.String())
			case <-ctx.Done():
				return nil
			}
		}
		onReady()
		return nil
	})
	return group.Wait()
}

func runOne(ctx context.Context, log *slog.Logger, t Task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("panic", "task", t.String(), "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("%s: panic: %v", t, p)
		}
	}()
	err = t.Run(ctx)
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", t, err)
	case ctx.Err() == nil:
		return fmt.Errorf("%s: ended by itself", t)
	}
	return nil
}

// Func makes a Task of a function. It is ready at once.
type Func struct {
	Name string
	Do   func(ctx context.Context) error
}

// Run calls Do.
func (f Func) Run(ctx context.Context) error { return f.Do(ctx) }

// String returns the name.
func (f Func) String() string { return f.Name }

// Ready is closed from the start.
func (f Func) Ready() <-chan struct{} { return closed }

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()
