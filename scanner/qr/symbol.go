package qr

import (
	"math/bits"

	"github.com/makiuchi-d/gozxing/common/reedsolomon"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// symbol turns a grid of modules into the text. It keeps its buffers.
type symbol struct {
	correct *reedsolomon.ReedSolomonDecoder
	raw     []byte // the codewords as they are in the code
	block   []int  // one block of them, for the correction
	data    []byte // what the correction leaves
	text    []byte
}

// What is refused before the correction is tried, so that garbage costs little and is not read.
const (
	minTiming      = .7 // part of the timing patterns' modules that have their colour
	maxFormatWrong = 3  // bits of the better copy of the format information, of 15: what its code corrects
)

// read decodes the grid as it is or mirrored.
func (s *symbol) read(g *grid, l *layout) ([]byte, bool) {
	if g.right(l.timing) < minTiming {
		return nil, false
	}
	format, wrong := formatOf(g, false)
	mirrored, wrongMirrored := formatOf(g, true)
	if wrongMirrored < wrong {
		g.transpose()
		defer g.transpose()
		format, wrong = mirrored, wrongMirrored
	}
	if wrong > maxFormatWrong {
		return nil, false
	}
	s.codewords(g, l, format&7)
	level, _ := decoder.ErrorCorrectionLevel_ForBits(uint(format >> 3)) // all four are levels
	if !s.blocks(l, level) {
		return nil, false
	}
	text, err := parseSegments(s.text[:0], s.data, (l.size-17)/4)
	s.text = text
	return text, err == nil
}

// formatOf finds the format information (level and mask, five bits) that is nearest to both copies, and in how many of 15 bits the
// copy that is nearer to it differs.
func formatOf(g *grid, mirrored bool) (format, wrong int) {
	first, second := 0, 0
	read := func(word *int, u, v int) {
		if mirrored {
			u, v = v, u
		}
		*word = *word<<1 | g.dark_(u, v)
	}
	n := g.size
	for i := range 15 { // from the highest bit (7.9.1, figure 25)
		switch {
		case i < 6:
			read(&first, i, 8)
		case i == 6:
			read(&first, 7, 8)
		case i == 7:
			read(&first, 8, 8)
		case i == 8:
			read(&first, 8, 7)
		default:
			read(&first, 8, 14-i)
		}
		if i < 7 {
			read(&second, 8, n-1-i)
		} else {
			read(&second, n-15+i, 8)
		}
	}
	best := 31
	for data, word := range formats {
		a, b := bits.OnesCount(uint(word^first)), bits.OnesCount(uint(word^second))
		if a+b < best {
			best, format, wrong = a+b, data, min(a, b)
		}
	}
	return format, wrong
}

// codewords collects the bits and takes the mask off.
func (s *symbol) codewords(g *grid, l *layout, mask int) {
	s.raw = s.raw[:0]
	for i := 0; i+8 <= len(l.order); i += 8 {
		word := 0
		for _, at := range l.order[i : i+8] {
			u, v := at%l.size, at/l.size
			bit := g.dark_(u, v)
			if masked(mask, u, v) {
				bit ^= 1
			}
			word = word<<1 | bit
		}
		s.raw = append(s.raw, byte(word))
	}
}

// blocks corrects the interleaved blocks and joins their data (7.6). The first ones may be a codeword shorter.
func (s *symbol) blocks(l *layout, level decoder.ErrorCorrectionLevel) bool {
	shape := l.version.GetECBlocksForLevel(level)
	count, check := shape.GetNumBlocks(), shape.GetECCodewordsPerBlock()
	short := len(s.raw)/count - check
	longFrom := count - len(s.raw)%count
	s.data = s.data[:0]
	for b := range count {
		s.block = s.block[:0]
		for i := range short {
			s.block = append(s.block, int(s.raw[i*count+b]))
		}
		n := short
		if b >= longFrom {
			s.block = append(s.block, int(s.raw[short*count+b-longFrom]))
			n++
		}
		for i := range check {
			s.block = append(s.block, int(s.raw[len(s.raw)-(check-i)*count+b]))
		}
		if err := s.correct.Decode(s.block, check); err != nil {
			return false
		}
		for _, word := range s.block[:n] {
			s.data = append(s.data, byte(word))
		}
	}
	return true
}
