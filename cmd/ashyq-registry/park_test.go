package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// TestParked lets requests wait for the next version over TLS. They are answered as others are, on
// connections that go on, and whoever hangs up does not count any more.
func TestParked(t *testing.T) {
	p := &parkedProcess{process: &process{T: t, data: filepath.Join(t.TempDir(), "data")}}
	p.start()
	door := p.dial()
	version, plain := door.manifest("")
	after := fmt.Sprint("?after=", version, "&wait=")

	same, parked := door.manifest(after + "1s")
	for _, header := range []http.Header{plain, parked} {
		header.Del("Date")
	}
	if same != version || !reflect.DeepEqual(plain, parked) {
		t.Errorf("after a wait without news: version %d, want %d, with headers\n%v, want\n%v", same, version, parked, plain)
	}

	door.ask(after + "60s")
	p.waiting(1)
	p.people(numbers(1))
	if next, _ := door.answer(); next <= version {
		t.Errorf("version %d after %d", next, version)
	}
	version, _ = door.manifest("") // on the same connection
	after = fmt.Sprint("?after=", version, "&wait=")
	door.ask(after + "60s")
	p.waiting(1)
	door.Close()
	p.waiting(0)

	two := p.dial()
	two.send(after+"1s", after+"1s") // which no door does: the second one may stay without an answer
	two.answer()
	if _, err := io.Copy(io.Discard, two.reader); err != nil {
		t.Errorf("after two questions at once: %v", err)
	}

	last := p.dial()
	last.ask(after + "60s")
	p.waiting(1)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got, _ := last.answer(); got != version {
		t.Errorf("the registry ends and answers with version %d, want %d", got, version)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// parkedProcess is a registry with figures.
type parkedProcess struct {
	*process
	metrics string
	roots   *x509.CertPool
}

var metricsOn = regexp.MustCompile(` metrics=(\S+)`)

func (p *parkedProcess) start() {
	p.Helper()
	log := filepath.Join(p.TempDir(), "log")
	file, err := os.Create(log)
	if err != nil {
		p.Fatal(err)
	}
	defer file.Close()
	p.cmd = p.program()
	p.cmd.Args = append(p.cmd.Args, "--metrics-listen", "127.0.0.1:0")
	p.cmd.Stderr = file
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { p.cmd.Process.Kill() }) // it has ended, unless the test has failed
	for end := time.Now().Add(time.Minute); p.url == ""; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(log)
		if err != nil || time.Now().After(end) {
			p.Fatalf("the registry does not listen: %v\n%s", err, text)
		}
		if found, metrics := listeningOn.FindSubmatch(text), metricsOn.FindSubmatch(text); found != nil && metrics != nil {
			p.url, p.doors, p.metrics = "http://"+string(found[1]), string(found[2]), "http://"+string(metrics[1])
		}
	}
	ca, err := readCertificate(filepath.Join(p.data, caFile))
	if err != nil {
		p.Fatal(err)
	}
	p.roots = x509.NewCertPool()
	p.roots.AddCert(ca)
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := p.get(api.PathManifest); err == nil {
			return
		} else if time.Now().After(end) {
			p.Fatal(err)
		}
	}
}

// waiting waits until so many requests wait.
func (p *parkedProcess) waiting(n int) {
	p.Helper()
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		res, err := http.Get(p.metrics + "/metrics")
		if err != nil {
			p.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			p.Fatal(err)
		}
		if strings.Contains(string(text), fmt.Sprintf("\nashyq_registry_waiting_doors %d\n", n)) {
			return
		}
		if time.Now().After(end) {
			p.Fatalf("there are never %d requests that wait", n)
		}
	}
}

// asking is a connection like a door's.
type asking struct {
	net.Conn
	p      *parkedProcess
	reader *bufio.Reader
}

