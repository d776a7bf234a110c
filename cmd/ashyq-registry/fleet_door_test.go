package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/kiosk/statuslist"
)

// What a real door does, see packages client, replica and retry.
const (
	doorTimeout = 10 * time.Second
	doorPause   = 5 * time.Second // after an answer without news, from the question on
	mirrorPause = 4 * time.Second // between two looks at a mirror, at least
	mirrorMore  = 2 * time.Second // at most
	firstPause  = 2 * time.Second // after a failure, at most; twice as long after each one that follows
	lastPause   = time.Minute
)

// fleetDoor is a door without a camera and a card. It asks as a real door does, over one connection
// of HTTP/1.1 with its own certificate, and checks what it gets. It has no http.Client: ten
// thousand of them have to fit beside the registry.
type fleetDoor struct {
	*fleet
	name, device string
	from         netip.Addr
	certificate  *tls.Certificate
	tls          *tls.Config
	rate         int  // bytes/s of its slow link; 0: a good one
	at           int  // which registry it asks
	mirrored     bool // it takes the list from the mirror
	etag         string

	reader  *bufio.Reader
	edition statuslist.Edition
	rules   api.Hash
	keys    api.Hash
	version atomic.Uint64 // of edition
	got     atomic.Int64  // bytes, with those of TLS

	mu   sync.Mutex // guards conn
	conn net.Conn

	// To be read when it has stopped.
	held []held
	lost []time.Time // when a connection, or the attempt to make one, failed
}

// held is when a door had a version, complete and checked.
type held struct {
	version uint64
	at      time.Time
}

// run follows until ctx ends.
func (d *fleetDoor) run(ctx context.Context, first func()) {
	defer first()
	bound := firstPause
	for ctx.Err() == nil {
		heard, err := d.follow(ctx, first)
		if ctx.Err() != nil {
			return
		}
		d.failed.Add(1)
		d.lost = append(d.lost, time.Now())
		if d.verbose {
			d.Logf("%s: %v", d.name, err)
		}
		if heard { // on a connection that has worked: http.Transport asks again at once
			bound = firstPause
		} else {
			sleep(ctx, bound/2+rand.N(bound/2))
			bound = min(2*bound, lastPause)
		}
		d.at++ // what a load balancer does where a registry is gone
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// follow asks over one connection until that fails. heard: it got an answer.
func (d *fleetDoor) follow(ctx context.Context, first func()) (heard bool, err error) {
	conn, err := d.connect(ctx)
	if err != nil {
		return false, err
	}
	defer d.hangUp()
	for ctx.Err() == nil {
		asked := time.Now()
		m, err := d.manifest(conn)
		if err != nil {
			return heard, err
		}
		newer, err := d.take(conn, m)
		if err != nil {
			return heard, err
		}
		heard = true
		first()
		switch {
		case d.mirrored:
			sleep(ctx, mirrorPause+rand.N(mirrorMore)-time.Since(asked))
		case !newer:
			sleep(ctx, doorPause-time.Since(asked))
		}
	}
	return heard, nil
}

func (d *fleetDoor) connect(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: doorTimeout, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(d.from, 0))}
	raw, err := dialer.DialContext(ctx, "tcp", d.address(d))
	if err != nil {
		return nil, err
	}
	conn := tls.Client(&link{Conn: raw, got: &d.got, rate: d.rate}, d.tls)
	if d.rate > 0 {
		err = raw.(*net.TCPConn).SetReadBuffer(4 << 10) // so that the registry waits, too
	}
	d.mu.Lock()
	d.conn = raw
	d.mu.Unlock()
	if err == nil {
		err = errors.Join(ctx.Err(), conn.SetDeadline(time.Now().Add(doorTimeout)))
	}
	if err == nil {
		err = conn.HandshakeContext(ctx)
	}
	if err != nil {
		d.hangUp()
		return nil, err
	}
	d.reader = bufio.NewReader(conn)
	return conn, nil
}

// hangUp cuts the connection, as whatever is between a door and its registry may do.
func (d *fleetDoor) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		_ = d.conn.Close() // it may be closed already
	}
}

func (d *fleetDoor) manifest(conn net.Conn) (*seen, error) {
	path, wait := api.PathManifest, time.Duration(0)
	if d.mirrored {
		return d.lookAtMirror(conn)
	}
	if after := d.edition.Version; after > 0 {
		path, wait = fmt.Sprintf("%s?after=%d&wait=%s", path, after, replica.Wait), replica.Wait
	}
	var m *seen
	err := d.get(conn, path, wait, api.MaxManifest, func(sealed []byte) (err error) {
		m, err = d.witness.manifest(sealed)
		return err
	})
	return m, err
}

