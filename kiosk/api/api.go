// Package api is what a door and a registry say to each other: paths, the signed manifest, and the
// JSON bodies.
//
// Doors follow a file tree that any HTTP cache can serve: one small signed manifest that changes,
// and immutable blobs named by the SHA-256 of their bytes. The blobs of the status list are sealed
// (package statuslist): everybody may have them, and only doors read them. Nothing in a manifest
// says what is in them, so it holds no hash of what is sealed. Everything else is JSON.
package api

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"ashyq-kiosk/kiosk/sign1"
	"ashyq-kiosk/kiosk/statuslist"
)

// Paths. Durations in queries are Go durations ("25s").
const (
	// PathManifest: GET ?after=VERSION&wait=DURATION. Answers with a sealed Manifest
	// (ManifestType). With after it waits for a newer version, or until the wait (at most 60s) is
	// over, then answers with the current version, signed again. Never cached.
	PathManifest = "/v1/manifest"
	// PathBlob + "/" + 64 hex digits: GET, immutable, cacheable forever.
	PathBlob = "/v1/blob"
	// PathCheck: POST CheckRequest -> CheckAnswer. TLS: the door's certificate.
	PathCheck = "/v1/check"
	// PathCounts: POST Counts -> 204. TLS: the door's certificate.
	PathCounts = "/v1/counts"
)

// ManifestType is the typ header of a sealed manifest.
const ManifestType = "application/ashyq-manifest+cwt"

// Hash is the SHA-256 of a blob's bytes.
type Hash [sha256.Size]byte

// HashOf hashes data.
func HashOf(data []byte) Hash { return sha256.Sum256(data) }

// String is the hash in hex, as in a blob's path.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Manifest says what is current: a CBOR map, sealed (package sign1) by the registry's key.
type Manifest struct {
	// Version grows by one with each change of content. A re-issue keeps it, and a restored backup
	// goes back.
	Version  uint64    `cbor:"1,keyasint"`
	Issued   int64     `cbor:"2,keyasint"` // Unix s; the registry vouched for all of it then
	Expires  int64     `cbor:"3,keyasint"` // Unix s; after that a door does not accept the manifest
	List     string    `cbor:"4,keyasint"` // name of the status list
	Sections []Section `cbor:"5,keyasint"` // section i begins at index i * statuslist.SectionSize
	Rules    Hash      `cbor:"6,keyasint"` // blob: the venue rules, JSON
	Keys     Hash      `cbor:"7,keyasint"` // blob: the issuers' keys, Keys
	Epoch    uint32    `cbor:"8,keyasint"` // 0, or the Unix time when the registry was restored from a backup
	Ended    []Ended   `cbor:"9,keyasint"` // the earlier epochs, the oldest first

	Generation uint32   `cbor:"10,keyasint"` // of the list key with which all blobs of the list are sealed
	Next       Turnover `cbor:"11,keyasint"` // of the list key, if one is announced
	// Deltas are by level, and in a level the newest first. Level 0 has the changes from one
	// version to the next, level n those of 8^n versions together.
	Deltas [][]Delta `cbor:"12,keyasint"`
}

// Turnover is when another list key will be used. The zero value: none is announced.
type Turnover struct {
	Generation uint32 `cbor:"1,keyasint"`
	Since      int64  `cbor:"2,keyasint"` // Unix s
}

// Ended is an earlier epoch: later ones continue from this version of it. What it published after
// that was lost when a backup was restored.
type Ended struct {
	Epoch   uint32 `cbor:"1,keyasint"`
	Version uint64 `cbor:"2,keyasint"`
}

// Section is one part of the status list. Its blob may be older than the manifest; deltas lead on
// from it.
type Section struct {
	Version uint64 `cbor:"1,keyasint"` // of the list, whose part the blob is
	Changed uint64 `cbor:"2,keyasint"` // the version of the list that changed this section last; 1 at least
	Size    uint32 `cbor:"3,keyasint"` // of the blob, in units of statuslist.SizeStep
	Blob    Hash   `cbor:"4,keyasint"`
}

// Delta names the blob that changes the list from version From, or any later one before To, to
// version To.
type Delta struct {
	_    struct{} `cbor:",toarray"`
	From uint64
	To   uint64
	Size uint32 // of the blob, in units of statuslist.SizeStep
	Blob Hash
}

