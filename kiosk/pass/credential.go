package pass

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"time"

	"ashyq-kiosk/kiosk/sign1"
)

// MaxList is the longest URI of a status list, bytes.
const MaxList = 64

// MaxCredential is the size of the largest sealed credential, bytes.
const MaxCredential = 232

// Credential names a person's entry in a status list. It holds no name and no status, so it does
// not change when the colour does.
type Credential struct {
	Issuer  sign1.KeyID       // the key that sealed it
	Issued  time.Time         // whole seconds
	Expires time.Time         // whole seconds; from then on it is refused
	Holder  ed25519.PublicKey // the phone's key; nil in a paper code
	List    string            // URI of the status list, at most MaxList bytes of visible ASCII
	Index   uint64            // in that list, below 2^32
}

type claims struct {
	Expires uint32        `cbor:"4,keyasint"`
	Issued  uint32        `cbor:"6,keyasint"`
	Confirm *confirmation `cbor:"8,keyasint,omitempty"`
	Status  status        `cbor:"65535,keyasint"`
}

type confirmation struct {
	Key coseKey `cbor:"1,keyasint"`
}

// The only kind of key that is accepted, RFC 9053 section 7.2.
const (
	keyTypeOKP   = 1
	curveEd25519 = 6
)

type coseKey struct {
	Type  int    `cbor:"1,keyasint"`
	Curve int    `cbor:"-1,keyasint"`
	X     []byte `cbor:"-2,keyasint"`
}

type status struct {
	List statusList `cbor:"status_list"`
}

type statusList struct {
	Index uint32 `cbor:"idx"`
	URI   string `cbor:"uri"`
}

// Issue seals a credential with an issuer's key. It ignores the field Issuer and takes the id of
// the key.
func Issue(issuer ed25519.PrivateKey, c Credential) ([]byte, error) {
	w, err := c.claims()
	if err != nil {
		return nil, fmt.Errorf("issue a credential: %w", err)
	}
	payload, err := sign1.Marshal(w)
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
	if len(sealed) > MaxCredential {
		return Credential{}, fmt.Errorf("%w: credential longer than %d bytes", ErrNotAPass, MaxCredential)
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

// readCredential decodes the payload of a message that has a kid.
func readCredential(m *sign1.Message) (Credential, error) {
	if m.Header.KeyID == nil {
		return Credential{}, errors.New("credential has no key id")
	}
	var w claims
	if err := sign1.Unmarshal(m.Payload, &w); err != nil {
		return Credential{}, fmt.Errorf("credential's claims: %w", err)
	}
	if err := w.check(); err != nil {
		return Credential{}, err
	}
	c := Credential{
		Issuer:  *m.Header.KeyID,
		Issued:  time.Unix(int64(w.Issued), 0),
		Expires: time.Unix(int64(w.Expires), 0),
		List:    w.Status.List.URI,
		Index:   uint64(w.Status.List.Index),
	}
	if w.Confirm != nil {
		c.Holder = w.Confirm.Key.X
	}
	return c, nil
}

func (c Credential) claims() (claims, error) {
	var w claims
	var err error
	if w.Issued, err = seconds(c.Issued); err != nil {
		return w, err
	}
	if w.Expires, err = seconds(c.Expires); err != nil {
		return w, err
	}
	if c.Index > math.MaxUint32 {
		return w, fmt.Errorf("index %d has more than 32 bits", c.Index)
	}
	w.Status.List = statusList{Index: uint32(c.Index), URI: c.List}
	if c.Holder != nil {
		if err := sign1.CheckKey(c.Holder); err != nil {
			return w, fmt.Errorf("holder's key: %w", err)
		}
		w.Confirm = &confirmation{Key: coseKey{Type: keyTypeOKP, Curve: curveEd25519, X: c.Holder}}
	}
	return w, w.check()
}

// check refuses what the types allow and the format does not. Its errors hold nothing that could
// identify a person.
func (w claims) check() error {
	if w.Expires <= w.Issued {
		return errors.New("credential expires before it was issued")
	}
	if w.Confirm != nil {
		key := w.Confirm.Key
		if key.Type != keyTypeOKP || key.Curve != curveEd25519 || len(key.X) != ed25519.PublicKeySize {
			return errors.New("holder's key is not an Ed25519 public key")
		}
	}
	uri := w.Status.List.URI
	if uri == "" || len(uri) > MaxList {
		return fmt.Errorf("list URI of %d bytes, want 1 to %d", len(uri), MaxList)
	}
	for i := range len(uri) {
		if uri[i] <= ' ' || uri[i] > '~' {
			return errors.New("list URI is not visible ASCII")
		}
	}
	return nil
}

// seconds converts t to the format's Unix seconds.
func seconds(t time.Time) (uint32, error) {
	unix := t.Unix()
	if unix < 0 || unix > math.MaxUint32 {
		return 0, fmt.Errorf("time %q is outside of 1970 to 2106", t.UTC().Format(time.RFC3339))
	}
	return uint32(unix), nil
}
