package cache

import (
	"crypto/sha256"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"ashyq-kiosk/kiosk/statuslist"
)

const (
	chunkSize    = 512 // bytes of a packed section, see the package comment
	chunkEntries = chunkSize * statuslist.SectionSize / statuslist.PackedSize
	chunks       = statuslist.PackedSize / chunkSize
)

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
func newSlot(tx *bbolt.Tx, packed []byte) (slot uint64, err error) {
	slots := tx.Bucket(bucketSlots)
	if slot, err = slots.NextSequence(); err != nil {
		return 0, err
	}
	b, err := slots.CreateBucket(slotKey(slot))
	if err != nil {
		return 0, err
	}
	b.FillPercent = 1 // chunks never grow, so pages need no spare room
	for n := range chunks {
		if err := b.Put(chunkKey(n), packed[n*chunkSize:][:chunkSize]); err != nil {
			return 0, err
		}
	}
	return slot, nil
}

// readSlot returns a copy of a packed section.
func readSlot(tx *bbolt.Tx, slot uint64) ([]byte, error) {
	b := tx.Bucket(bucketSlots).Bucket(slotKey(slot))
	if b == nil {
		return nil, damaged("slot %d is missing", slot)
	}
	packed := make([]byte, 0, statuslist.PackedSize)
	cursor := b.Cursor()
	for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
		if string(k) != string(chunkKey(len(packed)/chunkSize)) || len(v) != chunkSize ||
			len(packed) == statuslist.PackedSize {
			return nil, damaged("slot %d: chunk %x of %d bytes after %d bytes", slot, k, len(v), len(packed))
		}
		packed = append(packed, v...)
	}
	if len(packed) != statuslist.PackedSize {
		return nil, damaged("slot %d of %d bytes", slot, len(packed))
	}
	return packed, nil
}

// readEntry looks up one status and reads only its chunk: the given one, or with nil the one on the
// card.
func readEntry(tx *bbolt.Tx, slot uint64, i uint32, chunk []byte) (statuslist.Status, error) {
	if chunk == nil {
		var key [8]byte
		binary.BigEndian.PutUint64(key[:], slot)
		b := tx.Bucket(bucketSlots).Bucket(key[:])
		if b == nil {
			return 0, damaged("slot %d is missing", slot)
		}
		binary.BigEndian.PutUint16(key[:2], uint16(i/chunkEntries))
		chunk = b.Get(key[:2])
	}
	if len(chunk) != chunkSize {
		return 0, damaged("slot %d: chunk %d of %d bytes", slot, i/chunkEntries, len(chunk))
	}
	st := statuslist.Status(chunk[i%chunkEntries/2] >> (i % 2 * 4) & 0xF)
	if !st.Known() {
		return 0, damaged("slot %d: chunk %d holds a status without a meaning", slot, i/chunkEntries)
	}
	return st, nil
}
