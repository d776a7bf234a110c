package main

import (
	"container/list"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sys/unix"

	"ashyq-kiosk/registry/server"
)

// mostConnections is enough for a country's doors. Each costs some 30 kB while its door waits.
const mostConnections = 60_000

// streams is how many requests a connection of HTTP/2 may have at once. Each costs some 13 kB. A
// door has fewer, and a browser waits for its turn.
const streams = 8

// watchers is how many connections the listener for metrics holds.
const watchers = 32

// room is how many connections each listener may hold, and how many requests may wait on them.
type room struct{ pages, doors, waiting, phones int }

// openFiles is how many descriptors the process may have. A test replaces it.
var openFiles = func() (uint64, error) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return limit.Cur, err
}

// roomFor divides the descriptors that the process may have. Two fifths are for the pages, so doors
// never block staff, and phones never block doors. Files and the database keep an eighth, at least
// 64. Requests wait on half of a listener's connections at most: the rest are for what is answered
// at once.
func roomFor(onePort bool) (room, error) {
	limit, err := openFiles()
	if err != nil {
		return room{}, fmt.Errorf("read the limit of open files: %w", err)
	}
	files := int(min(limit, 2*mostConnections))
	all := min(files-max(files/8, 64), mostConnections)
	if all < 64 {
		return room{}, fmt.Errorf("the limit of open files is %d, want at least 128\nhint: raise it with LimitNOFILE= or ulimit -n", limit)
	}
	if onePort {
		return room{pages: all, waiting: all * 3 / 10, phones: all / 5}, nil
	}
	r := room{pages: all * 2 / 5, doors: all - all*2/5}
	r.waiting, r.phones = r.doors/2, r.pages/2
	return r, nil
}

// bounded is a listener with a limit of connections, and with one for each address block: a quarter
// of all. Where there are too many, the one that has been quiet for longest (in a full block: of
// the host that has the most) is closed in favour of the new one; if the registry works for all of
// its block's, the new one is. A connection is quiet while the registry waits for the other side:
// for a request, for the rest of its body, or until an answer is taken. So nobody holds a place by
// being slow. Nor does a crowd with many requests: the registry works for as many at once as three
// quarters of the connections, and all others are quiet until it is their turn.
type bounded struct {
	net.Listener
	most, share int
	// Of requests. Those that wait for the next version take two thirds at most.
	turns *semaphore.Weighted
	// Connections that were parked and are served on. Nobody takes them: they wait.
	back chan net.Conn
	end  chan struct{} // closed when nobody takes them any more

	mu     sync.Mutex // guards the rest
	open   int
	quiet  *list.List // of *connection, the oldest first
	blocks map[netip.Prefix]*block
}

// block is where connections come from. A proxy on this machine is not one: it speaks for
// everybody. Where a block is full, the host with the most connections has to make room: nobody
// keeps the neighbours out.
type block struct {
	open  int
	hosts map[netip.Prefix]*host
}

// host is an IPv4 address, or the /64 of an IPv6 address.
type host struct {
	open  int
	quiet *list.List // of *connection, the oldest first
}

// oldest is a quiet connection of the host that has the most connections; nil: none is quiet.
func (b *block) oldest() *list.Element {
	var crowd *host
	for _, h := range b.hosts {
		if h.quiet.Len() > 0 && (crowd == nil || h.open > crowd.open) {
			crowd = h
		}
	}
	if crowd == nil {
		return nil
	}
	return crowd.quiet.Front()
}

