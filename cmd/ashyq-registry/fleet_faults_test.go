package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// TestFleetFinds lets a fleet follow through something that has the registry's keys and breaks what
// the registry promises.
func TestFleetFinds(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves what a fleet finds, half a minute of waiting, to make test")
	}
	for name, c := range map[string]struct {
		spoil func(b *breaker, question int, isManifest bool, answer []byte) []byte
		want  string
	}{
		"a version that is two": {func(b *breaker, question int, isManifest bool, answer []byte) []byte {
			return b.anew(isManifest, answer, func(m *api.Manifest) { m.Sections[0].Size += uint32(question % 2) })
		}, "is two"},
		"a version that is left out": {func(b *breaker, _ int, isManifest bool, answer []byte) []byte {
			return b.anew(isManifest, answer, func(m *api.Manifest) { m.Version += m.Version % 2 })
		}, "no door was sent"},
		"a version that goes back": {func(b *breaker, question int, isManifest bool, answer []byte) []byte {
			if first := b.remember(answer); isManifest && question%3 == 0 {
				return first
			}
			return answer
		}, " after "},
		"doors that are left behind": {func(b *breaker, _ int, isManifest bool, answer []byte) []byte {
			if isManifest {
				return b.remember(answer)
			}
			return answer
		}, "in the end"},
		"other bytes": {func(b *breaker, _ int, isManifest bool, answer []byte) []byte {
			if !isManifest && b.first3() {
				answer[len(answer)-1]++
			}
			return answer
		}, "other bytes"},
		"another's signature": {func(b *breaker, question int, isManifest bool, answer []byte) []byte {
			if isManifest && question%7 == 0 {
				answer[len(answer)-1]++
			}
			return answer
		}, "cannot open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, "", load{doors: 12, registries: 1, changes: 4, every: 700 * time.Millisecond,
				patience: 3 * time.Second})
			b := newBreaker(t, f.members[0], c.spoil)
			f.through = b.server.URL
			f.run()
			if found := strings.Join(f.problems, "\n"); !strings.Contains(found, c.want) {
				t.Errorf("the fleet has found %q, want %q", found, c.want)
			}
		})
	}
}

// breaker stands between a registry and its doors.
type breaker struct {
	*testing.T
	key    ed25519.PrivateKey
	server *httptest.Server

	mu    sync.Mutex // guards the rest
	asked int
	first []byte // the first answer that was remembered, which is a manifest
	blobs int    // that first3 has counted
}

// first3 is true for the first three blobs. A door that is sent one wrong blob in seven may never have
// all that it needs.
func (b *breaker) first3() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blobs++
	return b.blobs <= 3
}

func newBreaker(t *testing.T, m *member, spoil func(*breaker, int, bool, []byte) []byte) *breaker {
	t.Helper()
	dir := &dataDir{name: m.data}
	key, err := dir.key(registryFile)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := dir.authority()
	if err != nil {
		t.Fatal(err)
	}
	b := &breaker{T: t, key: key}
	b.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := ask(m.now().url, r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		b.mu.Lock()
		b.asked++
		question := b.asked
		b.mu.Unlock()
		answer = spoil(b, question, r.URL.Path == api.PathManifest, answer)
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = w.Write(answer) // the door may have hung up
	}))
	config, err := authority.TLS("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := config.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.server.TLS = &tls.Config{Certificates: []tls.Certificate{*leaf}, ClientAuth: tls.RequestClientCert}
	b.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	b.server.StartTLS()
	t.Cleanup(b.server.Close)
	return b
}

// ask asks the pages of a registry, which have all that doors have.
func ask(registry string, r *http.Request) ([]byte, error) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, registry+r.URL.RequestURI(), nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return answer, err
}

// anew changes a manifest and signs it again.
func (b *breaker) anew(isManifest bool, answer []byte, change func(*api.Manifest)) []byte {
	if !isManifest {
		return answer
	}
	m, err := api.OpenManifest(answer, b.key.Public().(ed25519.PublicKey))
	if err == nil {
		change(&m)
		answer, err = m.Seal(b.key)
	}
	if err != nil {
		b.Error(err)
	}
	return answer
}

// remember returns the first answer, which is a manifest.
func (b *breaker) remember(answer []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first == nil {
		b.first = bytes.Clone(answer)
	}
	return b.first
}
