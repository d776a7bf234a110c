package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/sys/unix"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/server"
)

// The program gets so few descriptors that the flood of a test is enough to take them all.
const (
	fewFiles = 256
	polls    = 200 // at each listener
	patience = 5 * time.Second
)

const oneClient, neighbour = "127.1.0.1", "127.1.0.2"

// floods is where connections come from. Each test address is in a block of its own: 127.COUNT.0.1.
var floods = map[string]func(i int) string{
	"one client":   func(int) string { return oneClient },
	"many clients": func(i int) string { return fmt.Sprintf("127.%d.%d.1", 2+i/200, i%200) },
}

// slow is what a connection of a flood sends before it is silent.
type slow struct {
	text   string
	h2     bool // over TLS only
	silent bool // every third connection sends nothing
}

const head = " HTTP/1.1\r\nHost: 127.0.0.1\r\n"

var slows = map[string]slow{
	"long polls":                {text: "GET " + api.PathManifest + "?after=99&wait=60s" + head + "\r\n", silent: true},
	"bodies":                    {text: "POST " + api.PathEnrol + head + "Content-Length: 1000\r\n\r\n{"},
	"bodies that nobody asked":  {text: "GET /healthz" + head + "Content-Length: 1000\r\n\r\n{"},
	"bodies of unknown length":  {text: "POST /nowhere" + head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"},
	"answers that nobody takes": {text: strings.Repeat("GET "+api.PathManifest+head+"\r\n", 300)},
	"long polls of HTTP/2":      {text: stream("GET", api.PathManifest+"?after=99&wait=60s", true, 1<<16), h2: true},
	"bodies of HTTP/2":          {text: stream("POST", api.PathEnrol, false, 1<<16), h2: true},
	"answers of HTTP/2":         {text: stream("GET", api.PathManifest, true, 0), h2: true},
}

// stream is a connection of HTTP/2 with one request, which may have no body, and of whose answer
// the client takes as many bytes as the window has.
func stream(method, path string, whole bool, window uint32) string {
	var text, fields strings.Builder
	pack := hpack.NewEncoder(&fields)
	for _, field := range [][2]string{{":method", method}, {":scheme", "https"}, {":authority", "127.0.0.1"}, {":path", path}} {
		_ = pack.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}) // strings.Builder takes everything
	}
	text.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&text, nil)
	_ = framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(fields.String()), EndStream: whole, EndHeaders: true})
	return text.String()
}

// TestSlowClientsBlockNobody fills the registry with clients that wait, send slowly or read slowly,
// at each of its listeners. Health checks, staff, laboratories and doors still have to be answered,
// and a door that was there before goes on waiting.
func TestSlowClientsBlockNobody(t *testing.T) {
	for name, what := range slows {
		for _, own := range []bool{false, true} {
			if own && testing.Short() {
				continue // -short leaves the registry with one port to make test
			}
			for from, address := range floods {
				if from == "one client" && name != "long polls" && name != "bodies" {
					continue // that shows how a block is counted, whatever it sends
				}
				t.Run(fmt.Sprintf("%s, %s, one port %v", name, from, own), func(t *testing.T) {
					t.Parallel()
					p := serveFew(t, own)
					var silent []net.Conn
					defer func() {
						for _, c := range silent {
							c.Close()
						}
					}()
					before := p.open(p.doors, "127.0.9.1", slows["long polls"])
					defer before.Close()
					for i := range polls {
						for _, base := range []string{p.url, p.doors} {
							send := what
							if what.silent && i%3 == 0 || what.h2 && !strings.HasPrefix(base, "https") {
								send = slow{}
							}
							if c := p.open(base, address(i), send); c != nil {
								silent = append(silent, c)
							}
						}
					}
					p.answers()
					before.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
					if n, err := before.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("the door that waited before: %d bytes, %v", n, err)
					}
				})
			}
		}
	}
}

// as asks from another address.
func (p few) as(from string) *few {
	p.from = &net.TCPAddr{IP: net.ParseIP(from)}
	return &p
}

// answers asks what has to be answered whoever else waits.
func (p *few) answers() {
	p.Helper()
	for name, get := range map[string]func() (int, string){
		"health of the pages": func() (int, string) { return p.ask(p.url, "/healthz", "") },
		"health of the doors": func() (int, string) { return p.ask(p.doors, "/healthz", "") },
		"staff":               func() (int, string) { return p.ask(p.url, server.PathOverview, p.admin) },
		"a door":              func() (int, string) { return p.ask(p.doors, api.PathManifest, "") },
		"a neighbour":         func() (int, string) { return p.as(neighbour).ask(p.doors, "/healthz", "") },
		"a laboratory":        p.laboratory,
	} {
		if status, text := get(); status != http.StatusOK {
			p.Errorf("%s: %d %s", name, status, text)
		}
	}
}

