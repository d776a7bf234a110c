package pass

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/sign1"
)

// The size of every sealed credential, bytes: of a phone and on paper.
const (
	CredentialSize      = 135
	PaperCredentialSize = 100
)

// Credential says that its block is the place of a person in the status list. It holds no name, no
// status and nothing that two days of one phone have in common.
type Credential struct {
	Issuer sign1.KeyID       // the key that sealed it
	Day    Day               // a phone's: in force on this day; 0 on paper
	Month  Month             // paper: in force to the end of this month; 0 in a phone's
	Block  Block             // the place under the day's or the month's key
	Holder ed25519.PublicKey // the phone's key of that day; nil on paper
}

// IsPaper reports whether the credential belongs to no phone.
func (c Credential) IsPaper() bool { return c.Holder == nil }

// dayClaims are the payload of a phone's credential, and paperClaims those of a paper code.
type dayClaims struct {
	_      struct{} `cbor:",toarray"`
	Day    Day
	Block  []byte
	Holder []byte
}

type paperClaims struct {
	_     struct{} `cbor:",toarray"`
	Month Month
	Block []byte
}

// Issue seals a phone's credential of one day. The holder's key may be in no other credential.
func Issue(issuer ed25519.PrivateKey, day Day, block Block, holder ed25519.PublicKey) ([]byte, error) {
	if day < firstNumber {
		return nil, fmt.Errorf("issue a credential: day %v is before %v", day, Day(firstNumber))
	}
	if err := sign1.CheckKey(holder); err != nil {
		return nil, fmt.Errorf("issue a credential: holder's key: %w", err)
	}
	return sealClaims(issuer, dayClaims{Day: day, Block: block[:], Holder: holder})
}

// IssuePaper seals the credential of a paper code.
func IssuePaper(issuer ed25519.PrivateKey, month Month, block Block) ([]byte, error) {
	if month < firstNumber {
		return nil, fmt.Errorf("issue a paper code: month %v is before %v", month, Month(firstNumber))
	}
	return sealClaims(issuer, paperClaims{Month: month, Block: block[:]})
}

func sealClaims(issuer ed25519.PrivateKey, claims any) ([]byte, error) {
	payload, err := sign1.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("encode a credential: %w", err)
	}
	id := sign1.IDOf(issuer.Public().(ed25519.PublicKey))
	sealed, err := sign1.Seal(issuer, sign1.Header{KeyID: &id}, payload)
	if err != nil {
		return nil, fmt.Errorf("seal a credential: %w", err)
	}
	return sealed, nil
}

// OpenCredential reads a sealed credential without verifying it, as a phone does when it receives
// one. Every error wraps ErrNotAPass.
func OpenCredential(sealed []byte) (Credential, error) {
	if len(sealed) > CredentialSize {
		return Credential{}, fmt.Errorf("%w: credential longer than %d bytes", ErrNotAPass, CredentialSize)
	}
	m, err := parseMessage(sealed)
	if err != nil {
		return Credential{}, fmt.Errorf("%w: %w", ErrNotAPass, err)
	}
	c, err := readCredential(m)
	if err != nil {
		return Credential{}, fmt.Errorf("%w: %w", ErrNotAPass, err)
	}
	return c, nil
}

// arrayOfTwo is the first byte of a paper code's payload.
const arrayOfTwo = 0x82

// readCredential decodes the payload of a message that has a kid. Its errors hold nothing that
// could identify a person.
func readCredential(m *sign1.Message) (Credential, error) {
	if m.Header.KeyID == nil {
		return Credential{}, errors.New("credential has no key id")
	}
	c := Credential{Issuer: *m.Header.KeyID}
	var block []byte
	if m.Payload[0] == arrayOfTwo {
		var w paperClaims
		if err := sign1.Unmarshal(m.Payload, &w); err != nil {
			return c, fmt.Errorf("credential's claims: %w", err)
		}
		if w.Month < firstNumber {
			return c, fmt.Errorf("month %d is below %d", w.Month, firstNumber)
		}
		c.Month, block = w.Month, w.Block
	} else {
		var w dayClaims
		if err := sign1.Unmarshal(m.Payload, &w); err != nil {
			return c, fmt.Errorf("credential's claims: %w", err)
		}
		if w.Day < firstNumber {
			return c, fmt.Errorf("day %d is below %d", w.Day, firstNumber)
		}
		if len(w.Holder) != ed25519.PublicKeySize {
			return c, fmt.Errorf("holder's key of %d bytes, want %d", len(w.Holder), ed25519.PublicKeySize)
		}
		c.Day, block, c.Holder = w.Day, w.Block, w.Holder
	}
	if len(block) != len(c.Block) {
		return c, fmt.Errorf("block of %d bytes, want %d", len(block), len(c.Block))
	}
	c.Block = Block(block)
	return c, nil
}

// checkDay refuses a time that is not in the credential's day.
func (c Credential) checkDay(signed time.Time) error {
	if day := DayOf(signed); day != c.Day {
		return fmt.Errorf("signed on %v with the credential of %v", day, c.Day)
	}
	return nil
}
