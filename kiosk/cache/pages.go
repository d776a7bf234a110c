package cache

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"os"
	"time"

	bolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"
)

// The database trusts the pages of its file. Open survives what a wrong one makes of that, except
// for two things that end the process: pages that lead back to themselves, which it follows until
// the stack or the memory is used up, and a number of free pages that needs more memory than there
// is. A door would end like that at each start. So checkPages goes first, and looks only at what
// leads to pages: each has to be led to once, or to be free. Numbers are little-endian, offsets in
// bytes:
//
//	page      0 id (8), 8 kind (2), 10 elements (2), 12 how many further pages it goes on for (4),
//	          then its elements
//	meta      16 magic (4), 20 version (4), 24 page size (4), 32 root page (8),
//	          48 page of free pages (8), 56 pages (8), 64 transaction (8),
//	          72 FNV-1a of the bytes from 16 on (8)
//	branch    for each element: 0 where its key is (4), 4 the key's length (4), 8 page (8)
//	leaf      for each element: 0 flags (4), 4 where its key is (4), 8 the key's length (4),
//	          12 the value's (4). With flag 1 the value, which follows the key, is a bucket:
//	          0 root page (8); 16 a leaf page, if that is 0
//	free      for each element: its page (8); of 65535 or more, the first is how many there are
//
// It is the format of go.etcd.io/bbolt/internal/common.
const (
	pageHead = 16
	pageMeta = 80 // of a meta page, bytes that matter

	kindBranch, kindLeaf, kindFree = 1, 2, 16

	branchElement, leafElement = 16, 16
	bucketHead                 = 16
	flagBucket                 = 1

	metaMagic, metaVersion = 0xED0CDAED, 2
)

// largest is more than any file of this package has, bytes.
const largest = 1 << 30

var order = binary.LittleEndian

// openPages opens and locks the file, as the database does it, and checks its pages. An error is
// that of the database, or wraps ErrDamaged.
func openPages(name string, flag int, mode os.FileMode) (*os.File, error) {
	file, err := os.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err
	}
	if err = lock(file); err == nil {
		err = checkPages(file)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// lock waits for as long as lockTimeout.
func lock(file *os.File) error {
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case !errors.Is(err, unix.EWOULDBLOCK):
			return err
		case time.Since(begin) > lockTimeout:
			return bolterrors.ErrTimeout
		}
	}
}

// filePages are those of one file.
type filePages struct {
	file *os.File
	led  []bool   // to this page, or to one that goes on with it
	todo []uint64 // led to, and not looked at yet
	data []byte   // the page that was read last
}

func checkPages(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return nil // a new file
	}
	if info.Size() > largest {
		return damaged("%d bytes, want %d at most", info.Size(), largest)
	}
	meta, err := newestMeta(file)
	if err != nil {
		return err
	}
	root, free, pages := order.Uint64(meta[32:]), order.Uint64(meta[48:]), order.Uint64(meta[56:])
	if pages < 2 || pages > uint64(info.Size()/filePage) {
		return damaged("%d pages in %d bytes", pages, info.Size())
	}
	p := &filePages{file: file, led: make([]bool, pages)}
	p.led[0], p.led[1] = true, true
	if err := p.checkFree(free); err != nil {
		return err
	}
	if err := p.lead(root); err != nil {
		return err
	}
	for len(p.todo) > 0 {
		id := p.todo[len(p.todo)-1]
		p.todo = p.todo[:len(p.todo)-1]
		if err := p.check(id); err != nil {
			return err
		}
	}
	return nil
}

// newestMeta is the meta page that the database begins with.
func newestMeta(file *os.File) (newest []byte, err error) {
	for n := range int64(2) {
		page := make([]byte, pageMeta)
		if _, err := file.ReadAt(page, n*filePage); err != nil {
			return nil, damaged("meta page %d: %v", n, err)
		}
		sum := fnv.New64a()
		sum.Write(page[pageHead:72])
		if order.Uint32(page[16:]) != metaMagic || order.Uint32(page[20:]) != metaVersion || order.Uint64(page[72:]) != sum.Sum64() {
			continue
		}
		if size := order.Uint32(page[24:]); size != filePage {
			return nil, damaged("pages of %d bytes, want %d", size, filePage)
		}
		if newest == nil || order.Uint64(page[64:]) > order.Uint64(newest[64:]) {
			newest = page
		}
	}
	if newest == nil {
		return nil, damaged("there is no meta page")
	}
	return newest, nil
}

