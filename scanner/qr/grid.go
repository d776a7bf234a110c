package qr

// grid is the brightness of a code's modules, row by row.
type grid struct {
	size  int
	grey  []float32
	level []float32 // the threshold at each module
	other []float32 // room for a changed copy of grey
	sums  []float64 // integral of whatever is averaged, with a row and a column of zeros in front
	dark  []float64 // integral of those that are dark, and
	count []float64 // how many they are
}

func (g *grid) resize(size int) {
	g.size = size
	if n := (size + 1) * (size + 1); cap(g.grey) < n {
		g.grey, g.level, g.other = make([]float32, n), make([]float32, n), make([]float32, n)
		g.sums, g.dark, g.count = make([]float64, n), make([]float64, n), make([]float64, n)
	}
	n := size * size
	g.grey, g.level, g.other = g.grey[:n], g.level[:n], g.other[:n]
	n = (size + 1) * (size + 1)
	g.sums, g.dark, g.count = g.sums[:n], g.dark[:n], g.count[:n]
}

// sample takes each module's brightness at its centre, where the modules are at most 6 px wide: further points of them are more
// blurred than this one and make no better mean.
func (g *grid) sample(t *fit, bend *mesh) {
	size := t.layout.size
	g.resize(size)
	for v := range size {
		for u := range size {
			x, y := float64(u)+.5, float64(v)+.5
			if bend != nil {
				x, y = bend.apply(x, y)
			}
			g.grey[v*size+u] = t.view.at(t.map_.apply(x, y))
		}
	}
}

// integrate fills an integral of the values, where keep is not nil only of those that it keeps.
func (g *grid) integrate(out []float64, value func(i int) float64) {
	w := g.size + 1
	clear(out[:w])
	for v := range g.size {
		row := 0.
		out[(v+1)*w] = 0
		for u := range g.size {
			row += value(v*g.size + u)
			out[(v+1)*w+u+1] = out[v*w+u+1] + row
		}
	}
}

// around gives the integral's value over the window of that radius around a module, cut off at the code's edge, and its area.
func (g *grid) around(integral []float64, u, v, radius int) (sum, area float64) {
	left, right := max(u-radius, 0), min(u+radius+1, g.size)
	top, bottom := max(v-radius, 0), min(v+radius+1, g.size)
	w := g.size + 1
	return integral[bottom*w+right] - integral[top*w+right] - integral[bottom*w+left] + integral[top*w+left],
		float64((right - left) * (bottom - top))
}

// thresholds sets each module's level to the mean around it; with halfway then to the middle of the mean of the dark ones and that of
// the light ones, which does not depend on how many there are of each.
func (g *grid) thresholds(radius int, halfway bool) {
	g.integrate(g.sums, func(i int) float64 { return float64(g.grey[i]) })
	for v := range g.size {
		for u := range g.size {
			sum, area := g.around(g.sums, u, v, radius)
			g.level[v*g.size+u] = float32(sum / area)
		}
	}
	if !halfway {
		return
	}
	g.integrate(g.dark, func(i int) float64 {
		if g.grey[i] < g.level[i] {
			return float64(g.grey[i])
		}
		return 0
	})
	g.integrate(g.count, func(i int) float64 {
		if g.grey[i] < g.level[i] {
			return 1
		}
		return 0
	})
	for v := range g.size {
		for u := range g.size {
			sum, area := g.around(g.sums, u, v, radius)
			dark, _ := g.around(g.dark, u, v, radius)
			n, _ := g.around(g.count, u, v, radius)
			if n > 0 && n < area {
				g.level[v*g.size+u] = float32((dark/n + (sum-dark)/(area-n)) / 2)
			}
		}
	}
}

// sharpen undoes some of the blur between neighbours: each module moves away from the mean of the four around it.
func (g *grid) sharpen(amount float32) {
	n := g.size
	for v := range n {
		for u := range n {
			i := v*n + u
			left, right, above, below := i, i, i, i
			if u > 0 {
				left--
			}
			if u < n-1 {
				right++
			}
			if v > 0 {
				above -= n
			}
			if v < n-1 {
				below += n
			}
			g.other[i] = g.grey[i] + amount*(4*g.grey[i]-g.grey[left]-g.grey[right]-g.grey[above]-g.grey[below])
		}
	}
	g.grey, g.other = g.other, g.grey
}

// transpose mirrors the code.
func (g *grid) transpose() {
	for v := range g.size {
		for u := range v {
			i, j := v*g.size+u, u*g.size+v
			g.grey[i], g.grey[j] = g.grey[j], g.grey[i]
			g.level[i], g.level[j] = g.level[j], g.level[i]
		}
	}
}

func (g *grid) dark_(u, v int) int {
	if i := v*g.size + u; g.grey[i] < g.level[i] {
		return 1
	}
	return 0
}

// right is the part of the marks, 0 to 1, that have their colour.
func (g *grid) right(marks []mark) float64 {
	n := 0
	for _, m := range marks {
		if (g.dark_(int(m.u), int(m.v)) == 1) == (m.weight < 0) {
			n++
		}
	}
	return float64(n) / float64(len(marks))
}

// timing is that part for the better of the two timing patterns: motion may have wiped out the other one.
func (g *grid) timing(l *layout) float64 { return max(g.right(l.across), g.right(l.down)) }
