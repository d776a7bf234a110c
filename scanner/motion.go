package scanner

import (
	"encoding/binary"
	"image"
)

// Motion works on means of cells of 8 by 16 px, in units of 1/16 of a grey level. Only the row in a cell's middle is
// read: getting the picture from memory is most of what an empty doorway costs. Cells are gathered in blocks of 4 by 2.
const (
	cellWidth  = 8 // px
	cellHeight = 16
	blockSize  = 32
	unit       = 16 // of a cell's mean, to a grey level
)

// A cell has changed when it differs by more than alarm times the noise and by minChange; a block when two of its cells
// have, or one by triple that. Gaussian noise never does that.
const (
	alarm     = 6
	minChange = 4 * unit
	maxNoise  = 8 * unit
)

// noiseBands are how many ranges of brightness have a noise of their own: on a sensor, light is noisier than dark, and
// black has none.
const noiseBands = 8

// motion tells cheaply where a picture differs from what the decoder last saw there, by more than the sensor's noise and
// a change of exposure. It allocates only when the size of the pictures changes.
type motion struct {
	width, height int // px
	cols, rows    int // cells; what remains at the right and below is left out
	now, before   []uint16
	seen          []uint16 // as it was when the decoder last looked at it, in today's exposure
	noise         [noiseBands]int
	blocks        image.Rectangle // in blocks, from 0, 0
	changed       []bool          // blocks, row by row
}

// look takes a picture's means and fills changed. False: there is nothing to compare it with.
func (m *motion) look(f *Frame) bool {
	if f.Width != m.width || f.Height != m.height {
		m.resize(f.Width, f.Height)
		m.means(f)
		copy(m.seen, m.now)
		return false
	}
	m.now, m.before = m.before, m.now
	m.means(f)
	gain := m.gain()
	if gain != gainUnit {
		for i, v := range m.seen {
			m.seen[i] = uint16(min((int(v)*gain+gainUnit/2)/gainUnit, 255*unit))
		}
	}
	m.learnNoise(gain)
	m.compare()
	return true
}

func (m *motion) resize(w, h int) {
	m.width, m.height = w, h
	m.cols, m.rows = w/cellWidth, h/cellHeight
	cells := make([]uint16, 3*m.cols*m.rows)
	n := m.cols * m.rows
	m.now, m.before, m.seen = cells[:n], cells[n:2*n], cells[2*n:]
	m.blocks = image.Rect(0, 0, (w+blockSize-1)/blockSize, (h+blockSize-1)/blockSize)
	m.changed = make([]bool, m.blocks.Dx()*m.blocks.Dy())
	for i := range m.noise {
		m.noise[i] = unit
	}
}

// means fills now, eight pixels at a time.
func (m *motion) means(f *Frame) {
	for y := range m.rows {
		row := f.Pix[(y*cellHeight+cellHeight/2)*f.Width:][:f.Width]
		out := m.now[y*m.cols:][:m.cols]
		for x := range out {
			const even = 0x00ff00ff00ff00ff
			pixels := binary.LittleEndian.Uint64(row[x*cellWidth:])
			sums := pixels&even + pixels>>8&even // four sums of two pixels
			out[x] = uint16(sums*0x0001000100010001>>48) * (unit / cellWidth)
		}
	}
}

// gainUnit is the gain of a picture as bright as the one before. The gain is looked for between half and one and a half.
const gainUnit = 1024

// sampleStep is how many cells, in reading order, there are to one that gain and noise are estimated from; no divisor
// of any usual number of columns.
const sampleStep = 7

// gain is the brightness of this picture by that of the last one: the median of the cells' ratios, which people who
// walk by do not move.
func (m *motion) gain() int {
	var histogram [gainUnit]uint16
	n := 0
	for i := 0; i < len(m.now); i += sampleStep {
		if before := int(m.before[i]); before >= 16*unit {
			if at := int(m.now[i])*gainUnit/before - gainUnit/2; at >= 0 && at < len(histogram) {
				histogram[at]++
				n++
			}
		}
	}
	if n == 0 {
		return gainUnit
	}
	return gainUnit/2 + median(histogram[:], n)
}

// learnNoise takes the median difference from the last picture for the noise: most of a doorway does not move.
func (m *motion) learnNoise(gain int) {
	const grain = unit / 4 // of the histogram; it ends at 16 levels
	var histograms [noiseBands][64]uint16
	var n [noiseBands]int
	for i := 0; i < len(m.now); i += sampleStep {
		now := int(m.now[i])
		at := distance(now, int(m.before[i])*gain/gainUnit) / grain
		band := now * noiseBands / (256 * unit)
		histograms[band][min(at, 63)]++
		n[band]++
	}
	highest := 0
	for band := range m.noise {
		if n[band] < 20 {
			continue
		}
		now := (2*median(histograms[band][:], n[band]) + 1) * grain * 3 / 4 // the median difference is 0.67 sigma
		// Slowly, for when most of the picture moves for a moment, or a camera gives one picture twice.
		step := m.noise[band]/8 + 1
		m.noise[band] = min(max(now, m.noise[band]-step), m.noise[band]+step, maxNoise)
		highest = max(highest, m.noise[band])
	}
	for band := range m.noise {
		if n[band] < 20 {
			m.noise[band] = highest
		}
	}
}

// median is the place of the middle one of n counts.
func median(histogram []uint16, n int) int {
	sum := 0
	for i, count := range histogram {
		if sum += int(count); 2*sum >= n {
			return i
		}
	}
	return len(histogram) - 1
}

func distance(a, b int) int { return max(a-b, b-a) }

func (m *motion) compare() {
	var limits [noiseBands]int
	for band, noise := range m.noise {
		limits[band] = max(alarm*noise, minChange)
	}
	clear(m.changed)
	for by := range m.blocks.Max.Y {
		for bx := range m.blocks.Max.X {
			m.changed[by*m.blocks.Max.X+bx] = m.compareBlock(bx, by, &limits)
		}
	}
}

func (m *motion) compareBlock(bx, by int, limits *[noiseBands]int) bool {
	const across, down = blockSize / cellWidth, blockSize / cellHeight
	score := 0
	for y := by * down; y < min(by*down+down, m.rows); y++ {
		from, to := y*m.cols+bx*across, y*m.cols+min(bx*across+across, m.cols)
		if from >= to {
			continue
		}
		seen := m.seen[from:to]
		for i, now := range m.now[from:to] {
			limit := limits[int(now)*noiseBands/(256*unit)]
			switch d := distance(int(now), int(seen[i])); {
			case d > 3*limit:
				return true
			case d > limit:
				score++
			}
		}
	}
	return score >= 2
}

// saw notes that the decoder has looked at this part of the picture, in px.
func (m *motion) saw(part image.Rectangle) {
	x0, x1 := part.Min.X/cellWidth, min(part.Max.X/cellWidth, m.cols)
	for y := part.Min.Y / cellHeight; y < min(part.Max.Y/cellHeight, m.rows); y++ {
		copy(m.seen[y*m.cols+x0:y*m.cols+x1], m.now[y*m.cols+x0:y*m.cols+x1])
	}
}
