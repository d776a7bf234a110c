package qr

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/makiuchi-d/gozxing"

	"ashyq-kiosk/scanner/qrdraw"
)

// Both must see the same black pixels. The sizes are multiples of 8: elsewhere gozxing marks the
// last pixels twice.
func TestBitmapSeesWhatGozxingSees(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var b bitmap
	for _, size := range [][2]int{{40, 40}, {64, 48}, {200, 88}, {640, 360}, {1280, 720}} {
		f := doorway(size[0], size[1], 7)
		patches(f, r)
		src, err := gozxing.NewPlanarYUVLuminanceSource(f.Pix, f.Width, f.Height, 0, 0, f.Width, f.Height, false)
		if err != nil {
			t.Fatal(err)
		}
		want, err := gozxing.NewHybridBinarizer(src).GetBlackMatrix()
		if err != nil {
			t.Fatal(err)
		}
		if !b.binarize(f, byMean) {
			t.Fatalf("%v: too small", size)
		}
		for y := range f.Height {
			for x := range f.Width {
				if b.get(x, y) != want.Get(x, y) {
					t.Fatalf("%dx%d: pixel %d, %d of brightness %d: black is %v, gozxing says %v",
						f.Width, f.Height, x, y, f.Pix[y*f.Width+x], b.get(x, y), want.Get(x, y))
				}
			}
		}
	}
}

// patches puts even areas, noise and extremes where a doorway has none.
func patches(f *Image, r *rand.Rand) {
	for range 30 {
		x, y := r.IntN(f.Width-16), r.IntN(f.Height-16)
		w, h := 1+r.IntN(f.Width-x), 1+r.IntN(f.Height-y)
		level, spread := r.IntN(256), 1+r.IntN(60)
		for j := y; j < y+min(h, 90); j++ {
			for i := x; i < x+min(w, 90); i++ {
				f.Pix[j*f.Width+i] = byte(min(level+r.IntN(spread), 255))
			}
		}
	}
	f.Pix[0], f.Pix[len(f.Pix)-1] = 0, 255
}

// Sizes that are no multiple of anything, and those too small to hold a code.
func TestBitmapOddSizes(t *testing.T) {
	var b bitmap
	for w := 39; w < 75; w++ {
		f := doorway(w, 41, 3)
		ok := b.binarize(f, byMean)
		if ok != (w >= 40) {
			t.Errorf("%d px wide: %v", w, ok)
		}
		for i, p := range f.Pix {
			x, y := i%w, i/w
			if level := levelAt(&b, x, y, w); ok && b.get(x, y) != (p <= level) {
				t.Fatalf("%d px wide: pixel %d, %d is %d, the level %d, and black is %v", w, x, y, p, level, b.get(x, y))
			}
		}
	}
}

// levelAt is the threshold at a pixel of a picture that is w px wide.
func levelAt(b *bitmap, x, y, w int) byte {
	if b.level == nil {
		return 0
	}
	return b.level[y/block*((w+block-1)/block)+x/block]
}

func TestHalve(t *testing.T) {
	for _, w := range []int{1, 2, 3, 7, 8, 9, 16, 31, 250} {
		f := doorway(w, 6, 5)
		if w > 8 {
			copy(f.Pix, bytes.Repeat([]byte{255}, 8)) // the sum with the most carries
		}
		var got Image
		got.halve(f)
		if got.Width != w/2 || got.Height != 3 {
			t.Fatalf("%d px wide: %dx%d", w, got.Width, got.Height)
		}
		for i, p := range got.Pix {
			x, y := 2*(i%got.Width), 2*(i/got.Width)
			sum := 2
			for _, at := range []int{y*w + x, y*w + x + 1, (y+1)*w + x, (y+1)*w + x + 1} {
				sum += int(f.Pix[at])
			}
			if int(p) != sum/4 {
				t.Fatalf("%d px wide: pixel %d is %d, want %d", w, i, p, sum/4)
			}
		}
	}
}

// doorway is an empty entrance as a frame.
func doorway(w, h int, seed uint64) *Image {
	return &Image{Pix: qrdraw.Doorway(w, h, seed).Pix, Stride: w, Width: w, Height: h}
}
