package qr

import "math"

// fit lays a code of a known version over the picture. Its four handles are the centres of the
// finder patterns and a fourth point near the opposite corner.
type fit struct {
	view    *view
	layout  *layout
	modules [4]point // the handles, in modules: top left, top right, bottom right, bottom left
	pixels  [4]point // and in px
	place   homography
}

func newFit(w *view, l *layout, f *frame) (fit, bool) {
	n := float64(l.size)
	t := fit{view: w, layout: l}
	t.modules = [4]point{{3.5, 3.5}, {n - 3.5, 3.5}, {n - 3.5, n - 3.5}, {3.5, n - 3.5}}
	t.pixels = [4]point{f.corner, f.right, f.opposite(), f.below}
	if !t.update() {
		return t, false
	}
	if len(l.centres) > 0 { // the last alignment pattern can be seen, so it is the better handle
		t.pixels[2] = t.place.apply(n-6.5, n-6.5)
		t.modules[2] = point{n - 6.5, n - 6.5}
	}
	return t, t.update()
}

func (t *fit) update() (ok bool) {
	t.place, ok = mapping(t.modules, t.pixels)
	return ok
}

// contrast is how far light marks are brighter than dark ones, in grey levels: half the difference
// of their means.
func (t *fit) contrast(marks []mark) float32 {
	sum := float32(0)
	for _, m := range marks {
		sum += m.weight * t.view.at(t.place.apply(m.u, m.v))
	}
	return sum / float32(len(marks))
}

// correlation is the contrast as a part of what it would be if all dark marks were alike and all
// light ones too: 1 for a perfect code, about 0 for anything else.
func (t *fit) correlation(marks []mark) float32 {
	var sum, mean, squares float32
	for _, m := range marks {
		v := t.view.at(t.place.apply(m.u, m.v))
		sum += m.weight * v
		mean += v
		squares += v * v
	}
	n := float32(len(marks))
	variance := squares/n - mean/n*mean/n
	if variance <= 1 {
		return 0
	}
	return sum / n / float32(math.Sqrt(float64(variance)))
}

// align moves the fourth handle to where an alignment pattern shows best, at most reach modules
// away; first by whole modules, then by ever smaller parts.
func (t *fit) align(reach int) {
	n := float64(t.layout.size)
	if len(t.layout.centres) == 0 {
		return
	}
	marks := alignmentTemplate[:]
	best, at := float32(-1e9), point{}
	look := func(du, dv float64) {
		sum := float32(0)
		for _, m := range marks {
			sum += m.weight * t.view.at(t.place.apply(n-7+m.u+du, n-7+m.v+dv))
		}
		if sum > best {
			best, at = sum, point{du, dv}
		}
	}
	for y := -2 * reach; y <= 2*reach; y++ {
		for x := -2 * reach; x <= 2*reach; x++ {
			look(float64(x)/2, float64(y)/2)
		}
	}
	for step := .25; step > .05; step /= 2 {
		centre := at
		for y := -1.; y <= 1; y++ {
			for x := -1.; x <= 1; x++ {
				look(centre.x+x*step, centre.y+y*step)
			}
		}
	}
	before := *t
	t.pixels[2] = t.place.apply(n-6.5+at.x, n-6.5+at.y)
	if !t.update() {
		*t = before
	}
}

var alignmentTemplate = alignmentMarks(0, 0)

// refine moves all handles, one coordinate at a time, to where the known modules show best.
func (t *fit) refine(from, to float64) {
	best := t.contrast(t.layout.known)
	module := t.pixels[0].distance(t.pixels[1]) / (t.modules[1].x - t.modules[0].x)
	for step := from * module; step >= to*module; step /= 2 {
		for range 4 {
			moved := false
			for i := range 8 {
				for _, by := range [2]float64{step, -step} {
					before := *t
					if i%2 == 0 {
						t.pixels[i/2].x += by
					} else {
						t.pixels[i/2].y += by
					}
					if t.update() {
						if c := t.contrast(t.layout.known); c > best {
							best, moved = c, true
							break
						}
					}
					*t = before
				}
			}
			if !moved {
				break
			}
		}
	}
}
