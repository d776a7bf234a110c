package scanner

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ashyq-kiosk/scanner/qrdraw"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeCamera is a camera that does what the test says.
type fakeCamera struct {
	every   time.Duration               // between two pictures
	show    func(n int) (*Frame, error) // the nth picture of this camera, from 0
	hang    map[int]<-chan struct{}     // these reads hang until the channel is closed
	onClose func()                      // told of the first Close

	n      int
	mu     sync.Mutex // guards closed
	closed chan struct{}
}

func (c *fakeCamera) Read(f *Frame) error {
	if hang := c.hang[c.n]; hang != nil {
		<-hang
	}
	select {
	case <-c.end():
		return errClosed
	case <-time.After(c.every):
	}
	shown, err := c.show(c.n)
	if c.n++; err != nil {
		return err
	}
	f.Resize(shown.Width, shown.Height)
	copy(f.Pix, shown.Pix)
	f.Taken = time.Now()
	return nil
}

// end is closed with the camera.
func (c *fakeCamera) end() chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed == nil {
		c.closed = make(chan struct{})
	}
	return c.closed
}

func (c *fakeCamera) Close() error {
	end := c.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-end:
		return nil
	default:
	}
	close(end)
	if c.onClose != nil {
		c.onClose()
	}
	return nil
}

// alive shows a small picture that is a little different each time.
func alive(n int) (*Frame, error) {
	f := frameOf(image.NewGray(image.Rect(0, 0, 48, 48)))
	f.Pix[0], f.Pix[1] = byte(n), byte(n>>8)
	return f, nil
}

// code shows the number of the picture as a QR code.
func code(n int) (*Frame, error) {
	return frameOf(qrdraw.Draw(fmt.Sprint("PICTURE ", n), qrdraw.Options{Module: 3})), nil
}

// packedCamera is a fakeCamera whose pictures cost CPU time to unpack.
type packedCamera struct {
	fakeCamera
	cost time.Duration

	packed Frame
}

func (c *packedCamera) Grab() error { return c.fakeCamera.Read(&c.packed) }

func (c *packedCamera) Unpack(f *Frame) error {
	for began := threadCPU(); threadCPU()-began < c.cost; {
	}
	f.Resize(c.packed.Width, c.packed.Height)
	copy(f.Pix, c.packed.Pix)
	f.Taken = c.packed.Taken
	return nil
}

// states collects the calls of OnState, with the second since the test began.
type states struct {
	begin time.Time
	log   []string
}

func (s *states) add(err error) {
	word := "pictures"
	for _, known := range []error{ErrFrozen, ErrSilent, ErrEnded, errUnplugged} {
		if errors.Is(err, known) {
			word = known.Error()
		}
	}
	s.log = append(s.log, fmt.Sprintf("%.1f %s", time.Since(s.begin).Seconds(), word))
}

var errUnplugged = errors.New("unplugged")

// start runs a Scanner on fake cameras: open returns the nth one, from 0. Inside a synctest bubble.
func start(t *testing.T, cfg Config, open func(n int) (Camera, error)) (s *Scanner, told *states, stop func()) {
	t.Helper()
	told = &states{begin: time.Now()}
	cfg.Source, cfg.OnState = "/dev/video0", told.add
	cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	s = New(cfg)
	n := 0
	s.open = func(string) (Camera, error) {
		n++
		return open(n - 1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, told, func() {
		t.Helper()
		cancel()
		asked := time.Now()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if late := time.Since(asked); late > hungGrace {
			t.Errorf("Run took %v to return", late)
		}
	}
}
