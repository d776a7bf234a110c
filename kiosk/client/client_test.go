package client_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ashyq-kiosk/kiosk"
	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/statuslist"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testDevice = "0123456789abcdef"

// open returns a client of a server with the given handler; both end with the test.
func open(t testing.TB, handler http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return openURL(t, client.Config{URL: server.URL, Device: testDevice})
}

func openURL(t testing.TB, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestNewChecksItsConfiguration(t *testing.T) {
	for _, good := range []string{"https://registry.example", "https://registry.example:8443/ashyq/", "http://[::1]:8080"} {
		if _, err := client.New(client.Config{URL: good}); err != nil {
			t.Errorf("New(%q): %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "registry.example", "ftp://registry.example", "https://", "https://:443", "https:///v1", "https://a b",
		"https://user:secret@registry.example", "https://registry.example/?x=1", "https://registry.example/#x", "https://registry.example?",
	} {
		_, err := client.New(client.Config{URL: bad})
		if err == nil || !strings.Contains(err.Error(), `registry URL "`) {
			t.Errorf("New(%q): %v, want an error about the URL", bad, err)
		}
	}
	if _, err := client.New(client.Config{URL: "https://registry.example", Timeout: -1}); err == nil {
		t.Error("a negative timeout was accepted")
	}
}

// request is what a server has received.
type request struct {
	method, uri, device, agent, content, coding, body string
}

func see(r *http.Request) request {
	body, _ := io.ReadAll(r.Body)
	return request{
		r.Method, r.RequestURI, r.Header.Get(api.HeaderDevice), r.UserAgent(),
		r.Header.Get("Content-Type"), r.Header.Get("Accept-Encoding"), string(body),
	}
}

func TestRequests(t *testing.T) {
	var got request
	blob := []byte("a blob")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = see(r)
		switch {
		case strings.HasSuffix(r.URL.Path, api.PathManifest):
			_, _ = io.WriteString(w, "sealed")
		case strings.HasSuffix(r.URL.Path, api.PathCheck):
			_, _ = io.WriteString(w, `{"status":"green","as_of":"2026-03-01T08:30:00Z","until":"2026-03-03T00:00:00Z","new":1}`)
		case strings.HasSuffix(r.URL.Path, api.PathDoorKeys):
			_, _ = io.WriteString(w, "an envelope")
		case strings.HasSuffix(r.URL.Path, api.PathCounts):
			w.WriteHeader(http.StatusNoContent)
		default:
			_, _ = w.Write(blob)
		}
	}))
	defer server.Close()
	c := openURL(t, client.Config{URL: server.URL + "/below/", Device: testDevice})

	steps := []struct {
		name string
		do   func() (any, error)
		gave any
		want request
	}{
		{"first manifest", func() (any, error) { d, err := c.Manifest(t.Context(), 0, time.Second); return string(d), err }, "sealed",
			request{method: "GET", uri: "/below/v1/manifest"}},
		{"next manifest", func() (any, error) { d, err := c.Manifest(t.Context(), 7, 25*time.Second); return string(d), err }, "sealed",
			request{method: "GET", uri: "/below/v1/manifest?after=7&wait=25s"}},
		{"blob", func() (any, error) { d, err := c.Blob(t.Context(), api.HashOf(blob)); return string(d), err }, "a blob",
			request{method: "GET", uri: "/below/v1/blob/" + api.HashOf(blob).String()}},
		{"check", func() (any, error) { return c.Check(t.Context(), "AQ1:CODE") },
			kiosk.Standing{
				Status: statuslist.Green, AsOf: time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC), Until: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC),
			},
			request{method: "POST", uri: "/below/v1/check", device: testDevice, content: "application/json",
				body: `{"code":"AQ1:CODE"}`}},
		{"door keys", func() (any, error) { d, err := c.DoorKeys(t.Context()); return string(d), err }, "an envelope",
			request{method: "GET", uri: "/below/v1/door-keys", device: testDevice}},
		{"counts", func() (any, error) { return nil, c.SendCounts(t.Context(), []byte(`{"id":"1"}`)) }, nil,
			request{method: "POST", uri: "/below/v1/counts", device: testDevice, content: "application/json", body: `{"id":"1"}`}},
	}
	for _, step := range steps {
		gave, err := step.do()
		if err != nil || gave != step.gave {
			t.Errorf("%s: %v, %v, want %v", step.name, gave, err, step.gave)
		}
		agent := got.agent
		got.agent = ""
		if got != step.want {
			t.Errorf("%s asked %+v, want %+v", step.name, got, step.want)
		}
		if name, version, _ := strings.Cut(agent, "/"); name != "ashyq-kiosk" || version == "" {
			t.Errorf("%s: user agent %q, want ashyq-kiosk/VERSION", step.name, agent)
		}
	}
}

