package qr

import (
	"image"
	"strings"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

var passText = "AQ1:" + strings.Repeat("6BFOXN*TS0BI$ZD", 23)[:344]

// shrunk draws a code at so many px to a module, as the mean of what each px covers, with its
// middle moved by parts of one.
func shrunk(text string, px, dx, dy float64) *Image {
	const fine = 10 // px of the drawing to a module
	src := qrdraw.Draw(text, qrdraw.Options{Module: fine})
	scale := fine / px
	n := int(float64(src.Rect.Dx())/scale) + 20
	out := &Image{Pix: make([]byte, n*n), Stride: n, Width: n, Height: n}
	for y := range n {
		for x := range n {
			out.Pix[y*n+x] = mean(src, (float64(x)-10+dx)*scale, (float64(y)-10+dy)*scale, scale)
		}
	}
	return out
}

func mean(src *image.Gray, x, y, size float64) byte {
	sum, n := 0, 0
	for j := int(y + .5); j < int(y+size+.5); j++ {
		for i := int(x + .5); i < int(x+size+.5); i++ {
			v := 255
			if (image.Point{i, j}).In(src.Rect) {
				v = int(src.GrayAt(i, j).Y)
			}
			sum, n = sum+v, n+1
		}
	}
	return byte(sum / max(n, 1))
}

// The smallest code that is read nine times out of ten, wherever its modules lie between the
// pixels.
func TestSmallestCode(t *testing.T) {
	r := NewReader()
	for _, px := range []float64{1.2, 1.4, 1.7, 2} {
		read := 0
		for i := range 20 {
			m := shrunk(passText, px, float64(i)*.37, float64(i)*.61)
			switch text, err := r.Read(m, Thorough); {
			case err == nil && string(text) == passText:
				read++
			case err == nil:
				t.Errorf("%.1f px to a module: read %q", px, text)
			}
		}
		if read < 18 {
			t.Errorf("%.1f px to a module: %d of 20 read", px, read)
		}
	}
}
