package scanner

import (
	"errors"
	"time"

	"ashyq-kiosk/scanner/qr"
)

// Frame is one grey picture of a camera. Cameras give pictures without padding.
type Frame struct {
	qr.Image
	Taken time.Time // when the camera gave it
	Seq   uint64    // counts the pictures of a Scanner from 1
}

// Camera gives pictures, one after the other.
type Camera interface {
	// Read waits for the next picture and puts it into f, reusing f.Pix; it fills in everything but Seq.
	// ErrNoPicture means that there is none for now and that the camera is fine; any other error ends this camera.
	Read(f *Frame) error
	// Close may be called at any time, more than once, and also while Read waits in another goroutine.
	// Read then returns, at once or when the driver lets it.
	Close() error
}

var (
	// ErrNoPicture is what Read returns when nothing came for a while, or what came is no picture. Ask again.
	ErrNoPicture = errors.New("no picture yet")

	// ErrEnded says that a video has been played to its end; opening it again would only play it again.
	ErrEnded = errors.New("the video has ended")

	// ErrFrozen says that the camera repeats the same picture over and over.
	ErrFrozen = errors.New("the camera's picture is frozen")

	// ErrSilent says that the camera is open, or being opened, and gives no pictures.
	ErrSilent = errors.New("no picture from the camera")

	errClosed = errors.New("the camera is closed")
)
