package qr

import "math"

// view looks at a code in the picture, in px of the picture, at the size that suits its modules;
// dark is always the code's dark, also when it is inverted. It counts what it costs.
type view struct {
	image    *Image
	zoom     float64 // px of image to a px of the picture
	inverted bool
	samples  *int // taken so far
}

func (w *view) at(p point) float32 {
	*w.samples++
	x, y := p.x*w.zoom, p.y*w.zoom
	if !(x >= 0 && y >= 0 && x <= float64(w.image.Width) && y <= float64(w.image.Height)) { // nor a number, perhaps
		return 255 // as if there were a margin: some pictures end where the code does
	}
	v := w.image.at(x, y)
	if w.inverted {
		return 255 - v
	}
	return v
}

// profileSteps is how many points to a module a finder pattern is followed in.
const profileSteps = 8

// reach follows a finder pattern from its centre c in direction d, of length 1, and gives where
// dark and light change, in px; module is how many px a module has about. The threshold is halfway
// between the core and the light ring.
func (w *view) reach(c, d point, module float64) (t [3]float64, ok bool) {
	const steps = profileSteps
	var profile [6 * steps]float32
	for i := range profile {
		profile[i] = w.at(c.plus(d.times(float64(i) * module / steps)))
	}
	dark, light := profile[0], float32(0)
	for _, v := range profile[:steps] {
		dark = min(dark, v)
	}
	for _, v := range profile[steps : 3*steps] {
		light = max(light, v)
	}
	if light-dark < 8 {
		return t, false
	}
	if t, ok = edges(&profile, module/steps, (dark+light)/2, (dark+light)/2); ok {
		return t, true
	}
	// Bloom leaves of the dark ring, which is thinner than the core, only a grey.
	ring := light
	for _, v := range profile[3*steps/2 : 4*steps] {
		ring = min(ring, v)
	}
	if light-ring < 8 {
		return t, false
	}
	return edges(&profile, module/steps, (dark+light)/2, (ring+light)/2)
}

// edges finds where a profile from a finder pattern's centre, in steps of step px, gets lighter
// than core, then darker than ring and lighter again.
func edges(profile *[6 * profileSteps]float32, step float64, core, ring float32) (t [3]float64, ok bool) {
	found := 0
	for i := 1; i < len(profile) && found < 3; i++ {
		half := core
		if found > 0 {
			half = ring
		}
		before, here := profile[i-1], profile[i]
		if (here >= half) == (before >= half) || (here >= half) != (found%2 == 0) {
			continue
		}
		t[found] = (float64(i-1) + float64((half-before)/(here-before))) * step
		found++
	}
	return t, found == 3
}

// pitch measures a finder pattern along a line through its centre. It gives the px to a module in
// this direction and the centre, moved along the line to the middle of the edges. Bloom moves all
// edges alike, towards light or dark: with the shift for a second unknown, least squares over edges
// at 1.5, 2.5 and 3.5 modules are (2 t1 + 10 t2 + 8 t3) / 56.
func (w *view) pitch(c, d point, module float64) (px float64, centre point, ok bool) {
	forth, ok1 := w.reach(c, d, module)
	back, ok2 := w.reach(c, d.times(-1), module)
	if !ok1 || !ok2 {
		return 0, c, false
	}
	px = (2*(forth[0]+back[0]) + 10*(forth[1]+back[1]) + 8*(forth[2]+back[2])) / 112
	shift := (forth[0] - back[0] + forth[1] - back[1] + forth[2] - back[2]) / 6
	return px, c.plus(d.times(shift)), true
}

// frame is a code's place: the centres of its finder patterns (top left, top right, bottom left)
// and how much nearer the first is than the others: across the code the px to a module change by
// (1+right)^2 and (1+below)^2.
type frame struct {
	corner, right, below point
	nearRight, nearBelow float64
	modules              float64 // between the patterns' centres, as measured
}

// place measures the three patterns along the lines between them. It needs a first guess of their
// modules' widths: halfway between each one's own and the mean of all. With alike it is the mean,
// for when a pattern's own width was measured badly.
func (w *view) place(a, b, c *pattern, alike bool) (f frame, ok bool) {
	mean := (a.module + b.module + c.module) / 3
	guess := func(p *pattern, d point) float64 {
		if alike {
			return mean
		}
		return (p.along(d) + mean) / 2
	}
	f = frame{corner: a.at, right: b.at, below: c.at}
	for range 2 { // the second time from better centres
		ab, ac := f.right.minus(f.corner), f.below.minus(f.corner)
		du, dv := ab.times(1/ab.length()), ac.times(1/ac.length())
		au, centre, ok1 := w.pitch(f.corner, du, guess(a, du))
		av, corner, ok2 := w.pitch(centre, dv, guess(a, dv))
		bu, centre, ok3 := w.pitch(f.right, du, guess(b, du))
		bv, right, ok4 := w.pitch(centre, dv, guess(b, dv))
		cv, centre, ok5 := w.pitch(f.below, dv, guess(c, dv))
		cu, below, ok6 := w.pitch(centre, du, guess(c, du))
		au, bu = either(au, ok1, bu, ok3, cu, ok6)
		av, cv = either(av, ok2, cv, ok5, bv, ok4)
		if au == 0 && av == 0 {
			return f, false
		}
		if au == 0 { // motion blur hides one direction
			au = ab.length() / ac.length() * math.Sqrt(av*cv)
			bu = au
		}
		if av == 0 {
			av = ac.length() / ab.length() * math.Sqrt(au*bu)
			cv = av
		}
		f.corner, f.right, f.below = corner, right, below
		f.nearRight, f.nearBelow = nearness(au, bu), nearness(av, cv)
		nu, nv := ab.length()/math.Sqrt(au*bu), ac.length()/math.Sqrt(av*cv)
		if nu > 1.6*nv || nv > 1.6*nu {
			return f, false
		}
		f.modules = (nu + nv) / 2
	}
	return f, true
}

// either gives both ends' pitch, replacing what could not be measured by what could.
func either(first float64, ok1 bool, second float64, ok2 bool, third float64, ok3 bool) (a, b float64) {
	switch {
	case ok1 && ok2:
		return first, second
	case ok1:
		return first, first
	case ok2:
		return second, second
	case ok3:
		return third, third
	}
	return 0, 0
}

// nearness is the change from pitch a to pitch b as in frame.
func nearness(a, b float64) float64 { return min(max(math.Sqrt(a/b), .6), 1.6) - 1 }

// opposite is where the fourth corner, n modules from the others both ways, must be.
func (f *frame) opposite() point {
	r, b := 1+f.nearRight, 1+f.nearBelow
	w := r + b - 1
	return f.right.times(r / w).plus(f.below.times(b / w)).minus(f.corner.times(1 / w))
}
