package server

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ashyq-kiosk/registry/store"
)

const (
	authorityLasts = 20 * 365 * 24 * time.Hour // longer than any door hangs on its wall
	doorLasts      = 7 * 24 * time.Hour        // of a door's certificate: a stolen one soon expires
)

// doorName begins the common name of a door's certificate. The door's number in the database
// follows.
const doorName = "ashyq-door-"

// Types of PEM blocks.
const (
	pemKey         = "PRIVATE KEY"
	pemCertificate = "CERTIFICATE"
	pemRequest     = "CERTIFICATE REQUEST"
)

// Authority signs the doors' certificates and the registry's own for TLS.
type Authority struct {
	Certificate *x509.Certificate
	key         crypto.Signer

	mu     sync.Mutex // guards signed
	signed map[store.Secret]struct{}
}

// mostSigned is how many certificates an authority remembers that it has signed: more than the
// doors of a registry. A door shows its own with each question, and checking a signature costs more
// than the answer.
const mostSigned = 100_000

// hasSigned checks the signature of a certificate that has this hash.
func (a *Authority) hasSigned(c *x509.Certificate, print store.Secret) error {
	a.mu.Lock()
	_, ok := a.signed[print]
	a.mu.Unlock()
	if ok {
		return nil
	}
	if err := c.CheckSignatureFrom(a.Certificate); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.signed) >= mostSigned || a.signed == nil {
		a.signed = map[store.Secret]struct{}{}
	}
	a.signed[print] = struct{}{}
	return nil
}

// NewAuthorityKey makes an authority's private key, as PKCS #8 in PEM: ECDSA on P-256, which every
// TLS stack supports.
func NewAuthorityKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the authority's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the authority's key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}), nil
}

// SelfSign makes the certificate of an authority's key, in PEM. Doors pin the key, so the
// certificate can be made again.
func SelfSign(keyPEM []byte) ([]byte, error) {
	key, err := readKey(keyPEM)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("encode the authority's public key: %w", err)
	}
	sum := sha256.Sum256(public)
	name := pkix.Name{CommonName: "Ashyq registry " + hex.EncodeToString(sum[:4])} // so that two registries' differ
	at := now()
	itself := &x509.Certificate{
		SerialNumber: newSerial(), Subject: name, NotBefore: at.Add(-clockSkew), NotAfter: at.Add(authorityLasts),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, itself, itself, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the authority's certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: der}), nil
}

// LoadAuthority reads what NewAuthorityKey and SelfSign made. Errors do not quote the key.
func LoadAuthority(keyPEM, certificatePEM []byte) (*Authority, error) {
	key, err := readKey(keyPEM)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(certificatePEM)
	if block == nil || block.Type != pemCertificate {
		return nil, errors.New("the authority's certificate is not in PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	if public, ok := key.Public().(*ecdsa.PublicKey); !ok || !public.Equal(certificate.PublicKey) {
		return nil, errors.New("the authority's key does not belong to its certificate")
	}
	return &Authority{Certificate: certificate, key: key}, nil
}

func readKey(keyPEM []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(keyPEM)
	if block == nil || block.Type != pemKey {
		return nil, errors.New("the authority's key is not a PKCS #8 key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the authority's key is not a PKCS #8 key in PEM")
	}
	signer, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the authority's key is a %T, want ECDSA", key)
	}
	return signer, nil
}

// newSerial is 127 random bits, RFC 5280 section 4.1.2.2.
func newSerial() *big.Int {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("server: no random numbers: " + err.Error()) // crypto/rand documents that it does not happen
	}
	b[0] &= 0x7F
	b[15] |= 1 // never 0
	return new(big.Int).SetBytes(b[:])
}

// sign completes a certificate that begins now.
func (a *Authority) sign(
	template *x509.Certificate, lasts time.Duration, public crypto.PublicKey,
) (*x509.Certificate, error) {
	at := now()
	template.SerialNumber, template.NotBefore, template.NotAfter = newSerial(), at.Add(-clockSkew), at.Add(lasts)
	template.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// signDoor makes a door's certificate for the key of its request.
func (a *Authority) signDoor(door int64, public crypto.PublicKey) (*x509.Certificate, error) {
	return a.sign(&x509.Certificate{
		Subject:  pkix.Name{CommonName: doorName + strconv.FormatInt(door, 10)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, doorLasts, public)
}

// door says which door a certificate belongs to, if this authority issued it to one. It does not
// check the clock, nor whether the door was revoked.
func (a *Authority) door(c *x509.Certificate) (store.Certificate, error) {
	print := store.Secret(sha256.Sum256(c.Raw))
	if err := a.hasSigned(c, print); err != nil {
		return store.Certificate{}, err
	}
	number, ok := strings.CutPrefix(c.Subject.CommonName, doorName)
	door, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return store.Certificate{}, errors.New("the certificate is not a door's")
	}
	return store.Certificate{Door: door, Print: print, Until: c.NotAfter}, nil
}

// readRequest takes the public key from a PKCS #10 request in PEM. The signature proves that the
// other side has the private key; nothing else in the request matters.
func readRequest(text string) (crypto.PublicKey, error) {
	const hint = "send a signed PKCS #10 request in PEM, for an ECDSA key on P-256 or an Ed25519 key"
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != pemRequest || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, badRequest("the certificate request is not in PEM", hint)
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, badRequest("the certificate request cannot be read", hint)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, badRequest("the certificate request is not signed with its own key", hint)
	}
	switch key := request.PublicKey.(type) {
	case ed25519.PublicKey:
		return key, nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return key, nil
		}
	}
	return nil, badRequest("the certificate request has an unsupported key", hint)
}

func certificatePEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.Raw}))
}
