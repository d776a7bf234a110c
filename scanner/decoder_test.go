package scanner

import (
	"errors"
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ashyq-kiosk/scanner/qr"
	"ashyq-kiosk/scanner/qrdraw"
)

// passText has the length and the characters of a rotating pass.
var passText = "AQ1:" + strings.Repeat("6BFOXN*TS0BI$ZD", 23)[:344]

// doorway is an empty entrance as a frame.
func doorway(w, h int, seed uint64) *Frame {
	return frameOf(qrdraw.Doorway(w, h, seed))
}

var emptyDoorway = sync.OnceValue(func() *Frame { return doorway(1280, 720, 1) })

// held is a code held up in a doorway, 340 px wide, slightly tilted.
func held(text string, o qrdraw.Options) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 1280, 720))
	copy(img.Pix, emptyDoorway().Pix)
	quad := [4]image.Point{{500, 170}, {845, 176}, {838, 520}, {494, 512}}
	qrdraw.Paste(img, qrdraw.Draw(text, o), quad)
	qrdraw.Blur(img, .8)
	qrdraw.Noise(img, 3, 2)
	return img
}

func frameOf(img *image.Gray) *Frame {
	return &Frame{Image: qr.GrayImage(img)}
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		name, text string
		options    qrdraw.Options
	}{
		{"pass", passText, qrdraw.Options{}},
		{"pass, inverted", passText, qrdraw.Options{Inverted: true}},
		{"pass, level M", passText, qrdraw.Options{Level: qrdraw.M}},
		{"digits", strings.Repeat("0123456789", 7), qrdraw.Options{}},
		{"kazakh", "Қош келдіңіз! Әріптер: ғ қ ң ө ұ ү һ і", qrdraw.Options{}},
		{"shift-jis look-alike", "ｱｲｳｴｵ\u00e9\u00fc", qrdraw.Options{}},
		{"highest version", strings.Repeat("x", 2953), qrdraw.Options{Module: 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			img := held(test.text, test.options)
			if test.options.Module != 0 { // too fine for the scene: the bare code
				img = qrdraw.Draw(test.text, test.options)
			}
			got, err := NewDecoder().Decode(&frameOf(img).Image)
			if err != nil || string(got) != test.text {
				t.Errorf("read %q, %v; want %q", got, err, test.text)
			}
		})
	}
}

func TestDecodeNothing(t *testing.T) {
	d := NewDecoder()
	for name, f := range map[string]*Frame{
		"doorway":        doorway(1280, 720, 4),
		"no pixels":      {},
		"too few pixels": {Image: qr.Image{Pix: make([]byte, 100), Stride: 100, Width: 100, Height: 100}},
		"tiny":           doorway(20, 20, 4),
		"all black":      frameOf(image.NewGray(image.Rect(0, 0, 640, 480))),
	} {
		if text, err := d.Decode(&f.Image); !errors.Is(err, ErrNoCode) {
			t.Errorf("%s: %q, %v; want ErrNoCode", name, text, err)
		}
	}
}

// One decoder reads pictures of all kinds and sizes, as after the camera was replaced.
func TestDecoderIsReusable(t *testing.T) {
	d := NewDecoder()
	small := qrdraw.Draw("SMALL", qrdraw.Options{Module: 5})
	large := held(passText, qrdraw.Options{})
	for range 2 {
		for img, want := range map[*image.Gray]string{large: passText, small: "SMALL"} {
			if got, err := d.Decode(&frameOf(img).Image); err != nil || string(got) != want {
				t.Errorf("read %q, %v; want %q", got, err, want)
			}
			if text, err := d.Decode(&doorway(640, 480, 1).Image); err == nil {
				t.Errorf("read %q in a doorway", text)
			}
		}
	}
}

// A damaged code is read correctly or not at all.
func TestDamagedCode(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	d := NewDecoder()
	d.Effort = qr.Quick
	const px = 4
	read, unread := 0, 0
	for i := range 150 {
		img := qrdraw.Draw(passText, qrdraw.Options{Module: px, Level: qrdraw.M})
		modules := img.Rect.Dx() / px
		for range i { // up to 4 % of the modules, which is more than level M makes up for
			x, y := 11+r.IntN(modules-22), 11+r.IntN(modules-22) // not the finder patterns
			for j := range px * px {
				at := &img.Pix[(y*px+j/px)*img.Stride+x*px+j%px]
				*at = 255 - *at
			}
		}
		switch text, err := d.Decode(&frameOf(img).Image); {
		case errors.Is(err, ErrNoCode):
			unread++
		case err != nil || string(text) != passText:
			t.Fatalf("with %d modules damaged: %q, %v", i, text, err)
		default:
			read++
		}
	}
	if read < 30 || unread < 30 {
		t.Errorf("%d read, %d not: the damage is too much or too little to show anything", read, unread)
	}
}

// A sheet full of finder patterns must not keep the door busy: without limits, comparing them takes
// minutes.
func TestDecodeSheetOfFinderPatterns(t *testing.T) {
	f := frameOf(image.NewGray(image.Rect(0, 0, 1280, 720)))
	pattern := []string{"       ", " ##### ", " #   # ", " #   # ", " #   # ", " ##### ", "       "}
	const px, pitch = 2, 18
	for i := range f.Pix {
		x, y := i%1280%pitch/px, i/1280%pitch/px
		f.Pix[i] = 230
		if x < 7 && y < 7 && pattern[y][x] == ' ' {
			f.Pix[i] = 20
		}
	}
	spent := func(f *Frame) time.Duration {
		before := processCPU()
		if text, err := NewDecoder().Decode(&f.Image); err == nil {
			t.Errorf("read %q", text)
		}
		return processCPU() - before
	}
	if empty, sheet := spent(emptyDoorway()), spent(f); sheet > 60*empty {
		t.Errorf("took %v, an empty doorway %v", sheet, empty)
	}
}

func BenchmarkEmptyDoorway(b *testing.B) { benchmarkDecode(b, emptyDoorway(), "") }

func BenchmarkCleanCode(b *testing.B) {
	benchmarkDecode(b, frameOf(held(passText, qrdraw.Options{})), passText)
}

func BenchmarkInvertedCode(b *testing.B) {
	benchmarkDecode(b, frameOf(held(passText, qrdraw.Options{Inverted: true})), passText)
}

func benchmarkDecode(b *testing.B, f *Frame, want string) {
	d := NewDecoder()
	b.ReportAllocs()
	for b.Loop() {
		if text, _ := d.Decode(&f.Image); string(text) != want {
			b.Fatalf("read %q", text)
		}
	}
}

// All codes of a single picture are returned, for decode.
func TestAll(t *testing.T) {
	img := held("FIRST", qrdraw.Options{})
	qrdraw.Paste(img, qrdraw.Draw("SECOND", qrdraw.Options{}), qrdraw.Square(60, 200, 300))
	texts := NewDecoder().all(&frameOf(img).Image)
	slices.Sort(texts)
	if got := strings.Join(texts, ","); got != "4649525354,5345434f4e44" {
		t.Errorf("read %s", got)
	}
	if texts := NewDecoder().all(&qr.Image{}); len(texts) != 0 {
		t.Errorf("read %v in no picture", texts)
	}
}
