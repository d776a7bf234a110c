// Package api is what a door and a registry say to each other: paths, the signed manifest, and the
// JSON bodies.
//
// Doors follow a file tree that any HTTP cache can serve: one small signed manifest that changes,
// and immutable blobs named by the SHA-256 of their bytes. Everything else is JSON.
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

// Hash is the SHA-256 of a blob's or a section's bytes.
type Hash [sha256.Size]byte

// HashOf hashes data.
func HashOf(data []byte) Hash { return sha256.Sum256(data) }

// String is the hash in hex, as in a blob's path.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Manifest says what is current: a CBOR map, sealed (package sign1) by the registry's key.
type Manifest struct {
	Version  uint64    `cbor:"1,keyasint"` // grows by one with each change of content; a re-issue keeps it, and a restored backup goes back
	Issued   int64     `cbor:"2,keyasint"` // Unix s; the registry vouched for all of it then
	Expires  int64     `cbor:"3,keyasint"` // Unix s; after that a door does not accept the manifest
	List     string    `cbor:"4,keyasint"` // URI of the status list, as in the credentials
	Sections []Section `cbor:"5,keyasint"` // section i begins at index i * statuslist.SectionSize
	Rules    Hash      `cbor:"6,keyasint"` // blob: the venue rules, JSON
	Keys     Hash      `cbor:"7,keyasint"` // blob: the issuers' keys, Keys
	Epoch    uint32    `cbor:"8,keyasint"` // 0, or the Unix time when the registry was restored from a backup
	Ended    []Ended   `cbor:"9,keyasint"` // the earlier epochs, the oldest first
}

// Ended is an earlier epoch: later ones continue from this version of it. What it published after
// that was lost when a backup was restored.
type Ended struct {
	Epoch   uint32 `cbor:"1,keyasint"`
	Version uint64 `cbor:"2,keyasint"`
}

// Section is one part of the status list.
type Section struct {
	Version uint64  `cbor:"1,keyasint"` // of this section
	Content Hash    `cbor:"2,keyasint"` // SHA-256 of the packed entries (statuslist.Section.Packed)
	Blob    Hash    `cbor:"3,keyasint"` // the whole section as a status list token
	Deltas  []Delta `cbor:"4,keyasint"` // the newest first, each from one version to the next
}

// Delta names the blob that changes a section from version From to From+1.
type Delta struct {
	From uint64 `cbor:"1,keyasint"`
	Blob Hash   `cbor:"2,keyasint"`
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
	for i, s := range m.Sections {
		if s.Version == 0 {
			return fmt.Errorf("section %d: version is 0", i)
		}
		for k, d := range s.Deltas {
			if want := s.Version - 1 - uint64(k); uint64(k) >= s.Version-1 || d.From != want {
				return fmt.Errorf("section %d: delta %d is from version %d, want %d", i, k, d.From, want)
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
