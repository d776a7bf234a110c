package qrdraw_test

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"ashyq-kiosk/scanner"
	"ashyq-kiosk/scanner/qr"
	"ashyq-kiosk/scanner/qrdraw"
)

// read is what the scanner's decoder reads in a picture.
func read(img *image.Gray) string {
	picture := qr.GrayImage(img)
	text, err := scanner.NewDecoder().Decode(&picture)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestDraw(t *testing.T) {
	for _, test := range []struct {
		text    string
		options qrdraw.Options
		side    int // px
	}{
		{"AQ1:A", qrdraw.Options{}, (21 + 8) * 8},
		{"AQ1:A", qrdraw.Options{Module: 3, Margin: 1}, (21 + 2) * 3},
		{"AQ1:A", qrdraw.Options{Margin: 10, Inverted: true}, (21 + 20) * 8},
		{"AQ1:A", qrdraw.Options{Version: 10, Module: 4}, (57 + 8) * 4},
		{strings.Repeat("A", 348), qrdraw.Options{}, (57 + 8) * 8},
		{strings.Repeat("A", 348), qrdraw.Options{Level: qrdraw.M}, (61 + 8) * 8},
		{strings.Repeat("A", 348), qrdraw.Options{Level: qrdraw.Q}, (69 + 8) * 8},
		{strings.Repeat("A", 348), qrdraw.Options{Level: qrdraw.H}, (81 + 8) * 8},
		{"сәлем", qrdraw.Options{}, (21 + 8) * 8},
	} {
		img := qrdraw.Draw(test.text, test.options)
		if img.Rect != image.Rect(0, 0, test.side, test.side) {
			t.Errorf("%q %+v: %v, want %d px", test.text, test.options, img.Rect, test.side)
		}
		if got := read(img); got != test.text {
			t.Errorf("%q %+v: read %q", test.text, test.options, got)
		}
	}
	if bare := qrdraw.Draw("A", qrdraw.Options{Margin: -1}); bare.Rect.Dx() != 21*8 || bare.Pix[0] != 0 {
		t.Errorf("without a margin: %v, first pixel %d", bare.Rect, bare.Pix[0])
	}
}

func TestDrawPanics(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "too long": strings.Repeat("x", 3000)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			qrdraw.Draw(text, qrdraw.Options{})
		}()
	}
}

// The corners of what is pasted come to lie where they were asked to, in the order that was said.
func TestPaste(t *testing.T) {
	src := image.NewGray(image.Rect(10, 10, 12, 12))  // not at the origin
	for i, level := range []byte{50, 100, 200, 150} { // top left, top right, bottom right, bottom left
		src.SetGray([]int{10, 11, 11, 10}[i], []int{10, 10, 11, 11}[i], color.Gray{Y: level})
	}
	dst := image.NewGray(image.Rect(0, 0, 100, 100))
	quad := [4]image.Point{{20, 10}, {90, 30}, {70, 80}, {10, 60}}
	qrdraw.Paste(dst, src, quad)
	centre := image.Pt(48, 45)
	for i, want := range []byte{50, 100, 200, 150} {
		at := quad[i].Mul(3).Add(centre).Div(4) // a quarter of the way inwards
		if got := dst.GrayAt(at.X, at.Y).Y; got != want {
			t.Errorf("corner %d: %d, want %d", i, got, want)
		}
		out := quad[i].Mul(5).Sub(centre).Div(4)
		if got := dst.GrayAt(out.X, out.Y).Y; got != 0 {
			t.Errorf("outside of corner %d: %d", i, got)
		}
	}
}

// A flat card in perspective: its diagonals cross at the image of its middle, which is nearer to
// the far edge.
func TestPasteIsPerspective(t *testing.T) {
	src := image.NewGray(image.Rect(0, 0, 100, 100))
	for i := range src.Pix {
		src.Pix[i] = 100
		if i/100 >= 50 {
			src.Pix[i] = 200
		}
	}
	dst := image.NewGray(image.Rect(0, 0, 300, 300))
	qrdraw.Paste(dst, src, [4]image.Point{{100, 50}, {200, 50}, {300, 250}, {0, 250}})
	// Diagonals (100,50)-(300,250) and (200,50)-(0,250) cross at (150, 100).
	if above, below := dst.GrayAt(150, 98).Y, dst.GrayAt(150, 102).Y; above != 100 || below != 200 {
		t.Errorf("around the middle: %d and %d, want 100 and 200", above, below)
	}
}

