package scanner

import "encoding/binary"

// halve makes dst src at half its width and height, each pixel the average of four.
func halve(dst, src *Frame) {
	w, h := src.Width/2, src.Height/2
	dst.resize(w, h)
	for y := range h {
		upper := src.Pix[2*y*src.Width:][:src.Width]
		lower := src.Pix[(2*y+1)*src.Width:][:src.Width]
		out := dst.Pix[y*w:][:w]
		// Eight pixels of each row at a time, as four pairs of 16 bits: four bytes never sum up to more than 10 bits.
		const even = 0x00ff00ff00ff00ff
		x := 0
		for ; x+4 <= w; x += 4 {
			a := binary.LittleEndian.Uint64(upper[2*x:])
			b := binary.LittleEndian.Uint64(lower[2*x:])
			sum := (a & even) + (a >> 8 & even) + (b & even) + (b >> 8 & even)
			sum = (sum + 0x0002000200020002) >> 2 & even
			sum |= sum >> 8
			out[x], out[x+1] = byte(sum), byte(sum>>8)
			out[x+2], out[x+3] = byte(sum>>32), byte(sum>>40)
		}
		for ; x < w; x++ {
			out[x] = byte((int(upper[2*x]) + int(upper[2*x+1]) + int(lower[2*x]) + int(lower[2*x+1]) + 2) / 4)
		}
	}
}
