//go:build hil

// Package hil cuts a machine's power: a user-mode Linux kernel whose card is a Disk of this package.
package hil

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// sectorSize is what a card writes whole or not at all.
const sectorSize = 512

// Disk is a block device with a volatile write cache, as a file in a FUSE file system: what was written and not flushed
// may be lost when the power is cut, in any part.
type Disk struct {
	fs.Inode

	mu      sync.Mutex // guards all below
	on      bool
	durable []byte  // what is there whatever happens
	current []byte  // what the machine sees
	pending []write // since the last flush, in order
	left    int     // of them until the power goes; 0: it stays
	gone    func()  // called then
	record  *Recording
}

type write struct {
	off  int64
	data []byte
}

var (
	_ = (fs.NodeOpener)((*Disk)(nil))
	_ = (fs.NodeReader)((*Disk)(nil))
	_ = (fs.NodeWriter)((*Disk)(nil))
	_ = (fs.NodeFsyncer)((*Disk)(nil))
	_ = (fs.NodeGetattrer)((*Disk)(nil))
	_ = (fs.NodeSetattrer)((*Disk)(nil))
)

// NewDisk is a disk with a content, switched off.
func NewDisk(content []byte) *Disk {
	return &Disk{durable: content, current: slices.Clone(content)}
}

// On switches it on, for good or, where n is not 0, until the n-th write or flush from now, which fails like all after
// it. gone is called at that moment.
func (d *Disk) On(n int, gone func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on, d.left, d.gone = true, n, gone
}

// ReadAt reads what the machine would (io.ReaderAt).
func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := copy(p, d.current[min(off, int64(len(d.current))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Mount shows it as a file in dir, which it names, until unmount is called.
func Mount(dir string, d *Disk) (file string, unmount func() error, err error) {
	root := &fs.Inode{}
	server, err := fs.Mount(dir, root, &fs.Options{
		MountOptions: fuse.MountOptions{DirectMount: true, FsName: "disk", MaxWrite: 1 << 17},
		OnAdd: func(ctx context.Context) {
			root.AddChild("disk", root.NewPersistentInode(ctx, d, fs.StableAttr{}), false)
		},
	})
	if err != nil {
		return "", nil, fmt.Errorf("mount the disk: %w", err)
	}
	return filepath.Join(dir, "disk"), server.Unmount, nil
}

// request is one that changes something; it tells whether there is power for it.
func (d *Disk) request() bool {
	if d.on && d.left > 0 {
		if d.left--; d.left == 0 {
			d.on = false
			d.gone()
		}
	}
	return d.on
}

// Loss is what becomes of the sectors that were not flushed.
type Loss int

const (
	AllLost  Loss = iota // as if the card had a large cache and no capacitor
	NoneLost             // as if it wrote everything through
	Prefix               // it wrote in order, and was in the middle of a write
	Mixed                // it wrote some, in any order
	Losses               // how many there are
)

func (l Loss) String() string {
	return [...]string{"all lost", "none lost", "a prefix kept", "mixed"}[l]
}

// Lose decides, once the machine is gone too, what becomes of what was not flushed. It returns how many sectors were at
// stake and how many of them got through.
func (d *Disk) Lose(loss Loss, r *rand.Rand) (atStake, kept int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on = false
	atStake, through := survivors(d.pending, loss, r)
	for _, s := range through {
		copy(d.durable[s.off:], s.data)
	}
	copy(d.current, d.durable)
	d.pending = nil
	return atStake, len(through)
}

// survivors are those sectors of writes which got through, of how many.
func survivors(pending []write, loss Loss, r *rand.Rand) (of int, through []write) {
	var sectors []write
	for _, w := range pending {
		for i := 0; i < len(w.data); i += sectorSize {
			sectors = append(sectors, write{w.off + int64(i), w.data[i:min(i+sectorSize, len(w.data))]})
		}
	}
	last := r.IntN(len(sectors) + 1)
	for i, s := range sectors {
		if loss == NoneLost || loss == Prefix && i < last || loss == Mixed && r.IntN(2) == 0 {
			through = append(through, s)
		}
	}
	return len(sectors), through
}

func (d *Disk) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (d *Disk) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o600, uint64(len(d.durable))
	return 0
}

func (d *Disk) Setattr(ctx context.Context, f fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return d.Getattr(ctx, f, out)
}

func (d *Disk) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.on {
		return nil, syscall.EIO
	}
	off = min(off, int64(len(d.current)))
	n := copy(dest, d.current[off:])
	return fuse.ReadResultData(dest[:n]), 0
}

func (d *Disk) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !d.request():
		return 0, syscall.EIO
	case off < 0 || off+int64(len(data)) > int64(len(d.current)):
		return 0, syscall.ENOSPC
	}
	d.pending = append(d.pending, write{off, slices.Clone(data)})
	d.keep(d.pending[len(d.pending)-1])
	copy(d.current[off:], data)
	return uint32(len(data)), 0
}

func (d *Disk) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.request() {
		return syscall.EIO
	}
	d.keep(write{})
	for _, w := range d.pending {
		copy(d.durable[w.off:], w.data)
	}
	d.pending = nil
	return 0
}
