package qr

import (
	"encoding/binary"
	"math/bits"
)

// bitmap is a picture in black (1) and white, 64 pixels to a word, the first one lowest.
type bitmap struct {
	words         []uint64
	stride        int // words to a row
	width, height int

	// The binariser's, in blocks of 8x8 px.
	black []int  // what is darker is black, seen from this block alone
	level []byte // the threshold: black averaged over the blocks around
	low   []byte // the darkest pixel
	high  []byte // the brightest
}

func (b *bitmap) get(x, y int) bool { return b.words[y*b.stride+x>>6]>>(x&63)&1 != 0 }

// changes appends where the colour changes in row y: the first is where the first black run begins.
// The last is the width.
func (b *bitmap) changes(at []int, y int) []int {
	carry := uint64(0)
	for i, w := range b.words[y*b.stride:][:b.stride] {
		t := w ^ (w<<1 | carry)
		carry = w >> 63
		for ; t != 0; t &= t - 1 {
			at = append(at, i*64+bits.TrailingZeros64(t))
		}
	}
	if n := len(at); n > 0 && at[n-1] >= b.width {
		at = at[:n-1]
	}
	return append(at, b.width)
}

const (
	block = 8 // px, in both directions

	// minBlocks is what the averaging needs. Smaller pictures are taken for empty.
	minBlocks = 5

	// minContrast between the brightest and the darkest pixel, in grey levels, tells print from an
	// even surface; faintContrast also tells print that bloom has nearly washed out, and much
	// noise.
	minContrast   = 24
	faintContrast = 8
)

// threshold is a way to part black from white.
type threshold int

const (
	byMean      threshold = iota // the mean of each block with contrast, over 5x5 blocks: follows the light
	byFaintMean                  // the same, with less contrast
	byExtremes                   // halfway from darkest to brightest pixel of 7x7 blocks: ink and paper
)

// binarize fills b with the picture's black pixels; false: the picture is too small.
func (b *bitmap) binarize(m *Image, how threshold) bool {
	w, h := (m.Width+block-1)/block, (m.Height+block-1)/block
	if m.Width < minBlocks*block || m.Height < minBlocks*block {
		return false
	}
	b.resize(m, w*h)
	contrast := minContrast
	if how == byFaintMean {
		contrast = faintContrast
	}
	b.blackPoints(m, w, h, contrast)
	if how == byExtremes {
		b.halfway(w, h)
	} else {
		b.average(w, h)
	}
	for y := range m.Height {
		b.compare(m.Row(y), b.level[y/block*w:][:w], b.words[y*b.stride:][:b.stride])
	}
	return true
}

func (b *bitmap) resize(m *Image, blocks int) {
	b.width, b.height, b.stride = m.Width, m.Height, (m.Width+63)/64
	if n := b.stride * m.Height; cap(b.words) < n {
		b.words = make([]uint64, n)
	}
	b.words = b.words[:b.stride*m.Height]
	if cap(b.black) < blocks {
		b.black, b.level, b.low, b.high = make([]int, blocks), make([]byte, blocks), make([]byte, blocks), make([]byte, blocks)
	}
	b.black, b.level, b.low, b.high = b.black[:blocks], b.level[:blocks], b.low[:blocks], b.high[:blocks]
}

// blackPoints looks at each block. Where it has contrast its mean parts black from white. An even
// one is taken for light, so for much brighter than black, unless its neighbours' black points say
// that it is dark: the inside of a large black area is as black as its edge.
func (b *bitmap) blackPoints(m *Image, w, h, contrast int) {
	for y := range h {
		top := min(y*block, m.Height-block) // the last block is moved inwards where the size is no multiple of 8
		for x := range w {
			left := min(x*block, m.Width-block)
			sum, darkest, brightest := blockStats(m.Pix[top*m.Stride+left:], m.Stride)
			black := sum / (block * block)
			if brightest-darkest <= contrast {
				black = darkest / 2
				if contrast == faintContrast {
					black = max(darkest-faintContrast, 0)
				}
				if x > 0 && y > 0 {
					around := (b.black[(y-1)*w+x] + 2*b.black[y*w+x-1] + b.black[(y-1)*w+x-1]) / 4
					if darkest < around {
						black = around
					}
				}
			}
			b.black[y*w+x], b.low[y*w+x], b.high[y*w+x] = black, byte(darkest), byte(brightest)
		}
	}
}

