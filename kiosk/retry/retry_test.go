package retry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// attempts records when Forever called, and what it was given.
type attempts struct {
	at   []time.Time
	gaps []time.Duration
}

// try runs Forever over a script of results until it is used up.
func try(t *testing.T, log *slog.Logger, pause time.Duration, script []error) attempts {
	var a attempts
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		Forever(ctx, log, "follow", func(context.Context) (time.Duration, error) {
			now := time.Now()
			if len(a.at) > 0 {
				a.gaps = append(a.gaps, now.Sub(a.at[len(a.at)-1]))
			}
			a.at = append(a.at, now)
			if len(a.at) == len(script) {
				cancel()
			}
			return pause, script[len(a.at)-1]
		})
	})
	return a
}

func TestPausesGrowAndStartOver(t *testing.T) {
	down := errors.New("down")
	script := slices.Concat(slices.Repeat([]error{down}, 9), []error{nil, nil, down, down, nil})
	bounds := []time.Duration{2, 4, 8, 16, 32, 60, 60, 60, 60, 0, 0, 2, 4}
	seen := map[time.Duration]bool{}
	for range 20 {
		for i, gap := range try(t, slog.New(slog.DiscardHandler), 0, script).gaps {
			bound := bounds[i] * time.Second
			if bound != 0 && (gap < bound/2 || gap >= bound) || bound == 0 && gap != 0 {
				t.Errorf("pause %d is %v, want between %v and %v", i, gap, bound/2, bound)
			}
			seen[gap] = true
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d different pauses in 20 runs: doors would come back together", len(seen))
	}
}

func TestPauseAfterASuccess(t *testing.T) {
	gaps := try(t, slog.New(slog.DiscardHandler), time.Minute, make([]error, 3)).gaps
	if !slices.Equal(gaps, []time.Duration{time.Minute, time.Minute}) {
		t.Errorf("pauses are %v, want a minute each", gaps)
	}
}

func TestPauseEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		Forever(ctx, slog.New(slog.DiscardHandler), "follow", func(context.Context) (time.Duration, error) { return time.Hour, nil })
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("came back after %v, want 10s", took)
		}
	})
}

func TestTroubleIsLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "failed_for" {
			return slog.Attr{}
		}
		return a
	}}))
	hinted := &api.CallError{Doing: "follow", Host: "r", Err: errors.New("refused"), Hint: "pull the plug"}
	port := func(n int) error { return fmt.Errorf("read 10.0.0.2:%d: reset", n) }
	try(t, log, 0, []error{
		nil, port(40001), port(40002), port(40003), hinted, hinted, port(40004), nil, nil, port(40005), nil,
	})
	want := strings.Join([]string{
		`level=WARN msg="cannot follow" error="read 10.0.0.2:40001: reset"`,
		`level=WARN msg="cannot follow" error="follow: registry \"r\": refused" hint="pull the plug"`,
		`level=WARN msg="cannot follow" error="read 10.0.0.2:40004: reset"`,
		`level=INFO msg="works again: follow" attempts=6`,
		`level=WARN msg="cannot follow" error="read 10.0.0.2:40005: reset"`,
		``,
	}, "\n")
	if got := out.String(); got != want {
		t.Errorf("logged\n%swant\n%s", got, want)
	}
}
