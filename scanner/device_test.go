//go:build gocv_videoio

package scanner

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

// sent is a camera that has just sent these bytes.
func sent(
	t testing.TB, format string, rows, cols int, kind gocv.MatType, data []byte, size image.Point,
) *usbCamera {
	t.Helper()
	given, err := gocv.NewMatFromBytes(rows, cols, kind, data)
	if err != nil {
		t.Fatal(err)
	}
	behind := &capture{source: source{kind: device, path: "/dev/video0"}, given: given, grey: gocv.NewMat()}
	c := &usbCamera{capture: behind, size: size}
	t.Cleanup(func() { c.given.Close(); c.grey.Close() })
	c.choose(format)
	return c
}

func sentJPEG(t testing.TB, data []byte, size image.Point) *usbCamera {
	return sent(t, "MJPG", 1, len(data), gocv.MatTypeCV8UC1, data, size)
}

// photo is a doorway in colour as a JPEG picture, with a code if there is a text.
func photo(t testing.TB, text string, seed uint64) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	grey := scene(text, 500, seed)
	img := image.NewRGBA(grey.Rect)
	for i, p := range grey.Pix {
		at := i * 4
		for c := range 3 {
			img.Pix[at+c] = byte(min(max(int(p)+random.IntN(9)-4, 0), 255))
		}
		img.Pix[at+3] = 255
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 80}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBrightnessOfJPEG(t *testing.T) {
	data := photo(t, passText, 1)
	padded := append(bytes.Clone(data), make([]byte, 5000)...) // as some cameras do
	c := sentJPEG(t, padded, image.Pt(1280, 720))
	var grey, colour Frame
	if err := c.unpack(&grey); err != nil {
		t.Fatal(err)
	}
	if text, err := NewDecoder().Decode(&grey.Image); err != nil || string(text) != passText {
		t.Errorf("read %q, %v", text, err)
	}
	if err := gocv.IMDecodeIntoMat(data, gocv.IMReadColor, &c.given); err != nil {
		t.Fatal(err)
	}
	if err := c.fromColour(&colour); err != nil {
		t.Fatal(err)
	}
	for i, p := range grey.Pix {
		if distance(int(p), int(colour.Pix[i])) > 3 {
			t.Fatalf("pixel %d: %d, by way of the colours %d", i, p, colour.Pix[i])
		}
	}
}

func TestBrightnessOfRawPictures(t *testing.T) {
	want := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	size := image.Pt(4, 2)
	yuyv, uyvy := make([]byte, 16), make([]byte, 16)
	for i, p := range want {
		yuyv[2*i], yuyv[2*i+1] = p, 200
		uyvy[2*i], uyvy[2*i+1] = 200, p
	}
	planes := append(bytes.Clone(want), 200, 200, 200, 200)
	for _, c := range []*usbCamera{
		sent(t, "YUYV", 2, 4, gocv.MatTypeCV8UC2, yuyv, size),
		sent(t, "UYVY", 2, 4, gocv.MatTypeCV8UC2, uyvy, size),
		sent(t, "NV12", 3, 4, gocv.MatTypeCV8UC1, planes, size),
		sent(t, "GREY", 2, 4, gocv.MatTypeCV8UC1, want, size),
	} {
		var f Frame
		if err := c.unpack(&f); err != nil || f.Width != 4 || f.Height != 2 || !bytes.Equal(f.Pix, want) {
			t.Errorf("%s: %dx%d %d, %v", c.format, f.Width, f.Height, f.Pix, err)
		}
	}
	for _, c := range []*usbCamera{
		sent(t, "YUYV", 1, 4, gocv.MatTypeCV8UC2, yuyv[:8], size),
		sent(t, "GREY", 1, 4, gocv.MatTypeCV8UC1, want[:4], size),
	} {
		if err := c.unpack(&Frame{}); err == nil {
			t.Errorf("%s: half a picture was taken for one", c.format)
		}
	}
}

