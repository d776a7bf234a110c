package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// The program gets so few descriptors that the flood of a test is enough to take them all.
const (
	fewFiles = 256
	polls    = 300 // from one client, and as many from many
	patience = 5 * time.Second
)

// floods is where long polls come from. Each test address is in a block of its own: 127.COUNT.0.1.
var floods = map[string]func(i int) string{
	"one client":   func(int) string { return "127.1.0.1" },
	"many clients": func(i int) string { return fmt.Sprintf("127.%d.%d.1", 2+i/200, i%200) },
}

// TestWaitingDoorsBlockNobody fills the registry with long polls at each of its listeners. Health
// checks, staff, laboratories and doors still have to be answered.
func TestWaitingDoorsBlockNobody(t *testing.T) {
	for _, own := range []bool{false, true} {
		for from, address := range floods {
			t.Run(fmt.Sprintf("%s, one port %v", from, own), func(t *testing.T) {
				p := serveFew(t, own)
				var silent []net.Conn
				defer func() {
					for _, c := range silent {
						c.Close()
					}
				}()
				for i := range polls {
					for _, base := range []string{p.url, p.doors} {
						if c := p.poll(base, address(i), i%3 == 0); c != nil {
							silent = append(silent, c)
						}
					}
				}
				for name, get := range map[string]func() (int, string){
					"health of the pages": func() (int, string) { return p.ask(p.url, "/healthz", "") },
					"health of the doors": func() (int, string) { return p.ask(p.doors, "/healthz", "") },
					"staff":               func() (int, string) { return p.ask(p.url, server.PathOverview, p.admin) },
					"a door":              func() (int, string) { return p.ask(p.doors, api.PathManifest, "") },
				} {
					if status, text := get(); status != http.StatusOK {
						t.Errorf("%s after %d long polls: %d %s", name, 2*polls, status, text)
					}
				}
				if status, text := p.laboratory(); status != http.StatusOK {
					t.Errorf("a laboratory after %d long polls: %d %s", 2*polls, status, text)
				}
			})
		}
	}
}

// few is a registry with fewFiles descriptors.
type few struct {
	*testing.T
	url, doors, admin string
	roots             *x509.CertPool
}

func serveFew(t *testing.T, own bool) *few {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, fewFiles), command().Path,
		"serve", "--data", data, "--listen", "127.0.0.1:0", "--public-url", "https://127.0.0.1"}
	if own {
		args = append(args, "--tls-own")
	} else {
		args = append(args, "--doors-listen", "127.0.0.1:0")
	}
	cmd := exec.Command("sh", args...)
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

// poll opens a connection and sends a long poll over it, or nothing at all. The registry may refuse
// the connection, but not the rest of the test: without an answer within a moment there is a
// connection that waits.
func (p *few) poll(base, from string, silent bool) net.Conn {
	scheme, address, _ := strings.Cut(base, "://")
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 200 * time.Millisecond}
	conn, err := dialer.Dial("tcp", address)
	if err != nil || silent {
		return conn
	}
	raw := conn
	raw.SetDeadline(time.Now().Add(300 * time.Millisecond)) // for the handshake, which no listener answers that has no descriptor
	if scheme == "https" {
		conn = tls.Client(conn, &tls.Config{RootCAs: p.roots, ServerName: "127.0.0.1"})
	}
	_, _ = fmt.Fprintf(conn, "GET %s?after=99&wait=60s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", api.PathManifest)
	raw.SetDeadline(time.Time{})
	return conn
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
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots}}
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
	var o store.Overview
	status, text = p.ask(p.url, server.PathOverview, p.admin)
	if status == http.StatusOK && (json.Unmarshal([]byte(text), &o) != nil || o.Sources[0].Records != 1) {
		return 0, text
	}
	return status, text
}
