package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk/statuslist"
)

const (
	chunkSize    = 2022 // bytes of a packed section, see the package comment
	chunkEntries = chunkSize * statuslist.SectionSize / statuslist.PackedSize
	chunks       = (statuslist.PackedSize + chunkSize - 1) / chunkSize // the last one is shorter
)

// chunkLen is the length of chunk n.
func chunkLen(n int) int { return min(chunkSize, statuslist.PackedSize-n*chunkSize) }

// section is an entry of the buckets sections and staged.
type section struct {
	version uint64
	content [sha256.Size]byte
	slot    uint64
	blob    [sha256.Size]byte
}

const sectionLen = 8 + sha256.Size + 8 + sha256.Size

func sectionKey(id uint32) []byte { return binary.BigEndian.AppendUint32(nil, id) }

func readSection(b *bbolt.Bucket, id uint32) (s section, found bool, err error) {
	var key [4]byte
	binary.BigEndian.PutUint32(key[:], id)
	v := b.Get(key[:])
	if v == nil {
		return s, false, nil
	}
	s, err = parseSection(v)
	return s, true, err
}

func parseSection(v []byte) (section, error) {
	if len(v) != sectionLen {
		return section{}, damaged("section entry of %d bytes", len(v))
	}
	return section{
		version: binary.BigEndian.Uint64(v),
		content: [sha256.Size]byte(v[8:]),
		slot:    binary.BigEndian.Uint64(v[8+sha256.Size:]),
		blob:    [sha256.Size]byte(v[8+sha256.Size+8:]),
	}, nil
}

func writeSection(b *bbolt.Bucket, id uint32, s section) error {
	v := binary.BigEndian.AppendUint64(make([]byte, 0, sectionLen), s.version)
	v = append(v, s.content[:]...)
	v = binary.BigEndian.AppendUint64(v, s.slot)
	return b.Put(sectionKey(id), append(v, s.blob[:]...))
}

func slotKey(slot uint64) []byte { return binary.BigEndian.AppendUint64(nil, slot) }

func chunkKey(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// newSlot stores a packed section under a new number.
func newSlot(tx *bbolt.Tx, packed *packed) (slot uint64, err error) {
	slots := tx.Bucket(bucketSlots)
	if slot, err = slots.NextSequence(); err != nil {
		return 0, err
	}
	b, err := slots.CreateBucket(slotKey(slot))
	if err != nil {
		return 0, err
	}
	b.FillPercent = 1 // chunks never grow, so pages need no spare room
	for n, chunk := range packed {
		if err := b.Put(chunkKey(n), chunk); err != nil {
			return 0, err
		}
	}
	return slot, nil
}

// eachChunk visits the chunks of a slot, which are valid during the transaction.
func eachChunk(tx *bbolt.Tx, slot uint64, visit func(n int, chunk []byte)) error {
	b := tx.Bucket(bucketSlots).Bucket(slotKey(slot))
	if b == nil {
		return damaged("slot %d is missing", slot)
	}
	n := 0
	cursor := b.Cursor()
	for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
		if n == chunks || string(k) != string(chunkKey(n)) || len(v) != chunkLen(n) {
			return damaged("slot %d: chunk %x of %d bytes after %d chunks", slot, k, len(v), n)
		}
		visit(n, v)
		n++
	}
	if n != chunks {
		return damaged("slot %d of %d chunks", slot, n)
	}
	return nil
}

// readSlot returns a copy of a packed section, which must have that content.
func readSlot(tx *bbolt.Tx, slot uint64, content [sha256.Size]byte) (*packed, error) {
	out := new(packed)
	if err := eachChunk(tx, slot, func(n int, chunk []byte) { out[n] = bytes.Clone(chunk) }); err != nil {
		return nil, err
	}
	if out.content() != content {
		return nil, damaged("slot %d: the content does not match its hash", slot)
	}
	return out, nil
}

// fillSlot rewrites the chunks of a slot that are not as in packed, whatever the reason.
func fillSlot(b *bbolt.Bucket, packed *packed) error {
	for n, chunk := range packed {
		if bytes.Equal(b.Get(chunkKey(n)), chunk) {
			continue
		}
		if err := b.Put(chunkKey(n), chunk); err != nil {
			return err
		}
	}
	return nil
}
