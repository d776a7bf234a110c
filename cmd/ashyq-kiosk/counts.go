package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/cache"
)

// reportEvery is how often the counts go to the outbox. Each report is a write to the card, hence
// minutes; without verdicts there is no report.
const reportEvery = 5 * time.Minute

// counts counts verdicts about people and codes for the registry: numbers, never identities. It is
// an Outlet and a task.
type counts struct {
	store *cache.Cache
	log   *slog.Logger

	mu    sync.Mutex
	from  time.Time         // guarded by mu
	count map[string]uint64 // guarded by mu
}

func newCounts(store *cache.Cache, log *slog.Logger) *counts {
	return &counts{store: store, log: log, from: time.Now(), count: map[string]uint64{}}
}

// Show implements kiosk.Outlet.
func (c *counts) Show(v kiosk.Verdict) {
	switch v.Signal {
	case kiosk.Idle, kiosk.Working, kiosk.OutOfOrder:
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[v.Signal.String()+"/"+v.Colour.String()]++
}

// String names the task.
func (c *counts) String() string { return "counts" }

// Ready is closed from the start.
func (c *counts) Ready() <-chan struct{} { return alwaysReady }

var alwaysReady = func() chan struct{} { ready := make(chan struct{}); close(ready); return ready }()

// Run queues a report every reportEvery, and one at the end.
func (c *counts) Run(ctx context.Context) error {
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			c.flush()
			return nil
		case <-ticker.C:
			c.flush()
		}
	}
}

// flush moves the counts to the outbox; if that fails, it keeps them for the next time.
func (c *counts) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.count) == 0 {
		c.from = time.Now()
		return
	}
	if err := c.queue(); err != nil {
		c.log.Warn("cannot queue the counts", "error", err)
		return
	}
	c.from, c.count = time.Now(), map[string]uint64{}
}

func (c *counts) queue() error {
	report := api.Counts{ID: uuid.NewString(), From: c.from, To: time.Now(), Count: c.count}
	body, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("encode a report: %w", err)
	}
	return c.store.Queue(report.ID, body)
}
