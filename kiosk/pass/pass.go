package pass

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/sign1"
)

// Prefix starts the text of every code.
const Prefix = "AQ1:"

// How far the time in a rotating code may be from the door's. MaxAge is a Period, the moment that a
// person takes to aim, and 6 s for the phone's clock. A code does not say whether its phone
// corrected its clock; MaxAhead is for phones that did not. A page that is online knows the time to
// within 4 s, so its codes are accepted for at most 30 s.
const (
	MaxAge   = 25 * time.Second
	MaxAhead = 10 * time.Second
)

// Period is how often a phone makes a new rotating code.
const Period = 15 * time.Second

// TextSize is the size of every rotating code and PaperTextSize that of every paper code,
// characters.
const (
	TextSize      = 330
	PaperTextSize = 154
)

// MaxText is the size of the longest text that is looked into, bytes. Longer input is refused
// before any other step.
const MaxText = 400

// ErrNotAPass says that the text is not a code in canonical encoding. The errors that wrap it say
// why.
var ErrNotAPass = errors.New("not a pass")

// Why a well-formed code is refused.
var (
	ErrUnknownIssuer = errors.New("the credential's issuer is not trusted")
	ErrForged        = errors.New("forged")
	ErrExpired       = errors.New("paper code has expired")
	ErrStale         = errors.New("code is too old")
	ErrFuture        = errors.New("code is from the future")
)

// These refuse most QR codes at a door, without an allocation.
var (
	errTooLong = fmt.Errorf("%w: longer than %d characters", ErrNotAPass, MaxText)
	errPrefix  = fmt.Errorf("%w: does not start with %q", ErrNotAPass, Prefix)
)

// Code is a well-formed code that is not verified yet.
type Code struct {
	Credential Credential
	Signed     time.Time // when the phone made it, whole seconds; zero in a paper code

	sealed     []byte         // the message as it was encoded in the text
	credential *sign1.Message // signed by the issuer
	rotating   *sign1.Message // signed by the holder; nil in a paper code
	place      *Place         // set by Open
}

// presentation is the payload of a rotating code.
type presentation struct {
	_          struct{} `cbor:",toarray"`
	Signed     uint32
	Credential []byte
}

// Rotate makes a rotating code from the sealed credential of the day, signed now, with the key that
// the credential names as its holder's.
func Rotate(holder ed25519.PrivateKey, credential []byte, now time.Time) (string, error) {
	c, err := OpenCredential(credential)
	if err != nil {
		return "", fmt.Errorf("make a rotating code: %w", err)
	}
	if !bytes.Equal(c.Holder, publicKey(holder)) {
		return "", errors.New("make a rotating code: the credential belongs to another key")
	}
	signed, err := seconds(now)
	if err != nil {
		return "", fmt.Errorf("make a rotating code: %w", err)
	}
	if err := c.checkDay(now); err != nil {
		return "", fmt.Errorf("make a rotating code: %w", err)
	}
	payload, err := sign1.Marshal(presentation{Signed: signed, Credential: credential})
	if err != nil {
		return "", fmt.Errorf("encode a rotating code: %w", err)
	}
	sealed, err := sign1.Seal(holder, sign1.Header{}, payload)
	if err != nil {
		return "", fmt.Errorf("seal a rotating code: %w", err)
	}
	return text(sealed), nil
}

// Paper makes the code to print from a sealed credential without a holder.
func Paper(credential []byte) (string, error) {
	c, err := OpenCredential(credential)
	if err != nil {
		return "", fmt.Errorf("make a paper code: %w", err)
	}
	if !c.IsPaper() {
		return "", errors.New("make a paper code: the credential belongs to a phone")
	}
	return text(credential), nil
}

// Parse reads a code without verifying it. Every error wraps ErrNotAPass. It does not keep the
// text.
func Parse(text []byte) (*Code, error) {
	if len(text) > MaxText {
		return nil, errTooLong
	}
	body, ok := bytes.CutPrefix(text, []byte(Prefix))
	if !ok {
		return nil, errPrefix
	}
	sealed, err := decodeBase45(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAPass, err)
	}
	c, err := parseCode(sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAPass, err)
	}
	return c, nil
}