// TestConnectionsAreKept: a new TLS handshake for each question costs a Pi Zero more than the
// answer.
func TestConnectionsAreKept(t *testing.T) {
	var mu sync.Mutex // guards opened
	opened := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == api.PathCounts {
			http.Error(w, `{"error":"not now"}`, http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "sealed")
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if mu.Lock(); s == http.StateNew {
			opened++
		}
		mu.Unlock()
	}
	server.Start()
	defer server.Close()
	c := openURL(t, client.Config{URL: server.URL})
	for range 5 {
		if _, err := c.Manifest(t.Context(), 0, 0); err != nil {
			t.Fatal(err)
		}
		if err := c.SendCounts(t.Context(), []byte(`{}`)); err == nil {
			t.Fatal("a refusal was taken for a success")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if opened != 1 {
		t.Errorf("10 requests took %d connections, want 1", opened)
	}
}

// TestARegistryThatSaysNothing: it works, so the door goes on asking it; the person is unknown.
func TestARegistryThatSaysNothing(t *testing.T) {
	for status, unknown := range map[int]bool{404: true, 422: true, 429: true, 403: false, 500: false} {
		for _, said := range []string{`{"error":"no such pass"}`, ""} {
			c := open(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, said)
			})
			got, err := c.Check(t.Context(), "AQ1:CODE")
			if got != (kiosk.Standing{}) || err == nil || errors.Is(err, kiosk.ErrUnknownPerson) != (unknown && said != "") {
				t.Errorf("%d %s: %+v, %v", status, said, got, err)
			}
			if strings.Contains(err.Error(), "CODE") {
				t.Errorf("the error holds the code: %v", err)
			}
		}
	}
}

func TestOddAnswersAreNoStanding(t *testing.T) {
	for name, body := range map[string]string{
		"login page":     "<html>Wi-Fi</html>",
		"empty":          "",
		"null":           "null",
		"half":           `{"status":"green","as_of":"2026-03`,
		"two":            `{"status":"green","as_of":"2026-03-01T08:30:00Z"}{}`,
		"no age":         `{"status":"green"}`,
		"unknown status": `{"status":"purple","as_of":"2026-03-01T08:30:00Z"}`,
		"endless":        `{"status":"` + strings.Repeat("x", client.MaxAnswer) + `"}`,
	} {
		c := open(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		got, err := c.Check(t.Context(), "AQ1:CODE")
		if e, ok := errors.AsType[*api.CallError](err); !ok || e.Hint == "" || got != (kiosk.Standing{}) {
			t.Errorf("%s: %+v, %v, want an Error with a hint", name, got, err)
		}
	}
}

func TestOnlyARegistrySaysThatAPersonIsUnknown(t *testing.T) {
	c := open(t, http.NotFound)
	_, err := c.Check(t.Context(), "AQ1:CODE")
	if err == nil || errors.Is(err, kiosk.ErrUnknownPerson) {
		t.Errorf("404 of some web server: %v, want an error other than ErrUnknownPerson", err)
	}
}

func TestBlobIsWhatWasAskedFor(t *testing.T) {
	good := bytes.Repeat([]byte("blob"), 1000)
	packed := new(bytes.Buffer)
	z := gzip.NewWriter(packed)
	_, _ = z.Write(good)
	_ = z.Close()
	answers := map[string]http.HandlerFunc{
		"other bytes": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(good[1:]) },
		"nothing":     func(http.ResponseWriter, *http.Request) {},
		"compressed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed.Bytes())
		},
		"announced as huge": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1099511627776")
			_, _ = w.Write(good)
			_, _ = w.Write(bytes.Repeat([]byte{0}, client.MaxBlob))
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) { writeForever(w, good) },
		"endless header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
			_, _ = w.Write(good)
		},
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4000")
			_, _ = w.Write(good[:1000])
			panic(http.ErrAbortHandler)
		},
	}
	for name, answer := range answers {
		c := open(t, answer)
		if data, err := c.Blob(t.Context(), api.HashOf(good)); err == nil || data != nil {
			t.Errorf("%s: %d bytes, %v, want an error", name, len(data), err)
		}
	}
}

// writeForever writes until the other side closes the connection.
func writeForever(w io.Writer, data []byte) {
	for {
		if _, err := w.Write(data); err != nil {
			return
		}
	}
}

func TestCompressedManifest(t *testing.T) {
	c := open(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "sealed")
	})
	if _, err := c.Manifest(t.Context(), 0, 0); err == nil || !strings.Contains(err.Error(), `content encoding "gzip"`) {
		t.Errorf("Manifest: %v, want that it is compressed", err)
	}
}

// TestForgottenConnection: a router has forgotten the connection, which only the next request
// shows.
func TestForgottenConnection(t *testing.T) {
	var asked atomic.Int64
	c := open(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%2 == 1 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.Close()
	})
	for range 3 {
		if err := c.SendCounts(t.Context(), []byte(`{}`)); err != nil {
			t.Errorf("SendCounts: %v, want that it is sent again over a new connection", err)
		}
	}
}

func TestEndlessManifest(t *testing.T) {
	c := open(t, func(w http.ResponseWriter, _ *http.Request) { writeForever(w, make([]byte, 4096)) })
	if _, err := c.Manifest(t.Context(), 0, 0); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("Manifest: %v, want that it is too long", err)
	}
}

func TestCountsThatAreRefusedForGood(t *testing.T) {
	for code, permanent := range map[int]bool{
		http.StatusBadRequest: true, http.StatusRequestEntityTooLarge: true, http.StatusUnprocessableEntity: true,
		http.StatusUnauthorized: false, http.StatusTooManyRequests: false, http.StatusInternalServerError: false, http.StatusOK: false,
	} {
		c := open(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"error":"no","hint":"ask the office"}`)
		})
		err := c.SendCounts(t.Context(), []byte(`{}`))
		e, ok := errors.AsType[*api.CallError](err)
		refusal, isRefusal := errors.AsType[*api.Refusal](err)
		if !ok || !isRefusal || refusal.IsPermanent() != permanent || e.Hint != "ask the office" {
			t.Errorf("%d: %v, hint %q, want permanent %v and the registry's own hint", code, e, e.Hint, permanent)
		}
	}
}
