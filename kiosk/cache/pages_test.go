package cache

import (
	"bytes"
	"hash/fnv"
	"testing"
)

// TestPagesThatLeadBack changes what leads from page to page, as somebody does who writes a file,
// and a dying card by chance. Without checkPages the first ones end the process.
func TestPagesThatLeadBack(t *testing.T) {
	t.Parallel()
	good := image(t, 2)
	f := &crafted{T: t, data: good}
	slots := f.bucket(f.root(), bucketSlots)
	slot := f.bucket(slots, slotKey(1))
	if f.kind(slot) != kindBranch {
		t.Fatalf("the root of a slot has kind %d", f.kind(slot))
	}
	for name, craft := range map[string]func(f *crafted){
		"a branch to itself":            func(f *crafted) { f.put(f.child(slot, 0), slot) },
		"the last branch to itself":     func(f *crafted) { f.put(f.child(slot, f.elements(slot)-1), slot) },
		"two branches to each other":    func(f *crafted) { f.put(f.child(slot, 0), f.bucket(slots, slotKey(2))) },
		"a branch to the root":          func(f *crafted) { f.put(f.child(slot, 3), f.root()) },
		"a bucket in itself":            func(f *crafted) { f.put(f.value(slots, slotKey(1)), slots) },
		"the root in itself":            func(f *crafted) { f.put(f.value(f.root(), bucketSlots), f.root()) },
		"a bucket at a meta page":       func(f *crafted) { f.put(f.value(slots, slotKey(1)), 1) },
		"a bucket beyond the file":      func(f *crafted) { f.put(f.value(slots, slotKey(1)), 1<<60) },
		"free pages without an end":     func(f *crafted) { f.freePages(0xFFFF, 1<<33) },
		"more free pages than memory":   func(f *crafted) { f.freePages(0xFFFF, 1<<59) },
		"free pages, a negative number": func(f *crafted) { f.freePages(0xFFFF, 1<<63) },
		"a meta page is free":           func(f *crafted) { f.freePages(1, 0) },
		"a used page is free":           func(f *crafted) { f.freePages(1, slot) },
		"a free page beyond the file":   func(f *crafted) { f.freePages(1, 1<<40) },
		"2^60 pages":                    func(f *crafted) { f.meta(56, 1<<60) },
		"2^52 pages":                    func(f *crafted) { f.meta(56, 1<<52) },
		"no pages":                      func(f *crafted) { f.meta(56, 0) },
		"the root is a meta page":       func(f *crafted) { f.meta(32, 0) },
		"the root is free":              func(f *crafted) { f.meta(32, f.free()) },
		"free pages that are not kept":  func(f *crafted) { f.meta(48, 1<<64-1); f.put(f.child(slot, 0), slot) },
		"pages of another size":         func(f *crafted) { f.meta(24, 1<<12|1<<13) },
		"a page that goes on for ever": func(f *crafted) {
			order.PutUint32(f.data[slot*filePage+12:], 0xFFFFFFFF)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &crafted{T: t, data: bytes.Clone(good)}
			craft(f)
			if c := openImage(t, f.data); c.SetAside == nil {
				t.Error("was taken for good")
			}
		})
	}
}

// crafted is a file to change. Its pages are named by their number, and what is in them by its
// offset in the file.
type crafted struct {
	*testing.T
	data []byte
}

func (f *crafted) get(at uint64) uint64     { return order.Uint64(f.data[at:]) }
func (f *crafted) put(at, value uint64)     { order.PutUint64(f.data[at:], value) }
func (f *crafted) kind(page uint64) uint16  { return order.Uint16(f.data[page*filePage+8:]) }
func (f *crafted) elements(page uint64) int { return int(order.Uint16(f.data[page*filePage+10:])) }
func (f *crafted) root() uint64             { return f.get(f.newest() + 32) }
func (f *crafted) free() uint64             { return f.get(f.newest() + 48) }
func (f *crafted) child(page uint64, n int) uint64 {
	return page*filePage + pageHead + uint64(n)*branchElement + 8
}

// newest is the meta page in force.
func (f *crafted) newest() uint64 {
	if f.get(filePage+64) > f.get(64) {
		return filePage
	}
	return 0
}

// meta changes the meta page in force, and its sum.
func (f *crafted) meta(at, value uint64) {
	page := f.newest()
	if at == 24 {
		order.PutUint32(f.data[page+at:], uint32(value))
	} else {
		f.put(page+at, value)
	}
	sum := fnv.New64a()
	sum.Write(f.data[page+pageHead : page+72])
	f.put(page+72, sum.Sum64())
}

// freePages says how many free pages there are, and which one is the first.
func (f *crafted) freePages(n uint16, first uint64) {
	page := f.free() * filePage
	order.PutUint16(f.data[page+10:], n)
	f.put(page+pageHead, first)
}

// value is where the value of a key is, on a leaf page.
func (f *crafted) value(page uint64, key []byte) uint64 {
	f.Helper()
	for n := range f.elements(page) {
		at := page*filePage + pageHead + uint64(n)*leafElement
		from := at + uint64(order.Uint32(f.data[at+4:]))
		to := from + uint64(order.Uint32(f.data[at+8:]))
		if bytes.Equal(f.data[from:to], key) {
			return to
		}
	}
	f.Fatalf("page %d has no key %x", page, key)
	return 0
}

// bucket is the root page of a bucket.
func (f *crafted) bucket(page uint64, key []byte) uint64 {
	f.Helper()
	return f.get(f.value(page, key))
}
