package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// Park implements server.Parker, for TLS with HTTP/1.1, which doors speak. A parked connection is
// not quiet, and keeps its turn until it is answered: nobody holds a turn by not taking the answer.
func (c *connection) Park(w http.ResponseWriter, r *http.Request) (net.Conn, func(again bool), bool) {
	if r.TLS == nil || !c.at.turns.TryAcquire(1) {
		return nil, nil, false
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		c.at.turns.Release(1)
		return nil, nil, false
	}
	c.at.mu.Lock()
	c.working++
	c.wake()
	c.at.mu.Unlock()
	pipelined := buffered.Reader.Buffered() > 0 // no door does that, and nobody would read it
	rest := sync.OnceFunc(func() {
		c.at.turns.Release(1)
		c.at.mu.Lock()
		defer c.at.mu.Unlock()
		if c.working--; c.working == 0 && !c.closed {
			c.hush()
		}
	})
	return &parked{conn, rest}, func(again bool) {
		rest()
		if again && !pipelined {
			select {
			case c.at.back <- conn:
				return
			case <-c.at.end:
			}
		}
		_ = conn.Close() // the door has gone, or has its answer
	}, true
}

// parked rests when it is written to, as outgoing does.
type parked struct {
	net.Conn
	rest func()
}

// Write implements net.Conn.
func (p *parked) Write(data []byte) (int, error) {
	p.rest()
	return p.Conn.Write(data)
}

// returning is a listener that accepts connections a second time that were parked.
type returning struct {
	net.Listener
	from  *bounded
	fresh chan accepted
	once  sync.Once
}

type accepted struct {
	conn net.Conn
	err  error
}

// secured speaks TLS on the connections of a bounded listener.
func secured(b *bounded, config *tls.Config) net.Listener {
	l := &returning{Listener: tls.NewListener(b, config), from: b, fresh: make(chan accepted)}
	go func() {
		for {
			conn, err := l.Listener.Accept()
			select {
			case l.fresh <- accepted{conn, err}:
			case <-b.end:
				if err == nil {
					_ = conn.Close() // nobody serves it any more
				}
				return
			}
		}
	}()
	return l
}

// Accept implements net.Listener.
func (l *returning) Accept() (net.Conn, error) {
	select {
	case a := <-l.fresh:
		return a.conn, a.err
	case conn := <-l.from.back:
		return conn, nil
	case <-l.from.end:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *returning) Close() error {
	l.once.Do(func() { close(l.from.end) })
	return l.Listener.Close()
}
