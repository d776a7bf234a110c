package replica_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
)

// start runs a task until the returned function is called.
func start(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	return func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v, want nil at the end", err)
			}
		case <-time.After(90 * time.Second):
			t.Error("Run goes on after its context has ended")
		}
	}
}

// eventually waits for something that happens in another goroutine.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(90 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); !is(); {
		select {
		case <-deadline:
			tick.Stop()
			t.Fatalf("still not: %s", what)
		case <-tick.C:
		}
	}
}

func isReady(r interface{ Ready() <-chan struct{} }) bool {
	select {
	case <-r.Ready():
		return true
	default:
		return false
	}
}

func (d *door) has(version uint64) func() bool {
	return func() bool {
		state, err := d.cache.State()
		return err == nil && state.Version == version
	}
}

func TestRunFollowsThroughAnOutage(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	r.hold = true
	r.setFault(kill)
	stop := start(t, d.Run)
	eventually(t, "asked for a manifest", func() bool { return len(r.requests()) > 0 })
	if isReady(d) {
		t.Error("ready without any version")
	}
	r.setFault(nil)
	eventually(t, "ready", func() bool { return isReady(d) })
	for i := range uint64(3) {
		eventually(t, "has the newest version", d.has(i+1))
		r.publish(set(map[uint64]statuslist.Status{i: statuslist.Red}))
	}
	eventually(t, "has the newest version", d.has(4))
	stop()
	d.checkIs(t, 4)
	if log := d.log.String(); strings.Count(log, "cannot follow") != 1 || strings.Count(log, "works again") != 1 {
		t.Errorf("logged\n%swant one failure and its end", log)
	}

	r.setFault(unavailable)
	d.restart(t)
	stop = start(t, d.Run)
	eventually(t, "ready with what is on the card", func() bool { return isReady(d) })
	stop()
}

// eager answers each long poll at once, as a plain file server does.
type eager struct {
	sealed []byte
	blobs  map[api.Hash][]byte
	asked  int
}

func (e *eager) Manifest(context.Context, uint64, time.Duration) ([]byte, error) {
	if e.asked++; e.asked > 100 {
		return nil, errors.New("asked without end")
	}
	return e.sealed, nil
}

func (e *eager) Blob(_ context.Context, h api.Hash) ([]byte, error) { return e.blobs[h], nil }

func TestRunDoesNotSpin(t *testing.T) {
	r := newRegistry(t, 1)
	sealed, err := r.current.manifest.Seal(r.key)
	if err != nil {
		t.Fatal(err)
	}
	source := &eager{sealed: sealed, blobs: r.blobs}
	path := filepath.Join(t.TempDir(), "cache.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := cache.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		rep := replica.New(replica.Options{
			Source: source, Store: store, Keys: ringOf(r), Key: r.key.Public().(ed25519.PublicKey),
			Now: r.clock, Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithTimeout(t.Context(), 59*time.Second)
		defer cancel()
		if err := rep.Run(ctx); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if want := 1 + 12; source.asked != want { // one change, then at 0, 5, ... 55 s
		t.Errorf("asked %d times in 59 s, want %d", source.asked, want)
	}
}

func queue(t *testing.T, c *cache.Cache, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := c.Queue(id, []byte(`{"id":"`+id+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
}

func waiting(t *testing.T, c *cache.Cache) string {
	t.Helper()
	id, _, err := c.Next()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// greeter says hello without a board.
type greeter struct{ *client.Client }

func (g greeter) Hello(ctx context.Context) error { return g.Client.Hello(ctx, api.Health{}) }

func TestReportsAreSentInOrder(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	var log bytes.Buffer
	reporter := replica.NewReporter(d.cache, greeter{d.client}, slog.New(slog.NewTextHandler(&log, nil)))
	queue(t, d.cache, "a", "b", "c")
	for i, f := range []fault{kill, loginPage, elsewhere, unavailable} {
		r.setFault(f)
		err := reporter.SendReports1(t.Context())
		if id := waiting(t, d.cache); id != "a" || err == nil {
			t.Fatalf("fault %d: %v, %q is next, want an error and everything still there", i, err, id)
		}
	}
	r.setFault(nil)
	if err := reporter.SendReports1(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`}; !slices.Equal(r.reports(), want) ||
		waiting(t, d.cache) != "" {
		t.Errorf("the registry got %q, %q is left, want %q", r.reports(), waiting(t, d.cache), want)
	}
	if err := reporter.SendReports1(t.Context()); err != nil || len(r.reports()) != 3 {
		t.Errorf("an empty outbox: %v, %q", err, r.reports())
	}
	if log.Len() != 0 {
		t.Errorf("logged %s", &log)
	}
}

func TestReportThatIsRefusedForGoodMakesRoom(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	var log bytes.Buffer
	queue(t, d.cache, "bad", "good")
	var n atomic.Int64
	r.setFault(func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		if n.Add(1) > 1 {
			return false
		}
		http.Error(w, `{"error":"these are no counts"}`, http.StatusBadRequest)
		return true
	})
	if err := replica.NewReporter(d.cache, greeter{d.client}, slog.New(slog.NewTextHandler(&log,
		nil))).SendReports1(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.reports(), []string{`{"id":"good"}`}) {
		t.Errorf("the registry got %q, want the good one", r.reports())
	}
	if waiting(t, d.cache) != "" || !strings.Contains(log.String(), "report=bad") ||
		strings.Contains(log.String(), "report=good") {
		t.Errorf("%q is left, logged %s, want that only the bad report was dropped", waiting(t, d.cache), &log)
	}
}

func TestReporterRuns(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	queue(t, d.cache, "a", "b")
	reporter := replica.NewReporter(d.cache, greeter{d.client}, slog.New(slog.DiscardHandler))
	if !isReady(reporter) {
		t.Error("not ready from the start")
	}
	stop := start(t, reporter.Run)
	eventually(t, "two reports have arrived", func() bool { return len(r.reports()) == 2 })
	stop()
}

// TestNewerBesideRun: somebody waits at the door while Run's request is held back at the registry.
// What that request then brings is older, and no failure.
func TestNewerBesideRun(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	r.hold = true
	stop := start(t, d.Run)
	eventually(t, "follows", d.has(1))
	for version := uint64(2); version < 30; version++ {
		r.publish(set(map[uint64]statuslist.Status{version: statuslist.Red}))
		if err := d.Newer(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !d.has(version)() {
			t.Fatalf("the cache is not at version %d", version)
		}
	}
	r.setFault(unavailable)
	if err := d.Newer(t.Context()); err == nil {
		t.Error("no error without a registry")
	}
	r.setFault(nil)
	d.checkIs(t, 29)
	stop()
	if log := d.log.String(); strings.Contains(log, replica.ErrOlder.Error()) {
		t.Errorf("logged\n%s", log)
	}
}
