//go:build gocv_videoio

package scanner

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"image/jpeg"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"ashyq-kiosk/scanner/qrdraw"
)

const videoFPS = 25

// film makes a video of n frames; frame i shows a code with its number.
func film(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "film.avi")
	w, err := gocv.VideoWriterFile(path, "MJPG", videoFPS, 320, 240, true)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i := range n {
		img := qrdraw.Doorway(320, 240, uint64(i))
		qrdraw.Paste(img, qrdraw.Draw(fmt.Sprint("FRAME ", i), qrdraw.Options{}), qrdraw.Square(60, 20, 200))
		grey, err := gocv.NewMatFromBytes(240, 320, gocv.MatTypeCV8UC1, img.Pix)
		if err != nil {
			t.Fatal(err)
		}
		colour := gocv.NewMat()
		if err := gocv.CvtColor(grey, &colour, gocv.ColorGrayToBGR); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(colour); err != nil {
			t.Fatal(err)
		}
		grey.Close()
		colour.Close()
	}
	return path
}

func TestDecodeListVideo(t *testing.T) {
	path := film(t, 5)
	var out strings.Builder
	if err := DecodeList(strings.NewReader(path), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, line := range lines {
		want := "NONE" // a code's place is left alone for 100 ms after it was read
		if i%3 == 0 {
			want = hex.EncodeToString(fmt.Append(nil, "FRAME ", i))
		}
		cells := strings.Split(line, "\t")
		if len(cells) != 4 || cells[0] != path || cells[1] != fmt.Sprint(i) || cells[3] != want {
			t.Errorf("line %d: %q", i, cells)
		}
	}
}

func TestVideoPlaysAtItsOwnSpeedAndEnds(t *testing.T) {
	cam, err := OpenCamera("file:"+film(t, 10), Settings{}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer cam.Close()
	var f Frame
	d, begin := NewDecoder(), time.Now()
	for i := range 10 {
		if err := cam.Read(&f); err != nil {
			t.Fatal(err)
		}
		if due := time.Duration(i) * time.Second / videoFPS; time.Since(begin) < due-due/50 {
			t.Errorf("frame %d came after %v, it is due after %v", i, time.Since(begin), due)
		}
		if text, err := d.Decode(&f.Image); err != nil || string(text) != fmt.Sprint("FRAME ", i) {
			t.Errorf("frame %d: %q, %v", i, text, err)
		}
	}
	if err := cam.Read(&f); !errors.Is(err, ErrEnded) {
		t.Errorf("after the last frame: %v, want ErrEnded", err)
	}
}

func TestVideoLoops(t *testing.T) {
	cam, err := OpenCamera("file:"+film(t, 2)+"?loop", Settings{}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer cam.Close()
	var f Frame
	d := NewDecoder()
	for i := range 5 {
		if err := cam.Read(&f); err != nil {
			t.Fatal(err)
		}
		if text, err := d.Decode(&f.Image); err != nil || string(text) != fmt.Sprint("FRAME ", i%2) {
			t.Errorf("read %d: %q, %v", i, text, err)
		}
	}
}

// Copying a frame from OpenCV reuses the pixels' buffer; only headers of a few bytes are allocated.
func TestAllocationsPerCapturedFrame(t *testing.T) {
	cam, err := openFrames(film(t, 60))
	if err != nil {
		t.Fatal(err)
	}
	defer cam.Close()
	var f Frame
	if got := testing.AllocsPerRun(50, func() {
		if err := cam.Read(&f); err != nil {
			t.Fatal(err)
		}
	}); got > 10 {
		t.Errorf("%v allocations for a frame", got)
	}
}

func TestClosedCaptureReadsNoMore(t *testing.T) {
	cam, err := OpenCamera("file:"+film(t, 2), Settings{}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := cam.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := cam.Read(&Frame{}); !errors.Is(err, errClosed) {
		t.Errorf("%v, want errClosed", err)
	}
}

func TestOpenCaptureFails(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.mp4")
	if err := os.WriteFile(text, []byte("not a video"), 0o644); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		"/dev/video199":                      "/dev/video199",
		"/dev/null":                          "/dev/null",
		"file:/none.mp4":                     "no such file",
		"file:" + text:                       "text.mp4",
		"http://user:secret@127.0.0.1:1/cam": "127.0.0.1:1",
	} {
		cam, err := OpenCamera(source, Settings{}, slog.Default())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want one about %q", source, err, want)
		}
		if cam != nil {
			cam.Close()
		}
	}
}

// mjpegServer is a network camera: endless pictures, ten a second, each slightly different unless
// it is frozen.
type mjpegServer struct {
	http.Server
	frozen atomic.Bool
	text   string
}

func (m *mjpegServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=picture")
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := uint64(0); ; n++ {
		if m.frozen.Load() {
			n--
		}
		img := qrdraw.Doorway(320, 240, n)
		qrdraw.Paste(img, qrdraw.Draw(m.text, qrdraw.Options{}), qrdraw.Square(60, 20, 200))
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, nil); err != nil {
			panic(err)
		}
		fmt.Fprintf(w, "--picture\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", b.Len(), b.Bytes())
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// serve starts the camera at addr and returns its address.
func serve(t *testing.T, m *mjpegServer, addr string) string {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	m.Handler = m
	go m.Serve(l)
	return l.Addr().String()
}

// A network camera is read through OpenCV, fails, comes back, and freezes.
func TestNetworkCameraComesBack(t *testing.T) {
	first := &mjpegServer{text: "FIRST"}
	addr := serve(t, first, "127.0.0.1:0")
	codes, faults := make(chan string, 1000), make(chan error, 100)
	s := New(Config{
		Source:      "http://" + addr + "/",
		FrozenAfter: 2 * time.Second,
		OnCode:      func(text []byte, _ time.Time) { codes <- string(text) },
		OnState:     func(err error) { faults <- err },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()

	await(t, codes, "the first code", func(text string) bool { return text == "FIRST" })
	first.Close()
	await(t, faults, "the fault", func(err error) bool { return err != nil })

	second := &mjpegServer{text: "SECOND"}
	serve(t, second, addr)
	await(t, codes, "the code after the camera came back", func(text string) bool { return text == "SECOND" })
	await(t, faults, "the all-clear", func(err error) bool { return err == nil })
	second.frozen.Store(true)
	await(t, faults, "the frozen picture", func(err error) bool { return errors.Is(err, ErrFrozen) })

	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	second.Close()
}

func await[T any](t *testing.T, c <-chan T, what string, is func(T) bool) {
	t.Helper()
	timeout := time.After(90 * time.Second)
	for {
		select {
		case v := <-c:
			if is(v) {
				return
			}
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// What only a real camera can show: it gives pictures in the requested size or in its own.
func TestRealCamera(t *testing.T) {
	if _, err := os.Stat("/dev/video0"); err != nil {
		t.Skip("there is no camera: /dev/video0 is missing")
	}
	cam, err := OpenCamera("/dev/video0", Settings{}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer cam.Close()
	var f Frame
	if err := cam.Read(&f); err != nil || f.Width < 160 || f.Height < 120 || len(f.Pix) != f.Width*f.Height {
		t.Errorf("%dx%d, %d bytes, %v", f.Width, f.Height, len(f.Pix), err)
	}
}
