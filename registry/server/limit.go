package server

import (
	"context"
	"errors"
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"ashyq-kiosk/registry/store"
)

// The limits of wrong one-time codes; the package comment says why they are enough.
const (
	wrongPerSecond = 2000 // everybody
	wrongTogether  = 2000 // everybody at once

	networkPerSecond = 2   // one network
	wrongAtOnce      = 300 // one network at once

	sameEvery  = 2 * time.Second // one code, right or wrong
	sameAtOnce = 10              // one code at once
)

// guesses limits how many citizens' codes are looked up.
type guesses struct {
	all      *allowance
	networks slots[netip.Prefix]
	codes    slots[store.Secret]
}

func newGuesses() *guesses {
	return &guesses{
		all:      newAllowance(wrongPerSecond, wrongTogether),
		networks: newSlots[netip.Prefix](networkPerSecond, wrongAtOnce),
		codes:    newSlots[store.Secret](rate.Every(sameEvery), sameAtOnce),
	}
}

var errTooMany = &failure{http.StatusTooManyRequests, "too many wrong codes", "wait a minute and try again", nil}

// try looks a code up if the limits allow it. The look-up holds a place in them from before its
// start, so that tries at the same moment do not get around them. Only a wrong code uses up the
// place.
func (g *guesses) try(code store.Secret, from netip.Prefix, lookUp func() error) error {
	wrong := false
	for _, limit := range []*allowance{g.networks.of(from), g.all} {
		if !limit.hold() {
			return errTooMany
		}
		defer func() { limit.release(wrong) }()
	}
	if !g.codes.of(code).take() {
		return errTooMany
	}
	err := lookUp()
	wrong = errors.Is(err, store.ErrNotFound) || errors.Is(err, context.Canceled) // who hangs up could guess for free
	return err
}

// allowance is a limit whose places are held while something is looked up.
type allowance struct {
	mu    sync.Mutex // guards held, and that spent has a token for each
	held  int
	spent *rate.Limiter
}

func newAllowance(perSecond rate.Limit, atOnce int) *allowance {
	return &allowance{spent: rate.NewLimiter(perSecond, atOnce)}
}

// hold takes a place until release.
func (a *allowance) hold() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.spent.Tokens() < float64(a.held+1) {
		return false
	}
	a.held++
	return true
}

// release gives the place back, or uses it up.
func (a *allowance) release(use bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held--
	if use {
		a.spent.Allow() // there is a token: hold has seen to it
	}
}

// unused reports that nothing is held or used up.
func (a *allowance) unused() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held == 0 && a.spent.Tokens() >= float64(a.spent.Burst())
}

// take uses a place up at once.
func (a *allowance) take() bool {
	ok := a.hold()
	if ok {
		a.release(true)
	}
	return ok
}

// slots has an allowance for each key. It is a table of fixed size, so that no flood of keys makes
// it grow or forget. Two keys share a slot by chance, and nobody outside can tell which.
type slots[K comparable] struct {
	perSecond rate.Limit
	atOnce    int
	seed      maphash.Seed
	table     []atomic.Pointer[allowance]
}

// slotsOfAll is large enough for wrongPerSecond random codes not to use up what a slot of codes
// has.
const slotsOfAll = 1 << 16

func newSlots[K comparable](perSecond rate.Limit, atOnce int) slots[K] {
	return slots[K]{perSecond, atOnce, maphash.MakeSeed(), make([]atomic.Pointer[allowance], slotsOfAll)}
}

func (s *slots[K]) of(key K) *allowance {
	slot := &s.table[maphash.Comparable(s.seed, key)%slotsOfAll]
	if slot.Load() == nil {
		slot.CompareAndSwap(nil, newAllowance(s.perSecond, s.atOnce))
	}
	return slot.Load()
}

// A network is what one customer gets at most: less would let a customer of IPv6 have thousands.
const (
	networkIPv4 = 24
	networkIPv6 = 48
)

// network is the network that a request came from.
func network(r *http.Request) netip.Prefix {
	from := remote(r)
	bits := networkIPv4
	if from.Addr().Is6() {
		bits = networkIPv6
	}
	return netip.PrefixFrom(from.Addr(), bits).Masked()
}

// remote is where a request came from: an IPv4 address, or the /64 of an IPv6 address because a
// home has that many. Behind a proxy on this machine it is what the proxy says.
func remote(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	if addr.IsLoopback() {
		list := r.Header.Values("X-Forwarded-For")
		last := strings.Join(list, ",")
		last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
		if behind, err := netip.ParseAddr(last); err == nil {
			addr = behind
		}
	}
	bits := 32
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(addr, bits).Masked()
}