// few is a registry with fewFiles descriptors.
type few struct {
	*testing.T
	url, doors, admin string
	from              net.Addr // of requests; nil: 127.0.0.1
	roots             *x509.CertPool
}

func serveFew(t *testing.T, own bool, more ...string) *few {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, fewFiles), command().Path,
		"serve", "--data", data, "--listen", "127.0.0.1:0", "--public-url", "https://127.0.0.1"}
	if own {
		args = append(args, "--tls-own")
	} else {
		args = append(args, "--doors-listen", "127.0.0.1:0")
	}
	cmd := exec.Command("sh", append(args, more...)...)
	cmd.Env = append(os.Environ(), "TESTSCRIPT_COMMAND=ashyq-registry")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		cmd.Wait() // "signal: killed"
	})
	p := &few{T: t, roots: x509.NewCertPool()}
	for lines := bufio.NewScanner(log); p.url == "" && lines.Scan(); {
		if found := listeningOn.FindStringSubmatch(lines.Text()); found != nil {
			p.url, p.doors = "http://"+found[1], found[2]
		}
	}
	if own {
		p.url = strings.Replace(p.url, "http", "https", 1)
		p.doors = p.url
	}
	go io.Copy(io.Discard, log)
	key, err := os.ReadFile(filepath.Join(data, adminFile))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := readCertificate(filepath.Join(data, caFile))
	if err != nil {
		t.Fatal(err)
	}
	p.admin = strings.TrimSpace(string(key))
	p.roots.AddCert(ca)
	return p
}

// open opens a connection and sends something over it. The registry may refuse the connection, but
// not the rest of the test: without an answer within a moment there is a connection that waits.
func (p *few) open(base, from string, send slow) net.Conn {
	scheme, address, _ := strings.Cut(base, "://")
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 200 * time.Millisecond, Control: takeLittle}
	conn, err := dialer.Dial("tcp", address)
	if err != nil || send.text == "" {
		return conn
	}
	raw := conn
	raw.SetDeadline(time.Now().Add(300 * time.Millisecond)) // no descriptor, no handshake
	if scheme == "https" {
		config := &tls.Config{RootCAs: p.roots, ServerName: "127.0.0.1"}
		if send.h2 {
			config.NextProtos = []string{"h2"}
		}
		conn = tls.Client(conn, config)
	}
	_, _ = io.WriteString(conn, send.text)
	raw.SetDeadline(time.Time{})
	return conn
}

// takeLittle makes the buffers of both sides small, so that an answer soon waits for its reader:
// that of the other side depends on the size of segments.
func takeLittle(_, _ string, raw syscall.RawConn) error {
	var err error
	return errors.Join(raw.Control(func(fd uintptr) {
		err = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10),
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 536))
	}), err)
}

// ask is one request on a connection of its own, with the patience of a health check.
func (p *few) ask(base, path, key string) (int, string) {
	return p.send(http.MethodGet, base, path, key, "")
}

func (p *few) send(method, base, path, key, body string) (int, string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	dialer := net.Dialer{LocalAddr: p.from}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots}, DialContext: dialer.DialContext}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(text)
}

// laboratory makes a source and sends a result with its key.
func (p *few) laboratory() (int, string) {
	p.Helper()
	status, text := p.send(http.MethodPost, p.url, server.PathSources, p.admin, `{"name": "lab", "kind": "laboratory"}`)
	var source server.SourceAnswer
	if status != http.StatusOK || json.Unmarshal([]byte(text), &source) != nil {
		return status, text
	}
	status, text = p.send(http.MethodPost, p.url, server.PathResults, source.Key,
		fmt.Sprintf(`{"iin": "011399500018", "sample": "1", "result": "negative", "taken": %q}`, time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)))
	if status != http.StatusNoContent {
		return status, text
	}
	var o server.SourcesAnswer
	status, text = p.ask(p.url, server.PathSources, p.admin)
	if status == http.StatusOK && (json.Unmarshal([]byte(text), &o) != nil || o.Sources[0].Records != 1) {
		return 0, text
	}
	return status, text
}

// A connection of HTTP/2 may not ask as much at once as hundreds of connections.
func TestStreamsAreFew(t *testing.T) {
	p := serveFew(t, true)
	conn := p.open(p.url, "127.0.0.1", slow{text: stream("GET", "/healthz", true, 1<<16), h2: true})
	defer conn.Close()
	frame, err := http2.NewFramer(io.Discard, conn).ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	most, ok := frame.(*http2.SettingsFrame).Value(http2.SettingMaxConcurrentStreams)
	if !ok || most != streams {
		t.Errorf("a connection may have %d requests at once, want %d", most, streams)
	}
}
