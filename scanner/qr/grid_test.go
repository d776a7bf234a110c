package qr

import (
	"slices"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

func TestDouble(t *testing.T) {
	src, got := &Image{Pix: []byte{0, 160, 80, 240}, Stride: 2, Width: 2, Height: 2}, &Image{}
	got.double(src)
	want := []byte{0, 40, 120, 160, 20, 60, 140, 180, 60, 100, 180, 220, 80, 120, 200, 240}
	if got.Width != 4 || got.Height != 4 || string(got.Pix) != string(want) {
		t.Errorf("%dx%d %v, want %v", got.Width, got.Height, got.Pix, want)
	}
}

func TestDarken(t *testing.T) {
	src, got := &Image{Pix: []byte{9, 9, 9, 9, 9, 9, 9, 2, 9, 9, 9, 9}, Stride: 4, Width: 4, Height: 3}, &Image{}
	got.darken(src)
	if want := []byte{9, 9, 2, 2, 9, 9, 2, 2, 9, 9, 2, 2}; string(got.Pix) != string(want) {
		t.Errorf("%v, want %v", got.Pix, want)
	}
}

func TestAt(t *testing.T) {
	m := &Image{Pix: []byte{0, 100, 50, 200}, Stride: 2, Width: 2, Height: 2}
	for _, test := range []struct {
		x, y float64
		want float32
	}{{.5, .5, 0}, {1.5, .5, 100}, {1, .5, 50}, {1, 1, 87.5}, {0, 0, 0}, {2, 2, 200}, {9, 1.5, 200}, {-3, 1.5, 50}} {
		if got := m.at(test.x, test.y); got != test.want {
			t.Errorf("at %v, %v: %v, want %v", test.x, test.y, got, test.want)
		}
	}
}

// gridOf is a code's modules, dark 0 and light 200, under light that falls off to the right.
func gridOf(text string, o qrdraw.Options) *grid {
	o.Module, o.Margin = 1, -1
	img := qrdraw.Draw(text, o)
	g := &grid{}
	g.resize(img.Rect.Dx())
	for i := range g.grey {
		g.grey[i] = float32(img.Pix[i/g.size*img.Stride+i%g.size])/255*200 + 30
		g.grey[i] *= 1 - .8*float32(i%g.size)/float32(g.size)
	}
	return g
}

func TestGridFollowsTheLight(t *testing.T) {
	g, l := gridOf(passText, qrdraw.Options{}), newLayout(10)
	g.thresholds(6)
	if got := g.right(l.known); got < .97 {
		t.Errorf("%.2f of the known modules have their colour", got)
	}
	var s symbol
	if text, ok := s.read(g, l, false); !ok || string(text) != passText {
		t.Errorf("read %q", text)
	}
}

// Blur between modules that hides a code is taken off.
func TestSharpen(t *testing.T) {
	g, l := gridOf(passText, qrdraw.Options{}), newLayout(10)
	g.thresholds(6)
	for i := range g.grey { // even light
		if g.grey[i] < g.level[i] {
			g.grey[i] = 30
		} else {
			g.grey[i] = 230
		}
	}
	before := slices.Clone(g.grey)
	n := g.size
	for i := n + 1; i < n*n-n-1; i++ {
		g.grey[i] = before[i]*.48 + .13*(before[i-1]+before[i+1]+before[i-n]+before[i+n])
	}
	g.thresholds(6)
	blurred := g.right(l.known)
	g.sharpen(.15)
	g.sharpen(.15)
	g.thresholds(6)
	if sharp := g.right(l.known); sharp <= blurred+.02 {
		t.Errorf("%.3f of the known modules have their colour, blurred %.3f", sharp, blurred)
	}
}

// The format is read from either copy, mirrored or not, with three bits wrong.
func TestFormat(t *testing.T) {
	for level, want := range map[qrdraw.Level]int{qrdraw.L: 1, qrdraw.M: 0, qrdraw.Q: 3, qrdraw.H: 2} {
		g := gridOf("FORMAT", qrdraw.Options{Level: level})
		g.thresholds(6)
		for _, mirrored := range []bool{false, true} {
			if format, wrong := formatOf(g, mirrored); format>>3 != want || wrong != 0 {
				t.Errorf("level %d: format %05b with %d bits wrong", level, format, wrong)
			}
			for u := range 3 { // of the first copy
				g.grey[8*g.size+u] = 2*g.level[8*g.size+u] - g.grey[8*g.size+u]
				g.grey[u*g.size+8] = 2*g.level[u*g.size+8] - g.grey[u*g.size+8]
			}
			if format, wrong := formatOf(g, mirrored); format>>3 != want || wrong != 0 {
				t.Errorf("level %d, first copy damaged: format %05b with %d bits wrong", level, format, wrong)
			}
			for u := range 3 {
				g.grey[8*g.size+u] = 2*g.level[8*g.size+u] - g.grey[8*g.size+u]
				g.grey[u*g.size+8] = 2*g.level[u*g.size+8] - g.grey[u*g.size+8]
			}
			g.transpose()
		}
	}
}

func TestStructuredAppendIsRefusedWithItsReason(t *testing.T) {
	if _, err := parseSegments(nil, packed("0011 0001 0010 11001100 0100 00000001 01000001"), 1); err == nil || err.Error() != "code is a part of a text only: number 2 of 3" {
		t.Errorf("%v", err)
	}
}
