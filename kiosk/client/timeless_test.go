package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/enrol/enroltest"
)

// TestManifestInSpiteOfTheClock: a door whose clock is wrong still gets signed data, and with it a
// time that it can trust. It asks for nothing else, and gets nothing else, over a connection whose
// certificate's dates do not fit.
func TestManifestInSpiteOfTheClock(t *testing.T) {
	now := time.Now()
	mine, strange := enroltest.NewAuthority(t, "mine"), enroltest.NewAuthority(t, "strange")
	blob := []byte("a blob")
	for name, c := range map[string]struct {
		leaf        tls.Certificate
		signed, all bool // gets signed data; gets everything
	}{
		"good":           {mine.Server(now.Add(-time.Hour), now.Add(time.Hour), "127.0.0.1"), true, true},
		"over":           {mine.Server(now.Add(-2*time.Hour), now.Add(-time.Minute), "127.0.0.1"), true, false},
		"not yet":        {mine.Server(now.Add(time.Hour), now.Add(2*time.Hour), "127.0.0.1"), true, false},
		"strange, over":  {strange.Server(now.Add(-2*time.Hour), now.Add(-time.Hour), "127.0.0.1"), false, false},
		"another's name": {mine.Server(now.Add(-2*time.Hour), now.Add(-time.Hour), "10.0.0.1"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.Header.Get("Authorization") != "" {
					asked++
				}
				_, _ = w.Write(blob)
			}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{c.leaf}}
			server.StartTLS()
			defer server.Close()
			roots := x509.NewCertPool()
			roots.AddCert(mine.Cert)
			door := openURL(t, client.Config{URL: server.URL, CA: roots})
			data, err := door.Manifest(t.Context(), 0, 0)
			if got := err == nil && string(data) == string(blob); got != c.signed {
				t.Errorf("manifest %q, %v, want %v", data, err, c.signed)
			}
			if _, err := door.Blob(t.Context(), api.HashOf(blob)); (err == nil) != c.signed {
				t.Errorf("blob: %v, want %v", err, c.signed)
			}
			_, err = door.Check(t.Context(), "AQ1:CODE")
			if _, clock := errors.AsType[*api.ClockError](err); c.signed && !c.all && !clock {
				t.Errorf("status: %v, want the clock's error", err)
			}
			if got := asked > 0; got != c.all {
				t.Errorf("the token was sent: %v, want %v", got, c.all)
			}
		})
	}
}
