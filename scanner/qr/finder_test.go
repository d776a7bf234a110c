package qr

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

func TestProportions(t *testing.T) {
	for _, test := range []struct {
		runs [5]int
		want bool
	}{
		{[5]int{1, 1, 3, 1, 1}, true},
		{[5]int{2, 2, 6, 2, 2}, true},
		{[5]int{7, 8, 22, 7, 7}, true},
		{[5]int{2, 5, 6, 5, 2}, true},    // bloom: light runs are wide
		{[5]int{10, 5, 26, 4, 10}, true}, // ink that has run: dark ones are
		{[5]int{4, 4, 4, 4, 4}, false},
		{[5]int{4, 4, 40, 4, 4}, false},
		{[5]int{4, 4, 12, 4, 12}, false},
		{[5]int{4, 1, 12, 9, 4}, false},
		{[5]int{2, 20, 21, 20, 2}, false},
	} {
		if got := proportions(test.runs[0], test.runs[1], test.runs[2], test.runs[3], test.runs[4]); got != test.want {
			t.Errorf("%v: %v", test.runs, got)
		}
	}
}

// tilted draws a code 300 px wide, seen slightly from the side, on grey. It returns the picture and
// four centres, clockwise from the top left. The third, at the bottom right, is where a fourth
// finder pattern would be; a QR code has only three.
func tilted(text string, o qrdraw.Options) (*Image, [4]point) {
	img := image.NewGray(image.Rect(0, 0, 640, 480))
	for i := range img.Pix {
		img.Pix[i] = 128
	}
	code := qrdraw.Draw(text, o)
	quad := [4]image.Point{{150, 80}, {450, 110}, {430, 400}, {130, 380}}
	qrdraw.Paste(img, code, quad)
	qrdraw.Blur(img, .7)
	size := float64(code.Rect.Dx()) / 8
	unit := [4]point{{0, 0}, {size, 0}, {size, size}, {0, size}}
	var to, centres [4]point
	for i, p := range quad {
		to[i] = point{float64(p.X), float64(p.Y)}
	}
	h, _ := mapping(unit, to)
	near, far := 4+3.5, size-4-3.5
	for i, p := range [4]point{{near, near}, {far, near}, {far, far}, {near, far}} {
		centres[i] = h.apply(p.x, p.y)
	}
	return &Image{Pix: img.Pix, Stride: 640, Width: 640, Height: 480}, centres
}

// found is what the finder sees in a picture.
func found(t *testing.T, m *Image) *search {
	t.Helper()
	var b bitmap
	var s search
	if !b.binarize(m, byMean) {
		t.Fatal("picture is too small")
	}
	s.scan(&b, 1, 1, 100)
	s.keepBest(0)
	return &s
}

func TestScan(t *testing.T) {
	for _, inverted := range []bool{false, true} {
		m, centres := tilted(passText, qrdraw.Options{Inverted: inverted})
		s := found(t, m)
		for _, i := range []int{0, 1, 3} {
			seen := false
			for _, p := range s.found {
				seen = seen || p.light == inverted && p.at.distance(centres[i]) < 1 && math.Abs(p.module-300./65) < .8
			}
			if !seen {
				t.Errorf("inverted %v: no pattern at %.1f, but %+v", inverted, centres[i], s.found)
			}
		}
	}
}

// The best triple is the code's, with the corner first and the others clockwise.
func TestTriples(t *testing.T) {
	m, centres := tilted(passText, qrdraw.Options{})
	s := found(t, m)
	all := s.triples(nil, 0)
	best := all[0]
	for _, t := range all {
		if t.cost < best.cost {
			best = t
		}
	}
	for i, at := range map[int]int{0: best.corner, 1: best.right, 3: best.below} {
		if d := s.found[at].at.distance(centres[i]); d > 1 {
			t.Errorf("handle %d is %.1f px off", i, d)
		}
	}
	if fresh := s.triples(nil, len(s.found)); len(fresh) != 0 {
		t.Errorf("%d triples without a fresh pattern", len(fresh))
	}
}

// A sheet full of finder patterns costs no more than others.
func TestKeepBest(t *testing.T) {
	var s search
	for i := range 3 * maxFresh {
		s.add(pattern{at: point{float64(100 * i), 0}, module: 4, seen: i})
	}
	s.keepBest(5)
	if len(s.found) != 5+maxFresh || s.found[4].seen != 4 || s.found[5].seen != 3*maxFresh-1 {
		t.Errorf("%d patterns are left, the best of the fresh ones seen %d times", len(s.found), s.found[5].seen)
	}
}

func TestMapping(t *testing.T) {
	from := [4]point{{3.5, 3.5}, {40, 3.5}, {37, 37}, {3.5, 40}}
	to := [4]point{{100, 120}, {400, 90}, {420, 410}, {80, 380}}
	h, ok := mapping(from, to)
	if !ok {
		t.Fatal("a convex quadrilateral is refused")
	}
	for i, p := range from {
		if d := h.apply(p.x, p.y).distance(to[i]); d > 1e-6 {
			t.Errorf("corner %d is %g px off", i, d)
		}
	}
	to[2] = point{110, 120}
	if _, ok := mapping(from, to); ok {
		t.Error("a quadrilateral with a dent is taken")
	}
}

func TestScanFollowsLessWhereThereIsNoise(t *testing.T) {
	m := Image{Pix: make([]byte, 640*480), Stride: 640, Width: 640, Height: 480}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range m.Pix {
		m.Pix[i] = byte(random.UintN(256))
	}
	var b bitmap
	if !b.binarize(&m, byMean) {
		t.Fatal("not binarized")
	}
	crossings := func(perRow int) (n int) {
		var s search
		s.scan(&b, 1, 1, perRow)
		for _, p := range s.found {
			n += p.seen
		}
		return n
	}
	if few, all := crossings(1), crossings(1000); few == 0 || few > all/4 {
		t.Errorf("%d crossings of patterns with one cut a row, %d with all of them", few, all)
	}
}
