package statuslist

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

const (
	// SectionSize is the number of entries in a section.
	SectionSize = 1 << 20
	// PackedSize is the length of a packed section in bytes.
	PackedSize = SectionSize * entryBits / 8

	entryBits = 4
)

// ErrStatus says that a list holds a status without a meaning.
var ErrStatus = errors.New("status without a meaning")

// Section is one section of a list. NewSection and FromPacked make one; the zero value is not
// usable.
type Section struct {
	packed []byte // PackedSize bytes, all entries Known
}

// NewSection returns a section with every entry Valid.
func NewSection() *Section { return &Section{packed: make([]byte, PackedSize)} }

// FromPacked makes a section of packed: PackedSize bytes with two entries each. The caller must not
// use them any more. An error wraps ErrStatus if an entry has no meaning.
func FromPacked(packed []byte) (*Section, error) {
	s := &Section{packed: packed}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// knownPair tells for each byte whether both entries in it are Known: half a million bytes need one
// look each instead of two.
var knownPair = func() (table [256]bool) {
	for b := range table {
		table[b] = Status(b&0xF).Known() && Status(b>>4).Known()
	}
	return table
}()

func (s *Section) check() error {
	if len(s.packed) != PackedSize {
		return fmt.Errorf("the packed section has %d bytes, want %d", len(s.packed), PackedSize)
	}
	for k, b := range s.packed {
		if !knownPair[b] {
			return fmt.Errorf("%w: 0x%02X in byte %d of a packed section", ErrStatus, b, k)
		}
	}
	return nil
}

// Get returns entry i, which is less than SectionSize.
func (s *Section) Get(i uint32) Status { return GetPacked(s.packed, i) }

// Set changes entry i, which is less than SectionSize. It panics on a status that is not Known,
// which is the caller's mistake.
func (s *Section) Set(i uint32, st Status) { SetPacked(s.packed, i, st) }

// GetPacked returns entry i of packed: a section's bytes, or some of them.
func GetPacked(packed []byte, i uint32) Status {
	return Status(packed[i/2] >> (i % 2 * entryBits) & 0xF)
}

// SetPacked changes entry i of packed as Set does.
func SetPacked(packed []byte, i uint32, st Status) {
	if !st.Known() {
		panic("statuslist: set to " + st.String())
	}
	shift := i % 2 * entryBits
	packed[i/2] = packed[i/2]&^(0xF<<shift) | byte(st)<<shift
}

// Packed returns a copy of the section's PackedSize bytes.
func (s *Section) Packed() []byte { return bytes.Clone(s.packed) }

// Content is the section's identity: the SHA-256 of its packed form.
func (s *Section) Content() [sha256.Size]byte { return sha256.Sum256(s.packed) }

// Clone returns a copy that shares nothing with s.
func (s *Section) Clone() *Section { return &Section{packed: bytes.Clone(s.packed)} }

// Change is a new status for one entry of a section.
type Change struct {
	Index  uint32 // less than SectionSize
	Status Status
}

// Diff returns the changes that lead from one section to another, by ascending index; nil if they
// are equal.
func Diff(from, to *Section) []Change {
	const perWord = 64 / entryBits
	var changes []Change
	for at := 0; at < PackedSize; at += 8 {
		// Little-endian puts the entry with the lowest index into the lowest bits.
		differ := binary.LittleEndian.Uint64(from.packed[at:]) ^ binary.LittleEndian.Uint64(to.packed[at:])
		for differ != 0 {
			entry := bits.TrailingZeros64(differ) / entryBits
			differ &^= 0xF << (entry * entryBits)
			index := uint32(at/8*perWord + entry)
			changes = append(changes, Change{index, to.Get(index)})
		}
	}
	return changes
}
