package scanner

import "image"

// regions groups blocks into rectangles for the decoder.
type regions struct {
	wanted []bool // blocks and their neighbours, row by row
	stack  []image.Point
	boxes  []image.Rectangle
}

// maxBoxes is the largest number of rectangles; a picture with more is decoded as a whole.
const maxBoxes = 8

// around returns rectangles, in blocks, that contain the marked blocks and their neighbours: a
// code's margin, and parts of a code that happen to look as before. They do not overlap and are
// valid until the next call.
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

// spread also marks the neighbours of marked blocks; false: no block is marked.
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

// fill removes all wanted blocks that are connected to the one at start, and returns the rectangle
// around them.
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

// add adds a rectangle, merged with those that it overlaps.
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