func parseCode(sealed []byte) (*Code, error) {
	m, err := parseMessage(sealed)
	if err != nil {
		return nil, err
	}
	c := &Code{sealed: sealed}
	if m.Header.KeyID != nil {
		c.credential = m
	} else if err := c.readRotating(m); err != nil {
		return nil, err
	}
	if c.Credential, err = readCredential(c.credential); err != nil {
		return nil, err
	}
	switch {
	case c.rotating == nil && !c.IsPaper():
		return nil, errors.New("credential of a phone without the phone's signature")
	case c.rotating == nil:
		return c, nil
	case c.IsPaper():
		return nil, errors.New("credential without a holder in a rotating code")
	}
	if err := c.Credential.checkDay(c.Signed); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Code) readRotating(m *sign1.Message) error {
	var p presentation
	if err := sign1.Unmarshal(m.Payload, &p); err != nil {
		return fmt.Errorf("rotating code's payload: %w", err)
	}
	inner, err := parseMessage(p.Credential)
	if err != nil {
		return fmt.Errorf("credential: %w", err)
	}
	c.Signed = time.Unix(int64(p.Signed), 0)
	c.rotating, c.credential = m, inner
	return nil
}

// parseMessage refuses a message with a type: a verifier that expects no type must not see one.
func parseMessage(sealed []byte) (*sign1.Message, error) {
	m, err := sign1.Parse(sealed)
	if err != nil {
		return nil, err
	}
	if m.Header.Type != "" {
		return nil, errors.New("message has a type")
	}
	return m, nil
}

// IsPaper reports whether the code was printed. No phone made it, so nobody proved to hold a key.
func (c *Code) IsPaper() bool { return c.Credential.IsPaper() }

// Open reads the place in a verified code and keeps it: then the Guard knows the person, whatever
// code they show. Its errors are those of PlaceKeys.
func (c *Code) Open(keys *PlaceKeys) (Place, error) {
	p, err := keys.Open(c.Credential)
	if err == nil {
		c.place = &p
	}
	return p, err
}

// Place is what Open has read.
func (c *Code) Place() (p Place, ok bool) {
	if c.place == nil {
		return Place{}, false
	}
	return *c.place, true
}

// IsOf reports whether both codes are of one person: by the index, or without the keys by the
// credential.
func (c *Code) IsOf(other *Code) bool {
	if c.place != nil && other.place != nil {
		return c.place.Index == other.place.Index
	}
	return c.Credential.Block == other.Credential.Block
}

// Text returns the code's text, exactly as it was parsed.
func (c *Code) Text() string { return text(c.sealed) }

func text(sealed []byte) string {
	out := make([]byte, 0, len(Prefix)+base45Len(len(sealed)))
	return string(appendBase45(append(out, Prefix...), sealed))
}

// Issuers maps key identifiers to the trusted issuers' keys.
type Issuers map[sign1.KeyID]ed25519.PublicKey

// NewIssuers makes the set of the given keys.
func NewIssuers(keys []ed25519.PublicKey) Issuers {
	issuers := make(Issuers, len(keys))
	for _, key := range keys {
		issuers[sign1.IDOf(key)] = key
	}
	return issuers
}

// Verify checks the code against the trusted issuers and the door's clock. It returns the first
// error in this order: ErrUnknownIssuer, ErrForged (by the issuer's, then by the holder's
// signature), ErrExpired (paper), ErrStale, ErrFuture (phones). A code exactly MaxAge old, or
// MaxAhead ahead, is valid, also a moment after midnight.
func (c *Code) Verify(issuers Issuers, now time.Time) error {
	if err := c.verifySignatures(issuers); err != nil {
		return err
	}
	switch {
	case !c.IsPaper():
		return checkWindow(c.Signed, now)
	case !now.Before(c.Credential.Month.End()):
		return ErrExpired
	}
	return nil
}

func checkWindow(signed, now time.Time) error {
	switch {
	case now.After(signed.Add(MaxAge)):
		return ErrStale
	case signed.After(now.Add(MaxAhead)):
		return ErrFuture
	}
	return nil
}

func (c *Code) verifySignatures(issuers Issuers) error {
	issuer, ok := issuers[c.Credential.Issuer]
	if !ok {
		return ErrUnknownIssuer
	}
	if err := c.credential.Verify(issuer); err != nil {
		return fmt.Errorf("%w: issuer's signature: %w", ErrForged, err)
	}
	if c.IsPaper() {
		return nil
	}
	if err := c.rotating.Verify(c.Credential.Holder); err != nil {
		return fmt.Errorf("%w: holder's signature: %w", ErrForged, err)
	}
	return nil
}
