// Package retry is how a door keeps trying what depends on others: with growing pauses that no two doors share, and a line in
// the log for each new trouble and for its end.
package retry

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// Pauses after failures: each is a random time between half of a bound and the bound, which doubles from the first to
// the last. So no door waits less than a second or more than a minute, and no two of ten thousand doors come back to a
// registry together.
const (
	firstBound = 2 * time.Second
	lastBound  = time.Minute
)

// Forever calls once again and again until ctx ends, with the pause it asks for after a success.
func Forever(ctx context.Context, log *slog.Logger, what string, once func(context.Context) (pause time.Duration, err error)) {
	trouble := trouble{log: log, what: what}
	bound := firstBound
	for {
		pause, err := once(ctx)
		if ctx.Err() != nil {
			return
		}
		trouble.note(err)
		if err != nil {
			pause = bound/2 + rand.N(bound/2)
			bound = min(2*bound, lastBound)
		} else {
			bound = firstBound
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// trouble logs a failure when it is new or another than before, and its end.
type trouble struct {
	log      *slog.Logger
	what     string
	last     string // failure without its digits, empty: none
	since    time.Time
	attempts int
}

func (t *trouble) note(err error) {
	if err == nil {
		if t.last != "" {
			t.log.Info("works again: "+t.what, "failed_for", time.Since(t.since).Round(time.Second), "attempts", t.attempts)
		}
		t.last, t.attempts = "", 0
		return
	}
	if t.attempts++; t.attempts == 1 {
		t.since = time.Now()
	}
	text := withoutDigits(err.Error())
	if text == t.last {
		return
	}
	t.last = text
	if failed, ok := errors.AsType[*api.CallError](err); ok && failed.Hint != "" {
		t.log.Warn("cannot "+t.what, "error", err, "hint", failed.Hint)
		return
	}
	t.log.Warn("cannot "+t.what, "error", err)
}

// withoutDigits makes errors comparable that differ in times, ports and versions only.
func withoutDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
}
