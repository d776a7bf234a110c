package statuslist

import "errors"

// Changes are at random places of a section, so the gaps between them are distributed
// geometrically: a Rice code is then within 4 % of the shortest possible one. zlib takes a quarter
// more.

// maxRice is the largest parameter: with it every gap fits its low bits.
const maxRice = 20

var errGaps = errors.New("the gaps are not the canonical encoding of these changes")

// riceOf is the parameter that makes the gaps shortest, the lowest one of those, and the number of
// bits.
func riceOf(gaps []uint32) (parameter uint, size int) {
	for p := uint(0); p <= maxRice; p++ {
		n := len(gaps) * int(p+1)
		for _, g := range gaps {
			n += int(g >> p)
		}
		if p == 0 || n < size {
			parameter, size = p, n
		}
	}
	return parameter, size
}

// appendRice appends the gaps: of each the part above the parameter's bits as so many ones and a
// zero, then these bits. They fill bytes from the highest bit on; the last byte is filled with
// zeros.
func appendRice(out []byte, gaps []uint32, parameter uint) []byte {
	var pending uint64 // its lowest waiting bits
	waiting := 0
	put := func(value uint64, n int) {
		pending, waiting = pending<<n|value, waiting+n
		for ; waiting >= 8; waiting -= 8 {
			out = append(out, byte(pending>>(waiting-8)))
		}
	}
	for _, g := range gaps {
		for ones := g >> parameter; ; ones -= 32 {
			if ones < 32 {
				put(1<<(ones+1)-2, int(ones)+1)
				break
			}
			put(1<<32-1, 32)
		}
		put(uint64(g)&(1<<parameter-1), int(parameter))
	}
	if waiting > 0 {
		put(0, 8-waiting)
	}
	return out
}

// readRice reads n gaps, which must use all of data.
func readRice(data []byte, n int, parameter uint) ([]uint32, error) {
	end := len(data) * 8
	if parameter > maxRice || n > end {
		return nil, errGaps
	}
	bit := func(at int) uint64 { return uint64(data[at/8] >> (7 - at%8) & 1) }
	gaps := make([]uint32, n)
	at := 0
	for i := range gaps {
		gap := uint64(0)
		for ; at < end && bit(at) == 1; at++ {
			gap++
		}
		if at++; at+int(parameter) > end {
			return nil, errGaps
		}
		for range parameter {
			gap = gap<<1 | bit(at)
			at++
		}
		if gap >= SectionSize {
			return nil, errGaps
		}
		gaps[i] = uint32(gap)
	}
	for ; at < end; at++ {
		if bit(at) == 1 || end-at >= 8 {
			return nil, errGaps
		}
	}
	return gaps, nil
}