// Eight pixels are worked on in two registers of four lanes, 16 bits each: those at even places and
// those at odd ones.
const (
	lanes = 0x00ff00ff00ff00ff
	ones  = 0x0001000100010001
	carry = 0x0100010001000100
)

// atLeast has a one in each lane where a >= b; lanes hold 0 to 255.
func atLeast(a, b uint64) uint64 { return ((a | carry) - b) >> 8 & ones }

// blockStats sums up the 8x8 pixels at the beginning of pix and finds the extremes.
func blockStats(pix []byte, stride int) (sum, darkest, brightest int) {
	var total, high uint64
	low := uint64(lanes)
	for y := range block {
		eight := binary.LittleEndian.Uint64(pix[y*stride:])
		even, odd := eight&lanes, eight>>8&lanes
		total += even + odd // at most 16 * 255 in a lane
		swap := (even ^ odd) & (atLeast(even, odd) * 0xff)
		smaller, larger := even^swap, odd^swap
		swap = (low ^ smaller) & (atLeast(low, smaller) * 0xff)
		low ^= swap
		swap = (high ^ larger) & (atLeast(larger, high) * 0xff)
		high ^= swap
	}
	total += total >> 32
	sum = int(total&0xffff + total>>16&0xffff)
	darkest, brightest = 255, 0
	for range 4 {
		darkest, brightest = min(darkest, int(low&0xff)), max(brightest, int(high&0xff))
		low, high = low>>16, high>>16
	}
	return sum, darkest, brightest
}

// average smooths the black points over 5x5 blocks, less at the edges: there the window stays
// inside the picture.
func (b *bitmap) average(w, h int) {
	for y := range h {
		cy := min(max(y, 2), h-3)
		for x := range w {
			cx := min(max(x, 2), w-3)
			sum := 0
			for dy := -2; dy <= 2; dy++ {
				around := b.black[(cy+dy)*w+cx-2:][:5]
				sum += around[0] + around[1] + around[2] + around[3] + around[4]
			}
			b.level[y*w+x] = byte(sum / 25)
		}
	}
}

// halfway takes the middle of the extremes among 7x7 blocks.
func (b *bitmap) halfway(w, h int) {
	const reach = 3
	for y := range h {
		for x := range w {
			low, high := byte(255), byte(0)
			for j := max(y-reach, 0); j <= min(y+reach, h-1); j++ {
				for i := max(x-reach, 0); i <= min(x+reach, w-1); i++ {
					low, high = min(low, b.low[j*w+i]), max(high, b.high[j*w+i])
				}
			}
			b.level[y*w+x] = byte((int(low) + int(high)) / 2)
		}
	}
}

// compare fills one row; level holds the threshold of each eight pixels.
func (b *bitmap) compare(pix, level []byte, row []uint64) {
	for i := range row {
		var word uint64
		for j := i * 8; j < min(i*8+8, len(level)); j++ {
			if j*block+block <= len(pix) {
				word |= blackOfEight(binary.LittleEndian.Uint64(pix[j*block:]), level[j]) << (j % 8 * block)
				continue
			}
			for x := j * block; x < len(pix); x++ {
				if pix[x] <= level[j] {
					word |= 1 << (x % 64)
				}
			}
		}
		row[i] = word
	}
}

// blackOfEight has a bit for each of eight pixels, the first one lowest, that is not brighter than
// the level.
func blackOfEight(eight uint64, level byte) uint64 {
	spread := uint64(level) * ones
	x := atLeast(spread, eight&lanes) | atLeast(spread, eight>>8&lanes)<<1 // bits 0, 1, 16, 17, 32, 33, 48, 49
	x |= x >> 14
	x |= x >> 28
	return x & 0xff
}