func (p *parkedProcess) dial() *asking {
	p.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(p.doors, "https://"), &tls.Config{RootCAs: p.roots})
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { conn.Close() }) // again, perhaps
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		p.Fatal(err)
	}
	return &asking{conn, p, bufio.NewReader(conn)}
}

// send sends questions without waiting for answers.
func (a *asking) send(queries ...string) {
	a.p.Helper()
	text := ""
	for _, query := range queries {
		text += "GET " + api.PathManifest + query + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
	}
	if _, err := io.WriteString(a.Conn, text); err != nil {
		a.p.Fatal(err)
	}
}

func (a *asking) ask(query string) { a.p.Helper(); a.send(query) }

func (a *asking) answer() (version uint64, header http.Header) {
	a.p.Helper()
	res, err := http.ReadResponse(a.reader, nil)
	if err != nil {
		a.p.Fatal(err)
	}
	sealed, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		a.p.Fatal(res.Status, err)
	}
	m, err := api.OpenManifest(sealed, (&door{process: a.p.process}).key())
	if err != nil {
		a.p.Fatal(err)
	}
	return m.Version, res.Header
}

func (a *asking) manifest(query string) (version uint64, header http.Header) {
	a.p.Helper()
	a.send(query)
	return a.answer()
}

// parkedAt is a server that parks each request.
type parkedAt struct {
	*bounded
	address string
	conns   chan net.Conn
	leave   chan func(bool)
}

func newParkedAt(t *testing.T, places int) *parkedAt {
	t.Helper()
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &parkedAt{bound(raw, places), raw.Addr().String(), make(chan net.Conn, 1), make(chan func(bool), 1)}
	front := &http.Server{ConnContext: rememberConnection, Handler: attentive(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.TLS = &tls.ConnectionState{} // as if
		conn, leave, ok := r.Context().Value(connectionKey{}).(*connection).Park(w, r)
		if !ok {
			t.Error("it cannot be parked")
		}
		p.conns <- conn
		p.leave <- leave
	}))}
	served := make(chan error, 1)
	go func() { served <- front.Serve(p) }()
	t.Cleanup(func() {
		if err := errors.Join(front.Close(), <-served); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return p
}

// dial sends the text, which may find the connection closed already.
func (p *parkedAt) dial(t *testing.T, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_, _ = io.WriteString(conn, text)
	return conn
}

// A parked connection is not quiet: a flood of others does not close it. When it is not parked any
// more, it is.
func TestParkedStays(t *testing.T) {
	const places = 4
	p := newParkedAt(t, places)
	closed := make(chan int, 100)
	open := func(n int, text string) {
		conn := p.dial(t, text)
		go func() { _, _ = io.Copy(io.Discard, conn); closed <- n }()
	}
	open(0, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	leave := <-p.leave
	for n := range 2 * places {
		open(1+n, "")
	}
	for range places + 1 {
		if <-closed == 0 {
			t.Fatal("a flood has closed a parked connection")
		}
	}
	close(p.end) // nobody serves it on
	leave(true)
	for n := range closed {
		if n == 0 {
			break
		}
	}
	if !p.turns.TryAcquire(places * 3 / 4) {
		t.Error("a turn is kept")
	}
}

// Who does not take the answer keeps no turn, and makes room for others.
func TestParkedAnswerNotTaken(t *testing.T) {
	const places = 4
	p := newParkedAt(t, places)
	p.dial(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	conn, leave := <-p.conns, <-p.leave
	written := make(chan error, 1)
	go func() {
		_, err := conn.Write(make([]byte, 64<<20)) // more than any buffer takes
		written <- err
	}()
	for end := time.Now().Add(90 * time.Second); len(written) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Error("it keeps its place")
			conn.Close()
			break
		}
		p.dial(t, "")
	}
	if err := <-written; err == nil {
		t.Error("all was written to who reads nothing")
	}
	leave(false)
	if !p.turns.TryAcquire(places * 3 / 4) {
		t.Error("a turn is kept")
	}
}
