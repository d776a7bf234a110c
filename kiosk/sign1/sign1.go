// Package sign1 seals and opens the one kind of signed message that the project knows: an untagged
// COSE_Sign1 (RFC 9052 section 4.2) with Ed25519 (RFC 8032, COSE algorithm -8 EdDSA), in
// deterministic CBOR (RFC 8949 section 4.2.1).
//
// Byte by byte:
//
//	84                      array of 4
//	  bstr                  protected header, a CBOR map in a byte string:
//	    1: -8               alg, always EdDSA
//	    4: bstr .size 4     kid, the first 4 bytes of SHA-256 of the public key;
//	                        absent if the key is implied
//	    16: tstr            typ (RFC 9596); absent in passes, where every byte counts
//	  A0                    unprotected header, always empty
//	  bstr                  payload
//	  bstr .size 64         signature over Sig_structure "Signature1" with empty external_aad
//
// Only this canonical encoding is accepted: Open decodes a message, encodes it again and rejects it
// if the bytes differ.
package sign1

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

// KeyIDSize is the length of a key identifier in bytes. An identifier only selects a key. Four
// bytes are short enough to print, and a collision makes a verification fail, never succeed.
const KeyIDSize = 4

// KeyID names a public key: the first KeyIDSize bytes of its SHA-256.
type KeyID [KeyIDSize]byte

// IDOf returns the identifier of a public key.
func IDOf(key ed25519.PublicKey) KeyID {
	sum := sha256.Sum256(key)
	return KeyID(sum[:KeyIDSize])
}

// String is the identifier in hex.
func (id KeyID) String() string { return fmt.Sprintf("%x", id[:]) }

// headerType is the COSE header parameter "typ", RFC 9596 section 2.
const headerType = int64(16)

var (
	// ErrForm says that the bytes are not a message in the canonical encoding.
	ErrForm = errors.New("not a COSE_Sign1 in the canonical encoding")
	// ErrSignature says that the message is well formed, but the signature was not made with the
	// given key.
	ErrSignature = errors.New("signature does not verify")
	// ErrKey says that the bytes are not a public key that somebody can hold alone.
	ErrKey = errors.New("not an Ed25519 public key")
)

var (
	encoder = mustEncMode()
	decoder = mustDecMode()
)

func mustEncMode() cbor.EncMode {
	options := cbor.CoreDetEncOptions()
	options.NilContainers = cbor.NilContainerAsEmpty // null is no other encoding of an empty array
	mode, err := options.EncMode()
	if err != nil {
		panic("sign1: deterministic CBOR options: " + err.Error())
	}
	return mode
}

func mustDecMode() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		UTF8:              cbor.UTF8RejectInvalid,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   8,
		MaxArrayElements:  1 << 17,
		MaxMapPairs:       64,
	}.DecMode()
	if err != nil {
		panic("sign1: strict CBOR options: " + err.Error())
	}
	return mode
}

// Marshal encodes v in deterministic CBOR.
func Marshal(v any) ([]byte, error) { return encoder.Marshal(v) }

// Unmarshal decodes data into v and accepts only what Marshal writes: no unknown or duplicate keys,
// no tags, no trailing bytes, shortest lengths, sorted keys.
func Unmarshal(data []byte, v any) error {
	if err := decoder.Unmarshal(data, v); err != nil {
		return err
	}
	again, err := encoder.Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return errors.New("cbor: not the deterministic encoding")
	}
	return nil
}

// Header is what a message says about itself, protected by its signature.
type Header struct {
	KeyID *KeyID // nil if the key is implied
	Type  string // media type, as "application/statuslist+cwt"; empty in passes
}

// Seal signs payload with key under the given header.
func Seal(key ed25519.PrivateKey, header Header, payload []byte) ([]byte, error) {
	signer, err := cose.NewSigner(cose.AlgorithmEdDSA, key)
	if err != nil {
		return nil, fmt.Errorf("make a signer: %w", err)
	}
	protected := cose.ProtectedHeader{cose.HeaderLabelAlgorithm: cose.AlgorithmEdDSA}
	if header.KeyID != nil {
		protected[cose.HeaderLabelKeyID] = header.KeyID[:]
	}
	if header.Type != "" {
		protected[headerType] = header.Type
	}
	message := cose.UntaggedSign1Message{
		Headers: cose.Headers{Protected: protected, Unprotected: cose.UnprotectedHeader{}},
		Payload: payload,
	}
	if err := message.Sign(rand.Reader, nil, signer); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return message.MarshalCBOR()
}

