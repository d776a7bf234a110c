package pass

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"ashyq-kiosk/kiosk/sign1"
)

// What a phone asks its registry. Each request has its own typ, and a code has no typ: a request is
// no substitute for another, and neither is a code.
const (
	TopUpType     = "application/ashyq-top-up"
	SelfCheckType = "application/ashyq-self"
	AskType       = "application/ashyq-ask"
)

// MaxDays is the largest number of days in one top-up.
const MaxDays = 31

// The size of the largest top-up and of any other request, bytes.
const (
	MaxTopUp   = 1323
	MaxRequest = 512
)

var (
	// ErrNotARequest says that the bytes are not a request of that type in the canonical encoding.
	// The errors that wrap it say why.
	ErrNotARequest = errors.New("not a phone's request")
	// ErrCode says that they are a code or a credential, which others can have seen.
	ErrCode = errors.New("a code that is shown at doors is not a request")
)

// Request is what all requests have. A phone signs them with its phone key, which no code shows and
// which is not a holder's key of any day.
type Request struct {
	Phone  ed25519.PublicKey
	Signed time.Time // whole seconds

	message *sign1.Message
}

// Verify checks the phone's signature and the time. It returns ErrForged, ErrStale or ErrFuture,
// like that of a code. Whose key it is must be looked up.
func (r *Request) Verify(now time.Time) error {
	if err := r.message.Verify(r.Phone); err != nil {
		return fmt.Errorf("%w: phone's signature: %w", ErrForged, err)
	}
	return checkWindow(r.Signed, now)
}

// DayKey is the public key that a phone made for one day.
type DayKey struct {
	_      struct{} `cbor:",toarray"`
	Day    Day
	Holder ed25519.PublicKey
}

// TopUp asks for the credentials of some days.
type TopUp struct {
	Request
	Days []DayKey // 1 to MaxDays, ascending, each with another key
}

// SelfCheck asks how the phone's own pass stands.
type SelfCheck struct{ Request }

// Ask is any other request that only the phone itself may make.
type Ask struct {
	Request
	What string // what it asks
}

type topUpPayload struct {
	_      struct{} `cbor:",toarray"`
	Signed uint32
	Phone  []byte
	Days   []DayKey
}

type selfPayload struct {
	_      struct{} `cbor:",toarray"`
	Signed uint32
	Phone  []byte
}

type askPayload struct {
	_      struct{} `cbor:",toarray"`
	Signed uint32
	Phone  []byte
	What   string
}

// NewTopUp signs a request for the credentials of the days, now.
func NewTopUp(phone ed25519.PrivateKey, days []DayKey, now time.Time) ([]byte, error) {
	public := publicKey(phone)
	if err := checkDays(public, days); err != nil {
		return nil, fmt.Errorf("make a top-up: %w", err)
	}
	return newRequest(phone, TopUpType, now, func(signed uint32) any {
		return topUpPayload{Signed: signed, Phone: public, Days: days}
	})
}

// NewSelfCheck signs a self-check, now.
func NewSelfCheck(phone ed25519.PrivateKey, now time.Time) ([]byte, error) {
	return newRequest(phone, SelfCheckType, now, func(signed uint32) any {
		return selfPayload{Signed: signed, Phone: publicKey(phone)}
	})
}

// NewAsk signs another request, now.
func NewAsk(phone ed25519.PrivateKey, what string, now time.Time) ([]byte, error) {
	return newRequest(phone, AskType, now, func(signed uint32) any {
		return askPayload{Signed: signed, Phone: publicKey(phone), What: what}
	})
}

