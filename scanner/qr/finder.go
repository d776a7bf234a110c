package qr

import (
	"cmp"
	"math"
	"slices"
)

// pattern is where a finder pattern seems to be.
type pattern struct {
	at     point      // its centre, in px of the picture
	module float64    // px, the mean of along and down
	pitch  [4]float64 // px to a module along row, falling diagonal, column, rising one; 0: unknown
	seen   int        // rows that crossed it
	light  bool       // a light core: the code is inverted
	read   bool       // its code has been read
}

// search collects finder patterns from the binarised forms of one picture.
type search struct {
	found  []pattern
	bounds []int
}

// maxPatterns bounds what a sheet full of finder patterns costs.
const maxPatterns = 1000

// slack is for how many rows that need no following one that needs much may make up.
const slack = 16

// scan looks at every step-th row for the proportions 1:1:3:1:1 and, where it meets them, down,
// across and diagonally too. The bitmap's pixels are scale px of the picture wide. Where more than
// perRow of them in a row, on average, have to be followed, rows are passed over: noise and texture
// are full of them, and a code's patterns are crossed by many rows.
func (s *search) scan(b *bitmap, step int, scale float64, perRow int) {
	checks := -slack * perRow
	for y := step / 2; y < b.height; y += step {
		if checks -= perRow; checks > 0 {
			continue
		}
		checks = max(checks, -slack*perRow)
		s.bounds = b.changes(s.bounds[:0], y)
		at := s.bounds
		for i := 0; i+5 < len(at); i++ {
			if !proportions(at[i+1]-at[i], at[i+2]-at[i+1], at[i+3]-at[i+2], at[i+4]-at[i+3], at[i+5]-at[i+4]) {
				continue
			}
			checks++
			if p, ok := b.check((at[i+2]+at[i+3])/2, y, at[i+5]-at[i], i%2 == 0); ok {
				p.at, p.module = p.at.times(scale), p.module*scale
				for i := range p.pitch {
					p.pitch[i] *= scale
				}
				s.add(p)
			}
		}
	}
}

// proportions says whether five runs may be a cut through a finder pattern. Bloom and blur widen
// the light runs or the dark ones, so those of a colour are compared with each other first.
func proportions(a, b, c, d, e int) bool {
	if c < b || c < d { // most runs are refused here
		return false
	}
	outer, inner := a+c+e, b+d // five modules, two modules
	if 2*outer >= 3*5*inner || 5*inner >= 3*2*outer {
		return false
	}
	tolerance := outer/2 + 2
	return abs(5*a-outer) <= tolerance && abs(5*e-outer) <= tolerance && abs(5*c-3*outer) <= outer+2 &&
		abs(b-d) <= inner/2+1
}

func abs(v int) int { return max(v, -v) }

// check follows a cut of a row, n px wide around x, y, in the other directions.
func (b *bitmap) check(x, y, n int, black bool) (pattern, bool) {
	vertical, cy, ok := b.cut(x, y, 0, 1, 2*n, black)
	if !ok || vertical > steepest*n || n > steepest*vertical {
		return pattern{}, false
	}
	horizontal, cx, ok := b.cut(x, int(cy), 1, 0, 2*n, black)
	if !ok {
		return pattern{}, false
	}
	falling, _, ok1 := b.cut(int(cx), int(cy), 1, 1, 2*n, black)
	rising, _, ok2 := b.cut(int(cx), int(cy), 1, -1, 2*n, black)
	if !ok1 && !ok2 {
		return pattern{}, false
	}
	p := pattern{at: point{cx, cy}, module: float64(horizontal+vertical) / 14, seen: 1, light: !black}
	p.pitch = [4]float64{float64(horizontal) / 7, float64(falling) / 7 * math.Sqrt2, float64(vertical) / 7, float64(rising) / 7 * math.Sqrt2}
	return p, true
}

// steepest is how many times as wide as high a pattern seen from the side may be, or as high as
// wide.
const steepest = 5

// along is how many px a module has at least in direction d, of length 1. A pattern is convex, so
// between two known directions it reaches at least as far as the line from one to the other. Where
// its long axis lies between them it may reach half as far again.
func (p *pattern) along(d point) float64 {
	x, y := math.Abs(d.x), math.Abs(d.y)
	diagonal := p.pitch[1]
	if d.x*d.y < 0 {
		diagonal = p.pitch[3]
	}
	switch {
	case diagonal == 0:
		return 1 / (x/p.pitch[0] + y/p.pitch[2])
	case x > y:
		return 1 / ((x-y)/p.pitch[0] + y*math.Sqrt2/diagonal)
	}
	return 1 / ((y-x)/p.pitch[2] + x*math.Sqrt2/diagonal)
}

// cut measures the five runs along a line through x, y, which is in the middle one, in steps of dx,
// dy. It gives their sum and where, on the axis that the line moves along (x when it is diagonal),
// the middle run has its middle.
func (b *bitmap) cut(x, y, dx, dy, longest int, black bool) (sum int, middle float64, ok bool) {
	if b.get(x, y) != black {
		return 0, 0, false
	}
	forth, ok := b.arm(x, y, dx, dy, longest, black)
	if !ok {
		return 0, 0, false
	}
	back, ok := b.arm(x, y, -dx, -dy, longest, black)
	if !ok {
		return 0, 0, false
	}
	core := forth[0] + back[0] - 1
	if !proportions(back[2], back[1], core, forth[1], forth[2]) {
		return 0, 0, false
	}
	middle = float64(x) + .5
	if dx == 0 {
		middle = float64(y) + .5
	}
	middle += float64(forth[0]-back[0]) / 2
	return core + forth[1] + forth[2] + back[1] + back[2], middle, true
}

