package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
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
		"no body":      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", nothing, nothing, true},
		"a whole body": {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", readAll, nothing, true},
		"a whole body in chunks": {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
			readAll, nothing, true},
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

// TestCrowdLeavesRoom has as many requests as there are connections, all of which take long. The
// registry works for three quarters of them, so a new connection gets the place of one that waits
// for its turn.
func TestCrowdLeavesRoom(t *testing.T) {
	const places = 4
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun, end := make(chan struct{}, places+1), make(chan struct{})
	front := &http.Server{ConnContext: rememberConnection, Handler: attentive(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-end
	}))}
	served := make(chan error, 1)
	go func() { served <- front.Serve(bound(raw, places)) }()
	defer func() {
		if err := errors.Join(front.Close(), <-served); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	type answer struct {
		of   int
		text string
	}
	answers := make(chan answer, places+1)
	for i := range places + 1 {
		conn, err := net.Dial("tcp", raw.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if i < places*3/4 {
			<-begun
		}
		go func() {
			text, _ := io.ReadAll(conn)
			answers <- answer{i, string(text)}
		}()
	}
	if a := <-answers; a.of != places-1 || a.text != "" {
		t.Errorf("connection %d was closed first, want %d, which waits for its turn", a.of, places-1)
	}
	close(end)
	for range places {
		if a := <-answers; !strings.HasPrefix(a.text, "HTTP/1.1 200") {
			t.Errorf("connection %d got %q", a.of, a.text)
		}
	}
}

// TestNeighbourKeepsPlace fills a block from two addresses. A neighbour's connection, the oldest of
// all, stays: the hosts with the most make room for each other.
func TestNeighbourKeepsPlace(t *testing.T) {
	b := bound(nil, 40) // ten for a block
	var displaced []string
	come := func(address string) *connection {
		c, gone := b.admit(fakeConn(address))
		if gone != nil {
			displaced = append(displaced, gone.RemoteAddr().(*net.TCPAddr).IP.String())
		}
		return c
	}
	neighbour := come("192.0.2.7")
	for range 200 {
		come("192.0.2.8")
		come("192.0.2.9")
	}
	if neighbour.closed || slices.Contains(displaced, "192.0.2.7") {
		t.Error("the neighbour has lost its place")
	}
	if young := come("192.0.2.10"); young == nil || young.closed {
		t.Error("a newcomer gets no place")
	}
	if neighbour.closed || b.open != 10 || len(displaced) != 400+2-10 {
		t.Errorf("%d open, %d displaced", b.open, len(displaced))
	}
}

// fakeConn is a connection from an address, and nothing else.
func fakeConn(address string) net.Conn {
	return addressed{from: &net.TCPAddr{IP: net.ParseIP(address), Port: 1}}
}

type addressed struct {
	net.Conn
	from net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.from }
