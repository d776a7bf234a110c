package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func readAll(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }

func writeMuch(w http.ResponseWriter, r *http.Request) {
	readAll(w, r)
	_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
}

func nothing(http.ResponseWriter, *http.Request) {}

// TestWhoIsClosed fills a listener with connections that send nothing. They close one that the
// registry waits for, and none that it works for.
func TestWhoIsClosed(t *testing.T) {
	const places, others = 4, 8
	for name, c := range map[string]struct {
		request string
		before  http.HandlerFunc // the registry begins to work; nil: it does not get the request
		after   http.HandlerFunc // the flood comes
		stays   bool
	}{
		"no body":                  {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", nothing, nothing, true},
		"a whole body":             {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", readAll, nothing, true},
		"a whole body in chunks":   {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", readAll, nothing, true},
		"a part of the answer":     {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", writeMuch, nothing, true},
		"half a body":              {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{", nothing, readAll, false},
		"a body that nobody reads": {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n", nothing, nothing, false},
		"half a request":           {"GET / HTTP/1.1\r\n", nil, nil, false},
		"no request":               {"", nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			begun, end := make(chan struct{}), make(chan struct{})
			front := &http.Server{ConnContext: rememberConnection, Handler: attentive(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.before(w, r)
				begun <- struct{}{}
				c.after(w, r)
				<-end
			}))}
			served := make(chan error, 1)
			go func() { served <- front.Serve(bound(raw, places)) }()
			defer func() {
				close(end)
				if err := errors.Join(front.Close(), <-served); !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
			}()
			closed := make(chan int, 1+others)
			for i := range 1 + others {
				conn, err := net.Dial("tcp", raw.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if i == 0 {
					_, _ = io.WriteString(conn, c.request)
				}
				if i == 0 && c.before != nil {
					<-begun
				}
				go func() { _, _ = io.Copy(io.Discard, conn); closed <- i }()
			}
			stays := true
			for range 1 + others - places {
				if <-closed == 0 {
					stays = false
				}
			}
			if stays != c.stays {
				t.Errorf("the connection stays: %v, want %v", stays, c.stays)
			}
		})
	}
}
