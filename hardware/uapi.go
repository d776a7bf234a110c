package hardware

import (
	"bytes"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's interface to GPIO lines, version 2 (Linux 5.10 and later):
// include/uapi/linux/gpio.h. Go pads these structures as C does; uapi_test.go compares their sizes
// with those in the ioctl numbers.
const (
	ioctlChipInfo  = 0x8044b401 // GPIO_GET_CHIPINFO_IOCTL
	ioctlLineInfo  = 0xc100b405 // GPIO_V2_GET_LINEINFO_IOCTL
	ioctlRequest   = 0xc250b407 // GPIO_V2_GET_LINE_IOCTL
	ioctlGetValues = 0xc010b40e // GPIO_V2_LINE_GET_VALUES_IOCTL
	ioctlSetValues = 0xc010b40f // GPIO_V2_LINE_SET_VALUES_IOCTL

	flagUsed        = 1 << 0
	flagActiveLow   = 1 << 1
	flagInput       = 1 << 2
	flagOutput      = 1 << 3
	flagEdgeRising  = 1 << 4
	flagEdgeFalling = 1 << 5
	flagOpenDrain   = 1 << 6
	flagOpenSource  = 1 << 7
	flagPullUp      = 1 << 8

	attrFlags    = 1
	attrOutput   = 2
	attrDebounce = 3

	eventRising = 1
)

type chipInfo struct {
	name, label [32]byte
	lines       uint32
}

type lineAttr struct {
	id, _ uint32
	value uint64 // flags, values, or microseconds
}

type lineInfo struct {
	name, consumer [32]byte
	offset         uint32
	_              uint32 // number of attributes
	flags          uint64
	_              [10]lineAttr
	_              [4]uint32
}

type configAttr struct {
	attr lineAttr
	mask uint64 // of the request's lines
}

type lineConfig struct {
	flags   uint64
	numAttr uint32
	_       [5]uint32
	attrs   [10]configAttr
}

// add gives the lines of mask a separate attribute.
func (c *lineConfig) add(id uint32, value, mask uint64) {
	c.attrs[c.numAttr] = configAttr{lineAttr{id: id, value: value}, mask}
	c.numAttr++
}

type lineRequest struct {
	offsets  [64]uint32
	consumer [32]byte
	config   lineConfig
	lines    uint32
	_        [6]uint32 // size of the event buffer (0: the kernel's default) and padding
	fd       int32
}

type lineValues struct{ bits, mask uint64 }

// lineEvent has exported fields for encoding/binary.
type lineEvent struct {
	Timestamp            uint64 // ns, CLOCK_MONOTONIC
	ID, Offset           uint32
	Sequence, OfThisLine uint32
	_                    [6]uint32
}

func ioctl[T any](fd uintptr, request uintptr, arg *T) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(arg))); errno != 0 {
		return errno
	}
	return nil
}

// request claims lines. The lines' file descriptor outlives the chip's.
func (c *chip) request(offsets []uint32, config lineConfig) (fd int, err error) {
	r := lineRequest{config: config, lines: uint32(len(offsets))}
	copy(r.offsets[:], offsets)
	copy(r.consumer[:], consumer)
	if err := ioctl(c.f.Fd(), ioctlRequest, &r); err != nil {
		return -1, err
	}
	unix.CloseOnExec(int(r.fd))
	return int(r.fd), nil
}

func (c *chip) info(offset uint32) (lineInfo, error) {
	info := lineInfo{offset: offset}
	if err := ioctl(c.f.Fd(), ioctlLineInfo, &info); err != nil {
		return info, fmt.Errorf("ask for line %d of %q: %w", offset, c.label, err)
	}
	return info, nil
}

// text is a name in a kernel's structure.
func text(b [32]byte) string {
	s, _, _ := bytes.Cut(b[:], []byte{0})
	return string(s)
}
