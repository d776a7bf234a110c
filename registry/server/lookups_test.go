package server

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Each look-up takes a millisecond here.
const look = time.Millisecond

func slowly() error { time.Sleep(look); return nil } // fake

// flood sends tries that all wait at the same time, n of each address, until end.
func (l *lookUps) flood(ctx context.Context, addresses []string, n int) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for _, text := range addresses {
		for range n {
			all.Go(func() { _ = l.try(ctx, netip.MustParseAddr(text), slowly) })
		}
	}
	synctest.Wait()
	return func() { cancel(); all.Wait() }
}

func addresses(format string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return all
}

// A flood delays its own address, block and provider most, and everybody else for some
// milliseconds.
func TestLookUpsTakeTurns(t *testing.T) {
	for name, c := range map[string]struct {
		flood []string
		each  int
		waits map[string]time.Duration // at most, by who comes next
	}{
		"an address": {[]string{"192.0.2.7"}, 400, map[string]time.Duration{
			"192.0.2.7": 402 * look, "192.0.2.8": 3 * look, "192.0.3.1": 3 * look, "198.51.100.1": 3 * look}},
		"a block": {addresses("192.0.2.%d", 250), 4, map[string]time.Duration{
			"192.0.2.251": 128 * look, "192.0.3.1": 3 * look, "198.51.100.1": 3 * look}},
		"a home's IPv6": {addresses("2001:db8:7:1::%x", 400), 1, map[string]time.Duration{
			"2001:db8:7:2::1": 3 * look, "2001:db8:8::1": 3 * look, "2001:db9::1": 3 * look}},
		"a customer's IPv6": {addresses("2001:db8:7:%x::1", 2000), 1, map[string]time.Duration{
			"2001:db8:8::1": 3 * look, "2001:db9::1": 3 * look}},
		"a provider's IPv6": {addresses("2001:db8:%x::1", 2000), 1, map[string]time.Duration{
			"2001:db9::1": 3 * look, "192.0.2.7": 3 * look}},
		"200 providers": {addresses("2001:%x::1", 200), 10, map[string]time.Duration{
			"192.0.2.7": 200 / lookUpsAtOnce * look * 2}},
	} {
		for from, most := range c.waits {
			t.Run(name+", then "+from, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newLookUps()
					defer l.flood(t.Context(), c.flood, c.each)()
					start := time.Now()
					if err := l.try(t.Context(), netip.MustParseAddr(from), slowly); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(start); took > most {
						t.Errorf("%s waited %v behind %d tries, want at most %v", from, took, len(c.flood)*c.each, most)
					}
				})
			})
		}
	}
}

// A line is bounded in length and time, and leaves nothing behind.
func TestLineEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookUps()
		from := netip.MustParseAddr("192.0.2.7")
		never := func() error { <-t.Context().Done(); return nil }
		block := make(chan struct{})
		go l.try(t.Context(), from, func() error { <-block; return nil })
		synctest.Wait()
		leave := l.flood(t.Context(), []string{from.String()}, inLine-1)
		start := time.Now()
		if err := l.try(t.Context(), from, never); !errors.Is(err, errBusy) || time.Since(start) != 0 {
			t.Errorf("a try behind %d others: %v after %v", inLine, err, time.Since(start))
		}
		leave()
		if err := l.try(t.Context(), from, never); !errors.Is(err, errBusy) || time.Since(start) != longestLine {
			t.Errorf("a try whose turn does not come: %v after %v", err, time.Since(start))
		}
		close(block)
		synctest.Wait()
		if len(l.lines) != 0 {
			t.Errorf("%d lines are left", len(l.lines))
		}
	})
}

// What is no address, as from a socket of Unix, is one share.
func TestLookUpsWithoutAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if err := newLookUps().try(t.Context(), netip.Addr{}, slowly); err != nil {
			t.Error(err)
		}
	})
}