// Message is a well-formed message whose signature is not verified yet.
type Message struct {
	Header  Header
	Payload []byte
	parsed  cose.UntaggedSign1Message
}

// Parse decodes a message without verifying it. Every error wraps ErrForm.
func Parse(data []byte) (*Message, error) {
	m := &Message{}
	if err := m.parsed.UnmarshalCBOR(data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	header, err := readHeader(m.parsed.Headers)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if len(m.parsed.Signature) != ed25519.SignatureSize {
		return nil, fmt.Errorf("%w: signature of %d bytes, want %d", ErrForm, len(m.parsed.Signature), ed25519.SignatureSize)
	}
	if len(m.parsed.Payload) == 0 {
		return nil, fmt.Errorf("%w: the payload is empty", ErrForm)
	}
	if err := sameBytes(data, header, m.parsed); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	m.Header, m.Payload = header, m.parsed.Payload
	return m, nil
}

// Verify checks the signature. A failure wraps ErrSignature, or ErrKey where CheckKey refuses the
// key.
func (m *Message) Verify(key ed25519.PublicKey) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	verifier, err := cose.NewVerifier(cose.AlgorithmEdDSA, key)
	if err != nil {
		return fmt.Errorf("make a verifier: %w", err)
	}
	if err := m.parsed.Verify(nil, verifier); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return nil
}

// Open parses and verifies a message of the given type. It is for messages of one known key.
func Open(data []byte, key ed25519.PublicKey, typ string) ([]byte, error) {
	m, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if m.Header.Type != typ {
		return nil, fmt.Errorf("%w: type %q, want %q", ErrForm, m.Header.Type, typ)
	}
	if err := m.Verify(key); err != nil {
		return nil, err
	}
	return m.Payload, nil
}

func readHeader(h cose.Headers) (Header, error) {
	var out Header
	if len(h.Unprotected) != 0 {
		return out, errors.New("the unprotected header is not empty")
	}
	for label, value := range h.Protected {
		switch label {
		case cose.HeaderLabelAlgorithm:
			if value != cose.AlgorithmEdDSA {
				return out, fmt.Errorf("algorithm %v, want EdDSA", value)
			}
		case cose.HeaderLabelKeyID:
			raw, _ := value.([]byte)
			if len(raw) != KeyIDSize {
				return out, fmt.Errorf("key id of %d bytes, want %d", len(raw), KeyIDSize)
			}
			id := KeyID(raw)
			out.KeyID = &id
		case headerType:
			text, ok := value.(string)
			if !ok || text == "" {
				return out, errors.New("the type header is not a text")
			}
			out.Type = text
		default:
			return out, fmt.Errorf("unknown protected header %v", label)
		}
	}
	if _, ok := h.Protected[cose.HeaderLabelAlgorithm]; !ok {
		return out, errors.New("the algorithm is missing")
	}
	return out, nil
}

// sameBytes encodes again what was understood of the message, so that no second encoding is
// accepted.
func sameBytes(data []byte, header Header, parsed cose.UntaggedSign1Message) error {
	protected := map[int64]any{1: int64(cose.AlgorithmEdDSA)}
	if header.KeyID != nil {
		protected[4] = header.KeyID[:]
	}
	if header.Type != "" {
		protected[headerType] = header.Type
	}
	rawProtected, err := encoder.Marshal(protected)
	if err != nil {
		return err
	}
	again, err := encoder.Marshal([]any{rawProtected, map[int64]any{}, parsed.Payload, parsed.Signature})
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return errors.New("not the deterministic encoding")
	}
	return nil
}

// MaxTime is the largest time that a message may carry, in Unix seconds: 9999-12-31T23:59:59Z,
// which JSON and every calendar can express.
const MaxTime = int64(253402300799)

// CheckTime rejects times that none of our clocks could have written.
func CheckTime(unix int64) error {
	if unix < 0 || unix > MaxTime {
		return fmt.Errorf("time %d is outside of 1970 to 9999", unix)
	}
	return nil
}
