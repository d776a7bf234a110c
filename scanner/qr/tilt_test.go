package qr

import (
	"image"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

// narrowest is the px of the narrowest module of a code in quad, so many modules wide with its
// margin.
func narrowest(quad [4]image.Point, modules float64) float64 {
	var to [4]point
	for i, p := range quad {
		to[i] = point{float64(p.X), float64(p.Y)}
	}
	h, ok := mapping([4]point{{0, 0}, {modules, 0}, {modules, modules}, {0, modules}}, to)
	if !ok {
		return 0
	}
	least := math.Inf(1)
	for _, at := range [4]point{{4, 4}, {modules - 5, 4}, {4, modules - 5}, {modules - 5, modules - 5}} {
		p := h.apply(at.x, at.y)
		right, below := h.apply(at.x+1, at.y).minus(p), h.apply(at.x, at.y+1).minus(p)
		least = min(least, math.Abs(right.cross(below))/max(right.length(), below.length()))
	}
	return least
}

// held is a random code at that angle in front of a near lens, sharp and in even light. No module
// is narrower than 2.2 px.
func held(r *rand.Rand, behind *image.Gray, tilt float64) (*image.Gray, string) {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	for {
		text := make([]byte, 12+r.IntN(40))
		if r.IntN(2) == 0 {
			text = make([]byte, 60+r.IntN(240))
		}
		for i := range text {
			text[i] = letters[r.IntN(len(letters))]
		}
		code := qrdraw.Draw(string(text), qrdraw.Options{Level: qrdraw.Level(r.IntN(2)), Module: 6})
		quad := qrdraw.Held(380+200*r.Float64(), 300+120*r.Float64(), 300+350*r.Float64(), 1.1+1.4*r.Float64(),
			360*r.Float64(), tilt-4+8*r.Float64(), 360*r.Float64())
		inside := true
		for _, p := range quad {
			inside = inside && p.In(behind.Rect)
		}
		if !inside || narrowest(quad, float64(code.Rect.Dx())/6) < 2.2 {
			continue
		}
		img := image.NewGray(behind.Rect)
		copy(img.Pix, behind.Pix)
		qrdraw.Paste(img, code, quad)
		qrdraw.Noise(img, 2, r.Uint64())
		return img, string(text)
	}
}

// A code that is only tilted is read, up to 70 degrees, however its patterns differ in size.
// ASHYQ_TILTED is how many pictures of each angle are drawn.
func TestTilted(t *testing.T) {
	n := 16
	if more, err := strconv.Atoi(os.Getenv("ASHYQ_TILTED")); err == nil {
		n = more
	}
	behind := qrdraw.Doorway(960, 720, 5)
	reader := NewReader()
	for i, tilt := range []float64{35, 45, 55, 63, 70} {
		r := rand.New(rand.NewPCG(14, uint64(i)))
		read, missed := 0, []string(nil)
		for range n {
			img, want := held(r, behind, tilt)
			switch got, err := reader.Read(imageOf(img), Thorough); {
			case err == nil && string(got) == want:
				read++
			case err == nil:
				t.Errorf("at %v degrees: read %q, want %q", tilt, got, want)
			default:
				missed = append(missed, strconv.Itoa(len(want)))
			}
		}
		t.Logf("at %v degrees: %d of %d read; characters of the others: %s", tilt, read, n, strings.Join(missed, " "))
		if 20*read < 19*n {
			t.Errorf("at %v degrees: only %d of %d read", tilt, read, n)
		}
	}
}
