package server

import (
	"net/http"
	"net/netip"
	"strconv"
	"sync"
)

// defaultWaiting is how many requests may wait where Options say nothing.
const defaultWaiting = 10_000

// waitsOfDoor is how many requests of one certificate may wait: the daemon's, the one before it
// over a dead connection, and somebody's who tries something. It is as many of one pass.
const waitsOfDoor = 4

// waits bounds the requests that wait for the next version. Who may not wait gets the current
// version at once: a door loses seconds, and never its data.
//
// A client is a door's certificate, which the registry has signed. Everybody else is anonymous and
// counts by address block; all of them together get a quarter of the room and one block a quarter
// of that, so that no crowd displaces the doors.
type waits struct {
	all, anonymous, block int // at most

	mu      sync.Mutex // guards the rest
	waiting int
	unknown int            // of waiting: without a certificate
	clients map[string]int // waiting, by client; no zeros
}

func newWaits(all int) *waits {
	if all == 0 {
		all = defaultWaiting
	}
	return &waits{all: all, anonymous: max(1, all/4), block: max(1, all/16), clients: map[string]int{}}
}

// enter reports whether a request may wait. If so, leave ends that.
func (w *waits) enter(client string, known bool) (leave func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	most, unknown := waitsOfDoor, 0
	if !known {
		most, unknown = w.block, 1
	}
	if w.waiting >= w.all || w.unknown+unknown > w.anonymous || w.clients[client] >= most {
		return nil, false
	}
	w.waiting++
	w.unknown += unknown
	w.clients[client]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.waiting--
		w.unknown -= unknown
		if w.clients[client]--; w.clients[client] == 0 {
			delete(w.clients, client)
		}
	}, true
}

// waiter names the client of a request. A certificate counts for its door, whether or not it is
// still valid: only this registry's authority makes one.
func (s *Server) waiter(r *http.Request) (client string, known bool) {
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		if c, err := s.opt.Authority.door(r.TLS.PeerCertificates[0]); err == nil {
			return "door " + strconv.FormatInt(c.Door, 10), true
		}
	}
	return BlockOf(remote(r).Addr()).String(), false
}

// BlockOf is the block of addresses that one owner is likely to have: 256 of IPv4, a /48 of IPv6
// (RFC 6177).
func BlockOf(addr netip.Addr) netip.Prefix {
	bits := 24
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		bits = 48
	}
	block, err := addr.Prefix(bits)
	if err != nil { // it is no address: all of those are one block
		return netip.Prefix{}
	}
	return block
}
