package qr

// grid is the brightness of a code's modules, row by row.
type grid struct {
	size  int
	grey  []float32
	level []float32 // the threshold at each module
	other []float32 // room for a changed copy of grey
	sums  []float64 // integral of grey, with a row and a column of zeros in front
}

func (g *grid) resize(size int) {
	g.size = size
	if n := (size + 1) * (size + 1); cap(g.grey) < n {
		g.grey, g.level, g.other = make([]float32, n), make([]float32, n), make([]float32, n)
		g.sums = make([]float64, n)
	}
	n := size * size
	g.grey, g.level, g.other = g.grey[:n], g.level[:n], g.other[:n]
	g.sums = g.sums[:(size+1)*(size+1)]
}

// sample takes each module's brightness at its centre, where the modules are at most 10 px wide:
// further points of them are more blurred than this one and make no better mean.
func (g *grid) sample(t *fit, bend *mesh) {
	size := t.layout.size
	g.resize(size)
	for v := range size {
		for u := range size {
			x, y := float64(u)+.5, float64(v)+.5
			if bend != nil {
				x, y = bend.apply(x, y)
			}
			g.grey[v*size+u] = t.view.at(t.place.apply(x, y))
		}
	}
}

// integrate fills the integral of the brightness.
func (g *grid) integrate() {
	w := g.size + 1
	clear(g.sums[:w])
	for v := range g.size {
		row := 0.
		g.sums[(v+1)*w] = 0
		for u := range g.size {
			row += float64(g.grey[v*g.size+u])
			g.sums[(v+1)*w+u+1] = g.sums[v*w+u+1] + row
		}
	}
}

// mean is that of the window of that radius around a module, cut off at the code's edge.
func (g *grid) mean(u, v, radius int) float32 {
	left, right := max(u-radius, 0), min(u+radius+1, g.size)
	top, bottom := max(v-radius, 0), min(v+radius+1, g.size)
	w := g.size + 1
	sum := g.sums[bottom*w+right] - g.sums[top*w+right] - g.sums[bottom*w+left] + g.sums[top*w+left]
	return float32(sum / float64((right-left)*(bottom-top)))
}

// thresholds sets each module's level to the mean of those around it.
func (g *grid) thresholds(radius int) {
	g.integrate()
	for v := range g.size {
		for u := range g.size {
			g.level[v*g.size+u] = g.mean(u, v, radius)
		}
	}
}

// sharpen undoes some of the blur between neighbours: each module moves away from the mean of the
// four around it.
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

// dark is 1 for a dark module, 0 for a light one.
func (g *grid) dark(u, v int) int {
	if i := v*g.size + u; g.grey[i] < g.level[i] {
		return 1
	}
	return 0
}

// right is the part of the marks, 0 to 1, that have their colour.
func (g *grid) right(marks []mark) float64 {
	n := 0
	for _, m := range marks {
		if (g.dark(int(m.u), int(m.v)) == 1) == (m.weight < 0) {
			n++
		}
	}
	return float64(n) / float64(len(marks))
}

// timing is that part for the better of the two timing patterns: motion may have wiped out the
// other one.
func (g *grid) timing(l *layout) float64 { return max(g.right(l.across), g.right(l.down)) }
