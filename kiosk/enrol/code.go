// Package enrol enrols a door at a registry: the one-time code, the key that is made on the door,
// and the certificate and settings that the registry returns.
//
// The code, as a file on the card's boot partition or as a QR code held to the kiosk's own camera,
// is
//
//	"AE1:" base45(CBOR)       base45: RFC 9285
//
// and CBOR, in deterministic encoding (RFC 8949 section 4.2.1), is the map
//
//	1: tstr             URL of the registry, https; its host as IsPlain wants it
//	2: bstr .size 32    SHA-256 of the SubjectPublicKeyInfo of its TLS certificate's authority
//	3: bstr .size 16    one-time token
//	? 4: tstr           SSID of the venue's Wi-Fi
//	? 5: tstr           its passphrase
//	? 6: tstr           country of the radio's rules, ISO 3166
//
// The encoding is canonical: String writes exactly what Parse accepts. A code is secret until it
// has been used.
package enrol

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"ashyq-kiosk/kiosk/names"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
)

// Prefix is the beginning of every code.
const Prefix = "AE1:"

// TokenSize is the length of the one-time token, bytes.
const TokenSize = 16

// maxCode is the largest length of a code, characters: a QR code of version 20 at level L.
const maxCode = 1249

// ErrForm says that a text is not an enrolment code.
var ErrForm = errors.New("not an enrolment code")

// Code is what an administrator gives to a door.
type Code struct {
	URL        string `cbor:"1,keyasint"`
	Pin        []byte `cbor:"2,keyasint"` // as PinOf
	Token      []byte `cbor:"3,keyasint"`
	SSID       string `cbor:"4,keyasint,omitempty"`
	Passphrase string `cbor:"5,keyasint,omitempty"`
	Country    string `cbor:"6,keyasint,omitempty"`
}

// PinOf is the pin of an authority: SHA-256 of its SubjectPublicKeyInfo (RFC 7469 section 2.4).
func PinOf(authority *x509.Certificate) [sha256.Size]byte {
	return sha256.Sum256(authority.RawSubjectPublicKeyInfo)
}

// String is the code's text. It panics if Check fails, which is a programming mistake.
func (c Code) String() string {
	if err := c.check(); err != nil {
		panic("enrol: " + err.Error())
	}
	data, err := sign1.Marshal(c)
	if err != nil {
		panic("enrol: " + err.Error())
	}
	return Prefix + pass.EncodeBase45(data)
}

// Parse reads a code and ignores white space around it, which an editor leaves in a file. Every
// error is an ErrForm.
func Parse(text string) (Code, error) {
	var c Code
	text = strings.TrimSpace(text)
	body, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return c, fmt.Errorf("%w: it does not begin with %q", ErrForm, Prefix)
	}
	if len(text) > maxCode {
		return c, fmt.Errorf("%w: it has %d characters, want at most %d", ErrForm, len(text), maxCode)
	}
	data, err := pass.DecodeBase45(body)
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if err := sign1.Unmarshal(data, &c); err != nil {
		return Code{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if err := c.check(); err != nil {
		return Code{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return c, nil
}

// maxHost is the largest length of a registry's host, characters: the screen shows the whole.
const maxHost = 100

var hostForm = regexp.MustCompile(`^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?$`)

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

// notOfPassphrase finds what a passphrase cannot have: IEEE 802.11-2020, J.4.1.
func notOfPassphrase(r rune) bool { return r < ' ' || r > '~' }

// IsPlain reports whether people who read a host, perhaps with a port, know which one it is: it is
// short, in ASCII, where no letter of another script looks like one of ours (an internationalised
// name is written with xn--, RFC 5891), and in lower case, where I does not look like l.
func IsPlain(host string) bool { return len(host) <= maxHost && hostForm.MatchString(host) }

// Check says why String would panic.
func (c Code) Check() error { return c.check() }

func (c Code) check() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the registry's URL has not the form https://registry.example")
	case !IsPlain(u.Host):
		return errors.New("the registry's host is not in lower-case ASCII, or too long")
	case len(c.Pin) != sha256.Size:
		return fmt.Errorf("the pin has %d bytes, want %d", len(c.Pin), sha256.Size)
	case len(c.Token) != TokenSize:
		return fmt.Errorf("the token has %d bytes, want %d", len(c.Token), TokenSize)
	case len(c.SSID) > 32:
		return fmt.Errorf("the network's name has %d bytes, want at most 32", len(c.SSID))
	case c.SSID == "" && (c.Passphrase != "" || c.Country != ""):
		return errors.New("it has a passphrase or a country but no network")
	case c.Passphrase != "" && (len(c.Passphrase) < 8 || len(c.Passphrase) > 63):
		return fmt.Errorf("the passphrase has %d characters, want 8 to 63", len(c.Passphrase))
	case c.Country != "" && !countryForm.MatchString(c.Country):
		return errors.New("the country is not two capital letters like KZ")
	case strings.ContainsFunc(c.Passphrase, notOfPassphrase):
		return errors.New("the network's passphrase has a character that is not in ASCII")
	}
	if err := names.CheckSSID(c.SSID); err != nil {
		return fmt.Errorf("the network's name: %w", err)
	}
	return nil
}
