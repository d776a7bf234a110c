package enrol

import (
	"context"
	"crypto/ecdh"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"

	"ashyq-kiosk/kiosk/api"
)

// Identity is the door's certificate and keys, and the authorities by which it recognises the
// registry. Several goroutines may use it; one of them may renew it.
type Identity struct {
	file, caFile string
	current      atomic.Pointer[credentials]
	revoked      chan struct{} // one slot; full: the Renewer has not read it yet
}

type credentials struct {
	certificate *tls.Certificate // with its Leaf
	door        *ecdh.PrivateKey
	authorities []*x509.Certificate
	pool        *x509.CertPool
}

// Open reads an identity (keys and certificates in one PEM file) and the registry's authorities.
func Open(file, caFile string) (*Identity, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the door's identity: %w", err)
	}
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the registry's authority: %w", err)
	}
	authorities, err := parseAuthorities(ca)
	if err != nil {
		return nil, fmt.Errorf("authority %q: %w", caFile, err)
	}
	c, err := parseIdentity(data, authorities)
	if err != nil {
		return nil, fmt.Errorf("identity %q: %w\nhint: enrol the door again, `ashyq-kiosk enrol --again`", file, err)
	}
	i := &Identity{file: file, caFile: caFile, revoked: make(chan struct{}, 1)}
	i.current.Store(c)
	return i, nil
}

func parseIdentity(data []byte, authorities []*x509.Certificate) (*credentials, error) {
	own, err := parseSecrets(blocks(data))
	if err != nil {
		return nil, err
	}
	chain, err := certificateFor(own.key, data)
	if err != nil {
		return nil, err
	}
	c := &credentials{
		certificate: &tls.Certificate{PrivateKey: own.key, Leaf: chain[0]}, door: own.door,
		authorities: authorities, pool: x509.NewCertPool(),
	}
	for _, link := range chain {
		c.certificate.Certificate = append(c.certificate.Certificate, link.Raw)
	}
	for _, a := range authorities {
		c.pool.AddCert(a)
	}
	return c, nil
}

// TLS is the identity that a new connection must use.
func (i *Identity) TLS() (*tls.Certificate, *x509.CertPool) {
	c := i.current.Load()
	return c.certificate, c.pool
}

// Certificate is the door's current certificate.
func (i *Identity) Certificate() *x509.Certificate { return i.current.Load().certificate.Leaf }

// DoorKey is the key to which the registry seals what only this door may read. It stays the same
// over renewals.
func (i *Identity) DoorKey() *ecdh.PrivateKey { return i.current.Load().door }

// Refused receives the code of a refusal of any of the door's calls, so that a revoked door learns
// it from the first one. It returns immediately.
func (i *Identity) Refused(code string) {
	if code != api.CodeRevoked {
		return
	}
	select {
	case i.revoked <- struct{}{}:
	default:
	}
}

// Renewal issues new certificates (package client). Its errors are those of a Registry.
type Renewal interface {
	Renew(ctx context.Context, request api.RenewRequest) (api.RenewAnswer, error)
}

// Renew1 makes one attempt to get a certificate for a new key, and writes it to the card before it
// uses it. A lost answer does no harm: the old certificate stays valid until the new one has been
// used.
func (i *Identity) Renew1(ctx context.Context, registry Renewal) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	csr, err := request(key)
	if err != nil {
		return err
	}
	answer, err := registry.Renew(ctx, api.RenewRequest{CSR: csr})
	if err != nil {
		return err
	}
	old := i.current.Load()
	authorities, err := successors(old.authorities, answer.CA)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	text, err := (&secrets{key, old.door}).marshal()
	if err != nil {
		return err
	}
	text = append(text, answer.Certificate...)
	renewed, err := parseIdentity(text, authorities)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	// They are first: they also verify the old certificate.
	if err := write(i.caFile, marshalCertificates(authorities)); err != nil {
		return fmt.Errorf("keep the registry's authority: %w", err)
	}
	if err := write(i.file, text); err != nil {
		return fmt.Errorf("keep the new certificate: %w", err)
	}
	i.current.Store(renewed)
	return nil
}

// successors are the authorities from now on. One of the old ones must be among them: a door must
// not drop the authority by which it knows the registry before it has reached the registry with
// another.
func successors(old []*x509.Certificate, text string) ([]*x509.Certificate, error) {
	authorities, err := parseAuthorities([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("its authorities: %w", err)
	}
	known := func(c *x509.Certificate) bool {
		return slices.ContainsFunc(old, func(o *x509.Certificate) bool { return PinOf(o) == PinOf(c) })
	}
	if !slices.ContainsFunc(authorities, known) {
		return nil, errors.New("its authorities include none of the known ones")
	}
	return authorities, nil
}