func TestPasteCutsOff(t *testing.T) {
	dst := image.NewGray(image.Rect(0, 0, 20, 20))
	white := image.NewGray(image.Rect(0, 0, 4, 4))
	qrdraw.Light(white, 1, 255)
	qrdraw.Paste(dst, white, qrdraw.Square(-10, -10, 20))
	if dst.Pix[0] != 255 || dst.GrayAt(9, 9).Y != 255 || dst.GrayAt(10, 10).Y != 0 {
		t.Errorf("%d %d %d", dst.Pix[0], dst.GrayAt(9, 9).Y, dst.GrayAt(10, 10).Y)
	}
}

// A pass in a doorway stays readable when it is turned, tilted, dimmed and noisy, as at a real
// door.
func TestScene(t *testing.T) {
	text := "AQ1:" + strings.Repeat("TEST%*+-./ 0123", 20)
	img := qrdraw.Doorway(1280, 720, 9)
	qrdraw.Paste(img, qrdraw.Draw(text, qrdraw.Options{}), [4]image.Point{{480, 130}, {860, 160}, {840, 540}, {470, 520}})
	qrdraw.Light(img, .6, 5)
	qrdraw.Blur(img, 1)
	qrdraw.Noise(img, 5, 1)
	if got := read(img); got != text {
		t.Errorf("read %q", got)
	}
}

func TestBlur(t *testing.T) {
	for _, sigma := range []float64{1.5, 2.5, 4} {
		img := image.NewGray(image.Rect(0, 0, 201, 201))
		for y := range 201 { // a bright line, 20 px wide
			for x := 90; x < 110; x++ {
				img.SetGray(x, y, color.Gray{Y: 250})
			}
		}
		qrdraw.Blur(img, sigma)
		// The variance of the line's profile grows by sigma squared, and the light stays.
		var sum, mean, variance float64
		for x := range 201 {
			v := float64(img.GrayAt(x, 100).Y)
			sum, mean = sum+v, mean+v*float64(x)
		}
		mean /= sum
		for x := range 201 {
			variance += float64(img.GrayAt(x, 100).Y) * (float64(x) - mean) * (float64(x) - mean) / sum
		}
		got := math.Sqrt(variance - (20*20-1)/12.)
		if math.Abs(sum-5000) > 100 || math.Abs(mean-99.5) > .2 || math.Abs(got-sigma) > .5 {
			t.Errorf("sigma %v: light %v, middle %v, spread %v", sigma, sum, mean, got)
		}
	}
}

func TestNoiseAndLight(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 200, 200))
	qrdraw.Light(img, 2, 100)
	if img.Pix[0] != 100 {
		t.Errorf("offset: %d", img.Pix[0])
	}
	qrdraw.Light(img, 3, -100)
	if img.Pix[0] != 200 {
		t.Errorf("gain: %d", img.Pix[0])
	}
	again := image.NewGray(img.Rect)
	copy(again.Pix, img.Pix)
	qrdraw.Noise(img, 10, 1)
	qrdraw.Noise(again, 10, 1)
	if !slices.Equal(img.Pix, again.Pix) {
		t.Error("the same seed gave other noise")
	}
	var sum, squares float64
	for _, p := range img.Pix {
		sum, squares = sum+float64(p), squares+float64(p)*float64(p)
	}
	mean := sum / 40000
	if sigma := math.Sqrt(squares/40000 - mean*mean); math.Abs(mean-200) > 1 || math.Abs(sigma-10) > .5 {
		t.Errorf("mean %v, sigma %v", mean, sigma)
	}
}

func TestDoorway(t *testing.T) {
	for _, size := range []image.Point{{320, 240}, {90, 160}, {17, 9}} {
		a, b := qrdraw.Doorway(size.X, size.Y, 3), qrdraw.Doorway(size.X, size.Y, 3)
		if a.Rect.Size() != size || !slices.Equal(a.Pix, b.Pix) {
			t.Errorf("%v: %v, or not repeatable", size, a.Rect)
		}
		if slices.Equal(a.Pix, qrdraw.Doorway(size.X, size.Y, 4).Pix) {
			t.Errorf("%v: another seed gave the same picture", size)
		}
	}
}

// Draw makes the code, Doorway and Paste what a camera sees when somebody holds it up.
func ExampleDraw() {
	scene := qrdraw.Doorway(1280, 720, 1)
	qrdraw.Paste(scene, qrdraw.Draw("AQ1:EXAMPLE", qrdraw.Options{}), qrdraw.Square(500, 200, 300))
	picture := qr.GrayImage(scene)
	text, err := scanner.NewDecoder().Decode(&picture)
	fmt.Printf("%s %v\n", text, err)
	// Output: AQ1:EXAMPLE <nil>
}
