package scanner

import "image"

// regions gathers blocks into rectangles that are worth a decoder's call.
type regions struct {
	wanted []bool // blocks and their neighbours, row by row
	stack  []image.Point
	boxes  []image.Rectangle
}

// maxBoxes is how many rectangles there are at most; a picture with more places of interest is looked at as a whole.
const maxBoxes = 8

// around gives rectangles, in blocks, that contain the marked blocks and those around them: a code's margin, and what
// of a code happens to look like what was there before. They do not overlap and are good until the next call.
func (r *regions) around(marked []bool, blocks image.Rectangle) []image.Rectangle {
	r.boxes = r.boxes[:0]
	if !r.spread(marked, blocks) {
		return nil
	}
	for y := range blocks.Max.Y {
		for x := range blocks.Max.X {
			if r.wanted[y*blocks.Max.X+x] {
				r.add(r.fill(image.Pt(x, y), blocks))
			}
		}
	}
	if len(r.boxes) > maxBoxes {
		r.boxes = append(r.boxes[:0], blocks)
	}
	return r.boxes
}

// spread marks the neighbours of marked blocks, too; false: none is marked.
func (r *regions) spread(marked []bool, blocks image.Rectangle) (any bool) {
	if len(r.wanted) != len(marked) {
		r.wanted = make([]bool, len(marked))
	}
	clear(r.wanted)
	w := blocks.Max.X
	for i, m := range marked {
		if !m {
			continue
		}
		any = true
		near := image.Rect(i%w-1, i/w-1, i%w+2, i/w+2).Intersect(blocks)
		for y := near.Min.Y; y < near.Max.Y; y++ {
			for x := near.Min.X; x < near.Max.X; x++ {
				r.wanted[y*w+x] = true
			}
		}
	}
	return any
}

// fill takes all wanted blocks that hang together with the one at start away, and gives the rectangle around them.
func (r *regions) fill(start image.Point, blocks image.Rectangle) image.Rectangle {
	box := image.Rectangle{Min: start, Max: start.Add(image.Pt(1, 1))}
	r.wanted[start.Y*blocks.Max.X+start.X] = false
	r.stack = append(r.stack[:0], start)
	for len(r.stack) > 0 {
		at := r.stack[len(r.stack)-1]
		r.stack = r.stack[:len(r.stack)-1]
		box = box.Union(image.Rectangle{Min: at, Max: at.Add(image.Pt(1, 1))})
		for _, step := range [4]image.Point{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			next := at.Add(step)
			if next.In(blocks) && r.wanted[next.Y*blocks.Max.X+next.X] {
				r.wanted[next.Y*blocks.Max.X+next.X] = false
				r.stack = append(r.stack, next)
			}
		}
	}
	return box
}

// add puts a rectangle with those that it overlaps.
func (r *regions) add(box image.Rectangle) {
	for i := 0; i < len(r.boxes); i++ {
		if r.boxes[i].Overlaps(box) {
			box = box.Union(r.boxes[i])
			r.boxes[i] = r.boxes[len(r.boxes)-1]
			r.boxes = r.boxes[:len(r.boxes)-1]
			i = -1 // it is larger now
		}
	}
	r.boxes = append(r.boxes, box)
}
