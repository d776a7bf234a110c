package server

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"ashyq-kiosk/registry/store"
)

// watches are the passes whose phones wait for news. The publisher wakes those whose holder's
// status is due, and nobody else: what is published for others costs them nothing.
type watches struct {
	mu sync.Mutex // guards of, and phones in it
	of map[uint64]*watch
}

// watch is one pass, by its index.
type watch struct {
	news   chan struct{} // closed when there may be news
	phones int           // that wait
}

// join returns what is closed at the next news of a pass. Who has waited leaves.
func (w *watches) join(index uint64) (news <-chan struct{}, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.of[index]
	if one == nil {
		one = &watch{news: make(chan struct{})}
		w.of[index] = one
	}
	one.phones++
	return one.news, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if one.phones--; one.phones == 0 && w.of[index] == one {
			delete(w.of, index)
		}
	}
}

// wake tells the phones of all these people.
func (w *watches) wake(due []*store.Citizen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range due {
		for _, p := range c.Passes {
			if one := w.of[p.Index]; one != nil {
				close(one.news)
				delete(w.of, p.Index)
			}
		}
	}
}

// indexes are those of the passes whose phones wait.
func (w *watches) indexes() []uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.of))
}

// wakeAll tells the phones of these passes.
func (w *watches) wakeAll(indexes []uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, index := range indexes {
		if one := w.of[index]; one != nil {
			close(one.news)
			delete(w.of, index)
		}
	}
}

// ownStatus is what the holder of a pass may know, as of now.
func (s *Server) ownStatus(ctx context.Context, phone ed25519.PublicKey) (SelfAnswer, error) {
	a := SelfAnswer{Reasons: []Reason{}}
	asOf := s.publisher.public.truth(now())
	person, err := s.opt.Store.PersonOf(ctx, phone)
	if err != nil {
		return a, err
	}
	status, until := standingOf(person, now())
	a.Status, a.Colour, a.Until = status.String(), colours[status], until
	if status == derive(person.Records, now()).status {
		a.Reasons, a.Disputed = explain(person.Records, now()), person.Disputed
	}
	a.NewPhone = person.NewPhone
	if a.State, err = stateOf(a); err != nil {
		return a, err
	}
	a.AsOf = asOf
	return a, nil
}

// stateOf tells apart what a phone has to show.
func stateOf(a SelfAnswer) (string, error) {
	data, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("encode a status: %w", err)
	}
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:12]), nil
}

// newStatus waits until a status is not the one that the phone has seen, at the longest for the
// given time. Whoever may not wait gets it at once.
func (s *Server) newStatus(
	ctx context.Context, phone ed25519.PublicKey, seen string, longest time.Duration,
) (SelfAnswer, error) {
	c, err := s.opt.Store.PassOf(ctx, phone)
	if err != nil {
		return SelfAnswer{}, err
	}
	leave, ok := s.phones.enter(fmt.Sprint("pass ", c.Index), true)
	if !ok {
		return s.ownStatus(ctx, phone)
	}
	defer leave()
	s.metrics.watching.Inc()
	defer s.metrics.watching.Dec()
	start := time.Now()
	timeout := time.NewTimer(longest)
	defer timeout.Stop()
	for over := false; ; {
		news, leave := s.publisher.watches.join(c.Index) // before the look: news that come after it are not missed
		a, err := s.ownStatus(ctx, phone)
		a.Waited = time.Since(start).Milliseconds()
		if over || err != nil || a.State != seen {
			leave()
			return a, err
		}
		select {
		case <-news:
		case <-timeout.C:
			over = true
		case <-s.publisher.public.closing:
			leave()
			return a, nil
		case <-ctx.Done():
			leave()
			return a, ctx.Err()
		}
		leave()
	}
}
