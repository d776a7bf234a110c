package scanner

import (
	"image"
	"time"

	"ashyq-kiosk/scanner/qr"
)

const (
	// fullEvery is how often the whole picture is looked at although nothing has changed, so that
	// nothing is missed for longer: a code whose change hid in the noise, one that only now comes
	// into focus.
	fullEvery = time.Second

	// linger is for how many pictures a place stays of interest after it last changed: a hand comes
	// to rest before the focus. It is looked at in the first few of them, and then in one of so
	// many, in yet another way.
	linger  = 90
	eager   = 4
	patient = 8

	// wholeTurn: of so many pictures that something moves in, one is looked at as a whole.
	wholeTurn = 8

	// reread is how long the place of a code is left alone after reading it. The code is the same;
	// the next one's hand takes longer than that to get there.
	reread = 100 * time.Millisecond

	// samples bounds the work for one place, see qr.Effort: a few milliseconds.
	samples = 80_000
)

// largePlace is from how many blocks on, a quarter of 1280x720 px, a look in full size costs more
// than the code that it finds sooner is worth: of 320 drawn pictures of passes, half the size alone
// reads 289 and both read 301.
const (
	largePlace = 230
	largeTurn  = 6               // of so many looks at a large place, one is in full size
	halfSide   = 480 / blockSize // blocks; the reader has no use for half the size of what is narrower
)

// roi reads codes in the regions of interest of a video's pictures. It decodes what has changed
// since it last looked there, first where it last read a code, and the whole picture now and then.
// A place that comes to rest unread is looked at in more ways than one that moves, spread over the
// next pictures.
type roi struct {
	decoder *Decoder
	motion  motion
	regions regions
	crop    Frame

	// Where there is a clock of CPU time, budget is what one picture may take on average: after a
	// picture that took longer, the next ones are only compared.
	budget time.Duration
	cpu    func() time.Duration
	debt   time.Duration
	seq    uint64

	hot    []int8    // blocks: for how many more pictures they are looked at; linger: changed in this one
	marked []bool    // those of them to look at in this picture
	full   time.Time // when the last whole picture was looked at in any case
	count  uint      // of pictures
	turns  uint64    // counts pictures in which something was given to the decoder
	place  image.Rectangle
	read   time.Time // when a code was last read, in place
}

func newROI() *roi { return &roi{decoder: NewDecoder()} }

// examine gives the bytes of a code in the picture, as Decode does; the error is ErrNoCode itself
// when there is nothing worth decoding, or no time for it.
func (r *roi) examine(f *Frame) (text []byte, err error) {
	if r.cpu == nil {
		return r.search(f)
	}
	began := r.cpu()
	r.debt = max(r.debt-time.Duration(f.Seq-r.seq)*r.budget, 0)
	r.seq = f.Seq
	text, err = r.search(f)
	r.debt += r.cpu() - began
	return text, err
}

func (r *roi) search(f *Frame) ([]byte, error) {
	known := r.motion.look(f)
	r.heat()
	r.count++
	if r.debt > 0 {
		return nil, ErrNoCode
	}
	if since := f.Taken.Sub(r.full); !known || since >= fullEvery || since < 0 {
		r.full = f.Taken
		r.turns++
		return r.decode(f, r.motion.blocks)
	}
	boxes := r.regions.around(r.mark(f.Taken), r.motion.blocks)
	if len(boxes) == 0 {
		return nil, ErrNoCode
	}
	if r.turns++; r.turns%wholeTurn == 0 {
		return r.decode(f, r.motion.blocks)
	}
	for i, box := range boxes {
		if r.pixels(box).Overlaps(r.place) {
			boxes[0], boxes[i] = box, boxes[0]
		}
	}
	for _, box := range boxes {
		if text, err := r.decode(f, box); err == nil {
			return text, nil
		}
	}
	return nil, ErrNoCode
}

// heat notes which blocks have changed.
func (r *roi) heat() {
	if len(r.hot) != len(r.motion.changed) {
		r.hot, r.marked = make([]int8, len(r.motion.changed)), make([]bool, len(r.motion.changed))
	}
	for i, changed := range r.motion.changed {
		if changed {
			r.hot[i] = linger
		} else if r.hot[i] > 0 {
			r.hot[i]--
		}
	}
}

// mark gives the blocks to look at.
func (r *roi) mark(now time.Time) []bool {
	w := r.motion.blocks.Max.X
	since := now.Sub(r.read)
	resting := since >= 0 && since < reread
	from := int8(linger - eager) // how hot a block must be
	if r.count%patient == 0 {
		from = 0
	}
	for i, heat := range r.hot {
		r.marked[i] = heat > from && !(resting && image.Pt(i%w, i/w).Mul(blockSize).In(r.place))
	}
	return r.marked
}

// decode looks at a part of the picture, in blocks.
func (r *roi) decode(f *Frame, box image.Rectangle) ([]byte, error) {
	large := box.Dx()*box.Dy() > largePlace
	if large {
		box = widen(box, r.motion.blocks)
	}
	part := r.pixels(box)
	r.decoder.Effort = r.effort(box, large)
	text, err := r.decoder.Decode(r.cut(f, part))
	r.motion.saw(part)
	if err != nil {
		return nil, err
	}
	r.place, r.read = part, f.Taken
	w := r.motion.blocks.Max.X
	for y := box.Min.Y; y < box.Max.Y; y++ {
		clear(r.hot[y*w+box.Min.X : y*w+box.Max.X])
	}
	return text, nil
}

// effort is more for a place that is small, and most for one that has come to rest.
func (r *roi) effort(box image.Rectangle, large bool) qr.Effort {
	e := qr.Effort{Looks: 2, Samples: samples}
	if large && min(box.Dx(), box.Dy()) >= halfSide && r.turns%largeTurn != 0 {
		e.Looks = 1
	}
	if !large && !r.moving(box) {
		e.Looks = 4
		if r.count%patient == 0 {
			e.Looks = 5
		}
	}
	return e
}

// widen makes a large place wide and high enough to be looked at in half size, as far as the
// picture goes.
func widen(box, all image.Rectangle) image.Rectangle {
	if more := halfSide - box.Dx(); more > 0 {
		box.Min.X, box.Max.X = max(box.Min.X-more, 0), box.Max.X+max(more-box.Min.X, 0)
	}
	if more := halfSide - box.Dy(); more > 0 {
		box.Min.Y, box.Max.Y = max(box.Min.Y-more, 0), box.Max.Y+max(more-box.Min.Y, 0)
	}
	return box.Intersect(all)
}

func (r *roi) moving(box image.Rectangle) bool {
	w := r.motion.blocks.Max.X
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if r.hot[y*w+x] == linger {
				return true
			}
		}
	}
	return false
}

// pixels is the part of the picture that a rectangle of blocks covers.
func (r *roi) pixels(box image.Rectangle) image.Rectangle {
	return image.Rectangle{Min: box.Min.Mul(blockSize), Max: box.Max.Mul(blockSize)}.Intersect(image.Rect(0, 0, r.motion.width, r.motion.height))
}

// cut is a part of a picture as a picture of its own.
func (r *roi) cut(f *Frame, part image.Rectangle) *Frame {
	if part.Dx() == f.Width && part.Dy() == f.Height {
		return f
	}
	r.crop.resize(part.Dx(), part.Dy())
	for y := range part.Dy() {
		copy(r.crop.Pix[y*part.Dx():][:part.Dx()], f.Pix[(part.Min.Y+y)*f.Width+part.Min.X:])
	}
	return &r.crop
}
