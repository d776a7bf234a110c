package hardware

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"unsafe"
)

// An ioctl number has the size of its argument in bits 16 to 29 (asm-generic/ioctl.h): ours must be
// the kernel's.
func TestSizesOfTheKernelsStructures(t *testing.T) {
	for name, c := range map[string]struct{ request, size uintptr }{
		"chip info": {ioctlChipInfo, unsafe.Sizeof(chipInfo{})},
		"line info": {ioctlLineInfo, unsafe.Sizeof(lineInfo{})},
		"request":   {ioctlRequest, unsafe.Sizeof(lineRequest{})},
		"get":       {ioctlGetValues, unsafe.Sizeof(lineValues{})},
		"set":       {ioctlSetValues, unsafe.Sizeof(lineValues{})},
	} {
		if want := c.request >> 16 & 0x3fff; c.size != want {
			t.Errorf("%s has %d bytes, the kernel's has %d", name, c.size, want)
		}
	}
	if size := binary.Size(lineEvent{}); size != 48 {
		t.Errorf("an event has %d bytes, the kernel's has 48", size)
	}
}

func TestReadEvents(t *testing.T) {
	var stream bytes.Buffer
	for _, id := range []uint32{eventRising, 2, eventRising} {
		if err := binary.Write(&stream, binary.NativeEndian, lineEvent{ID: id, Offset: 5}); err != nil {
			t.Fatal(err)
		}
	}
	var got []bool
	err := readEvents(&stream, func(closed bool) { got = append(got, closed) })
	if !errors.Is(err, io.EOF) || !slices.Equal(got, []bool{true, false, true}) {
		t.Errorf("read %v, %v", got, err)
	}
}
