package qr

import (
	"math"
	"math/bits"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// layout is what codes of one version have in common (ISO/IEC 18004:2015, 6.3).
type layout struct {
	version *decoder.Version
	size    int   // modules along a side
	centres []int // of alignment patterns, in modules along both axes; none in version 1
	order   []int // module of each bit of the codewords: v*size + u, u to the right
	known   []mark
	across  []mark // those of the timing pattern in row 6
	down    []mark // and in column 6
	colour  []int8 // of each module, row by row: 1 light, -1 dark, 0 not known
}

// mark is a module whose colour is known, or rather its centre, in modules. Marks of one pattern
// have weights with the sum 0, positive for light ones, so that only contrast counts.
type mark struct {
	u, v   float64
	weight float32
}

func sizeOf(version int) int { return 17 + 4*version }

func newLayout(number int) *layout {
	version, err := decoder.Version_GetVersionForNumber(number)
	if err != nil {
		panic(err) // 1 to 40 are there
	}
	l := &layout{version: version, size: sizeOf(number), centres: version.GetAlignmentPatternCenters()}
	function := make([]bool, l.size*l.size)
	fill := func(u, v, w, h int) {
		for y := v; y < v+h; y++ {
			for x := u; x < u+w; x++ {
				function[y*l.size+x] = true
			}
		}
	}
	n := l.size
	fill(0, 0, 9, 9)
	fill(n-8, 0, 8, 9)
	fill(0, n-8, 9, 8)
	fill(6, 0, 1, n)
	fill(0, 6, n, 1)
	if number >= 7 {
		fill(n-11, 0, 3, 6)
		fill(0, n-11, 6, 3)
	}
	l.finders()
	l.timingRows()
	l.eachAlignment(func(u, v int) {
		fill(u-2, v-2, 5, 5)
		l.known = append(l.known, alignmentMarks(float64(u), float64(v))...)
	})
	l.colour = make([]int8, n*n)
	for _, m := range l.known {
		l.colour[int(m.v)*n+int(m.u)] = int8(math.Copysign(1, float64(m.weight)))
	}
	l.bitOrder(function)
	return l
}

// eachAlignment calls f with the centre module of each alignment pattern.
func (l *layout) eachAlignment(f func(u, v int)) {
	last := len(l.centres) - 1
	for i, v := range l.centres {
		for j, u := range l.centres {
			if (i == 0 || i == last) && (j == 0 || j == last) && (i != last || j != last) {
				continue // there is a finder pattern
			}
			f(u, v)
		}
	}
}

// finderMarks is how many of the marks known come first and are those of the finder patterns.
const finderMarks = 3 * 64

func (l *layout) finders() {
	for _, corner := range [...]struct{ u, v, x, y int }{{0, 0, 0, 0}, {l.size - 7, 0, -1, 0}, {0, l.size - 7, 0, -1}} {
		var marks []mark
		for y := corner.y; y < corner.y+8; y++ { // with the separator, on the inner sides
			for x := corner.x; x < corner.x+8; x++ {
				ring := max(abs(x-3), abs(y-3))
				marks = append(marks, newMark(corner.u+x, corner.v+y, ring == 2 || ring == 4))
			}
		}
		l.known = append(l.known, balanced(marks)...)
	}
}

func (l *layout) timingRows() {
	for i := 8; i < l.size-8; i++ {
		l.across = append(l.across, newMark(i, 6, i%2 == 1))
		l.down = append(l.down, newMark(6, i, i%2 == 1))
	}
	l.across, l.down = balanced(l.across), balanced(l.down)
	l.known = append(append(l.known, l.across...), l.down...)
}

// alignmentMarks are those of a pattern whose middle module is at u, v.
func alignmentMarks(u, v float64) []mark {
	var marks []mark
	for y := -2; y <= 2; y++ {
		for x := -2; x <= 2; x++ {
			m := newMark(x, y, max(abs(x), abs(y)) == 1)
			m.u, m.v = m.u+u, m.v+v
			marks = append(marks, m)
		}
	}
	return balanced(marks)
}

func newMark(u, v int, light bool) mark {
	m := mark{float64(u) + .5, float64(v) + .5, -1}
	if light {
		m.weight = 1
	}
	return m
}

// balanced scales the weights so that light and dark ones have the same sum, and all of them
// len(marks).
func balanced(marks []mark) []mark {
	light := 0
	for _, m := range marks {
		if m.weight > 0 {
			light++
		}
	}
	for i := range marks {
		if marks[i].weight > 0 {
			marks[i].weight = float32(len(marks)) / 2 / float32(light)
		} else {
			marks[i].weight = -float32(len(marks)) / 2 / float32(len(marks)-light)
		}
	}
	return marks
}

// bitOrder winds through the code in pairs of columns, from the right, up and down (7.7.3).
func (l *layout) bitOrder(function []bool) {
	up := true
	for right := l.size - 1; right > 0; right -= 2 {
		if right == 6 { // the timing pattern's column is left out
			right--
		}
		for i := range l.size {
			v := i
			if up {
				v = l.size - 1 - i
			}
			for _, u := range [...]int{right, right - 1} {
				if !function[v*l.size+u] {
					l.order = append(l.order, v*l.size+u)
				}
			}
		}
		up = !up
	}
	l.order = l.order[:8*l.version.GetTotalCodewords()] // the remainder bits mean nothing
}

// formats are the valid words of format information: level and mask in the upper five of fifteen
// bits (7.9.1).
var formats = func() (words [32]int) {
	for data := range words {
		words[data] = bch(data, 10, 0x537) ^ 0x5412
	}
	return words
}()

// bch appends the remainder of n bits for the generator polynomial.
func bch(data, n, generator int) int {
	rest := data << n
	for bits.Len(uint(rest)) > n {
		rest ^= generator << (bits.Len(uint(rest)) - n - 1)
	}
	return data<<n | rest
}

// masked says whether mask turns the module around (7.8.2).
func masked(mask, u, v int) bool {
	switch mask {
	case 0:
		return (u+v)%2 == 0
	case 1:
		return v%2 == 0
	case 2:
		return u%3 == 0
	case 3:
		return (u+v)%3 == 0
	case 4:
		return (v/2+u/3)%2 == 0
	case 5:
		return u*v%2+u*v%3 == 0
	case 6:
		return (u*v%2+u*v%3)%2 == 0
	}
	return (u*v%3+(u+v)%2)%2 == 0
}
