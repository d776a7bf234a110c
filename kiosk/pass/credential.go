package pass

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"time"

	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
)

// MaxList is the longest URI of a status list, bytes.
const MaxList = 64

// MaxCredential is the size of the largest sealed credential, bytes.
const MaxCredential = 201

// Credential names a person's entry in a status list. It holds no name and no status, so it does
// not change when the colour does.
type Credential struct {
	Issuer  sign1.KeyID        // the key that sealed it
	Expires time.Time          // whole seconds; from then on it is refused
	Since   statuslist.Edition // the first that holds the index; its version is below 2^32
	Index   uint64             // in the list, below 2^32
	List    string             // URI of the status list, at most MaxList bytes of visible ASCII
	Holder  ed25519.PublicKey  // the phone's key; nil in a paper code
}

type claims struct {
	_       struct{} `cbor:",toarray"`
	Expires uint32
	Epoch   uint32
	Version uint32
	Index   uint32
	List    string
	Holder  []byte // empty: paper
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
		Expires: time.Unix(int64(w.Expires), 0),
		Since:   statuslist.Edition{Epoch: w.Epoch, Version: uint64(w.Version)},
		Index:   uint64(w.Index),
		List:    w.List,
	}
	if len(w.Holder) > 0 {
		c.Holder = w.Holder
	}
	return c, nil
}

func (c Credential) claims() (claims, error) {
	var w claims
	var err error
	if w.Expires, err = seconds(c.Expires); err != nil {
		return w, err
	}
	if c.Index > math.MaxUint32 {
		return w, fmt.Errorf("index %d has more than 32 bits", c.Index)
	}
	if c.Since.Version > math.MaxUint32 {
		return w, fmt.Errorf("version %d has more than 32 bits", c.Since.Version)
	}
	w.Epoch, w.Version, w.Index, w.List, w.Holder = c.Since.Epoch, uint32(c.Since.Version), uint32(c.Index), c.List, []byte{}
	if c.Holder != nil {
		if err := sign1.CheckKey(c.Holder); err != nil {
			return w, fmt.Errorf("holder's key: %w", err)
		}
		w.Holder = c.Holder
	}
	return w, w.check()
}

// check refuses what the types allow and the format does not. Its errors hold nothing that could
// identify a person.
func (w claims) check() error {
	if w.Version == 0 {
		return errors.New("list version is 0")
	}
	if n := len(w.Holder); n != 0 && n != ed25519.PublicKeySize {
		return fmt.Errorf("holder's key of %d bytes, want %d or none", n, ed25519.PublicKeySize)
	}
	if w.List == "" || len(w.List) > MaxList {
		return fmt.Errorf("list URI of %d bytes, want 1 to %d", len(w.List), MaxList)
	}
	for i := range len(w.List) {
		if w.List[i] <= ' ' || w.List[i] > '~' {
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
