package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestScreenChecksHost asks over real connections. A page that DNS rebinding has pointed at this
// machine comes over loopback, with its own name.
func TestScreenChecksHost(t *testing.T) {
	picture := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the camera's picture") })
	for _, c := range []struct {
		listen, host string
		want         int
	}{
		{"127.0.0.1:0", "", http.StatusOK}, // as the client writes it
		{"127.0.0.1:0", "localhost", http.StatusOK},
		{"127.0.0.1:0", "LocalHost:9000", http.StatusOK}, // forwarded by ssh
		{"127.0.0.1:0", "127.0.0.1", http.StatusOK},
		{"127.0.0.1:0", "[::1]:8081", http.StatusOK},
		{"127.0.0.1:0", "evil.example", http.StatusMisdirectedRequest},
		{"127.0.0.1:0", "evil.example:8081", http.StatusMisdirectedRequest},
		{"127.0.0.1:0", "localhost.evil.example", http.StatusMisdirectedRequest},
		{"127.0.0.1:0", "192.0.2.7", http.StatusMisdirectedRequest},
		{"127.0.0.1:0", "0.0.0.0", http.StatusMisdirectedRequest},
		{"127.0.0.1:0", "[::1", http.StatusMisdirectedRequest},
		{"127.0.0.1:0", "127.0.0.1.", http.StatusMisdirectedRequest},
		{"localhost:0", "localhost", http.StatusOK},
		{"0.0.0.0:0", "", http.StatusOK}, // where the connection came in
		{"0.0.0.0:0", "0.0.0.0", http.StatusOK},
		{"0.0.0.0:0", "192.0.2.7", http.StatusMisdirectedRequest},
		{"0.0.0.0:0", "door.example", http.StatusMisdirectedRequest},
	} {
		listener, err := net.Listen("tcp", c.listen)
		if err != nil {
			t.Fatal(err)
		}
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: guardScreen(c.listen, picture)}}
		server.Start()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			fmt.Sprintf("http://127.0.0.1:%d/mirror", listener.Addr().(*net.TCPAddr).Port), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		server.Close()
		if err != nil || resp.StatusCode != c.want || (c.want == http.StatusOK) != strings.Contains(string(body), "camera") {
			t.Errorf("listening on %q, asked as %q: %d %q, %v, want %d", c.listen, c.host, resp.StatusCode, body, err, c.want)
		}
	}
}

// TestNamedScreen: an administrator who gave the screen a name may use it.
func TestNamedScreen(t *testing.T) {
	guarded := guardScreen("door.example:8081", http.NotFoundHandler())
	for host, want := range map[string]int{
		"door.example:8081": http.StatusNotFound, "Door.Example": http.StatusNotFound, "evil.example": http.StatusMisdirectedRequest,
		"": http.StatusMisdirectedRequest,
	} {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Host = host
		local := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8081}
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, net.Addr(local))))
		if w.Code != want {
			t.Errorf("asked as %q: %d, want %d", host, w.Code, want)
		}
	}
}

// TestOpenScreenWarns: the log and the doctor say who can see what.
func TestOpenScreenWarns(t *testing.T) {
	for listen, open := range map[string]bool{
		"127.0.0.1:8081": false, "127.0.0.2:8081": false, "[::1]:8081": false, "localhost:8081": false,
		"0.0.0.0:8081": true, ":8081": true, "[::]:8081": true, "192.0.2.7:8081": true, "door.example:8081": true,
	} {
		var log bytes.Buffer
		warnOpenScreen(listen, slog.New(slog.NewTextHandler(&log, nil)))
		found, err := checkScreen(listen)
		if err != nil {
			t.Errorf("%s: %v", listen, err)
		}
		for what, text := range map[string]string{"log": log.String(), "doctor": found} {
			if got := strings.Contains(text, "camera's picture"); got != open {
				t.Errorf("%s: the %s says %q, want a warning: %v", listen, what, text, open)
			}
		}
	}
}

// TestScreenNeedsMemory: a board with 512 MB has no browser, and says so; systemd has the same
// limit.
func TestScreenNeedsMemory(t *testing.T) {
	const unit = "../../systemd/ashyq-kiosk-screen.service"
	text, err := os.ReadFile(unit)
	if want := fmt.Sprintf("\nConditionMemory=>=%dM\n", screenMemory); err != nil ||
		!strings.Contains(string(text), want) {
		t.Errorf("the unit has no %q: %v", want, err)
	}
	for _, c := range []struct {
		unit   string
		memory uint64
		refuse bool
	}{{unit, 427, true}, {unit, 699, true}, {unit, 700, false}, {unit, 906, false}, {unit, 0, false}, {"no-such-unit",
		427, false}} {
		err := refuseScreen(c.unit, c.memory)
		if (err != nil) != c.refuse || err != nil && !strings.Contains(err.Error(), "has 427 MB") && c.memory == 427 {
			t.Errorf("%d MB: %v", c.memory, err)
		}
	}
	if got := memory(); got < 256 || got > 1<<24 {
		t.Errorf("this machine has %d MB", got)
	}
}