// lead notes that something leads to a page.
func (p *filePages) lead(id uint64) error {
	if err := p.claim(id); err != nil {
		return err
	}
	p.todo = append(p.todo, id)
	return nil
}

func (p *filePages) claim(id uint64) error {
	switch {
	case id >= uint64(len(p.led)):
		return damaged("page %d of %d", id, len(p.led))
	case p.led[id]:
		return damaged("page %d is used twice", id)
	}
	p.led[id] = true
	return nil
}

// read reads a page that was claimed, with those that it goes on for. The next one overwrites it.
func (p *filePages) read(id uint64) (data []byte, kind uint16, elements int, err error) {
	var head [pageHead]byte
	if _, err := p.file.ReadAt(head[:], int64(id)*filePage); err != nil {
		return nil, 0, 0, damaged("page %d: %v", id, err)
	}
	if is := order.Uint64(head[:]); is != id {
		return nil, 0, 0, damaged("page %d says that it is %d", id, is)
	}
	more := uint64(order.Uint32(head[12:]))
	for n := range more {
		if err := p.claim(id + 1 + n); err != nil {
			return nil, 0, 0, err
		}
	}
	if size := int(1+more) * filePage; cap(p.data) < size {
		p.data = make([]byte, size)
	}
	p.data = p.data[:int(1+more)*filePage]
	if _, err := p.file.ReadAt(p.data, int64(id)*filePage); err != nil {
		return nil, 0, 0, damaged("page %d: %v", id, err)
	}
	return p.data, order.Uint16(head[8:]), int(order.Uint16(head[10:])), nil
}

func (p *filePages) checkFree(id uint64) error {
	if err := p.claim(id); err != nil {
		return err
	}
	data, kind, n, err := p.read(id)
	if err != nil {
		return err
	}
	if kind != kindFree {
		return damaged("page %d has kind %d, want the free pages", id, kind)
	}
	ids := data[pageHead:]
	if n == 0xFFFF {
		if n = len(ids); order.Uint64(ids) < uint64(n) {
			n = int(order.Uint64(ids))
		}
		ids = ids[8:]
	}
	if n > len(ids)/8 {
		return damaged("page %d has more free pages than room", id)
	}
	for i := range n {
		if err := p.claim(order.Uint64(ids[8*i:])); err != nil {
			return err
		}
	}
	return nil
}

// check follows what a page leads to.
func (p *filePages) check(id uint64) error {
	data, kind, n, err := p.read(id)
	if err != nil {
		return err
	}
	switch {
	case kind == kindBranch && n > 0 && pageHead+n*branchElement <= len(data):
		for i := range n {
			if err := p.lead(order.Uint64(data[pageHead+i*branchElement+8:])); err != nil {
				return err
			}
		}
	case kind == kindLeaf && pageHead+n*leafElement <= len(data):
		for i := range n {
			if err := p.checkElement(id, data[pageHead+i*leafElement:]); err != nil {
				return err
			}
		}
	default:
		return damaged("page %d has kind %d and %d elements", id, kind, n)
	}
	return nil
}

// checkElement follows an element of a leaf if it is a bucket. data begins with it and ends with
// its page.
func (p *filePages) checkElement(id uint64, data []byte) error {
	if order.Uint32(data)&flagBucket == 0 {
		return nil
	}
	begin := uint64(order.Uint32(data[4:])) + uint64(order.Uint32(data[8:]))
	end := begin + uint64(order.Uint32(data[12:]))
	if end > uint64(len(data)) || end-begin < bucketHead {
		return damaged("page %d has a bucket of %d bytes at %d", id, end-begin, begin)
	}
	bucket := data[begin:end]
	if root := order.Uint64(bucket); root != 0 {
		return p.lead(root)
	}
	inside := bucket[bucketHead:]
	if len(inside) < pageHead || order.Uint16(inside[8:]) != kindLeaf {
		return damaged("page %d has a bucket that is no leaf", id)
	}
	n := int(order.Uint16(inside[10:]))
	if pageHead+n*leafElement > len(inside) {
		return damaged("page %d has a bucket of %d elements in %d bytes", id, n, len(inside))
	}
	for i := range n {
		if order.Uint32(inside[pageHead+i*leafElement:])&flagBucket != 0 {
			return damaged("page %d has a bucket in a bucket without a page", id)
		}
	}
	return nil
}
