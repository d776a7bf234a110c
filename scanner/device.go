//go:build gocv_videoio

package scanner

import (
	"fmt"
	"image"
	"log/slog"
	"slices"
	"time"

	"gocv.io/x/gocv"
)

// The requested format. A camera that does not have it gives what it has; without MJPG, USB 2
// transmits only some 10 pictures of this size a second.
const (
	askWidth, askHeight = 1280, 720
	askFormat           = "MJPG"
)

// complainEvery limits the log lines about torn pictures: a loose cable tears many a second.
const complainEvery = time.Minute

// usbCamera is a camera behind V4L2. It takes the brightness out of what the camera sends, as
// OpenCV would make a colour picture of it first, for three times the work.
type usbCamera struct {
	*capture
	format string // of the camera's pictures, as V4L2 names it
	about  string
	size   image.Point
	unpack func(f *Frame) error

	grabbed    time.Time
	torn       int // pictures since complained
	complained time.Time
}

// openDevice opens a V4L2 camera, perhaps under another number than the configured one.
func openDevice(src source, known *finder, settings Settings, log *slog.Logger) (Camera, error) {
	nodes := cameras()
	configured := src.path
	path, err := known.find(configured, nodes)
	if err != nil {
		return nil, err
	}
	src.path = path
	c, err := newCapture(src, false)
	if err != nil {
		if !slices.ContainsFunc(nodes, func(n node) bool { return n.path == path }) {
			err = fmt.Errorf("%w\n%s", err, choice(nodes))
		}
		return nil, err
	}
	known.found(src.path, nodes)
	if src.path != configured {
		log.Warn("the camera has another number", "camera", configured, "now", src.path)
	}
	u := &usbCamera{capture: c}
	u.negotiate()
	adjust(c.vc, settings, log)
	set := func(id uint32, value int32) (int32, error) { return setControl(src.path, id, value) }
	adjustControls(set, settings, log)
	u.describe(known.mine.id.card)
	log.Info("camera opened", "camera", src.path, "name", known.mine.id.card, "format", u.format,
		"width", u.size.X, "height", u.size.Y, "fps", c.vc.Get(gocv.VideoCaptureFPS))
	return u, nil
}

// negotiate asks for the format, and chooses what to do with the camera's answer.
func (c *usbCamera) negotiate() {
	c.vc.Set(gocv.VideoCaptureFOURCC, c.vc.ToCodec(askFormat))
	c.vc.Set(gocv.VideoCaptureFrameWidth, askWidth)
	c.vc.Set(gocv.VideoCaptureFrameHeight, askHeight)
	c.size = image.Pt(int(c.vc.Get(gocv.VideoCaptureFrameWidth)), int(c.vc.Get(gocv.VideoCaptureFrameHeight)))
	if c.choose(c.vc.CodecString()) {
		c.vc.Set(gocv.VideoCaptureConvertRGB, 0)
	}
}

// choose sets how to unpack a format's pictures; false: OpenCV has to make them colour first.
func (c *usbCamera) choose(format string) (packed bool) {
	c.format = format
	switch format {
	case "MJPG", "JPEG":
		c.unpack = c.fromJPEG
	case "YUYV":
		c.unpack = func(f *Frame) error { return c.fromPairs(f, 0) }
	case "UYVY":
		c.unpack = func(f *Frame) error { return c.fromPairs(f, 1) }
	case "NV12", "NV21", "YU12", "YV12", "GREY":
		c.unpack = c.fromPlane
	default:
		c.unpack = c.fromColour
		return false
	}
	return true
}

// describe sets what String says.
func (c *usbCamera) describe(name string) {
	fps := c.vc.Get(gocv.VideoCaptureFPS)
	c.about = fmt.Sprintf("%s %dx%d at %.4g pictures a second", c.format, c.size.X, c.size.Y, fps)
	if name != "" {
		c.about += " from " + name
	}
	if numbered.MatchString(c.path) {
		c.about += ", " + c.path
	}
}

// String is the negotiated format and rate.
func (c *usbCamera) String() string { return c.about }

// Read implements Camera.
func (c *usbCamera) Read(f *Frame) error {
	if err := c.Grab(); err != nil {
		return err
	}
	return c.Unpack(f)
}

// Grab implements packer.
func (c *usbCamera) Grab() error {
	return c.alone(func() error {
		err := c.retrieve()
		c.grabbed = time.Now()
		return err
	})
}

// Unpack implements packer. A torn picture is no picture.
func (c *usbCamera) Unpack(f *Frame) error {
	return c.alone(func() error {
		f.Taken = c.grabbed
		if err := c.unpack(f); err != nil {
			return c.complain(err, f.Taken)
		}
		return nil
	})
}

// complain is ErrNoPicture, now and then with the reason.
func (c *usbCamera) complain(err error, now time.Time) error {
	c.torn++
	if now.Sub(c.complained) < complainEvery {
		return ErrNoPicture
	}
	err = fmt.Errorf("%w: %d bad since the last such message, this one: %w", ErrNoPicture, c.torn, err)
	c.torn, c.complained = 0, now
	return err
}

// fromJPEG unpacks the brightness only, which is a third of the work.
func (c *usbCamera) fromJPEG(f *Frame) error {
	data, err := c.given.DataPtrUint8()
	if err != nil {
		return err
	}
	if data, err = wholeJPEG(data, c.size); err != nil {
		return err
	}
	if err := gocv.IMDecodeIntoMat(data, gocv.IMReadGrayScale|gocv.IMReadIgnoreOrientation, &c.grey); err != nil {
		return fmt.Errorf("unpack the JPEG picture: %w", err)
	}
	if c.grey.Cols() != c.size.X || c.grey.Rows() != c.size.Y {
		return errTorn
	}
	return c.keep(&c.grey, f)
}

// fromPairs takes the brightness from two bytes a pixel, of which the other one is colour.
func (c *usbCamera) fromPairs(f *Frame, channel int) error {
	if c.given.Channels() != 2 || c.given.Cols() != c.size.X || c.given.Rows() != c.size.Y {
		return fmt.Errorf("the picture does not have two bytes per pixel")
	}
	if err := gocv.ExtractChannel(c.given, &c.grey, channel); err != nil {
		return err
	}
	return c.keep(&c.grey, f)
}

// fromPlane takes the brightness that comes before the colours.
func (c *usbCamera) fromPlane(f *Frame) error {
	data, err := c.given.DataPtrUint8()
	if err != nil || len(data) < c.size.X*c.size.Y {
		return fmt.Errorf("the picture has %d bytes, too few for %dx%d px", len(data), c.size.X, c.size.Y)
	}
	f.Resize(c.size.X, c.size.Y)
	copy(f.Pix, data)
	return nil
}
