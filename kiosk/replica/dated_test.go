package replica_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
)

// wire is a Source that carries a registry's messages within a synctest bubble, where a socket
// would keep the bubble's time from passing.
type wire struct {
	registry *testRegistry
	cut      *atomic.Bool
}

var errCut = errors.New("the network is cut")

func (w wire) Manifest(ctx context.Context, after uint64, wait time.Duration) ([]byte, error) {
	if after != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	return w.get(ctx, fmt.Sprintf("%s?after=%d", api.PathManifest, after))
}

func (w wire) Blob(ctx context.Context, h api.Hash) ([]byte, error) {
	return w.get(ctx, api.PathBlob+"/"+h.String())
}

func (w wire) get(ctx context.Context, path string) ([]byte, error) {
	if w.cut.Load() {
		return nil, errCut
	}
	answer := httptest.NewRecorder()
	w.registry.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
	if w.cut.Load() || answer.Code != http.StatusOK {
		return nil, errCut
	}
	return answer.Body.Bytes(), nil
}

// doorway is a real door that follows by a real replica into a real cache of its own.
type doorway struct {
	door *kiosk.Door
	skew time.Duration // of its clock
	cut  atomic.Bool

	mu   sync.Mutex
	last kiosk.Verdict // guarded by mu
}

func (d *doorway) Show(v kiosk.Verdict) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.Signal != kiosk.Idle {
		d.last = v
	}
}

func (d *doorway) shown() kiosk.Verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// country is a registry with many doors.
type country struct {
	t        *testing.T
	registry *testRegistry
	now      func() time.Time
	doors    []*doorway
	tasks    sync.WaitGroup
}

func newCountry(t *testing.T, doors int) *country {
	c := &country{t: t, registry: makeRegistry(t, 1)}
	began, base := time.Now(), c.registry.clock()
	c.now = func() time.Time { return base.Add(time.Since(began)) }
	c.registry.hold = true
	for i := range doors {
		c.open(time.Duration(i%5-2) * time.Second)
	}
	return c
}

func (c *country) open(skew time.Duration) {
	c.t.Helper()
	d := &doorway{skew: skew}
	now := func() time.Time { return c.now().Add(skew) }
	store, err := cache.Open(filepath.Join(c.t.TempDir(), "cache.db"))
	if err != nil {
		c.t.Fatal(err)
	}
	faults := new(kiosk.Faults)
	d.door = kiosk.NewDoor(kiosk.Options{
		Venue: "cinema", Zone: kiosk.GreenZone, Cache: store, Keys: c.keys, Fresh: time.Hour, Faults: faults,
		Outlets: []kiosk.Outlet{d}, Now: now,
	})
	handover := replica.NewHandover(store, d.door)
	follower := replica.New(replica.Options{
		Source: wire{c.registry, &d.cut}, Store: store, Keys: ringOf(c.registry), Key: publicKey(1), Now: now, Log: slog.New(slog.DiscardHandler),
		OnChange: func(replica.Result) {
			if _, err := handover.Pass(); err != nil {
				c.t.Error(err)
			}
		},
	})
	for _, run := range []func(context.Context) error{d.door.Run, follower.Run} {
		c.tasks.Go(func() {
			if err := run(c.t.Context()); err != nil {
				c.t.Error(err)
			}
		})
	}
	c.t.Cleanup(func() {
		c.tasks.Wait()
		if err := store.Close(); err != nil {
			c.t.Error(err)
		}
	})
	faults.Report(kiosk.Starting, nil)
	c.doors = append(c.doors, d)
}

// keys are those of today.
func (c *country) keys() *pass.PlaceKeys {
	return pass.NewPlaceKeys(map[pass.Day]pass.PlaceKey{pass.DayOf(c.now()): {1}}, nil)
}

// present holds the same phone to every door.
func (c *country) present(index uint64) {
	c.t.Helper()
	holder := testKey(byte(100 + index))
	day := pass.DayOf(c.now())
	block, err := c.keys().SealDay(day, pass.Place{Index: uint32(index), Since: statuslist.Edition{Version: 1}})
	if err != nil {
		c.t.Fatal(err)
	}
	credential, err := pass.Issue(testKey(7), day, block, holder.Public().(ed25519.PublicKey))
	if err != nil {
		c.t.Fatal(err)
	}
	text, err := pass.Rotate(holder, credential, c.now())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, d := range c.doors {
		d.door.Present(kiosk.Sighting{Text: []byte(text), Taken: time.Now()})
	}
	synctest.Wait()
}

// datedRules let green into a cinema until from.
func datedRules(from time.Time) []byte {
	const head = `{"name":"dated","timezone":"Asia/Almaty","ages":{"quiet":"15m","full":"24h","limit":"72h"},"rules":[`
	const text = `"text":{"kk":"a","ru":"b","en":%q}}`
	return fmt.Appendf([]byte(head), `
		{"name":"closed","colours":["green"],"venues":["cinema"],"from":%q,"then":"turned-back",`+text+`,
		{"name":"open","colours":["green"],"then":"admitted",`+text+`]}`, from.Format(time.RFC3339), "closed", "open")
}

// TestDatedRule: every door changes at the minute by its own clock, also those that have been cut
// off since they heard of the rule. Nobody tells the doors anything at that minute.
func TestDatedRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCountry(t, 500)
		from := c.now().Add(10 * time.Minute).Truncate(time.Minute)
		c.registry.publish(func(e *edition) {
			for index := range uint32(9) {
				e.sections[0].Set(index, statuslist.Green)
			}
			e.rules = datedRules(from)
		})
		time.Sleep(5 * time.Second)
		for i, d := range c.doors {
			d.cut.Store(i%3 == 0)
		}
		asked := len(c.registry.requests())
		time.Sleep(from.Add(-4 * time.Second).Sub(c.now()))
		if n := len(c.registry.requests()); asked == 0 || n == 0 {
			t.Errorf("%d requests before the cut, %d after it, want some", asked, n)
		}
		changed := 0
		for index := range uint64(9) {
			c.present(index)
			for i, d := range c.doors {
				v := d.shown()
				want, rule, until := kiosk.Admitted, "open", from
				if !c.now().Add(d.skew).Before(from) {
					want, rule, until = kiosk.TurnedBack, "closed", time.Time{}
					changed++
				}
				if v.Signal != want || v.Rule != rule || v.Text.EN != rule || !v.Until.Equal(until) {
					t.Fatalf("door %d (cut off: %v) at %v of its clock: %v %q by %q until %v, want %v by %q until %v",
						i, d.cut.Load(), c.now().Add(d.skew), v.Signal, v.Reason, v.Rule, v.Until, want, rule, until)
				}
			}
			time.Sleep(time.Second)
		}
		if changed != 5*len(c.doors) {
			t.Errorf("%d sightings by the new rule, want %d", changed, 5*len(c.doors))
		}
	})
}
