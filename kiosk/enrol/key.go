package enrol

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Types of PEM blocks.
const (
	keyBlock         = "PRIVATE KEY" // PKCS #8
	certificateBlock = "CERTIFICATE"
	requestBlock     = "CERTIFICATE REQUEST"
	codeBlock        = "ASHYQ ENROLMENT CODE"
)

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func marshalKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), nil
}

// request is a PKCS #10 request. It has no name: the registry knows to whom it gave the token or
// the certificate.
func request(key *ecdsa.PrivateKey) (string, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return "", fmt.Errorf("make the certificate request: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: der})), nil
}

// blocks sorts the blocks of a PEM file by type.
func blocks(data []byte) map[string][][]byte {
	all := map[string][][]byte{}
	for {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			return all
		}
		all[b.Type] = append(all[b.Type], b.Bytes)
	}
}

func parseKey(ders [][]byte) (*ecdsa.PrivateKey, error) {
	if len(ders) != 1 {
		return nil, fmt.Errorf("it has %d private keys, want one", len(ders))
	}
	key, err := x509.ParsePKCS8PrivateKey(ders[0])
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the private key is a %T, want ECDSA", key)
	}
	return ec, nil
}

// parseCertificates parses one certificate or more.
func parseCertificates(ders [][]byte) ([]*x509.Certificate, error) {
	if len(ders) == 0 {
		return nil, errors.New("no certificate")
	}
	var all []*x509.Certificate
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// certificateFor reads a door's certificate and its intermediates, and checks that it is for the
// door's key.
func certificateFor(key *ecdsa.PrivateKey, text []byte) ([]*x509.Certificate, error) {
	chain, err := parseCertificates(blocks(text)[certificateBlock])
	if err != nil {
		return nil, err
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(chain[0].PublicKey) {
		return nil, errors.New("the certificate is for another key")
	}
	return chain, nil
}

func parseAuthorities(text []byte) ([]*x509.Certificate, error) {
	all, err := parseCertificates(blocks(text)[certificateBlock])
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if !c.IsCA {
			return nil, fmt.Errorf("the certificate of %q is not a CA certificate", c.Subject.CommonName)
		}
	}
	return all, nil
}

// marshalCertificates writes the certificates without the other text that a PEM file may have.
func marshalCertificates(all []*x509.Certificate) []byte {
	var text []byte
	for _, c := range all {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: c.Raw})...)
	}
	return text
}
