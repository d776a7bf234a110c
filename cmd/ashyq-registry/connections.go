package main

import (
	"container/list"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"

	"ashyq-kiosk/registry/server"
)

// mostConnections is enough for a country's doors. Each costs some 40 kB.
const mostConnections = 60_000

// watchers is how many connections the listener for metrics holds.
const watchers = 32

// room is how many connections each listener may hold, and how many requests may wait on them.
type room struct{ pages, doors, waiting int }

// roomFor divides the descriptors that the process may have. A quarter is for the pages, so doors
// never block staff. Files and the database keep an eighth, at least 64. Requests wait on half of a
// listener's connections at most: the rest are for what is answered at once.
func roomFor(onePort bool) (room, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return room{}, fmt.Errorf("read the limit of open files: %w", err)
	}
	files := int(min(limit.Cur, 2*mostConnections))
	all := min(files-max(files/8, 64), mostConnections)
	if all < 64 {
		return room{}, fmt.Errorf("the limit of open files is %d, want at least 128\nhint: raise it with LimitNOFILE= or ulimit -n", limit.Cur)
	}
	if onePort {
		return room{pages: all, waiting: all / 2}, nil
	}
	r := room{pages: all / 4, doors: all - all/4}
	r.waiting = r.doors / 2
	return r, nil
}

// bounded is a listener with a limit of connections, and with one for each address block: a quarter
// of all. Where there are too many, the one that has been quiet for longest is closed in favour of
// the new one; if all are being served, the new one is.
type bounded struct {
	net.Listener
	most, share int

	mu     sync.Mutex // guards the rest
	open   int
	quiet  *list.List // of *connection: nothing is asked on it; the oldest first
	blocks map[netip.Prefix]*block
}

// block is where connections come from. A proxy on this machine is not one: it speaks for
// everybody.
type block struct {
	open  int
	quiet *list.List
}

// connection is one of a bounded listener. Its listener's mu guards it.
type connection struct {
	net.Conn
	at          *bounded
	from        netip.Prefix
	block       *block
	all, inside *list.Element // in the lists of quiet ones; nil: it is being served
	closed      bool
}

func bound(l net.Listener, most int) *bounded {
	return &bounded{Listener: l, most: most, share: most / 4, quiet: list.New(), blocks: map[netip.Prefix]*block{}}
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		raw, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c, displaced := b.admit(raw)
		if displaced != nil {
			_ = displaced.Close() // it is quiet, so nothing is lost
		}
		if c != nil {
			return c, nil
		}
	}
}

// admit returns the connection, or nil where it gets no place, and which one has to go.
func (b *bounded) admit(raw net.Conn) (c *connection, displaced net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	addr := raw.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	from := server.BlockOf(addr)
	own := b.blocks[from]
	if own == nil {
		own = &block{quiet: list.New()}
	}
	var oldest *list.Element
	switch proxy := addr == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || addr == netip.IPv6Loopback(); {
	case own.open >= b.share && !proxy:
		oldest = own.quiet.Front()
	case b.open >= b.most:
		oldest = b.quiet.Front()
	default:
		return b.place(raw, from, own), nil
	}
	if oldest == nil {
		return nil, raw
	}
	old := oldest.Value.(*connection)
	old.leave()
	if b.blocks[from] == nil { // it was the block's last one
		own = &block{quiet: list.New()}
	}
	return b.place(raw, from, own), old.Conn
}

// place needs mu.
func (b *bounded) place(raw net.Conn, from netip.Prefix, own *block) *connection {
	c := &connection{Conn: raw, at: b, from: from, block: own}
	b.blocks[from] = own
	b.open++
	own.open++
	c.rest()
	return c
}

// rest and work need mu.
func (c *connection) rest() {
	if c.all == nil && !c.closed {
		c.all, c.inside = c.at.quiet.PushBack(c), c.block.quiet.PushBack(c)
	}
}

func (c *connection) work() {
	if c.all != nil {
		c.at.quiet.Remove(c.all)
		c.block.quiet.Remove(c.inside)
		c.all, c.inside = nil, nil
	}
}

// leave gives the place up. It needs mu.
func (c *connection) leave() {
	if c.closed {
		return
	}
	c.work()
	c.closed = true
	c.at.open--
	if c.block.open--; c.block.open == 0 {
		delete(c.at.blocks, c.from)
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.at.mu.Lock()
	c.leave()
	c.at.mu.Unlock()
	return c.Conn.Close()
}

// noteState is an http.Server's hook.
func noteState(conn net.Conn, state http.ConnState) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	c := conn.(*connection)
	c.at.mu.Lock()
	defer c.at.mu.Unlock()
	switch state {
	case http.StateActive:
		c.work()
	case http.StateIdle:
		c.rest()
	}
}
