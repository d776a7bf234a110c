package qr

import (
	"cmp"
	"errors"
	"math/bits"
	"slices"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// symbol turns a grid of modules into the text. It keeps its buffers.
type symbol struct {
	raw   []byte    // the codewords as they are in the code
	sure  []float32 // how sure each is: the least of its bits' distances from their thresholds
	from  []int     // one block, as indices of raw
	block []byte    // and as codewords
	order []int     // indices of from, the least sure first
	data  []byte    // what the correction leaves
	text  []byte

	refused error // why a code that was read well gave no text
}

// What is refused before the correction is tried, so that garbage costs little and is not read.
const (
	minTiming      = .75 // part of the better timing pattern's modules that have their colour
	maxFormatWrong = 3   // bits of the better copy of the format information, of 15: what its code corrects
)

// read decodes the grid as it is or mirrored; with erase, codewords may be given up as if they were
// not there.
func (s *symbol) read(g *grid, l *layout, erase bool) ([]byte, bool) {
	if g.timing(l) < minTiming {
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
	if !s.blocks(l, level, erase) {
		return nil, false
	}
	text, err := parseSegments(s.text[:0], s.data, (l.size-17)/4)
	s.text = text
	if errors.Is(err, errPart) {
		s.refused = err
	}
	return text, err == nil
}

// formatOf finds the format information (level and mask, five bits) that is nearest to both copies,
// and in how many of 15 bits the copy that is nearer to it differs.
func formatOf(g *grid, mirrored bool) (format, wrong int) {
	first, second := 0, 0
	read := func(word *int, u, v int) {
		if mirrored {
			u, v = v, u
		}
		*word = *word<<1 | g.dark(u, v)
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
	s.raw, s.sure = s.raw[:0], s.sure[:0]
	for i := 0; i+8 <= len(l.order); i += 8 {
		word, sure := 0, float32(256)
		for _, at := range l.order[i : i+8] {
			u, v := at%l.size, at/l.size
			bit := g.dark(u, v)
			if masked(mask, u, v) {
				bit ^= 1
			}
			word = word<<1 | bit
			sure = min(sure, max(g.grey[at]-g.level[at], g.level[at]-g.grey[at]))
		}
		s.raw, s.sure = append(s.raw, byte(word)), append(s.sure, sure)
	}
}

// blocks corrects the interleaved blocks and joins their data (7.6). The first ones may be a
// codeword shorter.
func (s *symbol) blocks(l *layout, level decoder.ErrorCorrectionLevel, erase bool) bool {
	shape := l.version.GetECBlocksForLevel(level)
	count, check := shape.GetNumBlocks(), shape.GetECCodewordsPerBlock()
	short := len(s.raw)/count - check
	longFrom := count - len(s.raw)%count
	s.data = s.data[:0]
	for b := range count {
		s.from = s.from[:0]
		for i := range short {
			s.from = append(s.from, i*count+b)
		}
		n := short
		if b >= longFrom {
			s.from = append(s.from, short*count+b-longFrom)
			n++
		}
		for i := range check {
			s.from = append(s.from, len(s.raw)-(check-i)*count+b)
		}
		if !s.repair(check, erase, spare(l, check)) {
			return false
		}
		s.data = append(s.data, s.block[:n]...)
	}
	return true
}

// spare is how many check codewords the smallest codes keep to tell a misreading (table 9, p).
func spare(l *layout, check int) int {
	switch version := (l.size - 17) / 4; {
	case version == 1 && check == 7:
		return 3
	case version == 1 && check == 10 || version == 2 && check == 10:
		return 2
	case version == 1, version == 3 && check == 15:
		return 1
	}
	return 0
}

// repair corrects one block; with erase, in spite of more errors, by not trusting those that are
// the least sure: more and more of them, but leaving two check codewords as a proof.
func (s *symbol) repair(check int, erase bool, spare int) bool {
	s.load()
	if correct(s.block, check, nil, spare) {
		return true
	}
	if !erase {
		return false
	}
	s.order = s.order[:0]
	for i := range s.from {
		s.order = append(s.order, i)
	}
	slices.SortFunc(s.order, func(a, b int) int { return cmp.Compare(s.sure[s.from[a]], s.sure[s.from[b]]) })
	for n := 2; n <= check-max(spare, 2); n += max(2, check/8) {
		s.load()
		if correct(s.block, check, s.order[:n], max(spare, 2)) {
			return true
		}
	}
	return false
}

// load fills block with the codewords as they were read.
func (s *symbol) load() {
	s.block = s.block[:0]
	for _, at := range s.from {
		s.block = append(s.block, s.raw[at])
	}
}
