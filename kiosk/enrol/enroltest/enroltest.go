// Package enroltest is the registry's side of enrolment: the protocol over real TLS, with its own
// authority, for tests.
package enroltest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
)

// Registry issues certificates for tokens from Code.
type Registry struct {
	URL string
	CA  *Authority

	t      testing.TB
	server *httptest.Server

	mu sync.Mutex // guards all below
	Settings
	keys map[string][]byte // public key by token, nil before its first use
	seen []Seen
}

// Settings may change while the registry is running.
type Settings struct {
	Spoil   func(*api.EnrolAnswer) // changes an answer
	Lose    bool                   // loses the answers of PathEnrol after handling the requests
	Revoked bool                   // all doors are revoked
	Refuse  *api.Error             // refuses every enrolment with this
	Life    time.Duration          // of the certificates; 0: 24 h
	Key     string                 // RegistryKey; "": some key
	Next    http.Handler           // handles all other paths; nil: 404
}

// Seen is a received request.
type Seen struct {
	Path, Device, Version string
	Serial                string // of the door's certificate; "" without one
	Key                   []byte // public, of the request's CSR
	SealKey               string // as in api.EnrolRequest
}

// New starts a registry that runs until the test ends.
func New(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{t: t, CA: NewAuthority(t, "Test CA"), keys: map[string][]byte{}}
	r.server = httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
	r.server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes of clients that do not trust it
	leaf := r.CA.Server(time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour), "127.0.0.1")
	r.server.TLS = &tls.Config{Certificates: []tls.Certificate{leaf}, ClientAuth: tls.RequestClientCert}
	r.server.StartTLS()
	t.Cleanup(r.server.Close)
	r.URL = r.server.URL
	return r
}

// Set changes the settings.
func (r *Registry) Set(change func(*Settings)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.Settings)
}

// Code makes a one-time code.
func (r *Registry) Code() enrol.Code {
	pin := enrol.PinOf(r.CA.Cert)
	token := make([]byte, enrol.TokenSize)
	_, _ = rand.Read(token) // never fails
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[base64.RawURLEncoding.EncodeToString(token)] = nil
	return enrol.Code{URL: r.URL, Pin: pin[:], Token: token}
}

// Seen returns the requests so far.
func (r *Registry) Seen() []Seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Seen(nil), r.seen...)
}

func (r *Registry) serve(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := Seen{Path: req.URL.Path, Device: req.Header.Get(api.HeaderDevice), Version: req.Header.Get(api.HeaderVersion)}
	if certs := req.TLS.PeerCertificates; len(certs) > 0 {
		seen.Serial = certs[0].SerialNumber.String()
	}
	defer func() { r.seen = append(r.seen, seen) }()
	if seen.Serial != "" && r.Revoked {
		refuse(w, http.StatusForbidden, api.Error{Error: "this door was revoked", Code: api.CodeRevoked})
		return
	}
	switch req.URL.Path {
	case api.PathEnrol:
		r.enrol(w, req, &seen)
	case api.PathRenew:
		r.renew(w, req, &seen)
	case api.PathUpdate:
		w.WriteHeader(http.StatusNoContent)
	default:
		if r.Next == nil {
			refuse(w, http.StatusNotFound, api.Error{Error: "no such path"})
			return
		}
		r.Next.ServeHTTP(w, req)
	}
}

func (r *Registry) enrol(w http.ResponseWriter, req *http.Request, seen *Seen) {
	var body api.EnrolRequest
	csr := read(w, req, &body, func() string { return body.CSR })
	if csr == nil {
		return
	}
	seen.Key, seen.Device, seen.SealKey = csr.RawSubjectPublicKeyInfo, body.Device, body.SealKey
	before, known := r.keys[body.Token]
	switch {
	case r.Refuse != nil:
		refuse(w, http.StatusForbidden, *r.Refuse)
		return
	case !known:
		refuse(w, http.StatusForbidden, api.Error{Error: "no such token"})
		return
	case before != nil && !bytes.Equal(before, seen.Key):
		refuse(w, http.StatusConflict, api.Error{Error: "the code was used by another device", Code: api.CodeUsed})
		return
	}
	r.keys[body.Token] = seen.Key
	key := r.Key
	if key == "" {
		key = api.FormatKey(make([]byte, api.KeySize))
	}
	answer := api.EnrolAnswer{
		Certificate: r.issue(csr), CA: r.CA.PEM(), Name: `Есік "1"`, Venue: "cinema", Zone: "yellow", Way: "entry", RegistryKey: key,
	}
	if r.Spoil != nil {
		r.Spoil(&answer)
	}
	if r.Lose {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (r *Registry) renew(w http.ResponseWriter, req *http.Request, seen *Seen) {
	var body api.RenewRequest
	csr := read(w, req, &body, func() string { return body.CSR })
	if csr == nil {
		return
	}
	seen.Key = csr.RawSubjectPublicKeyInfo
	if seen.Serial == "" {
		refuse(w, http.StatusUnauthorized, api.Error{Error: "no certificate"})
		return
	}
	_ = json.NewEncoder(w).Encode(api.RenewAnswer{Certificate: r.issue(csr), CA: r.CA.PEM()})
}

// Renewed is the answer to a renewal, without the network.
func (r *Registry) Renewed(request api.RenewRequest) (api.RenewAnswer, error) {
	block, _ := pem.Decode([]byte(request.CSR))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return api.RenewAnswer{}, err
	}
	return api.RenewAnswer{Certificate: r.issue(csr), CA: r.CA.PEM()}, nil
}

func (r *Registry) issue(csr *x509.CertificateRequest) string {
	life := r.Life
	if life == 0 {
		life = 24 * time.Hour
	}
	return string(encode(r.CA.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "door"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(life),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, csr.PublicKey)))
}

func read(w http.ResponseWriter, req *http.Request, body any, csrOf func() string) *x509.CertificateRequest {
	if err := json.NewDecoder(req.Body).Decode(body); err != nil {
		refuse(w, http.StatusBadRequest, api.Error{Error: err.Error()})
		return nil
	}
	block, _ := pem.Decode([]byte(csrOf()))
	if block == nil {
		refuse(w, http.StatusBadRequest, api.Error{Error: "no PEM"})
		return nil
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, api.Error{Error: err.Error()})
		return nil
	}
	return csr
}

func refuse(w http.ResponseWriter, status int, said api.Error) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(said)
}

// Authority signs certificates.
type Authority struct {
	Cert *x509.Certificate
	t    testing.TB
	key  *ecdsa.PrivateKey
}

// NewAuthority creates an authority.
func NewAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{t: t, key: key}
	a.Cert = &x509.Certificate{ // signs itself
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.Cert = a.sign(a.Cert, key.Public())
	return a
}

// PEM is its certificate.
func (a *Authority) PEM() string { return string(encode(a.Cert)) }

// Server is a server's certificate, followed by its authority's.
func (a *Authority) Server(from, until time.Time, hosts ...string) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{NotBefore: from, NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	leaf := a.sign(template, key.Public())
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, a.Cert.Raw}, PrivateKey: key, Leaf: leaf}
}

func (a *Authority) sign(template *x509.Certificate, public crypto.PublicKey) *x509.Certificate {
	a.t.Helper()
	var err error
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		a.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Cert, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func encode(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}
