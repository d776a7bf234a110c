package enrol

import (
	"crypto"
	"crypto/ecdh"
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
	keyBlock         = "PRIVATE KEY"    // PKCS #8, of the certificate
	doorBlock        = "ASHYQ DOOR KEY" // PKCS #8, to which the registry seals what only this door may read
	certificateBlock = "CERTIFICATE"
	requestBlock     = "CERTIFICATE REQUEST"
	codeBlock        = "ASHYQ ENROLMENT CODE"
)

// secrets are the keys that a door makes for itself at its enrolment.
type secrets struct {
	key  *ecdsa.PrivateKey // of the certificate; each renewal makes a new one
	door *ecdh.PrivateKey  // X25519; it stays until the next enrolment
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func newSecrets() (*secrets, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	door, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return &secrets{key, door}, nil
}

func (s *secrets) marshal() ([]byte, error) {
	var text []byte
	for _, one := range []struct {
		block string
		key   any
	}{{keyBlock, s.key}, {doorBlock, s.door}} {
		der, err := x509.MarshalPKCS8PrivateKey(one.key)
		if err != nil {
			return nil, err
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: one.block, Bytes: der})...)
	}
	return text, nil
}

// parseSecrets wants exactly one key of each kind.
func parseSecrets(parts map[string][][]byte) (*secrets, error) {
	key, err := parseKey[*ecdsa.PrivateKey](parts[keyBlock])
	if err != nil {
		return nil, fmt.Errorf("the certificate's key: %w", err)
	}
	door, err := parseKey[*ecdh.PrivateKey](parts[doorBlock])
	if err != nil {
		return nil, fmt.Errorf("the door's key: %w", err)
	}
	if door.Curve() != ecdh.X25519() {
		return nil, fmt.Errorf("the door's key is of %v, want X25519", door.Curve())
	}
	return &secrets{key, door}, nil
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

func parseKey[K *ecdsa.PrivateKey | *ecdh.PrivateKey](ders [][]byte) (K, error) {
	if len(ders) != 1 {
		return nil, fmt.Errorf("there are %d, want one", len(ders))
	}
	key, err := x509.ParsePKCS8PrivateKey(ders[0])
	if err != nil {
		return nil, err
	}
	is, ok := key.(K)
	if !ok {
		return nil, fmt.Errorf("it is a %T, want %T", key, is)
	}
	return is, nil
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