// lookAtMirror returns nil where the mirror has nothing new.
func (d *fleetDoor) lookAtMirror(conn net.Conn) (m *seen, err error) {
	res, err := d.send(conn, api.PathManifest, "If-None-Match: "+d.etag+"\r\n", 0)
	if err != nil || res.StatusCode == http.StatusNotModified {
		return nil, err
	}
	err = d.read(res, api.MaxManifest, func(sealed []byte) (err error) {
		m, err = d.witness.manifest(sealed)
		return err
	})
	d.etag = res.Header.Get("ETag")
	return m, err
}

// take loads what leads to a newer manifest. newer: there was one.
func (d *fleetDoor) take(conn net.Conn, s *seen) (newer bool, err error) {
	if s == nil {
		return false, nil
	}
	m := s.manifest
	if c := m.Edition().Compare(d.edition); c <= 0 {
		if c < 0 {
			d.problem("%s got version %v after %v", d.name, m.Edition(), d.edition)
		}
		return false, nil
	}
	blobs, ok := s.deltas(d.edition)
	if !ok {
		if blobs, ok = s.whole(); !ok {
			d.problem("%s: no deltas lead on from the sections of version %v", d.name, m.Edition())
		}
		if d.edition.Version > 0 {
			d.whole.Add(1)
		}
	}
	if m.Rules != d.rules {
		blobs = append(blobs, m.Rules)
	}
	if m.Keys != d.keys {
		blobs = append(blobs, m.Keys)
	}
	for _, h := range blobs {
		take := func(data []byte) error { return d.witness.blob(h, data) }
		err := d.get(conn, api.PathBlob+"/"+h.String(), 0, client.MaxBlob, take)
		if err != nil {
			return true, err
		}
	}
	d.edition, d.rules, d.keys = m.Edition(), m.Rules, m.Keys
	d.held = append(d.held, held{m.Version, time.Now()})
	d.version.Store(m.Version)
	return true, nil
}

// bodies are buffers for answers: those of all doors at once would take more memory than the
// registry.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// get hands the answer to take, which must not keep it.
func (d *fleetDoor) get(conn net.Conn, path string, wait time.Duration, limit int64, take func([]byte) error) error {
	res, err := d.send(conn, path, "", wait)
	if err != nil {
		return err
	}
	return d.read(res, limit, take)
}

// send returns the answer as soon as it begins.
func (d *fleetDoor) send(conn net.Conn, path, headers string, wait time.Duration) (*http.Response, error) {
	patience := wait + doorTimeout
	if d.rate > 0 {
		patience += time.Minute
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	question := "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: ashyq-kiosk/devel\r\n" + headers + "\r\n"
	if _, err := io.WriteString(conn, question); err != nil {
		return nil, err
	}
	return http.ReadResponse(d.reader, nil)
}

func (d *fleetDoor) read(res *http.Response, limit int64, take func([]byte) error) error {
	if res.ContentLength < 0 || res.ContentLength > limit {
		return fmt.Errorf("an answer of %d bytes", res.ContentLength)
	}
	buffer := bodies.Get().(*[]byte)
	defer bodies.Put(buffer)
	if int64(cap(*buffer)) < res.ContentLength {
		*buffer = make([]byte, res.ContentLength)
	}
	data := (*buffer)[:res.ContentLength]
	if _, err := io.ReadFull(res.Body, data); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return take(data)
}

// link is a door's connection below TLS.
type link struct {
	net.Conn
	got  *atomic.Int64
	rate int // bytes/s; 0: as fast as it goes

	asked bool // since the last answer
}

// slowDelay is what a slow link needs from a question to the answer.
const slowDelay = 300 * time.Millisecond

func (l *link) Write(p []byte) (int, error) {
	l.asked = true
	return l.Conn.Write(p)
}

func (l *link) Read(p []byte) (int, error) {
	if l.rate > 0 {
		p = p[:min(len(p), 1<<10)]
	}
	n, err := l.Conn.Read(p)
	l.got.Add(int64(n))
	if l.rate > 0 {
		took := time.Duration(n) * time.Second / time.Duration(l.rate)
		if l.asked {
			l.asked, took = false, took+slowDelay
		}
		time.Sleep(took)
	}
	return n, err
}
