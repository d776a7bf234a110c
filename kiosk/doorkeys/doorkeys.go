// Package doorkeys is what lets a door read the list and the codes, and nobody else: the keys that
// a registry gives to one door, the envelope in which they travel, and the door's ring of them.
//
// # Envelope
//
// An envelope is a message of package sign1 with typ "application/ashyq-door-keys", signed by the
// key that signs manifests. Its payload is the array
//
//	issued      uint             Unix s
//	enc         bstr .size 32    HPKE's encapsulated key
//	ciphertext  bstr
//
// HPKE is RFC 9180 in base mode, with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
// ChaCha20-Poly1305, info "ashyq door keys" and no additional data: the signature binds all. The
// recipient is the key that the door made at its enrolment. The plaintext is the array
//
//	lists        [* [uint32, bstr .size 32]]  at most 2: generation and key of what seals the list now,
//	                                         and next
//	first day    uint16                      days since 1970-01-01, UTC
//	days         [* bstr .size 16]           index keys of that day and the following ones, 1 to 40
//	first month  uint16                      months since January 1970, UTC
//	months       [* bstr .size 16]           paper keys, in the same way, 1 to 12
//
// All is deterministic CBOR, and the encoding is canonical: Open accepts exactly what Seal writes.
// A door's envelope has at most MaxEnvelope bytes.
package doorkeys

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/kiosk/sign1"
)

// Type is the typ header of an envelope.
const Type = "application/ashyq-door-keys"

// MaxEnvelope is the largest size of an envelope, bytes.
const MaxEnvelope = 4 << 10

// What an envelope holds, at most.
const (
	maxLists  = 2
	maxDays   = 40
	maxMonths = 12
)

// info separates these envelopes from anything else that is sealed to the same key.
var info = []byte("ashyq door keys")

var (
	// ErrForm says that the bytes are not an envelope.
	ErrForm = errors.New("not an envelope of door keys")
	// ErrOther says that an envelope is for another door.
	ErrOther = errors.New("the envelope is for another door")
)

// ListKey seals sections and deltas of the list.
type ListKey struct {
	_          struct{} `cbor:",toarray"`
	Generation uint32   // never used again
	Key        [32]byte
}

// PlaceKeys are the index keys of days in a row and the paper keys of months in a row.
type PlaceKeys struct {
	FirstDay   pass.Day
	Days       []pass.PlaceKey
	FirstMonth pass.Month
	Months     []pass.PlaceKey
}

// Ciphers opens codes with these keys.
func (k PlaceKeys) Ciphers() *pass.PlaceKeys {
	days, months := make(map[pass.Day]pass.PlaceKey, len(k.Days)), make(map[pass.Month]pass.PlaceKey, len(k.Months))
	for i, key := range k.Days {
		days[k.FirstDay+pass.Day(i)] = key
	}
	for i, key := range k.Months {
		months[k.FirstMonth+pass.Month(i)] = key
	}
	return pass.NewPlaceKeys(days, months)
}

// Day is the index key of a day.
func (k PlaceKeys) Day(d pass.Day) (key pass.PlaceKey, ok bool) {
	return at(k.Days, int(d)-int(k.FirstDay))
}

// Month is the paper key of a month.
func (k PlaceKeys) Month(m pass.Month) (key pass.PlaceKey, ok bool) {
	return at(k.Months, int(m)-int(k.FirstMonth))
}

func at(keys []pass.PlaceKey, i int) (key pass.PlaceKey, ok bool) {
	if i < 0 || i >= len(keys) {
		return key, false
	}
	return keys[i], true
}

// LastDay is the last day that has a key; 0: no day has one.
func (k PlaceKeys) LastDay() pass.Day {
	if len(k.Days) == 0 {
		return 0
	}
	return k.FirstDay + pass.Day(len(k.Days)-1)
}

// From are the keys of at most these numbers of days and months from the given ones on.
func (k PlaceKeys) From(day pass.Day, days int, month pass.Month, months int) PlaceKeys {
	out := PlaceKeys{FirstDay: max(day, k.FirstDay), FirstMonth: max(month, k.FirstMonth)}
	out.Days = within(k.Days, int(out.FirstDay-k.FirstDay), int(day)+days-int(k.FirstDay))
	out.Months = within(k.Months, int(out.FirstMonth-k.FirstMonth), int(month)+months-int(k.FirstMonth))
	return out
}

func within(keys []pass.PlaceKey, from, to int) []pass.PlaceKey {
	to = min(to, len(keys))
	if from >= to {
		return nil
	}
	return keys[from:to]
}

// Keys is what an envelope holds.
type Keys struct {
	Issued time.Time // in whole seconds
	Lists  []ListKey
	PlaceKeys
}

// plain is the plaintext, and sealed the payload.
type plain struct {
	_          struct{} `cbor:",toarray"`
	Lists      []ListKey
	FirstDay   pass.Day
	Days       []pass.PlaceKey
	FirstMonth pass.Month
	Months     []pass.PlaceKey
}