// MaxManifest is the largest size of a sealed manifest, bytes.
const MaxManifest = 1 << 20

// Seal signs the manifest.
func (m Manifest) Seal(key ed25519.PrivateKey) ([]byte, error) {
	payload, err := sign1.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the manifest: %w", err)
	}
	return sign1.Seal(key, sign1.Header{Type: ManifestType}, payload)
}

// OpenManifest verifies and decodes a sealed manifest. It does not check its times against a clock.
func OpenManifest(sealed []byte, key ed25519.PublicKey) (Manifest, error) {
	var m Manifest
	payload, err := sign1.Open(sealed, key, ManifestType)
	if err != nil {
		return m, fmt.Errorf("open the manifest: %w", err)
	}
	if err := sign1.Unmarshal(payload, &m); err != nil {
		return m, fmt.Errorf("decode the manifest: %w", err)
	}
	if err := m.check(); err != nil {
		return m, fmt.Errorf("check the manifest: %w", err)
	}
	return m, nil
}

func (m Manifest) check() error {
	for _, unix := range []int64{m.Issued, m.Expires} {
		if err := sign1.CheckTime(unix); err != nil {
			return err
		}
	}
	switch {
	case m.Version == 0:
		return errors.New("version is 0")
	case m.Expires <= m.Issued:
		return errors.New("expires before it was issued")
	case m.List == "":
		return errors.New("names no list")
	case len(m.Sections) == 0:
		return errors.New("has no sections")
	}
	if err := m.Epochs().Check(m.Edition()); err != nil {
		return err
	}
	if (m.Next == Turnover{}) != (m.Next.Generation == 0) || m.Next.Generation != 0 && m.Next.Generation <= m.Generation {
		return fmt.Errorf("list key %d is announced after %d", m.Next.Generation, m.Generation)
	}
	for i, s := range m.Sections {
		if s.Version == 0 || s.Version > m.Version || s.Changed == 0 || s.Changed > m.Version {
			return fmt.Errorf("section %d: version %d, changed in %d, in manifest %d", i, s.Version, s.Changed, m.Version)
		}
	}
	for level, deltas := range m.Deltas {
		for i, d := range deltas {
			if d.From == 0 || d.From >= d.To || d.To > m.Version || i > 0 && d.To > deltas[i-1].From {
				return fmt.Errorf("delta %d of level %d leads from version %d to %d", i, level, d.From, d.To)
			}
		}
	}
	return nil
}

// Edition is the epoch and version.
func (m Manifest) Edition() statuslist.Edition {
	return statuslist.Edition{Epoch: m.Epoch, Version: m.Version}
}

// Epochs are the earlier epochs.
func (m Manifest) Epochs() statuslist.Epochs {
	var e statuslist.Epochs
	for _, end := range m.Ended {
		e = append(e, statuslist.Edition(end))
	}
	return e
}

// IssuedAt is when the registry vouched for everything the manifest names.
func (m Manifest) IssuedAt() time.Time { return time.Unix(m.Issued, 0) }

// Keys are the issuers whose passes are valid: deterministic CBOR, an array of 32-byte Ed25519
// public keys in ascending order. The registry's own key is not among them; a door gets it when it
// is set up.
type Keys []ed25519.PublicKey

// MarshalKeys encodes the set.
func MarshalKeys(keys Keys) ([]byte, error) {
	raw := make([][]byte, len(keys))
	for i, k := range keys {
		raw[i] = k
	}
	return sign1.Marshal(raw)
}

// UnmarshalKeys decodes the set.
func UnmarshalKeys(data []byte) (Keys, error) {
	var raw [][]byte
	if err := sign1.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("decode the issuers' keys: %w", err)
	}
	keys := make(Keys, len(raw))
	for i, k := range raw {
		if err := sign1.CheckKey(k); err != nil {
			return nil, fmt.Errorf("issuer key %d: %w", i, err)
		}
		if i > 0 && string(raw[i-1]) >= string(k) {
			return nil, errors.New("issuers' keys are not in ascending order")
		}
		keys[i] = k
	}
	return keys, nil
}
