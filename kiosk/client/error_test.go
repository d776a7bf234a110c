package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
)

// authority signs certificates for servers of the test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().AddDate(-10, 0, 0), NotAfter: time.Now().AddDate(10, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key, cert}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// serve starts a TLS server for 127.0.0.1 or for name. Its certificate is valid between these times
// from now.
func (a *authority) serve(t *testing.T, from, until time.Duration, name string) *httptest.Server {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until)}
	if name == "" {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "sealed") }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail here on purpose
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// explained checks the explanation and the hint of a failed call.
func explained(t *testing.T, err error, means, hint string) {
	t.Helper()
	e, ok := errors.AsType[*api.CallError](err)
	if !ok || !strings.Contains(e.Error(), means) || !strings.Contains(e.Hint, hint) || (hint == "") != (e.Hint == "") {
		t.Errorf("%v\nwant %q with the hint %q", err, means, hint)
		if ok {
			t.Errorf("the hint is %q", e.Hint)
		}
	}
}

func TestTLSProblemsAreToldApart(t *testing.T) {
	const day = 24 * time.Hour
	ours, foreign := newAuthority(t), newAuthority(t)
	for _, test := range map[string]struct {
		server      *httptest.Server
		means, hint string
	}{
		"clock behind": {ours.serve(t, 300*day, 400*day, ""), "not valid yet by this door's clock: x509", "the door's clock is behind"},
		"expired":      {ours.serve(t, -2*day, -day, ""), "expired by this door's clock: x509", "if the clock is right, renew the registry's certificate"},
		"unknown":      {foreign.serve(t, -day, day, ""), "from an unknown authority: ", "registry's CA certificate"},
		"other name":   {ours.serve(t, -day, day, "registry.example"), "for another name: ", "use a name in the URL that is in the certificate"},
	} {
		c := openURL(t, client.Config{URL: test.server.URL, CA: ours.pool()})
		explained(t, c.Hello(t.Context(), api.Health{}), test.means, test.hint)
	}

	good := openURL(t, client.Config{URL: ours.serve(t, -day, day, "").URL, CA: ours.pool()})
	if _, err := good.Manifest(t.Context(), 0, 0); err != nil {
		t.Errorf("good certificate: %v", err)
	}
	system := openURL(t, client.Config{URL: ours.serve(t, -day, day, "").URL})
	_, err := system.Manifest(t.Context(), 0, 0)
	explained(t, err, "from an unknown authority", "CA certificate")
}

func TestPlainHTTPWhereTLSWasExpected(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	c := openURL(t, client.Config{URL: strings.Replace(server.URL, "http:", "https:", 1)})
	_, err := c.Manifest(t.Context(), 0, 0)
	explained(t, err, "does not speak TLS", "check the scheme and the port")
}

func TestNobodyListens(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c := openURL(t, client.Config{URL: server.URL})
	_, err := c.Manifest(t.Context(), 0, 0)
	explained(t, err, "nothing listens at the registry's address: connect: connection refused", "check the port")
	if again := c.SendCounts(t.Context(), nil); again == nil || strings.Contains(again.Error(), "->") {
		t.Errorf("%v, want an error without the ports of this one connection", again)
	}
}

// TestNames asks its own name server, which answers every question with the given code (RFC 1035
// 4.1.1).
func TestNames(t *testing.T) {
	const serverFailure, nameError = 2, 3
	for code, want := range map[byte][2]string{
		nameError:     {"the registry's host name is unknown: lookup registry.example", "check the host name"},
		serverFailure: {"the name server does not answer: lookup registry.example", "cable or Wi-Fi"},
	} {
		address := nameServer(t, code)
		resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", address)
		}}
		c := openURL(t, client.Config{URL: "https://registry.example."})
		c.SetDial((&net.Dialer{Resolver: resolver}).DialContext)
		_, err := c.Manifest(t.Context(), 0, 0)
		explained(t, err, want[0], want[1])
	}
}

func nameServer(t *testing.T, code byte) string {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 512); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			buf[2] |= 0x80 // this is the answer
			buf[3] = code
			_, _ = conn.WriteTo(buf[:n], from)
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().String()
}

func TestRedirects(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a stranger was asked for %s with %q", r.URL, r.Header.Get(api.HeaderDevice))
	}))
	defer stranger.Close()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	target := ""
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/here", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "sealed") })
	c := openURL(t, client.Config{URL: server.URL, Device: testDevice})

	const hint = "set the registry's URL to where it really is"
	for _, target = range []string{stranger.URL + "/here", "ftp://127.0.0.1/", strings.Replace(server.URL, "http:", "https:", 1) + "/here"} {
		_, err := c.Manifest(t.Context(), 0, 0)
		explained(t, err, "the answer redirects to \"", hint)
		explained(t, c.SendCounts(t.Context(), []byte(`{}`)), "the answer redirects", hint)
	}
	target = "/v1/again"
	_, err := c.Manifest(t.Context(), 0, 0)
	explained(t, err, "redirects more than 3 times", hint)

	target = "/here"
	if data, err := c.Manifest(t.Context(), 0, 0); err != nil || string(data) != "sealed" {
		t.Errorf("redirect on the same host: %q, %v", data, err)
	}
	explained(t, c.SendCounts(t.Context(), []byte(`{}`)), "redirects a POST", hint)
}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		code              int
		body, means, hint string
	}{
		"certificate":  {401, `{"error":"who are you"}`, `answer 401 Unauthorized: "who are you"`, "enrol the door again"},
		"its own hint": {403, `{"error":"revoked","hint":"ask the office"}`, `"revoked"`, "ask the office"},
		"no registry":  {404, "<html>", "answer 404 Not Found", "check the registry's URL"},
		"down":         {503, "", "answer 503 Service Unavailable", ""},
		"long":         {500, `{"error":"` + strings.Repeat("x", client.MaxAnswer) + `"}`, "answer 500 Internal Server Error", ""},
		"lines":        {500, `{"error":"a\nb"}`, `"a\nb"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.code)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := c.Check(t.Context(), "AQ1:CODE")
			explained(t, err, test.means, test.hint)
			if len(err.Error()) > 200 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestBrokenConnection(t *testing.T) {
	c := open(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "4000")
		_, _ = w.Write(make([]byte, 1000))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	_, err := c.Blob(t.Context(), api.Hash{})
	explained(t, err, "the connection broke off: unexpected EOF", "")
}
