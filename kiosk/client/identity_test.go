package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/enrol/enroltest"
)

// pinned is a client that trusts one certificate's authority, of a server with another certificate.
func pinned(t *testing.T, authority *enroltest.Authority, leaf tls.Certificate) *client.Client {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{leaf}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return openURL(t, client.Config{URL: server.URL, Authority: func(c *x509.Certificate) bool { return c.Equal(authority.Cert) }})
}

func TestAuthority(t *testing.T) {
	hour, now := time.Hour, time.Now()
	mine, strange := enroltest.NewAuthority(t, "mine"), enroltest.NewAuthority(t, "strange")
	alone := mine.Server(now.Add(-hour), now.Add(hour), "127.0.0.1")
	alone.Certificate = alone.Certificate[:1]
	mixed := strange.Server(now.Add(-hour), now.Add(hour), "127.0.0.1")
	mixed.Certificate = append(mixed.Certificate, mine.Cert.Raw) // which everybody can have, and add to a chain
	for name, c := range map[string]struct {
		leaf  tls.Certificate
		means string
		clock bool
	}{
		"good":           {leaf: mine.Server(now.Add(-hour), now.Add(hour), "127.0.0.1")},
		"strange":        {leaf: strange.Server(now.Add(-hour), now.Add(hour), "127.0.0.1"), means: "*"},
		"without it":     {leaf: alone, means: "*"},
		"it is beside":   {leaf: mixed, means: "the registry's certificate is from an unknown authority"},
		"another's name": {leaf: mine.Server(now.Add(-hour), now.Add(hour), "10.0.0.1"), means: "the registry's certificate is for another name"},
		"not yet":        {leaf: mine.Server(now.Add(hour), now.Add(2*hour), "127.0.0.1"), means: "the registry's certificate is not valid yet by this door's clock", clock: true},
		"over":           {leaf: mine.Server(now.Add(-2*hour), now.Add(-hour), "127.0.0.1"), means: "the registry's certificate has expired by this door's clock", clock: true},
	} {
		t.Run(name, func(t *testing.T) {
			_, ok, err := pinned(t, mine, c.leaf).Update(t.Context())
			if c.means == "" {
				if err != nil || ok {
					t.Errorf("%v, %v, want nothing", ok, err)
				}
				return
			}
			failed, is := errors.AsType[*api.CallError](err)
			_, clock := errors.AsType[*api.ClockError](err)
			if !is || c.means != "*" && failed.Means != c.means || failed.Hint == "" || clock != c.clock {
				t.Errorf("%v, clock %v, want %q, %v", err, clock, c.means, c.clock)
			}
			if _, refused := errors.AsType[*api.Refusal](err); refused {
				t.Error("nobody has refused anything")
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"version":"1.2","bundle":"v1/bundle/a.raucb"}`))
	})
	if got, ok, err := c.Update(t.Context()); err != nil || !ok || got != (api.UpdateAnswer{Version: "1.2", Bundle: "v1/bundle/a.raucb"}) {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	empty := open(t, func(w http.ResponseWriter, r *http.Request) {})
	if _, ok, err := empty.Update(t.Context()); err == nil || ok {
		t.Errorf("an answer without a body: %v, %v", ok, err)
	}
}

func TestRefusalsAreHeard(t *testing.T) {
	answers := []struct {
		status  int
		body    string
		refused bool
	}{
		{403, `{"error":"no","code":"revoked"}`, true},
		{409, `{"error":"no"}`, true},
		{404, "not found", false},        // not a registry's
		{500, `{"error":"oh"}`, false},   // not for good
		{429, `{"error":"slow"}`, false}, // the same
	}
	var heard []string
	i := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(answers[i].status)
		_, _ = w.Write([]byte(answers[i].body))
	}))
	defer server.Close()
	c := openURL(t, client.Config{URL: server.URL, Refused: func(code string) { heard = append(heard, code) }})
	for ; i < len(answers); i++ {
		_, err := c.Enrol(t.Context(), api.EnrolRequest{})
		refusal, ok := errors.AsType[*api.Refusal](err)
		if !ok {
			t.Fatalf("%+v: %v", answers[i], err)
		}
		if refusal.IsFinal() != answers[i].refused {
			t.Errorf("%+v: refused %v", answers[i], refusal.IsFinal())
		}
	}
	if !slices.Equal(heard, []string{"revoked"}) {
		t.Errorf("heard %q", heard)
	}
}
