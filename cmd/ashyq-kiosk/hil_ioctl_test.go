//go:build hil

package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// setFormat is VIDIOC_S_FMT.
func setFormat(fd int, f *v4l2Format) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), vidiocSetFormat, uintptr(unsafe.Pointer(f))); errno != 0 {
		return errno
	}
	return nil
}
