package cache

import (
	"crypto/sha256"
	"slices"

	"ashyq-kiosk/kiosk/statuslist"
)

// view is a complete edition in memory. Lookups answer from it, so they need neither the card nor a
// lock, and damage to the card while the door runs cannot change an answer. It is replaced, never
// changed. An edition shares with the one before it what is equal.
type view struct {
	head
	sections    []*memorySection
	rules, keys []byte
}

// memorySection is a section whose content was compared with its hash.
type memorySection struct {
	SectionState
	*packed
}

// packed is a packed section in chunks.
type packed [chunks][]byte

func packedOf(s *statuslist.Section) *packed {
	out := new(packed)
	n := 0
	for chunk := range slices.Chunk(s.Packed(), chunkSize) {
		out[n] = chunk
		n++
	}
	return out
}

func (p *packed) get(i uint32) statuslist.Status {
	return statuslist.GetPacked(p[i/chunkEntries], i%chunkEntries)
}

func (p *packed) content() (content [sha256.Size]byte) {
	hash := sha256.New()
	for _, chunk := range p {
		hash.Write(chunk)
	}
	hash.Sum(content[:0])
	return content
}

// with returns a copy with the changes, and adds the pages that they are on to changed.
func (p *packed) with(changes []statuslist.Change, changed *pages) *packed {
	next, own := *p, [chunks]bool{}
	for _, change := range changes {
		n := change.Index / chunkEntries
		if !own[n] {
			own[n], next[n] = true, slices.Clone(p[n])
			changed[n/chunksOnPage] = true
		}
		statuslist.SetPacked(next[n], change.Index%chunkEntries, change.Status)
	}
	return &next
}

// pages are the pages of a section that are older on the card.
type pages [(chunks + chunksOnPage - 1) / chunksOnPage]bool

const chunksOnPage = 2

func (p *pages) count() (n int) {
	for _, changed := range p {
		if changed {
			n++
		}
	}
	return n
}
