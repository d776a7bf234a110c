//go:build gocv_videoio

package scanner

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gocv.io/x/gocv"
)

// networkTimeout limits each call to a network camera, in ms, for opening (property 53 of OpenCV's
// VideoCapture) and for reading (54). V4L2's own limit for a read is 10 s.
const networkTimeout = 5000

var networkOptions = []gocv.VideoCaptureProperties{53, networkTimeout, 54, networkTimeout}

// capture is a network camera or a video behind OpenCV, and a part of usbCamera.
type capture struct {
	source
	paced bool // a video that plays at its own speed
	start time.Time
	step  time.Duration // between two frames of a video
	shown int64         // its frames so far, over all rounds

	closing atomic.Bool
	done    chan struct{} // closed with closing, to end a wait
	mu      sync.Mutex    // guards all below: OpenCV's objects allow one call at a time
	vc      *gocv.VideoCapture
	given   gocv.Mat // what OpenCV gives
	grey    gocv.Mat
}

// captures returns a function that opens a V4L2 camera, a network camera, or a video that plays at
// its own speed. It finds a V4L2 camera that it has opened before under another number.
func captures(settings Settings, log *slog.Logger) func(source) (Camera, error) {
	var known finder
	return func(src source) (Camera, error) {
		if src.kind == device {
			return openDevice(src, &known, settings, log)
		}
		c, err := newCapture(src, src.kind == video)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
}

// openFrames opens a video whose frames come as fast as they are read.
func openFrames(path string) (Camera, error) {
	c, err := newCapture(source{kind: video, path: path}, false)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func newCapture(src source, paced bool) (*capture, error) {
	vc, err := src.open()
	if err != nil {
		return nil, fmt.Errorf("open camera: %w", err)
	}
	c := &capture{source: src, paced: paced, start: time.Now(), vc: vc, done: make(chan struct{}), given: gocv.NewMat(), grey: gocv.NewMat()}
	fps := vc.Get(gocv.VideoCaptureFPS)
	if !(fps >= 1 && fps <= 240) { // also if it is NaN
		fps = 25
	}
	c.step = time.Duration(float64(time.Second) / fps)
	return c, nil
}

// open opens the source with OpenCV. It first checks that a file exists, for a clear error.
func (src source) open() (vc *gocv.VideoCapture, err error) {
	if src.kind != network {
		if _, err := os.Stat(src.path); err != nil {
			return nil, err
		}
	}
	switch src.kind {
	case device:
		vc, err = gocv.VideoCaptureFileWithAPI(src.path, gocv.VideoCaptureV4L2)
	case network:
		vc, err = gocv.VideoCaptureFileWithAPIParams(src.path, gocv.VideoCaptureFFmpeg, networkOptions)
	default:
		vc, err = gocv.VideoCaptureFile(src.path)
	}
	if err == nil && !vc.IsOpened() {
		err = fmt.Errorf("cannot open %q", Redacted(src.path))
	}
	if err != nil {
		vc.Close()
		return nil, fmt.Errorf("OpenCV cannot open %q as a video", Redacted(src.path))
	}
	return vc, nil
}

// Read implements Camera.
func (c *capture) Read(f *Frame) error {
	if c.paced {
		if err := c.waitForTurn(); err != nil {
			return err
		}
	}
	err := c.alone(func() error { return c.grab(f) })
	if err == nil {
		c.shown++
	}
	return err
}

// alone makes one call to OpenCV.
func (c *capture) alone(call func() error) error {
	c.mu.Lock()
	err := errClosed
	if !c.closing.Load() {
		err = call()
	}
	c.mu.Unlock()
	c.releaseIfClosing()
	return err
}

func (c *capture) waitForTurn() error {
	timer := time.NewTimer(time.Until(c.start.Add(time.Duration(c.shown) * c.step)))
	defer timer.Stop()
	select {
	case <-c.done:
		return errClosed
	case <-timer.C:
		return nil
	}
}

// grab gets the next picture as grey pixels.
func (c *capture) grab(f *Frame) error {
	if err := c.retrieve(); err != nil {
		return err
	}
	f.Taken = time.Now()
	if c.kind == video && !c.paced {
		f.Taken = c.start.Add(time.Duration(c.shown) * c.step) // as if it were played
	}
	return c.fromColour(f)
}

// fromColour puts a picture that OpenCV has made colour into f.
func (c *capture) fromColour(f *Frame) error {
	if c.given.Channels() == 1 {
		return c.keep(&c.given, f)
	}
	if err := gocv.CvtColor(c.given, &c.grey, gocv.ColorBGRToGray); err != nil {
		return fmt.Errorf("read camera %q: to grey: %w", Redacted(c.path), err)
	}
	return c.keep(&c.grey, f)
}

// keep copies a grey picture from OpenCV to f.
func (c *capture) keep(grey *gocv.Mat, f *Frame) error {
	pix, err := grey.DataPtrUint8()
	if err != nil || len(pix) != grey.Rows()*grey.Cols() {
		return fmt.Errorf("read camera %q: the picture does not have one byte per pixel", Redacted(c.path))
	}
	f.Resize(grey.Cols(), grey.Rows())
	copy(f.Pix, pix)
	return nil
}

// retrieve sets c.given to the next picture, from the beginning if a video loops.
func (c *capture) retrieve() error {
	if c.vc.Read(&c.given) && !c.given.Empty() {
		return nil
	}
	if c.kind != video {
		return fmt.Errorf("read camera %q: it gives no more pictures", Redacted(c.path))
	}
	if !c.loop {
		return fmt.Errorf("play %q: %w", c.path, ErrEnded)
	}
	again, err := c.open() // not every backend can seek
	if err != nil {
		return fmt.Errorf("play %q again: %w", c.path, err)
	}
	c.vc.Close()
	c.vc = again
	if !c.vc.Read(&c.given) || c.given.Empty() {
		return fmt.Errorf("play %q: it has no pictures", c.path)
	}
	return nil
}

// Close implements Camera. OpenCV cannot be interrupted: if Read is running, Read frees the camera
// at its end.
func (c *capture) Close() error {
	if !c.closing.Swap(true) {
		close(c.done)
	}
	c.releaseIfClosing()
	return nil
}

func (c *capture) releaseIfClosing() {
	if !c.closing.Load() || !c.mu.TryLock() {
		return // the holder of the lock comes here after releasing it
	}
	defer c.mu.Unlock()
	if c.vc != nil {
		c.vc.Close()
		c.given.Close()
		c.grey.Close()
		c.vc = nil
	}
}