func homeOf(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

// connection is one of a bounded listener. Its listener's mu guards it.
type connection struct {
	net.Conn
	at          *bounded
	from, home  netip.Prefix // its block and its host
	block       *block
	host        *host
	all, inside *list.Element // in the lists of quiet ones; nil: it is not quiet
	working     int           // requests; HTTP/2 has many at once
	closed      bool
}

func bound(l net.Listener, most int) *bounded {
	return &bounded{
		Listener: l, most: most, share: most / 4, turns: semaphore.NewWeighted(int64(most * 3 / 4)),
		back: make(chan net.Conn), end: make(chan struct{}),
		quiet: list.New(), blocks: map[netip.Prefix]*block{},
	}
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
		own = &block{hosts: map[netip.Prefix]*host{}}
	}
	var oldest *list.Element
	switch proxy := addr == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || addr == netip.IPv6Loopback(); {
	case own.open >= b.share && !proxy:
		oldest = own.oldest()
	case b.open >= b.most:
		oldest = b.quiet.Front()
	default:
		return b.place(raw, addr, own), nil
	}
	if oldest == nil {
		return nil, raw
	}
	old := oldest.Value.(*connection)
	old.leave()
	if b.blocks[from] == nil { // it was the block's last one
		own = &block{hosts: map[netip.Prefix]*host{}}
	}
	return b.place(raw, addr, own), old.Conn
}

// place needs mu.
func (b *bounded) place(raw net.Conn, addr netip.Addr, own *block) *connection {
	c := &connection{Conn: raw, at: b, from: server.BlockOf(addr), home: homeOf(addr), block: own}
	if c.host = own.hosts[c.home]; c.host == nil {
		c.host = &host{quiet: list.New()}
		own.hosts[c.home] = c.host
	}
	b.blocks[c.from] = own
	b.open++
	own.open++
	c.host.open++
	c.hush()
	return c
}

// hush and wake need mu.
func (c *connection) hush() {
	c.all, c.inside = c.at.quiet.PushBack(c), c.host.quiet.PushBack(c)
}

func (c *connection) wake() {
	if c.all != nil {
		c.at.quiet.Remove(c.all)
		c.host.quiet.Remove(c.inside)
		c.all, c.inside = nil, nil
	}
}

// leave gives the place up. It needs mu.
func (c *connection) leave() {
	if c.closed {
		return
	}
	c.wake()
	c.closed = true
	c.at.open--
	if c.host.open--; c.host.open == 0 {
		delete(c.block.hosts, c.home)
	}
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

// connectionKey is the key of a request's connection in its context.
type connectionKey struct{}

// rememberConnection is an http.Server's ConnContext.
func rememberConnection(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if c, ok := conn.(*connection); ok {
		ctx = server.WithParker(ctx, c)
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// attentive tells the connections of a bounded listener when the registry works for them.
func attentive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		job := &job{ctx: r.Context(), on: r.Context().Value(connectionKey{}).(*connection)}
		defer job.rest()
		if r.ContentLength == 0 { // -1: unknown
			job.work()
		}
		r.Body = incoming{r.Body, job}
		next.ServeHTTP(outgoing{w, job}, r)
	})
}

// job is a request on a connection. One goroutine at a time reads its body or writes its answer.
type job struct {
	ctx     context.Context // of the request
	on      *connection
	working bool
}

// work waits for the job's turn. Who has hung up needs none.
func (j *job) work() {
	if j.working || j.on.at.turns.Acquire(j.ctx, 1) != nil {
		return
	}
	j.working = true
	j.on.at.mu.Lock()
	defer j.on.at.mu.Unlock()
	j.on.working++
	j.on.wake()
}

// rest reports whether the registry worked for it.
func (j *job) rest() bool {
	if !j.working {
		return false
	}
	j.working = false
	j.on.at.turns.Release(1)
	j.on.at.mu.Lock()
	defer j.on.at.mu.Unlock()
	if j.on.working--; j.on.working == 0 && !j.on.closed {
		j.on.hush()
	}
	return true
}

// incoming is a request's body. The registry begins to work when it has the whole.
type incoming struct {
	io.ReadCloser
	job *job
}

func (b incoming) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.job.work()
	}
	return n, err
}

// outgoing is an answer. The registry rests until the other side takes it.
type outgoing struct {
	http.ResponseWriter
	job *job
}

func (a outgoing) Write(p []byte) (int, error) {
	if a.job.rest() {
		defer a.job.work()
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a outgoing) Unwrap() http.ResponseWriter { return a.ResponseWriter }
