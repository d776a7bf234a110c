package scanner

import "image"

// Mirror draws the newest picture into dst as a mirror shows it, left and right exchanged, shrunk or stretched to fill
// dst and cut where the proportions differ. False, and dst as it was: the camera gives no pictures.
func (s *Scanner) Mirror(dst *image.Gray) bool {
	if dst.Rect.Empty() || s.fault() != nil {
		return false
	}
	return s.latest.view(func(f *Frame) { mirror(dst, f) })
}

func mirror(dst *image.Gray, f *Frame) {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	// The part of the picture that is shown, in its middle: the largest with dst's proportions.
	partW, partH := f.Width, f.Width*h/w
	if partH > f.Height {
		partW, partH = f.Height*w/h, f.Height
	}
	left, top := (f.Width-partW)/2, (f.Height-partH)/2
	for y := range h {
		sy := top + y*partH/h
		upper := f.Pix[sy*f.Width:][:f.Width]
		lower := f.Pix[min(sy+1, f.Height-1)*f.Width:][:f.Width]
		row := dst.Pix[y*dst.Stride:][:w]
		for x := range row {
			// Two by two pixels are enough against flicker, and cost nothing.
			a := left + (w-1-x)*partW/w
			b := min(a+1, f.Width-1)
			row[x] = byte((int(upper[a]) + int(upper[b]) + int(lower[a]) + int(lower[b])) / 4)
		}
	}
}
