package task_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"ashyq-kiosk/kiosk/task"
)

var quiet = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func waits(name string) task.Func {
	return task.Func{Name: name, Do: func(ctx context.Context) error { <-ctx.Done(); return nil }}
}

func TestRunEndsTogether(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		do   func(context.Context) error
		want string
	}{
		{"a task fails", func(context.Context) error { return broken }, "odd: broken"},
		{"a task ends", func(context.Context) error { return nil }, "odd: ended by itself"},
		{"a task panics", func(context.Context) error { panic("oh") }, "odd: panic: oh"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := task.Run(t.Context(), quiet, func() {}, waits("a"), task.Func{Name: "odd", Do: c.do}, waits("b"))
			if err == nil || err.Error() != c.want {
				t.Errorf("Run = %v, want %q", err, c.want)
			}
		})
	}
}

func TestRunEndsOnCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ready := false
	err := task.Run(ctx, quiet, func() { ready = true; cancel() }, waits("a"), waits("b"))
	if err != nil || !ready {
		t.Errorf("Run = %v, ready %v", err, ready)
	}
}

// slow is a task that is never ready.
type slow struct{ task.Func }

func (slow) Ready() <-chan struct{} { return nil }

func TestRunWaitsForReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err := task.Run(ctx, quiet, func() { t.Error("ready although one task is not") }, slow{waits("a")})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestWatchdogOnlyWhileAlive listens on a real notify socket, as systemd does.
func TestWatchdogOnlyWhileAlive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "20000") // 20 ms
	read := func(wait time.Duration) string {
		buf := make([]byte, 64)
		if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil {
			return ""
		}
		return string(buf[:n])
	}
	for _, c := range []struct {
		name string
		late time.Duration
		wait time.Duration
		want string
	}{
		{"alive", 0, 10 * time.Second, "WATCHDOG=1"},
		{"stuck", time.Hour, 100 * time.Millisecond, ""},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		pulses := []task.Pulse{{Name: "camera", Limit: time.Minute,
			Alive: func() time.Time { return time.Now().Add(-c.late) }}}
		go func() { done <- task.Watchdog(quiet, time.Now, pulses).Run(ctx) }()
		if got := read(c.wait); got != c.want {
			t.Errorf("%s: systemd heard %q, want %q", c.name, got, c.want)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for read(time.Millisecond) != "" { // drain what was sent meanwhile
		}
	}
}

func TestLateNamesThePart(t *testing.T) {
	now := time.Now()
	err := task.Late(now, []task.Pulse{
		{Name: "door", Limit: time.Second, Alive: func() time.Time { return now }},
		{Name: "camera", Limit: time.Second, Alive: func() time.Time { return now.Add(-3 * time.Second) }},
	})
	if err == nil || !strings.Contains(err.Error(), "camera has been silent for 3s") {
		t.Errorf("Late = %v", err)
	}
}

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards what the clock's goroutine and the test share
		locked := func(do func()) { mu.Lock(); defer mu.Unlock(); do() }
		synced := task.ErrUnsynced
		floor := time.Now()
		skew := time.Duration(0)
		var changes []string
		notes := 0
		c := &task.Clock{
			Synced: func() (err error) { locked(func() { err = synced }); return },
			Signed: func() time.Time { return floor },
			Seen:   func() time.Time { return time.Time{} },
			Now:    func() (now time.Time) { locked(func() { now = time.Now().Add(skew) }); return },
			Note:   func(time.Time) { locked(func() { notes++ }) },
			Change: func(err error) {
				switch {
				case err == nil:
					changes = append(changes, "trusted")
				case errors.Is(err, task.ErrUnsynced):
					changes = append(changes, "unsynced")
				default:
					changes = append(changes, "past")
				}
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		step := func(change func()) {
			locked(change)
			time.Sleep(1500 * time.Millisecond)
			synctest.Wait()
		}
		step(func() {})
		locked(func() {
			if notes != 0 {
				t.Error("an untrusted time was noted")
			}
		})
		step(func() { synced = nil })
		step(func() { skew = -24 * time.Hour })
		step(func() { skew = -time.Minute })
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got, want := strings.Join(changes, " "), "unsynced trusted past trusted"; got != want {
			t.Errorf("changes %q, want %q", got, want)
		}
		if notes == 0 {
			t.Error("no trusted time was noted")
		}
	})
}

// TestClockWithoutAnythingSigned: a build without a stamp and without a list notes no time.
func TestClockWithoutAnythingSigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var changes int
		c := &task.Clock{
			Now: time.Now, Signed: func() time.Time { return time.Time{} }, Seen: func() time.Time { return time.Time{} },
			Change: func(err error) {
				if changes++; err != nil {
					t.Error(err)
				}
			},
			Note: func(at time.Time) { t.Errorf("noted %v", at) },
		}
		if err := c.Run(ctx); err != nil || changes != 1 {
			t.Errorf("%v, %d changes, want one", err, changes)
		}
	})
}
