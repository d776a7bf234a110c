package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"sync"
	"time"
)

// ownLasts is how long the registry's own TLS certificate is valid. A new one is made after two
// thirds of that.
const ownLasts = 90 * 24 * time.Hour

// TLS is how a registry listens for doors, with certificates of its own authority for host, a DNS
// name or an IP address. The authority's certificate is sent too: a door that enrols has only its
// pin.
//
// A door's certificate is requested here and judged with each request, because an expired one may
// still be renewed. ClientCAs tells browsers which certificates are meant, so that they do not ask
// people to choose one.
func (a *Authority) TLS(host string) (*tls.Config, error) {
	own := &ownCertificate{authority: a, host: host}
	if _, err := own.get(nil); err != nil { // now, and not when the first door comes
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: own.get,
		ClientAuth: tls.RequestClientCert, ClientCAs: pool,
	}, nil
}

// ownCertificate renews itself.
type ownCertificate struct {
	authority *Authority
	host      string

	mu      sync.Mutex // guards the rest
	current *tls.Certificate
	renew   time.Time
}

func (o *ownCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current != nil && time.Now().Before(o.renew) {
		return o.current, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key for TLS: %w", err)
	}
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: "Ashyq registry"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if ip := net.ParseIP(o.host); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	} else {
		template.DNSNames = append(template.DNSNames, o.host)
	}
	leaf, err := o.authority.sign(template, ownLasts, key.Public())
	if err != nil {
		return nil, fmt.Errorf("make a certificate for %q: %w", o.host, err)
	}
	o.current = &tls.Certificate{Certificate: [][]byte{leaf.Raw, o.authority.Certificate.Raw}, PrivateKey: key, Leaf: leaf}
	o.renew = now().Add(ownLasts * 2 / 3)
	return o.current, nil
}
