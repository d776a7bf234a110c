package replica_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/lookuptest"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// door is the receiving end: the real client, the real cache, and the replica between them.
type door struct {
	*replica.Replica
	registry *testRegistry
	client   *client.Client
	cache    *cache.Cache
	path     string
	log      *bytes.Buffer
	changes  []replica.Result
	unset    bool // its clock
	live     bool // the source is the registry itself
	ring     *ring
}

// newDoor opens a door that ends with the test.
func newDoor(t testing.TB, r *testRegistry) *door {
	t.Helper()
	d := openDoor(t, r, t.TempDir())
	t.Cleanup(func() { d.stop(t) })
	return d
}

func openDoor(t testing.TB, r *testRegistry, dir string) *door {
	t.Helper()
	c, err := client.New(client.Config{URL: r.url})
	if err != nil {
		t.Fatal(err)
	}
	d := &door{registry: r, client: c, path: filepath.Join(dir, "cache.db"), log: new(bytes.Buffer), ring: ringOf(r)}
	d.restart(t)
	return d
}

func (d *door) stop(t testing.TB) {
	d.client.Close()
	if err := d.cache.Close(); err != nil {
		t.Errorf("close the cache: %v", err)
	}
}

// restart is what a power cut between two attempts amounts to.
func (d *door) restart(t testing.TB) {
	t.Helper()
	if d.cache != nil {
		if err := d.cache.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if d.cache, err = cache.Open(d.path); err != nil {
		t.Fatal(err)
	}
	if d.cache.SetAside != nil {
		t.Fatal(d.cache.SetAside)
	}
	d.Replica = replica.New(replica.Options{
		Source: d.client, Store: d.cache, Keys: d.ring, Key: d.registry.key.Public().(ed25519.PublicKey),
		Now: d.registry.clock, Log: slog.New(slog.NewTextHandler(d.log, nil)),
		OnChange: func(r replica.Result) { d.changes = append(d.changes, r) },
		ClockSet: func() bool { return !d.unset }, Live: d.live,
	})
}

func (d *door) follow(t testing.TB) replica.Result {
	t.Helper()
	result, err := d.Follow1(t.Context())
	if err != nil {
		t.Fatalf("Follow1: %v", err)
	}
	d.checkIs(t, d.registry.version())
	return result
}

// checkIs compares everything in the cache with an edition of the registry.
func (d *door) checkIs(t interface {
	Helper()
	Fatalf(string, ...any)
}, version uint64) {
	t.Helper()
	want, ok := d.registry.edition(version)
	state, err := d.cache.State()
	if err != nil || !ok || state.Version != version || state.List != testList ||
		len(state.Sections) != len(want.sections) {
		t.Fatalf("State = %+v, %v, want version %d (published: %v)", state, err, version, ok)
	}
	for id, s := range state.Sections {
		if s.Version != want.manifest.Sections[id].Changed || s.Content != want.sections[id].Content() {
			t.Fatalf("section %d is version %d, %x, not that of edition %d", id, s.Version, s.Content[:4], version)
		}
	}
	rules, rulesErr := d.cache.Rules()
	keys, keysErr := d.cache.Keys()
	if rulesErr != nil || keysErr != nil || !bytes.Equal(rules, want.rules) || !bytes.Equal(keys, want.keys) {
		t.Fatalf("rules %s, %v and %d bytes of keys, %v are not those of edition %d", rules, rulesErr, len(keys),
			keysErr, version)
	}
	for _, index := range d.registry.touchedIndexes() {
		id := index / statuslist.SectionSize
		if id >= uint64(len(want.sections)) {
			continue
		}
		got, err := d.cache.Status(context.Background(), kiosk.Person{Index: index})
		if wanted := want.sections[id].Get(uint32(index % statuslist.SectionSize)); err != nil || got.Status != wanted {
			t.Fatalf("index %d is %v, %v, want %v of edition %d", index, got.Status, err, wanted, version)
		}
	}
}

func TestFollowStepByStep(t *testing.T) {
	r := newRegistry(t, 2)
	d := newDoor(t, r)
	steps := []struct {
		name   string
		change func(*edition)
		want   replica.Result // without Bytes
		asked  int            // requests
	}{
		{"first time", set(map[uint64]statuslist.Status{5: statuslist.Red, 1 << 20: statuslist.Green}),
			replica.Result{Version: 2, Changed: true, Whole: 2}, 5},
		{"one section", set(map[uint64]statuslist.Status{5: statuslist.Green}),
			replica.Result{Version: 3, Changed: true, Deltas: 1}, 2},
		{"rules", func(e *edition) { e.rules = testRules(1) }, replica.Result{Version: 4, Changed: true}, 2},
		{"keys", func(e *edition) { e.keys = marshalKeys(t, 7, 8) }, replica.Result{Version: 5, Changed: true}, 2},
		{"new section", func(e *edition) { e.sections = append(e.sections, statuslist.NewSection()) },
			replica.Result{Version: 6, Changed: true, Whole: 1}, 2},
		{"everything", func(e *edition) {
			set(map[uint64]statuslist.Status{5: statuslist.Valid, 1<<20 + 7: statuslist.Yellow,
				3<<20 - 1: statuslist.Invalid})(e)
			e.rules, e.keys = testRules(2), marshalKeys(t)
		}, replica.Result{Version: 7, Changed: true, Deltas: 1}, 4},
		{"nothing but a number", func(*edition) {}, replica.Result{Version: 8, Changed: true}, 1},
	}
	for i, step := range steps {
		r.publish(step.change)
		got := d.follow(t)
		if got.Bytes < 100 {
			t.Errorf("%s: %d bytes are less than a manifest", step.name, got.Bytes)
		}
		if len(d.changes) != i+1 || d.changes[i] != got {
			t.Errorf("%s: OnChange was called with %v, want %v once", step.name, d.changes[i:], got)
		}
		got.Bytes = 0
		if got != step.want {
			t.Errorf("%s: %+v, want %+v", step.name, got, step.want)
		}
		if asked := r.requests(); len(asked) != step.asked {
			t.Errorf("%s: asked for %q, want %d requests", step.name, asked, step.asked)
		}
	}
	if d.log.Len() != 0 {
		t.Errorf("a good registry made it log: %s", d.log)
	}
}

func TestRefresh(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	d.follow(t)
	r.reissue(90 * time.Second)
	result := d.follow(t)
	if result.Changed || result.Deltas != 0 || result.Whole != 0 || len(d.changes) != 2 {
		t.Errorf("%+v after %d changes, want a refresh", result, len(d.changes))
	}
	if state, err := d.cache.State(); err != nil || !state.AsOf.Equal(r.clock()) {
		t.Errorf("the cache is as of %v, %v, want %v", state.AsOf, err, r.clock())
	}
}

func TestLongPollIsAnsweredByTheNextVersion(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	d.follow(t)
	r.mu.Lock()
	r.hold = true
	r.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		_, err := d.Follow1(t.Context())
		done <- err
	}()
	r.publish(set(map[uint64]statuslist.Status{9: statuslist.Red}))
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(90 * time.Second):
		t.Fatal("a new version did not end the long poll")
	}
	d.checkIs(t, 2)
}

