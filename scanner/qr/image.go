package qr

import (
	"encoding/binary"
	"image"
)

// Image is a grey picture, or a part of one.
type Image struct {
	Pix           []byte // row by row, Stride bytes from the beginning of one to the next; 0 is black
	Stride        int
	Width, Height int // px
}

// GrayImage is that picture, with the same pixels.
func GrayImage(m *image.Gray) Image {
	return Image{Pix: m.Pix, Stride: m.Stride, Width: m.Rect.Dx(), Height: m.Rect.Dy()}
}

// Crop is a part of the picture, with the same pixels. The part must lie in the picture.
func (m *Image) Crop(part image.Rectangle) Image {
	return Image{Pix: m.Pix[part.Min.Y*m.Stride+part.Min.X:], Stride: m.Stride, Width: part.Dx(), Height: part.Dy()}
}

// Row is the pixels of one row.
func (m *Image) Row(y int) []byte { return m.Pix[y*m.Stride:][:m.Width] }

// Valid says whether all the pixels are there.
func (m *Image) Valid() bool {
	return m.Width > 0 && m.Height > 0 && m.Stride >= m.Width && len(m.Pix) >= (m.Height-1)*m.Stride+m.Width
}

// Resize makes room for w*h pixels without padding, in the buffer it has when that is large enough.
func (m *Image) Resize(w, h int) {
	if cap(m.Pix) < w*h {
		m.Pix = make([]byte, w*h)
	}
	m.Pix, m.Stride, m.Width, m.Height = m.Pix[:w*h], w, w, h
}

// halve makes m src at half its width and height, each pixel the average of four.
func (m *Image) halve(src *Image) {
	w, h := src.Width/2, src.Height/2
	m.Resize(w, h)
	for y := range h {
		upper := src.Row(2 * y)
		lower := src.Row(2*y + 1)
		out := m.Pix[y*w:][:w]
		// Eight pixels of each row at a time, as four pairs of 16 bits: four bytes never sum up to
		// more than 10 bits.
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

// double makes m src at twice its width and height, bilinear: new pixels lie a quarter of an old
// one off the old centres.
func (m *Image) double(src *Image) {
	w, h := src.Width, src.Height
	m.Resize(2*w, 2*h)
	for y := range 2 * h {
		near := src.Row(y / 2)
		far := src.Row(min(max(y/2+y%2*2-1, 0), h-1))
		out := m.Pix[y*2*w:][:2*w]
		before := 3*int(near[0]) + int(far[0])
		here := before
		for x := range w {
			next := here
			if x+1 < w {
				next = 3*int(near[x+1]) + int(far[x+1])
			}
			out[2*x] = byte((3*here + before + 8) / 16)
			out[2*x+1] = byte((3*here + next + 8) / 16)
			before, here = here, next
		}
	}
}

// darken makes m src with each pixel as dark as the darkest of the 3x3 around it: bloom eats into
// the dark modules from all sides, and this gives it back.
func (m *Image) darken(src *Image) {
	w, h := src.Width, src.Height
	m.Resize(w, h)
	for y := range h {
		above, here, below := src.Row(max(y-1, 0)), src.Row(y), src.Row(min(y+1, h-1))
		out := m.Pix[y*w:][:w]
		left := min(above[0], here[0], below[0])
		middle := left
		for x := range w {
			right := middle
			if x+1 < w {
				right = min(above[x+1], here[x+1], below[x+1])
			}
			out[x] = min(left, middle, right)
			left, middle = middle, right
		}
	}
}

// smoothen makes m src with each pixel a mean of the 3x3 around it, in which one beside the middle
// counts half as much as it, and one in a corner a quarter.
func (m *Image) smoothen(src *Image) {
	w, h := src.Width, src.Height
	m.Resize(w, h)
	for y := range h {
		above, here, below := src.Row(max(y-1, 0)), src.Row(y), src.Row(min(y+1, h-1))
		out := m.Pix[y*w:][:w]
		column := func(x int) int { return int(above[x]) + 2*int(here[x]) + int(below[x]) }
		left := column(0)
		middle := left
		for x := range w {
			right := middle
			if x+1 < w {
				right = column(x + 1)
			}
			out[x] = byte((left + 2*middle + right + 8) / 16)
			left, middle = middle, right
		}
	}
}

// at is the brightness at a point, bilinear between pixels, whose centres are at halves. Beyond the
// edge it is that of the edge.
func (m *Image) at(x, y float64) float32 {
	x, y = min(max(x-.5, 0), float64(m.Width-1)), min(max(y-.5, 0), float64(m.Height-1))
	ix, iy := int(x), int(y)
	right, below := 1, m.Stride
	if ix+1 >= m.Width {
		right = 0
	}
	if iy+1 >= m.Height {
		below = 0
	}
	fx, fy := float32(x-float64(ix)), float32(y-float64(iy))
	p := m.Pix[iy*m.Stride+ix:]
	upper := float32(p[0]) + fx*(float32(p[right])-float32(p[0]))
	lower := float32(p[below]) + fx*(float32(p[below+right])-float32(p[below]))
	return upper + fy*(lower-upper)
}
