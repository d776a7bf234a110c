//go:build hil

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"os/exec"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/scanner/qrdraw"

	"golang.org/x/sys/unix"
)

// loopback is a camera: the node of v4l2loopback, and a writer of pictures. They are YUYV, as cheap
// cameras give, or MJPEG.
type loopback struct {
	t      testing.TB
	camera *camera
	number int                    // of the node /dev/video<number>
	mjpeg  bool                   // JPEG pictures
	raw    []byte                 // the last picture in YUYV
	jpegs  map[*image.Gray][]byte // pictures in JPEG, which take long

	mu     sync.Mutex
	frozen bool                      // guarded by mu: the same picture over and over
	torn   bool                      // guarded by mu: two of three pictures are not whole
	first  map[*image.Gray]time.Time // guarded by mu: when a scene's first picture was written
	stop   func()
}

func newLoopback(t testing.TB, c *camera) *loopback {
	l := &loopback{t: t, camera: c, jpegs: map[*image.Gray][]byte{}, first: map[*image.Gray]time.Time{}}
	l.raw = bytes.Repeat([]byte{128}, 2*pictureW*pictureH)
	t.Cleanup(func() {
		if l.stop != nil {
			l.stop()
		}
	})
	return l
}

// v4l2Format is struct v4l2_format of linux/videodev2.h with a v4l2_pix_format in it.
type v4l2Format struct {
	kind                                                                uint32
	_                                                                   uint32
	width, height, pixelformat, field, bytesperline, sizeimage, colours uint32
	private, flags, encoding, quantization, transfer                    uint32
	_                                                                   [200 - 12*4]byte
}

const (
	vidiocSetFormat  = 0xc0d05605 // _IOWR('V', 5, struct v4l2_format)
	videoOutput      = 2          // V4L2_BUF_TYPE_VIDEO_OUTPUT
	fieldNone        = 1
	pixelYUYV        = 'Y' | 'U'<<8 | 'Y'<<16 | 'V'<<24
	pixelMJPG        = 'M' | 'J'<<8 | 'P'<<16 | 'G'<<24
	colourspaceSRGB  = 8
	pictureW         = 1280
	pictureH         = 720
	loopbackSettings = "exclusive_caps=1 card_label=Camera max_buffers=4"
)

// plug creates the node and starts to write pictures to it.
func (l *loopback) plug() {
	l.t.Helper()
	insmod := fmt.Sprintf("insmod %s/v4l2loopback.ko video_nr=%d %s", shared, l.number, loopbackSettings)
	if out, err := exec.Command("sh", "-c", insmod).CombinedOutput(); err != nil {
		l.t.Fatalf("insmod v4l2loopback: %v %s", err, out)
	}
	l.feed()
}

// feed starts to write pictures; with exclusive_caps the node is a camera only after that.
func (l *loopback) feed() {
	l.t.Helper()
	var fd int
	var err error
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		fd, err = unix.Open(fmt.Sprint("/dev/video", l.number), unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err == nil || time.Since(start) > 5*time.Second {
			break
		}
	}
	if err != nil {
		l.t.Fatalf("open the camera's other end: %v", err)
	}
	format := v4l2Format{kind: videoOutput, width: pictureW, height: pictureH, pixelformat: pixelYUYV, field: fieldNone,
		bytesperline: 2 * pictureW, sizeimage: 2 * pictureW * pictureH, colours: colourspaceSRGB}
	if l.mjpeg {
		format.pixelformat, format.bytesperline = pixelMJPG, 0
	}
	clear(l.jpegs)
	if err := setFormat(fd, &format); err != nil {
		l.t.Fatalf("set the camera's format: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.write(ctx, fd) }()
	l.stop = func() {
		cancel()
		<-done
		unix.Close(fd)
		l.stop = nil
	}
}

// takeAway removes the node of a camera without pictures as soon as the daemon has closed it: a
// module in use cannot be removed.
func (l *loopback) takeAway() (gone time.Duration) {
	l.t.Helper()
	start := time.Now()
	for {
		err := unix.DeleteModule("v4l2loopback", unix.O_NONBLOCK)
		if err == nil {
			return time.Since(start)
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EBUSY) || time.Since(start) > patience {
			l.t.Fatalf("take the camera away: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (l *loopback) write(ctx context.Context, fd int) {
	ticker := time.NewTicker(framesEvery)
	defer ticker.Stop()
	var last *image.Gray
	for n := uint64(0); ; n++ {
		img := last
		if l.moves() || last == nil {
			img = l.next(n)
		}
		packed := l.pack(img)
		if l.tears() && n%3 != 0 {
			packed = packed[:len(packed)/2]
		}
		l.mu.Lock()
		if _, was := l.first[img]; !was {
			l.first[img] = time.Now()
		}
		l.mu.Unlock()
		if _, err := unix.Write(fd, packed); err != nil {
			l.t.Errorf("write a picture: %v", err)
			return
		}
		last = img
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// pack is the picture as the camera sends it.
func (l *loopback) pack(img *image.Gray) []byte {
	if !l.mjpeg {
		for i, v := range img.Pix {
			l.raw[2*i] = v
		}
		return l.raw
	}
	if _, ok := l.jpegs[img]; !ok {
		colour := image.NewRGBA(img.Rect) // cameras send colours, even of grey things
		draw.Draw(colour, colour.Rect, img, image.Point{}, draw.Src)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, colour, &jpeg.Options{Quality: 85}); err != nil {
			l.t.Errorf("pack a picture: %v", err)
		}
		l.jpegs[img] = b.Bytes()
	}
	return l.jpegs[img]
}

func (l *loopback) next(n uint64) *image.Gray {
	l.camera.mu.Lock()
	defer l.camera.mu.Unlock()
	return l.camera.now[n%uint64(len(l.camera.now))]
}

func (l *loopback) moves() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.frozen
}

func (l *loopback) freeze(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = on
}

func (l *loopback) tears() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.torn
}

func (l *loopback) tear(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.torn = on
}

// shown is when the first of these pictures was written.
func (l *loopback) shown(scenes []*image.Gray) (first time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, img := range scenes {
		if at, ok := l.first[img]; ok && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// put shows pictures of a code and forgets when others were shown.
func (l *loopback) put(scenes []*image.Gray) {
	l.mu.Lock()
	clear(l.first)
	l.mu.Unlock()
	l.camera.mu.Lock()
	defer l.camera.mu.Unlock()
	l.camera.now = scenes
}

// scenesOf are pictures of a phone with this code, in a trembling hand.
func (m *machine) scenesOf(code string) (all []*image.Gray) {
	phone := drawn(code)
	for n := range 2 {
		img := image.NewGray(m.camera.doorway.Rect)
		copy(img.Pix, m.camera.doorway.Pix)
		qrdraw.Paste(img, phone, [4]image.Point{{X: 380 + 9*n, Y: 120}, {X: 820 + 9*n, Y: 108}, {X: 812 + 9*n, Y: 566},
			{X: 388 + 9*n, Y: 556}})
		qrdraw.Blur(img, 0.8)
		qrdraw.Noise(img, 4, uint64(n))
		all = append(all, img)
	}
	return all
}
