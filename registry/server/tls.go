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

// ownLasts is how long the registry's own TLS certificate is good. A new one is made when two thirds of it are over.
const ownLasts = 90 * 24 * time.Hour

// TLS is how a registry listens; the certificates are for the caller to fill in. A door's certificate is asked for and
// judged later, with each request, because one that has ended may still be renewed. Browsers are told whose certificates
// are meant, so that nobody is asked to choose one of his own.
func (a *Authority) TLS() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, ClientAuth: tls.RequestClientCert, ClientCAs: pool,
	}
}

// OwnTLS is TLS with certificates of the authority itself for host, a DNS name or an IP address. The authority's own
// certificate is sent along, so that a door that has only its pin finds it.
func (a *Authority) OwnTLS(host string) (*tls.Config, error) {
	own := &ownCertificate{authority: a, host: host}
	if _, err := own.get(nil); err != nil { // now, and not when the first door comes
		return nil, err
	}
	config := a.TLS()
	config.GetCertificate = own.get
	return config, nil
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