type sealed struct {
	_          struct{} `cbor:",toarray"`
	Issued     int64
	Enc        [32]byte
	Ciphertext []byte
}

func (k Keys) check() error {
	switch {
	case len(k.Lists) > maxLists:
		return fmt.Errorf("%d list keys, want at most %d", len(k.Lists), maxLists)
	case len(k.Days) == 0 || len(k.Days) > maxDays:
		return fmt.Errorf("keys of %d days, want 1 to %d", len(k.Days), maxDays)
	case len(k.Months) == 0 || len(k.Months) > maxMonths:
		return fmt.Errorf("keys of %d months, want 1 to %d", len(k.Months), maxMonths)
	case int(k.FirstDay)+len(k.Days)-1 > 1<<16-1 || int(k.FirstMonth)+len(k.Months)-1 > 1<<16-1:
		return errors.New("a day or month beyond all calendars")
	case len(k.Lists) == 2 && k.Lists[0].Generation == k.Lists[1].Generation:
		return errors.New("two list keys of one generation")
	}
	return sign1.CheckTime(k.Issued.Unix())
}

// ParseKey reads a door's public key, 32 bytes. It refuses those to which nothing can be sealed
// (RFC 7748 section 6.1).
func ParseKey(raw []byte) (*ecdh.PublicKey, error) {
	key, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return nil, err
	}
	if _, err := trial().ECDH(key); err != nil {
		return nil, err
	}
	return key, nil
}

// trial is some private key.
var trial = sync.OnceValue(func() *ecdh.PrivateKey {
	key, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		panic("doorkeys: a private key of 32 bytes: " + err.Error())
	}
	return key
})

// Seal makes the envelope for the door with this public key.
func Seal(registry ed25519.PrivateKey, door *ecdh.PublicKey, k Keys) ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, fmt.Errorf("seal a door's keys: %w", err)
	}
	text, err := sign1.Marshal(plain{Lists: k.Lists, FirstDay: k.FirstDay, Days: k.Days, FirstMonth: k.FirstMonth, Months: k.Months})
	if err != nil {
		return nil, fmt.Errorf("encode a door's keys: %w", err)
	}
	public, err := hpke.NewDHKEMPublicKey(door)
	if err != nil {
		return nil, fmt.Errorf("seal a door's keys: %w", err)
	}
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info)
	if err != nil {
		return nil, fmt.Errorf("seal a door's keys: %w", err)
	}
	ciphertext, err := sender.Seal(nil, text)
	if err != nil {
		return nil, fmt.Errorf("seal a door's keys: %w", err)
	}
	payload, err := sign1.Marshal(sealed{Issued: k.Issued.Unix(), Enc: [32]byte(enc), Ciphertext: ciphertext})
	if err != nil {
		return nil, fmt.Errorf("encode a door's keys: %w", err)
	}
	return sign1.Seal(registry, sign1.Header{Type: Type}, payload)
}

// Open opens an envelope. Errors are ErrForm, ErrOther, and those of sign1.Open.
func Open(envelope []byte, registry ed25519.PublicKey, door *ecdh.PrivateKey) (Keys, error) {
	if len(envelope) > MaxEnvelope {
		return Keys{}, fmt.Errorf("%w: %d bytes, want at most %d", ErrForm, len(envelope), MaxEnvelope)
	}
	payload, err := sign1.Open(envelope, registry, Type)
	if err != nil {
		return Keys{}, fmt.Errorf("open an envelope of door keys: %w", err)
	}
	var s sealed
	if err := sign1.Unmarshal(payload, &s); err != nil {
		return Keys{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if err := sign1.CheckTime(s.Issued); err != nil {
		return Keys{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	text, err := s.open(door)
	if err != nil {
		return Keys{}, fmt.Errorf("%w: %w", ErrOther, err)
	}
	var p plain
	if err := sign1.Unmarshal(text, &p); err != nil {
		return Keys{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	k := Keys{
		Issued: time.Unix(s.Issued, 0).UTC(), Lists: p.Lists,
		PlaceKeys: PlaceKeys{FirstDay: p.FirstDay, Days: p.Days, FirstMonth: p.FirstMonth, Months: p.Months},
	}
	if err := k.check(); err != nil {
		return Keys{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return k, nil
}

func (s sealed) open(door *ecdh.PrivateKey) ([]byte, error) {
	private, err := hpke.NewDHKEMPrivateKey(door)
	if err != nil {
		return nil, err
	}
	recipient, err := hpke.NewRecipient(s.Enc[:], private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info)
	if err != nil {
		return nil, err
	}
	return recipient.Open(nil, s.Ciphertext)
}

// FileName is the name of a door's envelope on a stick: 16 hex digits that belong to its key.
func FileName(door *ecdh.PublicKey) string {
	sum := sha256.Sum256(door.Bytes())
	return hex.EncodeToString(sum[:8])
}
