package qr

import (
	"math"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

// The colours that layouts know are those that the encoder draws, in every version.
func TestLayoutKnowsTheEncodersColours(t *testing.T) {
	for version := 1; version <= 40; version++ {
		l := newLayout(version)
		img := qrdraw.Draw("A", qrdraw.Options{Version: version, Module: 1, Margin: -1})
		if img.Rect.Dx() != l.size {
			t.Fatalf("version %d: %d modules, drawn with %d", version, l.size, img.Rect.Dx())
		}
		for _, m := range l.known {
			if light := img.GrayAt(int(m.u), int(m.v)).Y > 0; light != (m.weight > 0) {
				t.Errorf("version %d: module %v, %v is light: %v", version, m.u, m.v, light)
			}
		}
		if want := 8 * l.version.GetTotalCodewords(); len(l.order) != want {
			t.Errorf("version %d: %d bits, want %d", version, len(l.order), want)
		}
	}
}

// placed is a code's picture and the view and frame that belong to it.
func placed(t *testing.T, text string, o qrdraw.Options) (w *view, f frame, centres [4]point) {
	t.Helper()
	m, centres := tilted(text, o)
	w = &view{image: m, zoom: 1, inverted: o.Inverted, samples: new(int)}
	at := func(i int) *pattern {
		return &pattern{at: centres[i].plus(point{.6, -.5}), module: 4.4, pitch: [4]float64{4.4, 0, 4.4, 0}}
	}
	f, ok := w.place(at(0), at(1), at(3), false)
	if !ok {
		t.Fatal("patterns cannot be measured")
	}
	return w, f, centres
}

func TestPlace(t *testing.T) {
	for _, inverted := range []bool{false, true} {
		_, f, centres := placed(t, passText, qrdraw.Options{Inverted: inverted})
		if want := float64(57 - 7); math.Abs(f.modules-want) > 1.5 {
			t.Errorf("%.1f modules between the patterns, want %v", f.modules, want)
		}
		for i, p := range map[int]point{0: f.corner, 1: f.right, 3: f.below} {
			if d := p.distance(centres[i]); d > .5 {
				t.Errorf("pattern %d is %.2f px off", i, d)
			}
		}
		if d := f.opposite().distance(centres[2]); d > 3*4.5 {
			t.Errorf("the fourth corner is %.1f px off", d)
		}
	}
}

func TestFit(t *testing.T) {
	w, f, centres := placed(t, passText, qrdraw.Options{})
	l := newLayout(10)
	fit, ok := newFit(w, l, &f)
	if !ok {
		t.Fatal("no fit")
	}
	off := func() float64 { return fit.place.apply(53.5, 53.5).distance(centres[2]) }
	fit.align(4)
	if d := off(); d > 1.5 {
		t.Errorf("by the alignment pattern the fourth corner is %.1f px off", d)
	}
	fit.pixels[0].x += 2.5
	fit.pixels[2].y -= 2
	fit.update()
	before := fit.correlation(l.known)
	fit.refine(.5, .05)
	if c := fit.correlation(l.known); c < .85 || c <= before {
		t.Errorf("refining takes the correlation from %.2f to %.2f", before, c)
	}
	for i, want := range map[int]point{0: centres[0], 1: centres[1], 3: centres[3]} {
		if d := fit.pixels[i].distance(want); d > .7 {
			t.Errorf("handle %d is %.1f px off after refining", i, d)
		}
	}
	if d := off(); d > 1 {
		t.Errorf("the fourth corner is %.1f px off after refining", d)
	}
}

// A fit that is off at one corner is bent back, to a quarter of a module.
func TestMesh(t *testing.T) {
	w, f, _ := placed(t, passText, qrdraw.Options{})
	fit, _ := newFit(w, newLayout(10), &f)
	fit.align(4)
	fit.refine(.5, .05)
	right := fit.place
	fit.pixels[2] = fit.pixels[2].plus(point{3, 2})
	fit.update()
	var m mesh
	if !m.bend(&fit) {
		t.Fatal("the finder patterns do not show")
	}
	for _, p := range []point{{50.5, 50.5}, {28.5, 28.5}, {50.5, 28.5}} {
		if x, y := m.apply(p.x, p.y); fit.place.apply(x, y).distance(right.apply(p.x, p.y)) > 1.6 {
			t.Errorf("module %v is looked for %.1f px off", p, fit.place.apply(x, y).distance(right.apply(p.x, p.y)))
		}
	}
}
