package statuslist

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"ashyq-kiosk/kiosk/sign1"
)

// DeltaType is the typ header of a sealed delta.
const DeltaType = "application/ashyq-status-delta+cwt"

// ErrResult says that deltas do not lead to the content that they promise: they belong to another
// section or version.
var ErrResult = errors.New("does not lead to the content that it promises")

// Delta leads from one version of a section to the next one.
type Delta struct {
	List    string            // URI of the status list, as in the credentials
	ID      uint32            // the section
	From    uint64            // the version that it starts from, 1 or later; it leads to From+1
	Changes []Change          // by ascending index, each at most once
	Result  [sha256.Size]byte // Content of the section after it
}

func (d Delta) check() error {
	switch {
	case d.List == "":
		return errors.New("names no list")
	case d.From == 0:
		return errors.New("starts from version 0")
	case d.From == math.MaxUint64:
		return errors.New("leads beyond the last version")
	}
	next := uint32(0) // the lowest index that may follow
	for _, c := range d.Changes {
		if c.Index < next || c.Index >= SectionSize {
			return fmt.Errorf("index %d, want %d to %d", c.Index, next, SectionSize-1)
		}
		if !c.Status.Known() {
			return fmt.Errorf("%w: 0x%X for index %d", ErrStatus, uint8(c.Status), c.Index)
		}
		next = c.Index + 1
	}
	return nil
}

// Apply applies deltas to the section, the oldest first. Each must start from the version that the
// one before it leads to. Apply hashes the section once, after the last delta. After an error the
// section is unchanged; the error wraps ErrResult if the deltas are not for this section in this
// version.
func Apply(s *Section, deltas ...Delta) error {
	for i, d := range deltas {
		if err := d.check(); err != nil {
			return fmt.Errorf("delta of section %d: %w", d.ID, err)
		}
		if first := deltas[0]; d.List != first.List || d.ID != first.ID || d.From != first.From+uint64(i) {
			return fmt.Errorf("delta from version %d of section %d of %q, want one from version %d of section %d of %q: %w",
				d.From, d.ID, d.List, first.From+uint64(i), first.ID, first.List, ErrResult)
		}
	}
	if len(deltas) == 0 {
		return nil
	}
	var before []Change
	for _, d := range deltas {
		for _, c := range d.Changes {
			before = append(before, Change{c.Index, s.Get(c.Index)})
			s.Set(c.Index, c.Status)
		}
	}
	last := deltas[len(deltas)-1]
	if s.Content() == last.Result {
		return nil
	}
	for _, c := range slices.Backward(before) {
		s.Set(c.Index, c.Status)
	}
	return fmt.Errorf("delta of section %d from version %d: %w", last.ID, last.From, ErrResult)
}

type deltaClaims struct {
	List     string            `cbor:"2,keyasint"`
	ID       uint32            `cbor:"-65537,keyasint"`
	From     uint64            `cbor:"-65539,keyasint"`
	Gaps     []byte            `cbor:"-65540,keyasint"`
	Statuses []byte            `cbor:"-65541,keyasint"`
	Result   [sha256.Size]byte `cbor:"-65542,keyasint"`
}

// Seal signs the delta with the registry's key.
func (d Delta) Seal(key ed25519.PrivateKey) ([]byte, error) {
	payload, err := d.encode()
	if err != nil {
		return nil, fmt.Errorf("seal a delta of section %d of %q: %w", d.ID, d.List, err)
	}
	return sign1.Seal(key, sign1.Header{Type: DeltaType}, payload)
}

// OpenDelta verifies and decodes a sealed delta.
func OpenDelta(sealed []byte, key ed25519.PublicKey) (Delta, error) {
	payload, err := sign1.Open(sealed, key, DeltaType)
	if err != nil {
		return Delta{}, fmt.Errorf("open a delta: %w", err)
	}
	d, err := decodeDelta(payload)
	if err != nil {
		return Delta{}, fmt.Errorf("decode a delta: %w", err)
	}
	return d, nil
}

func (d Delta) encode() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	claims := deltaClaims{
		List: d.List, ID: d.ID, From: d.From, Result: d.Result,
		Gaps: []byte{}, Statuses: make([]byte, (len(d.Changes)+1)/2),
	}
	next := uint32(0)
	for i, c := range d.Changes {
		claims.Gaps = binary.AppendUvarint(claims.Gaps, uint64(c.Index-next))
		claims.Statuses[i/2] |= byte(c.Status) << (i % 2 * entryBits)
		next = c.Index + 1
	}
	return sign1.Marshal(claims)
}

// decodeDelta reads only what encode writes: it encodes the delta again and compares.
func decodeDelta(payload []byte) (Delta, error) {
	var claims deltaClaims
	if err := sign1.Unmarshal(payload, &claims); err != nil {
		return Delta{}, err
	}
	d := Delta{List: claims.List, ID: claims.ID, From: claims.From, Result: claims.Result}
	next := uint64(0)
	for gaps := claims.Gaps; len(gaps) > 0; {
		gap, n := binary.Uvarint(gaps)
		if n <= 0 || gap >= SectionSize-next {
			return Delta{}, fmt.Errorf("change %d is beyond the section", len(d.Changes))
		}
		gaps = gaps[n:]
		i := len(d.Changes)
		if i/2 >= len(claims.Statuses) {
			return Delta{}, fmt.Errorf("only %d bytes of statuses for more than %d changes", len(claims.Statuses), i)
		}
		status := Status(claims.Statuses[i/2] >> (i % 2 * entryBits) & 0xF)
		d.Changes = append(d.Changes, Change{uint32(next + gap), status})
		next += gap + 1
	}
	again, err := d.encode()
	if err != nil {
		return Delta{}, err
	}
	if !bytes.Equal(again, payload) {
		return Delta{}, errors.New("not the canonical encoding of these changes")
	}
	return d, nil
}
