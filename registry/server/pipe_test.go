package server

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"testing"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/store"
)

// pipes is a network within the process, so that TLS itself runs in a bubble of fake time.
type pipes struct {
	dialled chan net.Conn // unbuffered: who dials waits to be accepted
	closed  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialled:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.dialled <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// serveTLS is the registry's listener for doors. The handler is looked up each time, for rig.pass
// makes a new one.
func (r *rig) serveTLS() *pipes {
	r.Helper()
	config, err := r.authority.TLS("registry.example")
	if err != nil {
		r.Fatal(err)
	}
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	front := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.Doors().ServeHTTP(w, q) })}
	done := make(chan error, 1)
	go func() { done <- front.Serve(tls.NewListener(p, config)) }()
	r.Cleanup(func() {
		if err := front.Close(); err != nil {
			r.Error(err)
		}
		<-done
	})
	return p
}

// box is a door: a board, and what is on its card.
type box struct {
	*rig
	network *pipes
	device  string
	key     crypto.Signer
	door    *ecdh.PrivateKey // to which its keys are sealed
	card    *tls.Certificate // nil: not enrolled
	name    api.EnrolAnswer
	says    map[string]string // headers beyond the usual ones
}

func (r *rig) newBox(network *pipes, device string) *box {
	r.Helper()
	b := &box{rig: r, network: network, device: device}
	b.newKey()
	var err error
	if b.door, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
		b.Fatal(err)
	}
	return b
}

func (b *box) newKey() {
	b.Helper()
	var err error
	if b.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		b.Fatal(err)
	}
}

func (b *box) sealKey() string { return api.FormatKey(b.door.PublicKey().Bytes()) }

func (b *box) csr() string {
	b.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, b.key)
	if err != nil {
		b.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: der}))
}

// ask sends a request over a TLS connection of its own, as a door would, and gives the status and
// what was refused.
func (b *box) ask(method, path string, body, answer any) (int, api.Error) {
	b.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(b.authority.Certificate)
	config := &tls.Config{RootCAs: roots}
	if b.card != nil {
		config.Certificates = []tls.Certificate{*b.card}
	}
	transport := &http.Transport{DialContext: b.network.dial, TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	data, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.Context(), method, "https://registry.example"+path, bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set(api.HeaderDevice, b.device)
	req.Header.Set(api.HeaderVersion, "1.2.3")
	for header, value := range b.says {
		req.Header.Set(header, value)
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	var refused api.Error
	switch {
	case res.StatusCode >= 400:
		err = json.Unmarshal(text, &refused)
	case answer != nil:
		err = json.Unmarshal(text, answer)
	}
	if err != nil {
		b.Fatalf("%s: %v", path, err)
	}
	return res.StatusCode, refused
}

func (b *box) keep(certificate string) {
	b.Helper()
	block, _ := pem.Decode([]byte(certificate))
	b.card = &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: b.key}
}

// enrol returns the status and the machine's word for a refusal.
func (b *box) enrol(code enrol.Code) (int, string) {
	b.Helper()
	var a api.EnrolAnswer
	status, refused := b.ask(http.MethodPost, api.PathEnrol, api.EnrolRequest{
		Token: base64.RawURLEncoding.EncodeToString(code.Token), CSR: b.csr(), Device: b.device, SealKey: b.sealKey()}, &a)
	if status == http.StatusOK {
		b.name = a
		b.keep(a.Certificate)
	}
	return status, refused.Code
}

func (b *box) renew() (int, string) {
	b.Helper()
	shown := b.key
	b.newKey()
	var a api.RenewAnswer
	status, refused := b.ask(http.MethodPost, api.PathRenew, api.RenewRequest{CSR: b.csr()}, &a)
	if status == http.StatusOK {
		b.keep(a.Certificate)
	} else {
		b.key = shown
	}
	return status, refused.Code
}

// update is a request like all those of an enrolled door.
func (b *box) update() (int, string) {
	b.Helper()
	status, refused := b.ask(http.MethodGet, api.PathUpdate, nil, nil)
	if status >= 400 && refused.Hint == "" {
		b.Errorf("refused with %+v: no hint", refused)
	}
	return status, refused.Code
}

// copyTo is a copy of the card in another board.
func (b *box) copyTo(device string) *box {
	other := *b
	other.device = device
	return &other
}

func codesFor(r *rig, names ...string) []enrol.Code {
	r.Helper()
	req := EnrolCodesRequest{WiFi: &api.WiFi{SSID: "Mall", Passphrase: "correct horse", Country: "KZ"}}
	for _, name := range names {
		req.Doors = append(req.Doors, EnrolDoor{Name: name, Venue: "shop", Zone: "red", Ring: "early"})
	}
	var a EnrolCodesAnswer
	r.post(PathEnrolCodes, adminKey, req, &a)
	var codes []enrol.Code
	for i, c := range a.Codes {
		code, err := enrol.Parse(c.Code)
		if err != nil || c.Name != names[i] || c.Venue != "shop" || !c.Expires.Equal(now().AddDate(0, 0, defaultDays)) {
			r.Fatalf("code %+v: %v", c, err)
		}
		codes = append(codes, code)
	}
	return codes
}

func overviewOf(t *testing.T, r *rig) map[string]store.DoorState {
	t.Helper()
	doors := map[string]store.DoorState{}
	for _, k := range r.lookNow().Doors {
		doors[k.Name] = k
	}
	return doors
}
