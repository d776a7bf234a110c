package qr

import (
	"image"
	"math"
	"slices"
	"strings"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

// curled is a picture of a card that is not flat: a wave along direction turn, in degrees, moves
// what it passes sideways by up to high px.
func curled(img *image.Gray, high, length, phase, turn float64) *image.Gray {
	src := GrayImage(&image.Gray{Pix: slices.Clone(img.Pix), Stride: img.Stride, Rect: img.Rect})
	along := point{math.Cos(turn * math.Pi / 180), math.Sin(turn * math.Pi / 180)}
	for i := range img.Pix {
		p := point{float64(i%img.Stride) + .5, float64(i/img.Stride) + .5}
		off := high * math.Sin(2*math.Pi*p.dot(along)/length+phase)
		img.Pix[i] = byte(src.at(p.x-off*along.y, p.y+off*along.x) + .5)
	}
	return img
}

// A card that is bent is read, in sizes with one alignment pattern and with many.
func TestCurled(t *testing.T) {
	const side = 400.
	behind := qrdraw.Doorway(960, 720, 5)
	reader := NewReader()
	for _, version := range []int{2, 4, 7, 10, 14} {
		text := strings.Repeat("CURLED ", map[int]int{2: 4, 4: 10, 7: 22, 10: 38, 14: 60}[version])
		code := qrdraw.Draw(text, qrdraw.Options{Version: version})
		module := side / float64(code.Rect.Dx()/8)
		for _, bend := range []float64{1, 2} { // modules
			for _, turn := range []float64{0, 40, 90} {
				img := &image.Gray{Pix: slices.Clone(behind.Pix), Stride: behind.Stride, Rect: behind.Rect}
				qrdraw.Paste(img, code, qrdraw.Square(300, 150, side))
				curled(img, bend*module, 2*side, 1, turn)
				if got, err := reader.Read(imageOf(img), Thorough); string(got) != text {
					t.Errorf("version %d, by %v modules along %v: %q, %v", version, bend, turn, got, err)
				}
			}
		}
	}
}