func TestDeltasUpToALimit(t *testing.T) {
	for behind, want := range map[int]replica.Result{
		1:  {Deltas: 1},
		16: {Deltas: 16}, // as many requests and KiB as one section and what it costs to write it
		17: {Whole: 1},
	} {
		r := newRegistry(t, 1)
		d := newDoor(t, r)
		d.follow(t)
		for i := range behind {
			r.publish(set(map[uint64]statuslist.Status{uint64(i * i): statuslist.Red, uint64(i): statuslist.Green}))
		}
		if got := d.follow(t); got.Deltas != want.Deltas || got.Whole != want.Whole {
			t.Errorf("%d versions behind: %+v, want %+v", behind, got, want)
		}
	}
}

func TestDeltasThatAreNotAllThere(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	d.follow(t)
	for i := range 3 {
		r.publish(set(map[uint64]statuslist.Status{uint64(i): statuslist.Red}))
	}
	r.tamper(func(m *api.Manifest) { m.Deltas = [][]api.Delta{m.Deltas[0][:2]} })
	if got := d.follow(t); got.Whole != 1 || got.Deltas != 0 {
		t.Errorf("%+v, want the whole section", got)
	}
}

// TestLongDeltasAreNotWorthIt: deltas together larger than a section.
func TestLongDeltasAreNotWorthIt(t *testing.T) {
	r := newRegistry(t, 1)
	d := newDoor(t, r)
	d.follow(t)
	for _, status := range []statuslist.Status{statuslist.Red, statuslist.Green} {
		r.publish(func(e *edition) {
			for i := range uint32(120_000) {
				e.sections[0].Set(i*3, status)
			}
		})
	}
	if got := d.follow(t); got.Whole != 1 || got.Deltas != 0 {
		t.Errorf("%+v, want the whole section", got)
	}
}

// TestBrokenOffDownloadGoesOn: what an attempt has staged is not fetched again, also after a
// restart.
func TestBrokenOffDownloadGoesOn(t *testing.T) {
	r := newRegistry(t, 4)
	d := newDoor(t, r)
	last, _ := r.edition(1)
	blob := api.PathBlob + "/" + last.manifest.Sections[3].Blob.String()
	r.publish(set(map[uint64]statuslist.Status{2: statuslist.Red, 1<<20 + 3: statuslist.Green, 2<<20 +
		4: statuslist.Yellow}))
	r.setFault(onPath(blob, kill))
	if _, err := d.Follow1(t.Context()); err == nil {
		t.Fatal("half of a section was taken for one")
	}
	if state, err := d.cache.State(); err != nil || state.Version != 0 {
		t.Fatalf("State = %+v, %v, want nothing yet", state, err)
	}
	r.setFault(nil)
	r.requests()
	d.restart(t)
	if got := d.follow(t); got.Whole != 1 {
		t.Errorf("%+v, want one section that was missing; asked for %q", got, r.requests())
	}
}

func TestLookupContract(t *testing.T) {
	lookuptest.Test(t, func(t *testing.T, entries map[uint64]statuslist.Status) kiosk.Lookup {
		r := newRegistry(t, lookuptest.Sections)
		d := newDoor(t, r)
		if entries == nil {
			return d.cache
		}
		d.follow(t)
		r.publish(set(entries))
		d.follow(t)
		return d.cache
	})
}

// unchanged makes an attempt that has to fail and to leave the cache alone.
func (d *door) unchanged(t *testing.T, wants error) error {
	t.Helper()
	before, err := d.cache.State()
	if err != nil {
		t.Fatal(err)
	}
	calls := len(d.changes)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	result, err := d.Follow1(ctx)
	if err == nil {
		t.Fatalf("Follow1 = %+v, want the error %v", result, wants)
	}
	if ctx.Err() != nil || wants != nil && !errors.Is(err, wants) {
		t.Errorf("Follow1 = %+v, %v, want the error %v", result, err, wants)
	}
	after, stateErr := d.cache.State()
	if stateErr != nil || !reflect.DeepEqual(before, after) || len(d.changes) != calls {
		t.Errorf("after %v the cache is %+v, %v, want it unchanged", err, after, stateErr)
	}
	if after.Version != 0 {
		d.checkIs(t, after.Version)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has lines: %v", err)
	}
	return err
}
