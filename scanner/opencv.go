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

// What a camera is asked for. One that cannot do it gives what it has; without MJPG, USB 2 carries only some 10 pictures
// of this size a second.
const (
	askWidth, askHeight = 1280, 720
	askFormat           = "MJPG"
)

// networkTimeout bounds each call to a camera on the network, in ms, for opening (property 53 of OpenCV's
// VideoCapture) and for reading (54). V4L2's own limit for a read is 10 s.
const networkTimeout = 5000

var networkOptions = []gocv.VideoCaptureProperties{53, networkTimeout, 54, networkTimeout}

// capture is a camera or a video behind OpenCV.
type capture struct {
	source
	paced bool // a video, to be played at its own speed
	start time.Time
	step  time.Duration // between two frames of a video
	shown int64         // frames of it so far, all rounds

	closing atomic.Bool
	done    chan struct{} // closed with closing, to wake a sleep
	mu      sync.Mutex    // guards what follows: OpenCV's objects take one call at a time
	vc      *gocv.VideoCapture
	colour  gocv.Mat
	grey    gocv.Mat
}

// openCapture opens a camera, a network camera, or a video that plays at its own speed.
func openCapture(src source, settings Settings, log *slog.Logger) (Camera, error) {
	c, err := newCapture(src, src.kind == video)
	if err != nil {
		return nil, err
	}
	if src.kind == device {
		adjust(c.vc, settings, log)
	}
	return c, nil
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
	c := &capture{source: src, paced: paced, start: time.Now(), vc: vc, done: make(chan struct{}), colour: gocv.NewMat(), grey: gocv.NewMat()}
	fps := vc.Get(gocv.VideoCaptureFPS)
	if !(fps >= 1 && fps <= 240) { // also when it is not a number
		fps = 25
	}
	c.step = time.Duration(float64(time.Second) / fps)
	return c, nil
}

// open lets OpenCV open the source. Files are looked for first, for an error that says what is wrong.
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
		err = fmt.Errorf("%q cannot be opened", Redacted(src.path))
	}
	if err != nil {
		vc.Close()
		return nil, fmt.Errorf("OpenCV cannot open %q as a video", Redacted(src.path))
	}
	if src.kind == device {
		vc.Set(gocv.VideoCaptureFOURCC, vc.ToCodec(askFormat))
		vc.Set(gocv.VideoCaptureFrameWidth, askWidth)
		vc.Set(gocv.VideoCaptureFrameHeight, askHeight)
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
	c.mu.Lock()
	err := c.grab(f)
	c.mu.Unlock()
	c.releaseIfClosing()
	if err == nil {
		c.shown++
	}
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

// grab takes the next picture as grey pixels.
func (c *capture) grab(f *Frame) error {
	if c.closing.Load() {
		return errClosed
	}
	if err := c.retrieve(); err != nil {
		return err
	}
	f.Taken = time.Now()
	if c.kind == video && !c.paced {
		f.Taken = c.start.Add(time.Duration(c.shown) * c.step) // as if it had been played
	}
	grey := c.colour
	if c.colour.Channels() != 1 {
		if err := gocv.CvtColor(c.colour, &c.grey, gocv.ColorBGRToGray); err != nil {
			return fmt.Errorf("read camera %q: to grey: %w", Redacted(c.path), err)
		}
		grey = c.grey
	}
	pix, err := grey.DataPtrUint8()
	if err != nil || len(pix) != grey.Rows()*grey.Cols() {
		return fmt.Errorf("read camera %q: a picture that is not one of bytes", Redacted(c.path))
	}
	f.Resize(grey.Cols(), grey.Rows())
	copy(f.Pix, pix)
	return nil
}

// retrieve fills c.colour with the next picture, from the beginning when a video loops.
func (c *capture) retrieve() error {
	if c.vc.Read(&c.colour) && !c.colour.Empty() {
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
	if !c.vc.Read(&c.colour) || c.colour.Empty() {
		return fmt.Errorf("play %q: there is no picture in it", c.path)
	}
	return nil
}

// Close implements Camera. OpenCV cannot be interrupted: when Read is inside, Read frees the camera on its way out.
func (c *capture) Close() error {
	if !c.closing.Swap(true) {
		close(c.done)
	}
	c.releaseIfClosing()
	return nil
}

func (c *capture) releaseIfClosing() {
	if !c.closing.Load() || !c.mu.TryLock() {
		return // whoever has the lock comes here after giving it back
	}
	defer c.mu.Unlock()
	if c.vc != nil {
		c.vc.Close()
		c.colour.Close()
		c.grey.Close()
		c.vc = nil
	}
}