func publicKey(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func newRequest(phone ed25519.PrivateKey, typ string, now time.Time, payload func(uint32) any) ([]byte, error) {
	signed, err := seconds(now)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	encoded, err := sign1.Marshal(payload(signed))
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	sealed, err := sign1.Seal(phone, sign1.Header{Type: typ}, encoded)
	if err != nil {
		return nil, fmt.Errorf("seal a request: %w", err)
	}
	return sealed, nil
}

// ParseTopUp reads a top-up without verifying it. Every error wraps ErrNotARequest.
func ParseTopUp(sealed []byte) (*TopUp, error) {
	var p topUpPayload
	m, err := parseRequest(sealed, MaxTopUp, TopUpType, &p)
	if err != nil {
		return nil, err
	}
	t := &TopUp{Days: p.Days}
	if t.Request, err = readRequest(m, p.Signed, p.Phone); err != nil {
		return nil, err
	}
	if err := checkDays(t.Phone, t.Days); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotARequest, err)
	}
	return t, nil
}

// ParseSelfCheck reads a self-check without verifying it. Every error wraps ErrNotARequest.
func ParseSelfCheck(sealed []byte) (*SelfCheck, error) {
	var p selfPayload
	m, err := parseRequest(sealed, MaxRequest, SelfCheckType, &p)
	if err != nil {
		return nil, err
	}
	s := &SelfCheck{}
	if s.Request, err = readRequest(m, p.Signed, p.Phone); err != nil {
		return nil, err
	}
	return s, nil
}

// ParseAsk reads another request without verifying it. Every error wraps ErrNotARequest.
func ParseAsk(sealed []byte) (*Ask, error) {
	var p askPayload
	m, err := parseRequest(sealed, MaxRequest, AskType, &p)
	if err != nil {
		return nil, err
	}
	a := &Ask{What: p.What}
	if a.Request, err = readRequest(m, p.Signed, p.Phone); err != nil {
		return nil, err
	}
	return a, nil
}

func parseRequest(sealed []byte, size int, typ string, payload any) (*sign1.Message, error) {
	if len(sealed) > size {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrNotARequest, size)
	}
	m, err := sign1.Parse(sealed)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNotARequest, err)
	case m.Header.Type == "":
		return nil, fmt.Errorf("%w: %w", ErrNotARequest, ErrCode)
	case m.Header.Type != typ || m.Header.KeyID != nil:
		return nil, fmt.Errorf("%w: type %q, want %q without a kid", ErrNotARequest, m.Header.Type, typ)
	}
	if err := sign1.Unmarshal(m.Payload, payload); err != nil {
		return nil, fmt.Errorf("%w: payload: %w", ErrNotARequest, err)
	}
	return m, nil
}

func readRequest(m *sign1.Message, signed uint32, phone []byte) (Request, error) {
	if len(phone) != ed25519.PublicKeySize {
		return Request{}, fmt.Errorf("%w: phone key of %d bytes, want %d", ErrNotARequest, len(phone), ed25519.PublicKeySize)
	}
	return Request{Phone: phone, Signed: time.Unix(int64(signed), 0), message: m}, nil
}

// checkDays refuses what would let two days be linked: a key that is used twice, and the phone key.
func checkDays(phone ed25519.PublicKey, days []DayKey) error {
	if len(days) == 0 || len(days) > MaxDays {
		return fmt.Errorf("%d days, want 1 to %d", len(days), MaxDays)
	}
	for i, d := range days {
		switch {
		case d.Day < firstNumber:
			return fmt.Errorf("day %d is below %d", d.Day, firstNumber)
		case i > 0 && d.Day <= days[i-1].Day:
			return errors.New("the days do not ascend")
		case bytes.Equal(d.Holder, phone):
			return fmt.Errorf("the key of %v is the phone key, which no code may show", d.Day)
		case slices.ContainsFunc(days[:i], func(earlier DayKey) bool { return bytes.Equal(d.Holder, earlier.Holder) }):
			return fmt.Errorf("the key of %v is that of an earlier day", d.Day)
		}
		if err := sign1.CheckKey(d.Holder); err != nil {
			return fmt.Errorf("the key of %v: %w", d.Day, err)
		}
	}
	return nil
}
