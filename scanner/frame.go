package scanner

import (
	"errors"
	"time"

	"ashyq-kiosk/scanner/qr"
)

// Frame is one grey picture of a camera, without padding.
type Frame struct {
	qr.Image
	Taken time.Time // when the camera gave it
	Seq   uint64    // counts the pictures of a Scanner from 1
}

// Camera gives pictures one after the other.
type Camera interface {
	// Read waits for the next picture and puts it into f, reusing f.Pix; it sets everything except
	// Seq. ErrNoPicture means that the camera works but has no picture now; any other error ends
	// this camera.
	Read(f *Frame) error
	// Close may be called at any time, more than once, and while Read waits in another goroutine.
	// Read then returns, immediately or when the driver lets it.
	Close() error
}

// packer is a camera whose pictures cost CPU time to unpack. Read does both.
type packer interface {
	Camera
	// Grab waits for the next picture and leaves it packed.
	Grab() error
	// Unpack puts the last grabbed picture into f; its errors are those of Read.
	Unpack(f *Frame) error
}

var (
	// ErrNoPicture is Read's error if nothing came for a while, or if it was not a picture. Read
	// again.
	ErrNoPicture = errors.New("no picture yet")

	// ErrEnded says that a video has ended.
	ErrEnded = errors.New("the video has ended")

	// ErrFrozen says that the camera repeats the same picture.
	ErrFrozen = errors.New("the camera's picture is frozen")

	// ErrSilent says that the camera is open, or being opened, but gives no pictures.
	ErrSilent = errors.New("no picture from the camera")

	errClosed = errors.New("the camera is closed")
)
