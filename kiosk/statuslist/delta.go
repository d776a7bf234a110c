package statuslist

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"ashyq-kiosk/kiosk/sign1"
)

// Delta leads from any of some versions of the list to a later one. It sets every entry that was
// changed between From and To, also where it changed back, to what it is in To. So it fits From and
// all versions after it, up to To.
type Delta struct {
	From, To uint64            // From is 1 or later, and below To
	Sections []SectionChanges  // by ascending ID, those that have changes
	Result   [sha256.Size]byte // Root of the list after it
}

// SectionChanges are the changes of one section.
type SectionChanges struct {
	ID      uint32
	Changes []Change // by ascending index, each at most once
}

// Root is the identity of a whole list: the SHA-256 of its sections' Contents, one after the other.
func Root(contents [][sha256.Size]byte) (root [sha256.Size]byte) {
	all := sha256.New()
	for _, content := range contents {
		all.Write(content[:])
	}
	all.Sum(root[:0])
	return root
}

func (d Delta) check() error {
	if d.From == 0 || d.From >= d.To {
		return fmt.Errorf("leads from version %d to version %d", d.From, d.To)
	}
	for i, s := range d.Sections {
		if i > 0 && s.ID <= d.Sections[i-1].ID {
			return errors.New("the sections are not in ascending order")
		}
		if err := s.check(); err != nil {
			return fmt.Errorf("section %d: %w", s.ID, err)
		}
	}
	return nil
}

func (s SectionChanges) check() error {
	if len(s.Changes) == 0 {
		return errors.New("has no changes")
	}
	next := uint32(0) // the lowest index that may follow
	for _, c := range s.Changes {
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

type deltaClaims struct {
	From     uint64            `cbor:"1,keyasint"`
	To       uint64            `cbor:"2,keyasint"`
	Sections []changesClaim    `cbor:"3,keyasint"`
	Result   [sha256.Size]byte `cbor:"4,keyasint"`
}

type changesClaim struct {
	_         struct{} `cbor:",toarray"`
	ID        uint32
	N         uint32
	Parameter uint8
	Gaps      []byte
	Statuses  []byte
}

// MaxChanges is how many changes fit a blob at most: each takes five bits or more.
const MaxChanges = MaxPayload * 8 / 5

// ErrTooLarge says that a delta does not fit a blob: whole sections cost less.
var ErrTooLarge = fmt.Errorf("more than %d bytes", MaxPayload)

// Seal makes the blob of a delta of the named list. Errors: ErrTooLarge.
func (d Delta) Seal(key Key, list string) ([]byte, error) {
	payload, err := d.encode()
	if err == nil && len(payload) > MaxPayload {
		err = ErrTooLarge
	}
	if err == nil {
		payload, err = key.seal(kindDelta, list, payload)
	}
	if err != nil {
		return nil, fmt.Errorf("seal a delta of %q: %w", list, err)
	}
	return payload, nil
}

// OpenDelta opens and decodes a delta of the named list. Errors: ErrNoKey, ErrSealed, and those of
// a wrong payload.
func OpenDelta(blob []byte, list string, keys Keyring) (Delta, error) {
	payload, err := open(blob, kindDelta, list, keys)
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
	claims := deltaClaims{From: d.From, To: d.To, Sections: []changesClaim{}, Result: d.Result}
	for _, s := range d.Sections {
		claims.Sections = append(claims.Sections, s.encode())
	}
	return sign1.Marshal(claims)
}

func (s SectionChanges) encode() changesClaim {
	gaps, statuses := make([]uint32, len(s.Changes)), make([]byte, (len(s.Changes)+1)/2)
	next := uint32(0)
	for i, c := range s.Changes {
		gaps[i] = c.Index - next
		statuses[i/2] |= byte(c.Status) << (i % 2 * entryBits)
		next = c.Index + 1
	}
	parameter, size := riceOf(gaps)
	return changesClaim{
		ID: s.ID, N: uint32(len(gaps)), Parameter: uint8(parameter),
		Gaps: appendRice(make([]byte, 0, (size+7)/8), gaps, parameter), Statuses: statuses,
	}
}

// decodeDelta reads only what encode writes: it encodes the delta again and compares.
func decodeDelta(payload []byte) (Delta, error) {
	var claims deltaClaims
	if err := sign1.Unmarshal(payload, &claims); err != nil {
		return Delta{}, err
	}
	d := Delta{From: claims.From, To: claims.To, Result: claims.Result}
	for _, c := range claims.Sections {
		s, err := c.decode()
		if err != nil {
			return Delta{}, fmt.Errorf("section %d: %w", c.ID, err)
		}
		d.Sections = append(d.Sections, s)
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

func (c changesClaim) decode() (SectionChanges, error) {
	s := SectionChanges{ID: c.ID}
	if c.N > SectionSize || uint64(len(c.Statuses)) != (uint64(c.N)+1)/2 {
		return s, fmt.Errorf("%d bytes of statuses for %d changes", len(c.Statuses), c.N)
	}
	gaps, err := readRice(c.Gaps, int(c.N), uint(c.Parameter))
	if err != nil {
		return s, err
	}
	s.Changes = make([]Change, len(gaps))
	next := uint64(0)
	for i, gap := range gaps {
		index := next + uint64(gap)
		if index >= SectionSize {
			return s, fmt.Errorf("change %d is beyond the section", i)
		}
		s.Changes[i] = Change{uint32(index), Status(c.Statuses[i/2] >> (i % 2 * entryBits) & 0xF)}
		next = index + 1
	}
	return s, nil
}

// Merge makes one delta of deltas that follow each other, the oldest first: each begins where the
// one before it ends. It leads from the first one's From to the last one's To.
func Merge(deltas ...Delta) Delta {
	last := deltas[len(deltas)-1]
	out := Delta{From: deltas[0].From, To: last.To, Result: last.Result}
	changed := map[uint32]map[uint32]Status{}
	for _, d := range deltas {
		for _, s := range d.Sections {
			if changed[s.ID] == nil {
				changed[s.ID] = make(map[uint32]Status, len(s.Changes))
			}
			for _, c := range s.Changes {
				changed[s.ID][c.Index] = c.Status
			}
		}
	}
	for id, entries := range changed {
		s := SectionChanges{ID: id, Changes: make([]Change, 0, len(entries))}
		for index, status := range entries {
			s.Changes = append(s.Changes, Change{index, status})
		}
		slices.SortFunc(s.Changes, func(a, b Change) int { return cmp.Compare(a.Index, b.Index) })
		out.Sections = append(out.Sections, s)
	}
	slices.SortFunc(out.Sections, func(a, b SectionChanges) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
