package server

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// pipeParker parks requests on one end of a pipe, which takes nothing that the other end does not read.
type pipeParker struct {
	conn net.Conn
	left chan bool
}

// Park implements Parker.
func (p *pipeParker) Park(http.ResponseWriter, *http.Request) (net.Conn, func(bool), bool) {
	return p.conn, func(again bool) { p.left <- again; _ = p.conn.Close() }, true
}

// replying writes when it is read, as TLS does when the other side asks for new keys.
type replying struct{ net.Conn }

// Read implements net.Conn.
func (c replying) Read(p []byte) (int, error) {
	_, _ = c.Write([]byte("new keys")) // TLS only says so at the next write
	return c.Conn.Read(p)
}

// parkOn lets a request wait on the connection.
func (r *rig) parkOn(conn net.Conn, after uint64) *pipeParker {
	p := &pipeParker{conn, make(chan bool, 1)}
	req := httptest.NewRequest(http.MethodGet, api.PathManifest+"?wait=25s&after="+strconv.FormatUint(after, 10), nil)
	r.ServeHTTP(httptest.NewRecorder(), req.WithContext(WithParker(req.Context(), p)))
	return p
}

// TestParkedTakesNothing has a door that waits, makes TLS write and takes nothing. It loses its place
// when the wait and the time for the answer are over.
func TestParkedTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		near, far := net.Pipe()
		defer far.Close()
		m := r.manifestAfter(0, 0)
		at := time.Now()
		p := r.parkOn(replying{near}, m.Version)
		select {
		case again := <-p.left:
			if again {
				t.Error("it is served on, although it has taken nothing")
			}
		case <-time.After(time.Hour):
		}
		if took, most := time.Since(at), 25*time.Second+parkedWrite; took > most {
			t.Errorf("it kept its place for %v, want %v at most", took, most)
		}
	})
}

// TestBodyIsNotParked sends a question with a body that comes late. net/http tells the two from the
// next question; on a parked connection it would be one.
func TestBodyIsNotParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		near, far := net.Pipe()
		defer far.Close()
		p := &pipeParker{near, make(chan bool, 1)}
		at := api.PathManifest + "?wait=25s&after=" + strconv.FormatUint(r.manifestAfter(0, 0).Version, 10)
		for _, body := range []io.Reader{strings.NewReader("GET /healthz HTTP/1.1\r\n\r\n"), far} { // far: of unknown length
			req, answer := httptest.NewRequest(http.MethodGet, at, body), httptest.NewRecorder()
			r.ServeHTTP(answer, req.WithContext(WithParker(req.Context(), p)))
			if answer.Body.Len() == 0 {
				t.Errorf("a question with a body of %d bytes is parked", req.ContentLength)
			}
		}
	})
}

// TestParkedShutdown ends a registry while a door does not take its answer.
func TestParkedShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		near, far := net.Pipe()
		defer far.Close()
		p := r.parkOn(near, r.manifestAfter(0, 0).Version)
		synctest.Wait()
		at := time.Now()
		r.stop()
		if took := time.Since(at); took > lastWrite+time.Second {
			t.Errorf("a door that takes nothing held the shutdown up for %v", took)
		}
		<-p.left
	})
}
