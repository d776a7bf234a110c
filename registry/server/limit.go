package server

import (
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"ashyq-kiosk/registry/store"
)

// How often one code or token that exists may be tried, right or used, and a door may say hello.
const (
	sameEvery  = 2 * time.Second
	sameAtOnce = 10
)

var errTriedTooOften = &failure{http.StatusTooManyRequests, "this code was tried too often", "wait a minute and try again", nil}

// slots has a limiter for each code, token or door. It is a table of fixed size, so that it neither
// grows nor forgets. Two of them share a slot by chance, and nobody outside can tell which.
type slots struct {
	seed  maphash.Seed
	table []atomic.Pointer[rate.Limiter]
}

const slotsOfAll = 1 << 16

func newSlots() slots {
	return slots{maphash.MakeSeed(), make([]atomic.Pointer[rate.Limiter], slotsOfAll)}
}

func (s *slots) of(secret store.Secret) *rate.Limiter {
	slot := &s.table[maphash.Comparable(s.seed, secret)%slotsOfAll]
	if slot.Load() == nil {
		slot.CompareAndSwap(nil, rate.NewLimiter(rate.Every(sameEvery), sameAtOnce))
	}
	return slot.Load()
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
