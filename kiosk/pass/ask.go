package pass

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/sign1"
)

// AskType is the typ of a request that a phone signs. A code has no type, so neither passes for the other.
const AskType = "application/ashyq-ask"

// MaxAsk is the size of the largest request, bytes.
const MaxAsk = 512

// Ask is a request of a phone that is not verified yet: what only the phone itself may ask, and nobody
// with a picture of its code.
type Ask struct {
	Code        // the credential, and when the phone signed
	What string // what it asks
}

// asking is the payload.
type asking struct {
	_          struct{} `cbor:",toarray"`
	Signed     uint32
	Credential []byte
	What       string
}

// NewAsk signs a request, now, with the key that the credential names as its holder's.
func NewAsk(holder ed25519.PrivateKey, credential []byte, what string, now time.Time) ([]byte, error) {
	c, err := OpenCredential(credential)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	if !bytes.Equal(c.Holder, holder.Public().(ed25519.PublicKey)) {
		return nil, errors.New("make a request: the credential belongs to another key")
	}
	signed, err := seconds(now)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	payload, err := sign1.Marshal(asking{Signed: signed, Credential: credential, What: what})
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	sealed, err := sign1.Seal(holder, sign1.Header{Type: AskType}, payload)
	if err != nil {
		return nil, fmt.Errorf("seal a request: %w", err)
	}
	return sealed, nil
}

// ParseAsk reads a request; Verify of it is that of a code. Every error wraps ErrNotAPass.
func ParseAsk(sealed []byte) (*Ask, error) {
	a, err := parseAsk(sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAPass, err)
	}
	return a, nil
}

func parseAsk(sealed []byte) (*Ask, error) {
	if len(sealed) > MaxAsk {
		return nil, fmt.Errorf("longer than %d bytes", MaxAsk)
	}
	m, err := sign1.Parse(sealed)
	if err != nil {
		return nil, err
	}
	if m.Header.Type != AskType || m.Header.KeyID != nil {
		return nil, errors.New("not a phone's request")
	}
	var p asking
	if err := sign1.Unmarshal(m.Payload, &p); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	inner, err := parseMessage(p.Credential)
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	a := &Ask{Code: Code{Signed: time.Unix(int64(p.Signed), 0), sealed: sealed, rotating: m, credential: inner},
		What: p.What}
	if a.Credential, err = readCredential(inner); err != nil {
		return nil, err
	}
	if a.Credential.Holder == nil {
		return nil, errors.New("credential without a holder")
	}
	return a, nil
}
