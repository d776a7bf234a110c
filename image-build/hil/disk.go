//go:build hil

// Package hil cuts the power of a machine: a user-mode Linux kernel whose card is a Disk of this
// package.
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

// sectorSize is the unit that a card writes as a whole or not at all.
const sectorSize = 512

// Disk is a block device with a volatile write cache, shown as a file in a FUSE file system. When
// the power is cut, any part of what was not flushed may be lost.
type Disk struct {
	fs.Inode

	mu      sync.Mutex // guards all below
	on      bool
	durable []byte  // what has been flushed
	current []byte  // what the machine sees
	pending []write // writes since the last flush, in order
	left    int     // requests until the power is cut; 0: it is not
	gone    func()  // called when it is cut
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

// NewDisk returns a disk with this content, switched off.
func NewDisk(content []byte) *Disk {
	return &Disk{durable: content, current: slices.Clone(content)}
}

// On switches the disk on. If n is not 0, the power is cut at the n-th write or flush from now: it
// fails, as do all that follow, and gone is called.
func (d *Disk) On(n int, gone func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on, d.left, d.gone = true, n, gone
}

// ReadAt reads what the machine would read (io.ReaderAt).
func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := copy(p, d.current[min(off, int64(len(d.current))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Mount shows the disk as a file in dir until unmount is called. It returns the file's name.
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

// request counts a write or flush, and tells whether there is power for it. d.mu is held.
func (d *Disk) request() bool {
	if d.on && d.left > 0 {
		if d.left--; d.left == 0 {
			d.on = false
			d.gone()
		}
	}
	return d.on
}

// Loss says which of the sectors that were not flushed are lost.
type Loss int

const (
	AllLost  Loss = iota // as on a card with a large cache and no capacitor
	NoneLost             // as on a card that writes everything through
	Prefix               // the card wrote in order and was interrupted
	Mixed                // the card wrote some of them, in any order
	Losses               // the number of kinds
)

// String names it.
func (l Loss) String() string {
	return [...]string{"all lost", "none lost", "a prefix kept", "mixed"}[l]
}

// Lose is called when the machine has ended. It drops some of the sectors that were not flushed,
// and returns how many were at stake and how many of them were kept.
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

// survivors returns the number of sectors in the writes, and those sectors that are kept.
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

// Open implements fs.NodeOpener.
func (d *Disk) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

// Getattr implements fs.NodeGetattrer.
func (d *Disk) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o600, uint64(len(d.durable))
	return 0
}

// Setattr implements fs.NodeSetattrer.
func (d *Disk) Setattr(ctx context.Context, f fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return d.Getattr(ctx, f, out)
}

// Read implements fs.NodeReader.
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

// Write implements fs.NodeWriter.
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

// Fsync implements fs.NodeFsyncer.
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
