package scanner

import "image"

// Mirror draws the newest picture into dst as a mirror shows it, with left and right exchanged,
// scaled to fill dst and cropped if the proportions differ. It returns false and leaves dst
// unchanged if the camera gives no pictures.
func (s *Scanner) Mirror(dst *image.Gray) bool {
	if dst.Rect.Empty() || s.fault() != nil {
		return false
	}
	return s.latest.view(func(f *Frame) { mirror(dst, f) })
}

func mirror(dst *image.Gray, f *Frame) {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	// The visible part, in the middle of the picture: the largest with dst's proportions.
	partW, partH := f.Width, f.Width*h/w
	if partH > f.Height {
		partW, partH = f.Height*w/h, f.Height
	}
	left, top := (f.Width-partW)/2, (f.Height-partH)/2
	for y := range h {
		sy := top + y*partH/h
		upper := f.Row(sy)
		lower := f.Row(min(sy+1, f.Height-1))
		row := dst.Pix[y*dst.Stride:][:w]
		for x := range row {
			// Two by two pixels are enough against flicker and cost almost nothing.
			a := left + (w-1-x)*partW/w
			b := min(a+1, f.Width-1)
			row[x] = byte((int(upper[a]) + int(upper[b]) + int(lower[a]) + int(lower[b])) / 4)
		}
	}
}