// arm counts the pixels of three runs from x, y on.
func (b *bitmap) arm(x, y, dx, dy, longest int, black bool) (runs [3]int, ok bool) {
	for i := range runs {
		colour := black != (i == 1)
		for ; x >= 0 && y >= 0 && x < b.width && y < b.height && b.get(x, y) == colour; x, y = x+dx, y+dy {
			if runs[i]++; runs[i] > longest {
				return runs, false
			}
		}
		if runs[i] == 0 {
			return runs, false
		}
	}
	return runs, true
}

// add joins what is seen to a pattern nearby.
func (s *search) add(p pattern) {
	for i := range s.found {
		q := &s.found[i]
		if reach := 1.5 * q.module; q.light != p.light || math.Abs(q.at.x-p.at.x) > reach || math.Abs(q.at.y-p.at.y) > reach ||
			p.module > 1.7*q.module || q.module > 1.7*p.module {
			continue
		}
		n := float64(min(q.seen, 30))
		q.at = q.at.times(n).plus(p.at).times(1 / (n + 1))
		q.module = (n*q.module + p.module) / (n + 1)
		for i, px := range p.pitch {
			if q.pitch[i] == 0 {
				q.pitch[i] = px
			} else if px > 0 {
				q.pitch[i] = (n*q.pitch[i] + px) / (n + 1)
			}
		}
		q.seen++
		return
	}
	if len(s.found) < maxPatterns {
		s.found = append(s.found, p)
	}
}

// maxFresh is how many patterns of one look are combined with each other.
const maxFresh = 24

// keepBest leaves, of the patterns from index fresh on, those that most rows have crossed: chance
// makes few rows agree.
func (s *search) keepBest(fresh int) {
	slices.SortFunc(s.found[fresh:], func(p, q pattern) int { return cmp.Compare(q.seen, p.seen) })
	s.found = s.found[:min(len(s.found), fresh+maxFresh)]
}

// triple is three patterns that may belong to one code: its corners top left, top right and bottom
// left, unless it is mirrored.
type triple struct {
	corner, right, below int // indices of patterns
	cost                 float64
}

// triples gives the plausible threes with at least one of the patterns from index fresh on, best
// first.
func (s *search) triples(out []triple, fresh int) []triple {
	n := len(s.found)
	for i := range n {
		for j := i + 1; j < n; j++ {
			if !similar(&s.found[i], &s.found[j]) {
				continue
			}
			for k := max(j+1, fresh); k < n; k++ {
				if !similar(&s.found[i], &s.found[k]) || !similar(&s.found[j], &s.found[k]) {
					continue
				}
				for _, t := range [3][3]int{{i, j, k}, {j, k, i}, {k, i, j}} {
					if t, ok := s.triple(t[0], t[1], t[2]); ok {
						out = append(out, t)
					}
				}
			}
		}
	}
	return out
}

// similar says whether two patterns are of one code by their colour, size and distance: 14 to 170
// modules, and some more for perspective.
func similar(p, q *pattern) bool {
	if p.light != q.light {
		return false
	}
	n, nearer := p.modulesTo(q)
	return nearer < maxNearer && n > 9 && n < 300
}

// maxNearer is how many times as large as another one of its code a pattern may be along their
// line.
const maxNearer = 4

// modulesTo is how many modules lie between two patterns, and how many times as large as the other
// one the nearer one is. Perspective leaves one thing along a line: the distance is the number of
// modules times the geometric mean of their sizes at both ends.
func (p *pattern) modulesTo(q *pattern) (n, nearer float64) {
	line := q.at.minus(p.at)
	length := line.length()
	d := line.times(1 / length)
	a, b := p.along(d), q.along(d)
	return length / math.Sqrt(a*b), max(a/b, b/a)
}

// triple makes pattern i the corner and puts the others in the order of a code that is not
// mirrored. Seen from the side any of the three may be opposite to the longest one, so all are
// tried where the angle is not too flat.
func (s *search) triple(i, j, k int) (triple, bool) {
	p, q, o := &s.found[i], &s.found[j], &s.found[k]
	right, below := q.at.minus(p.at), o.at.minus(p.at)
	if right.cross(below) < 0 {
		j, k, right, below = k, j, below, right
	}
	r, l := right.length(), below.length()
	ratio := max(r/l, l/r)
	cosine := math.Abs(right.dot(below)) / (r * l)
	across, nearRight := p.modulesTo(&s.found[j])
	down, nearBelow := p.modulesTo(&s.found[k])
	uneven := max(across/down, down/across)
	if ratio > 5 || cosine > .95 || uneven > 2 {
		return triple{}, false
	}
	cost := (ratio - 1) + 2*cosine + 2*(uneven-1) + (max(nearRight, nearBelow) - 1) + 3/float64(min(p.seen, q.seen, o.seen))
	return triple{i, j, k, cost}, true
}
