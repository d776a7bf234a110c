package server

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// A door that waits for the next version needs no goroutine with a deep stack and no buffers: those
// of net/http take 40 kB. So the connection is parked meanwhile. One small goroutine reads from it,
// to see whether the door hangs up; the next version, or the end of the wait, interrupts that.

// Parker takes a request's connection out of net/http.
type Parker interface {
	// Park returns the connection, after which nobody else uses it. leave ends that: the connection is
	// served on, or closed. Where ok is false, nothing has happened.
	Park(w http.ResponseWriter, r *http.Request) (conn net.Conn, leave func(again bool), ok bool)
}

// parkerKey is the key of a connection's Parker in the context of its requests.
type parkerKey struct{}

// WithParker lets requests on a connection be parked. It is for an http.Server's ConnContext.
func WithParker(ctx context.Context, p Parker) context.Context {
	return context.WithValue(ctx, parkerKey{}, p)
}

// waiting is the answer of manifest to who may wait.
type waiting struct {
	after   uint64
	longest time.Duration
	leave   func() // is called when the wait is over
}

const (
	// parkedWrite is how long a parked door may take to take its answer.
	parkedWrite = time.Minute
	// lastWrite is how long the end waits for parked doors that do not take theirs.
	lastWrite = 5 * time.Second
)

// park reports whether the request is parked. Then it is answered later. One with a body is not: what
// comes of it after the answer would be read as the next request.
func (s *Server) park(w http.ResponseWriter, r *http.Request, b waiting) bool {
	parker, ok := r.Context().Value(parkerKey{}).(Parker)
	if !ok || r.Method != http.MethodGet || r.ProtoMajor != 1 || r.Close || r.ContentLength != 0 ||
		!s.publisher.public.enter() {
		return false
	}
	conn, leave, ok := parker.Park(w, r)
	if !ok {
		s.publisher.public.parked.Done()
		return false
	}
	go func() {
		defer s.publisher.public.parked.Done()
		s.metrics.waiting.Inc()
		stays := s.publisher.public.waitOn(conn, b.after, time.Now().Add(b.longest))
		s.metrics.waiting.Dec()
		b.leave()
		leave(stays && s.answerParked(conn) == nil)
	}()
	return true
}

// answerParked writes what net/http would have written.
func (s *Server) answerParked(conn net.Conn) error {
	answer, err := s.publisher.public.answer()
	if err == nil {
		err = errors.Join(conn.SetReadDeadline(time.Time{}), conn.SetWriteDeadline(time.Now().Add(parkedWrite)))
	}
	if err == nil {
		_, err = conn.Write(answer)
	}
	return errors.Join(err, conn.SetWriteDeadline(time.Time{}))
}

// answer is the current manifest as a whole answer. All doors are sent the same bytes.
func (p *publication) answer() ([]byte, error) {
	sealed, err := p.current()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answered == nil || &p.answeredFor[0] != &sealed[0] {
		header := http.Header{"Content-Type": {"application/cose"}, "Content-Length": {strconv.Itoa(len(sealed))},
			"Date": {time.Now().UTC().Format(http.TimeFormat)}}
		secure(header)
		var b bytes.Buffer
		b.WriteString("HTTP/1.1 200 OK\r\n")
		if err := header.Write(&b); err != nil {
			return nil, err
		}
		b.WriteString("\r\n")
		b.Write(sealed)
		p.answered, p.answeredFor = b.Bytes(), sealed
	}
	return p.answered, nil
}

// enter reports whether a request may be parked: not after the end.
func (p *publication) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closing:
		return false
	default:
		p.parked.Add(1)
		return true
	}
}

// interrupted is a deadline that is over.
var interrupted = time.Unix(1, 0)

// waitOn waits as wait does, until then. false: the door has hung up, or has not waited for the
// answer.
func (p *publication) waitOn(conn net.Conn, after uint64, until time.Time) (stays bool) {
	var one [1]byte
	for {
		if !p.watch(conn, after, until) {
			return true
		}
		_, err := conn.Read(one[:])
		p.mu.Lock()
		delete(p.conns, conn)
		p.mu.Unlock()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
	}
}

// watch reports whether there is something to wait for. Then reading from the connection is
// interrupted when there may be no more. The deadlines are also for writing: TLS answers some of what
// it reads (key updates), and whoever does not take these answers would hold up the reader for good.
func (p *publication) watch(conn net.Conn, after uint64, until time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closing:
		return false
	default:
	}
	if p.manifest.Version > after || !time.Now().Before(until) || conn.SetDeadline(until) != nil {
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

// interrupt lets all parked requests look again. It needs mu.
func (p *publication) interrupt() {
	for conn := range p.conns {
		_ = conn.SetDeadline(interrupted) // it may be closed already
	}
}
