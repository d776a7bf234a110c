// Package retry keeps trying what depends on others: with growing, random pauses, and with one line
// in the log when a failure begins or changes, and one when it ends.
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

// Pauses after failures: each is a random time between half of a bound and the bound, which doubles
// from the first to the last. So each pause is between a second and a minute, and ten thousand
// doors do not come back to a registry together.
const (
	firstBound = 2 * time.Second
	lastBound  = time.Minute
)

// Forever calls once again and again until ctx ends. After a success it pauses for as long as once
// asks.
func Forever(ctx context.Context, log *slog.Logger, what string,
	once func(context.Context) (pause time.Duration, err error)) {
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

// trouble logs a failure when it is new or differs from the last one, and its end.
type trouble struct {
	log      *slog.Logger
	what     string
	last     string // the failure without its digits; empty: no failure
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

// withoutDigits makes errors comparable that differ only in times, ports and versions.
func withoutDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
}
