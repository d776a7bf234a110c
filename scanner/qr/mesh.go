package qr

import "math"

// mesh bends a fit so that it follows a code that is not flat. It has a node every few modules. The
// colour of most modules is not known, but each is dark or light: halfway between two modules there
// is less contrast than in their middles. So the mesh grows from the finder patterns, whose modules
// are known, and each node is sought near the place where its neighbours expect it. They are so
// near that a module is not taken for the one beside it.
type mesh struct {
	at   []int     // modules where the grid's lines are, ascending
	node []bow     // row by row
	sure []float64 // how well dark and light part around each node, up to 1; 0: not placed yet
}

// bow is how a part of a code is off its place, in modules: at its middle, and by how much more
// with each module to the right and down.
type bow struct{ move, right, down point }

func (b *bow) at(u, v float64) point {
	return b.move.plus(b.right.times(u)).plus(b.down.times(v))
}

const (
	nodeStep   = 4  // modules from node to node, about
	nodeReach  = 3  // how many modules around a node are looked at
	nodeMoves  = 2  // times that a node is moved by each step
	minAnchor  = .6 // how sure all three finder patterns must be
	offPenalty = .3 // part of the contrast that a node loses a module away from its expected place
)

// bend places all nodes; false: the finder patterns do not show.
func (m *mesh) bend(t *fit) bool {
	first, last := 3, t.layout.size-4 // the finder patterns' centres
	parts := (last - first + nodeStep/2) / nodeStep
	m.at = m.at[:0]
	for i := range parts + 1 {
		m.at = append(m.at, first+(i*(last-first)+parts/2)/parts)
	}
	n := len(m.at)
	m.node = append(m.node[:0], make([]bow, n*n)...)
	m.sure = append(m.sure[:0], make([]float64, n*n)...)
	for _, corner := range [3]int{0, n - 1, n * (n - 1)} {
		for range 3 {
			m.seek(t, corner, m.node[corner])
		}
		if m.sure[corner] < minAnchor {
			return false
		}
	}
	for i := m.next(); i >= 0; i = m.next() {
		m.seek(t, i, m.expect(i))
	}
	for i := range m.node { // once more, now with neighbours on all sides
		m.seek(t, i, m.expect(i))
	}
	return true
}

// next is the node to be placed next, the one with the most neighbours that are sure; -1: all are
// placed.
func (m *mesh) next() int {
	most, next := 0., -1
	for i := range m.node {
		if m.sure[i] > 0 {
			continue
		}
		sum := 0.
		m.neighbours(i, func(j int, far float64) { sum += m.sure[j] / math.Sqrt(far) })
		if sum > most {
			most, next = sum, i
		}
	}
	return next
}

// neighbours calls f with the up to eight nodes around one that have their place, and the square of
// their distance, in nodes.
func (m *mesh) neighbours(i int, f func(j int, far float64)) {
	n := len(m.at)
	x, y := i%n, i/n
	for v := max(y-1, 0); v <= min(y+1, n-1); v++ {
		for u := max(x-1, 0); u <= min(x+1, n-1); u++ {
			if j := v*n + u; j != i && m.sure[j] > 0 {
				f(j, float64((u-x)*(u-x)+(v-y)*(v-y)))
			}
		}
	}
}

// expect is where a node is by its neighbours, of which sure and near ones count most.
func (m *mesh) expect(i int) bow {
	n := len(m.at)
	var sum bow
	total := 0.
	m.neighbours(i, func(j int, far float64) {
		weight := math.Pow(m.sure[j], 4) / (far + .5)
		b := &m.node[j]
		total += weight
		sum.move = sum.move.plus(b.at(float64(m.at[i%n]-m.at[j%n]), float64(m.at[i/n]-m.at[j/n])).times(weight))
		sum.right, sum.down = sum.right.plus(b.right.times(weight)), sum.down.plus(b.down.times(weight))
	})
	return bow{sum.move.times(1 / total), sum.right.times(1 / total), sum.down.times(1 / total)}
}

// seek places a node where the modules around it have the most contrast, not far from where it is
// expected.
func (m *mesh) seek(t *fit, i int, expected bow) {
	n := len(m.at)
	u, v := m.at[i%n], m.at[i/n]
	at := expected
	best, sure := t.patch(u, v, &at)
	try := func(b bow) {
		contrast, quality := t.patch(u, v, &b)
		off := b.move.minus(expected.move)
		if contrast -= math.Abs(contrast) * offPenalty * off.dot(off); contrast > best {
			best, sure, at = contrast, quality, b
		}
	}
	for step := .4; step >= .1; step /= 2 { // modules
		for range nodeMoves {
			centre := at
			for _, d := range [4]point{{step, 0}, {-step, 0}, {0, step}, {0, -step}} {
				turn := d.times(.075) // at the patch's edge a quarter of the step
				try(bow{centre.move.plus(d), centre.right, centre.down})
				try(bow{centre.move, centre.right.plus(turn), centre.down})
				try(bow{centre.move, centre.right, centre.down.plus(turn)})
			}
			if at == centre {
				break
			}
		}
	}
	m.node[i], m.sure[i] = at, max(sure, .01)
}

// patch is the contrast of the modules around one if they are off their places by b: by how much
// they differ from their mean, in sum. A module that is known to be dark and is lighter than the
// mean counts against it, and the other way round. The quality is a part of the most that there
// can be, which is when all dark modules are alike and all light ones too.
func (t *fit) patch(u, v int, b *bow) (contrast, quality float64) {
	const side = 2*nodeReach + 1
	var greys [side * side]float32
	var colours [side * side]int8
	n, mean := 0, float32(0)
	size := t.layout.size
	for y := max(v-nodeReach, 0); y <= min(v+nodeReach, size-1); y++ {
		for x := max(u-nodeReach, 0); x <= min(u+nodeReach, size-1); x++ {
			off := b.at(float64(x-u), float64(y-v))
			greys[n] = t.view.at(t.place.apply(float64(x)+.5+off.x, float64(y)+.5+off.y))
			colours[n] = t.layout.colour[y*size+x]
			mean += greys[n]
			n++
		}
	}
	mean /= float32(n)
	sum, squares := float32(0), float32(0)
	for i, grey := range greys[:n] {
		off := grey - mean
		squares += off * off
		if known := colours[i]; known != 0 {
			sum += float32(known) * off
		} else {
			sum += max(off, -off)
		}
	}
	return float64(sum), float64(sum) / math.Sqrt(float64(squares)*float64(n)+1)
}

// apply gives where, for the fit, a point is to be looked for.
func (m *mesh) apply(u, v float64) (float64, float64) {
	i, fu := m.cell(u)
	j, fv := m.cell(v)
	n := len(m.at)
	a, b := m.node[j*n+i].move, m.node[j*n+i+1].move
	c, d := m.node[(j+1)*n+i].move, m.node[(j+1)*n+i+1].move
	upper, lower := a.times(1-fu).plus(b.times(fu)), c.times(1-fu).plus(d.times(fu))
	p := upper.times(1 - fv).plus(lower.times(fv))
	return u + p.x, v + p.y
}

// cell is between which lines a coordinate is, and which part of the way; beyond the last line it
// goes on as before.
func (m *mesh) cell(u float64) (int, float64) {
	i := 0
	for i+2 < len(m.at) && u > float64(m.at[i+1])+.5 {
		i++
	}
	from, to := float64(m.at[i])+.5, float64(m.at[i+1])+.5
	return i, (u - from) / (to - from)
}
