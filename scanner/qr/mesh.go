package qr

// mesh bends a fit so that it meets the alignment patterns, of which a code has a grid from version
// 7 on.
type mesh struct {
	at   []int   // modules where the grid's lines are, ascending
	move []point // by how much, in modules, row by row
}

// bend looks for every alignment pattern around where the fit has it. Where finder patterns are the
// fit is exact.
func (m *mesh) bend(t *fit) {
	m.at = append(m.at[:0], t.layout.centres...)
	n := len(m.at)
	m.move = append(m.move[:0], make([]point, n*n)...)
	for j, v := range m.at {
		for i, u := range m.at {
			corner := (i == 0 || i == n-1) && (j == 0 || j == n-1) && (i != n-1 || j != n-1)
			if !corner {
				m.move[j*n+i] = t.seek(float64(u), float64(v), m.near(i, j))
			}
		}
	}
}

// near is the move of neighbours that are known already.
func (m *mesh) near(i, j int) point {
	n := len(m.at)
	switch {
	case i > 0 && j > 0:
		return m.move[j*n+i-1].plus(m.move[(j-1)*n+i]).times(.5)
	case i > 0:
		return m.move[j*n+i-1]
	case j > 0:
		return m.move[(j-1)*n+i]
	}
	return point{}
}

// seek is by how many modules an alignment pattern is off its place; what it is expected to be when
// nothing better shows.
func (t *fit) seek(u, v float64, expected point) point {
	value := func(d point) float32 {
		sum := float32(0)
		for _, m := range alignmentTemplate {
			sum += m.weight * t.view.at(t.place.apply(u+m.u+d.x, v+m.v+d.y))
		}
		return sum
	}
	at := expected
	best := value(at) * 1.02
	for step := .6; step > .1; step /= 2 {
		centre := at
		for y := -2.; y <= 2; y++ {
			for x := -2.; x <= 2; x++ {
				d := centre.plus(point{x * step, y * step})
				if c := value(d); c > best {
					best, at = c, d
				}
			}
		}
	}
	return at
}

// apply gives where, for the fit, a point is to be looked for.
func (m *mesh) apply(u, v float64) (float64, float64) {
	i, fu := m.cell(u)
	j, fv := m.cell(v)
	n := len(m.at)
	a, b := m.move[j*n+i], m.move[j*n+i+1]
	c, d := m.move[(j+1)*n+i], m.move[(j+1)*n+i+1]
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
