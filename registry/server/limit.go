package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Guessing a one-time code of 50 bits is hopeless anyway; the limit keeps attempts cheap. Only
// wrong codes count, so that many phones behind one address can be activated.
const (
	wrongPerMinute = 6
	wrongAtOnce    = 10
	maxAddresses   = 4096 // remembered; beyond that all are forgotten at once, in favour of an attacker who has that many
)

type limiter struct {
	mu   sync.Mutex // guards seen
	seen map[netip.Prefix]*rate.Limiter
}

func newLimiter() *limiter { return &limiter{seen: map[netip.Prefix]*rate.Limiter{}} }

func (l *limiter) of(from netip.Prefix) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one := l.seen[from]; one != nil {
		return one
	}
	if len(l.seen) >= maxAddresses {
		clear(l.seen)
	}
	one := rate.NewLimiter(rate.Every(time.Minute/wrongPerMinute), wrongAtOnce)
	l.seen[from] = one
	return one
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
