package mirror_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/mirror"
)

// hostile is a door with one mirror, which answers over real HTTPS.
func hostile(t *testing.T, answer http.HandlerFunc) *door {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	remote, err := client.New(client.Config{URL: server.URL, CA: authorities, Mirror: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remote.Close)
	d := newDoor(t, "one")
	d.source = mirror.New(d.options(map[string]mirror.Mirror{"one": remote}))
	return d
}

// TestHostileMirror has a mirror that does what it can. Within seconds the door has what it needs
// from the registry, and says what the mirror does.
func TestHostileMirror(t *testing.T) {
	t.Parallel()
	var internal atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { internal.Add(1) }))
	defer inside.Close()
	endless := func(w http.ResponseWriter) {
		for piece := make([]byte, 64<<10); ; {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}
	good := func(w http.ResponseWriter) { _, _ = w.Write(manifest(0, 1, testKey(1))) }
	for name, c := range map[string]struct {
		want     mirror.Fault
		says     string
		manifest func(w http.ResponseWriter)
		blob     func(w http.ResponseWriter)
	}{
		"an endless manifest":   {mirror.Huge, "too long", endless, nil},
		"an endless blob":       {mirror.Huge, "too long", good, endless},
		"a manifest that drips": {mirror.Slow, "sooner", drip, nil},
		"a blob that drips":     {mirror.Slow, "sooner", good, drip},
		"a cut connection": {mirror.Incomplete, "unexpected EOF", good, func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", strconv.Itoa(len(blobText)))
			_, _ = w.Write(blobText[:100])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}},
		"half a blob":  {mirror.Incomplete, "not the requested blob", good, func(w http.ResponseWriter) { _, _ = w.Write(blobText[:512]) }},
		"a gzip bomb":  {mirror.Fails, "content encoding", good, bomb()},
		"not modified": {mirror.Fails, "304", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotModified) }, nil},
		"a long coding": {mirror.Fails, "content encoding", good, func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", strings.Repeat("z", 20<<10))
		}},
		"a long place":  {mirror.Fails, "redirects", redirect("https://" + strings.Repeat("z", 20<<10)), nil},
		"another place": {mirror.Fails, "redirects", redirect(inside.URL + "/v1/manifest"), nil},
		"a loop":        {mirror.Fails, "redirects", redirect("/v1/manifest"), nil},
		"a blob inside": {mirror.Fails, "redirects", good, redirect(inside.URL)},
		"words":         {mirror.Fails, "answer 500", func(w http.ResponseWriter) { http.Error(w, `{"error":"evil words"}`, 500) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := hostile(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, api.PathBlob) {
					c.blob(w)
				} else {
					c.manifest(w)
				}
			})
			if c.want != mirror.Slow { // a busy machine may let a quick mirror wait for seconds
				d.registry.set(func(p *peer) { p.delay = 2 * time.Second })
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			sealed, err := d.source.Manifest(ctx, 0, 25*time.Second)
			if err != nil || len(sealed) == 0 {
				t.Fatalf("manifest: %v", err)
			}
			if data, err := d.source.Blob(ctx, blob); err != nil || api.HashOf(data) != blob {
				t.Fatalf("blob: %v", err)
			}
			state := d.source.States()[0]
			if state.Fault != c.want || !strings.Contains(state.Why, c.says) || strings.Contains(state.Why, "evil") {
				t.Errorf("the mirror %q: %s", state.Fault, state.Why)
			}
			if len(state.Why) > 410 {
				t.Errorf("it says %d bytes", len(state.Why))
			}
		})
	}
	t.Cleanup(func() {
		if n := internal.Load(); n > 0 {
			t.Errorf("a mirror made the door ask %d times inside its network", n)
		}
	})
}

// drip sends a byte now and then.
func drip(w http.ResponseWriter) {
	for range 600 {
		if _, err := w.Write([]byte{0}); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		time.Sleep(100 * time.Millisecond)
	}
}

// bomb is packed before anybody waits for it.
func bomb() func(http.ResponseWriter) {
	var zeros bytes.Buffer
	packed := gzip.NewWriter(&zeros)
	_, _ = packed.Write(make([]byte, 64<<20))
	_ = packed.Close()
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(zeros.Bytes())
	}
}

func redirect(to string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

// TestMirrorLearnsLittle looks at everything that a mirror gets: the same from every door.
func TestMirrorLearnsLittle(t *testing.T) {
	t.Parallel()
	var seen []string
	sealed := manifest(0, 1, testKey(1))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 || r.TLS.DidResume {
			t.Error("the mirror can tell the door from others by TLS")
		}
		dump, err := httputil.DumpRequest(r, true)
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, strings.ReplaceAll(string(dump), r.Host, "HOST"))
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Set-Cookie", "door=7")
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(sealed)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	remote, err := client.New(client.Config{URL: server.URL, CA: authorities, Mirror: true, Device: "serial", Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	_, tag, err := remote.ManifestUnless(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	again, tag, err := remote.ManifestUnless(t.Context(), tag)
	if err != nil || again != nil || tag != `"1"` {
		t.Errorf("an unchanged manifest: %d bytes, %q, %v", len(again), tag, err)
	}
	if _, err := remote.Blob(t.Context(), blob); err == nil {
		t.Error("a manifest is no blob")
	}
	want := []string{
		"GET /v1/manifest HTTP/1.1\r\nHost: HOST\r\nUser-Agent: ashyq-kiosk\r\n\r\n",
		"GET /v1/manifest HTTP/1.1\r\nHost: HOST\r\nIf-None-Match: \"1\"\r\nUser-Agent: ashyq-kiosk\r\n\r\n",
		"GET /v1/blob/" + blob.String() + " HTTP/1.1\r\nHost: HOST\r\nUser-Agent: ashyq-kiosk\r\n\r\n",
	}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("the mirror got %q, want %q", seen, want)
	}
}

// TestMirrorsName has errors that say that it is a mirror, and which.
func TestMirrorsName(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	remote, err := client.New(client.Config{URL: server.URL, Mirror: true})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	_, _, err = remote.ManifestUnless(t.Context(), "")
	at, parseErr := url.Parse(server.URL)
	if parseErr != nil {
		t.Fatal(parseErr)
	}
	failed, ok := errors.AsType[*api.CallError](err)
	if !ok || !strings.Contains(err.Error(), fmt.Sprintf("mirror %q", at.Host)) || strings.Contains(err.Error()+failed.Hint, "registry") {
		t.Errorf("the error is %v", err)
	}
}