// insert puts bytes into a picture before its first segment with this marker.
func insert(t *testing.T, data []byte, mark byte, more ...byte) []byte {
	t.Helper()
	at := bytes.Index(data, []byte{0xff, mark})
	if at < 0 {
		t.Fatalf("no marker %x", mark)
	}
	return append(append(bytes.Clone(data[:at]), more...), data[at:]...)
}

func TestBadJPEG(t *testing.T) {
	size := image.Pt(1280, 720)
	whole := photo(t, passText, 1)
	sof := bytes.Index(whole, []byte{0xff, markSOF0})
	sos := bytes.Index(whole, []byte{0xff, markSOS})
	changed := func(at int, to ...byte) []byte {
		data := bytes.Clone(whole)
		copy(data[at:], to)
		return data
	}
	scan := whole[sos : sos+14]
	for _, test := range []struct {
		name, want string
		data       []byte
	}{
		{"zeros", "does not begin", make([]byte, 1000)},
		{"only a beginning", "in its header", whole[:2]},
		{"no scan", "in its header", whole[:sos]},
		{"end in the header", "in its header", insert(t, whole, markSOS, 0xff, markEOI)},
		{"scan before the size", "in its header", insert(t, whole, markSOF0, scan...)},
		{"two sizes", "is torn", insert(t, whole, markSOS, whole[sof:sof+19]...)},
		{"bomb", "65500x65500", changed(sof+5, 0xff, 0xdc, 0xff, 0xdc)},
		{"smaller", "640x720", changed(sof+7, 2, 0x80)},
		{"12 bits", "in its header", changed(sof+4, 12)},
		{"progressive", "not a baseline JPEG", changed(sof+1, 0xc2)},
		{"arithmetic", "not a baseline JPEG", changed(sof+1, 0xc9)},
		{"no data", "has no end", whole[:sos+14]},
		{"half the data", "has no end", whole[:len(whole)/2]},
		{"the next picture after a half", "marker 0xd8", append(bytes.Clone(whole[:len(whole)/2]), whole...)},
		{"a second scan", "marker 0xda", insert(t, whole, markEOI, scan...)},
	} {
		if err := sentJPEG(t, test.data, size).unpack(&Frame{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want one with %q", test.name, err, test.want)
		}
	}
	for cut := 0; cut < len(whole); cut += 499 {
		if _, err := wholeJPEG(whole[:cut], size); err == nil {
			t.Errorf("a picture cut after %d bytes of %d was whole", cut, len(whole))
		}
	}
}

// Bytes lost in the middle leave a picture that ends well; libjpeg makes something of it.
func TestDamagedJPEGsCostNoMemory(t *testing.T) {
	size := image.Pt(1280, 720)
	whole := photo(t, "", 1)
	random := rand.New(rand.NewPCG(1, 2))
	damaged := func() []byte {
		from := random.IntN(len(whole))
		to := min(from+random.IntN(3000), len(whole)-2)
		if random.IntN(2) == 0 {
			return append(bytes.Clone(whole[:min(from, to)]), whole[to:]...)
		}
		data := bytes.Clone(whole)
		for range 20 {
			data[random.IntN(len(data))] ^= 1 << random.IntN(8)
		}
		return data
	}
	var f Frame
	try := func(n int) (unpacked int) {
		for range n {
			c := sentJPEG(t, damaged(), size)
			if c.unpack(&f) == nil {
				unpacked++
			}
			c.given.Close()
			c.grey.Close()
			c.given, c.grey = gocv.NewMat(), gocv.NewMat()
		}
		return unpacked
	}
	try(50)
	before := resident(t)
	unpacked := try(400)
	if grown := resident(t) - before; grown > 40<<20 {
		t.Errorf("%d MB more after 400 damaged pictures", grown>>20)
	}
	if unpacked == 0 || unpacked == 400 {
		t.Errorf("of 400 damaged pictures, %d were unpacked: both ways should be taken", unpacked)
	}
}

// resident is the memory of this process in bytes.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

func FuzzUnpackJPEG(f *testing.F) {
	var small bytes.Buffer
	if err := jpeg.Encode(&small, image.NewRGBA(image.Rect(0, 0, 32, 16)), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(small.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		var frame Frame
		err := sentJPEG(t, data, image.Pt(32, 16)).unpack(&frame)
		if err == nil && (frame.Width != 32 || frame.Height != 16 || len(frame.Pix) != 512) {
			t.Errorf("%dx%d px, %d bytes", frame.Width, frame.Height, len(frame.Pix))
		}
	})
}

// The log says once a minute how many pictures were bad.
func TestTornPicturesAreCounted(t *testing.T) {
	c := &usbCamera{}
	now := time.Unix(1e9, 0)
	var said []string
	for range 130 {
		if err := c.complain(errTorn, now); err != ErrNoPicture {
			said = append(said, err.Error())
		} else if !errors.Is(err, ErrNoPicture) {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	if len(said) != 3 || !strings.Contains(said[0], ": 1 bad") || !strings.Contains(said[1], ": 60 bad") ||
		!strings.Contains(said[2], "torn") {
		t.Errorf("%q", said)
	}
}

// BenchmarkPicture is one picture of a 720p camera, from its JPEG to the decoder's answer. The
// pictures of the folder ASHYQ_PICTURES, if it is set, are used instead of drawn ones.
func BenchmarkPicture(b *testing.B) {
	for _, what := range []string{"still", "person"} {
		var pictures [][]byte
		files, err := filepath.Glob(filepath.Join(os.Getenv("ASHYQ_PICTURES"), what+"-*.jpg"))
		if err != nil {
			b.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				b.Fatal(err)
			}
			pictures = append(pictures, data)
		}
		for n := len(pictures); n < 6; n++ {
			text := ""
			if what == "person" {
				text = passText[:330] + fmt.Sprint(n%2)
			}
			pictures = append(pictures, photo(b, text, uint64(n)))
		}
		for _, how := range []string{"colour", "grey", "grey, unpacking only"} {
			b.Run(what+"/"+how, func(b *testing.B) { benchmarkPicture(b, pictures, how) })
		}
	}
}

func benchmarkPicture(b *testing.B, pictures [][]byte, how string) {
	var unpacked []*Frame
	for _, data := range pictures {
		f := new(Frame)
		if err := sentJPEG(b, data, image.Pt(1280, 720)).unpack(f); err != nil {
			b.Fatal(err)
		}
		unpacked = append(unpacked, f)
	}
	eyes := newROI()
	examine := func(f *Frame, n int) {
		f.Seq, f.Taken = uint64(n+1), time.Unix(0, 0).Add(time.Duration(n)*time.Second/30)
		_, _ = eyes.examine(f) // its effort is what counts
	}
	const known = 5 * 30 // until then it has learned the noise
	for n := range known {
		examine(unpacked[n%len(unpacked)], n)
	}
	c := sentJPEG(b, pictures[0], image.Pt(1280, 720))
	var f Frame
	bytes := 0
	for n := known; b.Loop(); n++ {
		data := pictures[n%len(pictures)]
		bytes += len(data)
		var err error
		if how == "colour" {
			if err = gocv.IMDecodeIntoMat(data, gocv.IMReadColor, &c.given); err == nil {
				err = c.fromColour(&f)
			}
		} else if c.given, err = gocv.NewMatFromBytes(1, len(data), gocv.MatTypeCV8UC1, data); err == nil {
			err = c.fromJPEG(&f)
			c.given.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
		if how != "grey, unpacking only" {
			examine(&f, n)
		}
	}
	c.given = gocv.NewMat()
	b.ReportMetric(float64(bytes)/float64(b.N)/1000, "kB/picture")
}
