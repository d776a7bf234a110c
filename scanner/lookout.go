package scanner

import (
	"image"
	"time"

	"ashyq-kiosk/scanner/qr"
)

const (
	// fullEvery is how often the whole picture is looked at although nothing has changed, so that nothing is missed
	// for longer: a code whose change hid in the noise, one that only now comes into focus.
	fullEvery = time.Second

	// linger is for how many pictures a place stays of interest after it last changed: a hand comes to rest before the
	// focus. It is looked at in the first few of them, and then in one of so many, in yet another way.
	linger  = 90
	eager   = 4
	patient = 8

	// wholeTurn: of so many pictures that something moves in, one is looked at as a whole.
	wholeTurn = 8

	// reread is how long the place of a code is left alone after reading it. The code is the same; the next one's hand
	// takes longer than that to get there.
	reread = 100 * time.Millisecond

	// samples bounds the work for one place, see qr.Effort: a few milliseconds.
	samples = 80_000
)

// largePlace is from how many blocks on, a quarter of 1280x720 px, a look in full size costs more than the code that it
// finds sooner is worth: of 320 drawn pictures of passes, half the size alone reads 289 and both read 301.
const (
	largePlace = 230
	largeTurn  = 6               // of so many looks at a large place, one is in full size
	halfSide   = 480 / blockSize // blocks; the reader has no use for half the size of what is narrower
)

// lookout reads codes in the pictures of a video. It decodes what has changed since it last looked there, first where
// it last read a code, and the whole picture now and then. A place that comes to rest unread is looked at in more ways
// than one that moves, spread over the next pictures.
type lookout struct {
	decoder *Decoder
	gate    gate
	regions regions
	crop    qr.Image

	// Where there is a clock of CPU time, budget is what one picture may take on average: after a picture that took
	// longer, the next ones are only compared.
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

func newLookout() *lookout { return &lookout{decoder: NewDecoder()} }

// examine gives the bytes of a code in the picture, as Decode does; the error is ErrNoCode itself when there is nothing
// worth decoding, or no time for it.
func (l *lookout) examine(f *Frame) (text []byte, err error) {
	if l.cpu == nil {
		return l.search(f)
	}
	began := l.cpu()
	l.debt = max(l.debt-time.Duration(f.Seq-l.seq)*l.budget, 0)
	l.seq = f.Seq
	text, err = l.search(f)
	l.debt += l.cpu() - began
	return text, err
}

func (l *lookout) search(f *Frame) ([]byte, error) {
	known := l.gate.look(f)
	l.heat()
	l.count++
	if l.debt > 0 {
		return nil, ErrNoCode
	}
	if since := f.Taken.Sub(l.full); !known || since >= fullEvery || since < 0 {
		l.full = f.Taken
		l.turns++
		return l.decode(f, l.gate.blocks)
	}
	boxes := l.regions.around(l.mark(f.Taken), l.gate.blocks)
	if len(boxes) == 0 {
		return nil, ErrNoCode
	}
	if l.turns++; l.turns%wholeTurn == 0 {
		return l.decode(f, l.gate.blocks)
	}
	for i, box := range boxes {
		if l.pixels(box).Overlaps(l.place) {
			boxes[0], boxes[i] = box, boxes[0]
		}
	}
	for _, box := range boxes {
		if text, err := l.decode(f, box); err == nil {
			return text, nil
		}
	}
	return nil, ErrNoCode
}

// heat notes which blocks have changed.
func (l *lookout) heat() {
	if len(l.hot) != len(l.gate.changed) {
		l.hot, l.marked = make([]int8, len(l.gate.changed)), make([]bool, len(l.gate.changed))
	}
	for i, changed := range l.gate.changed {
		if changed {
			l.hot[i] = linger
		} else if l.hot[i] > 0 {
			l.hot[i]--
		}
	}
}

// mark gives the blocks to look at.
func (l *lookout) mark(now time.Time) []bool {
	w := l.gate.blocks.Max.X
	since := now.Sub(l.read)
	resting := since >= 0 && since < reread
	from := int8(linger - eager) // how hot a block must be
	if l.count%patient == 0 {
		from = 0
	}
	for i, heat := range l.hot {
		l.marked[i] = heat > from && !(resting && image.Pt(i%w, i/w).Mul(blockSize).In(l.place))
	}
	return l.marked
}

// decode looks at a part of the picture, in blocks.
func (l *lookout) decode(f *Frame, box image.Rectangle) ([]byte, error) {
	large := box.Dx()*box.Dy() > largePlace
	if large {
		box = widen(box, l.gate.blocks)
	}
	part := l.pixels(box)
	l.decoder.Effort = l.effort(box, large)
	l.crop = f.Crop(part)
	text, err := l.decoder.Decode(&l.crop)
	l.gate.saw(part)
	if err != nil {
		return nil, err
	}
	l.place, l.read = part, f.Taken
	w := l.gate.blocks.Max.X
	for y := box.Min.Y; y < box.Max.Y; y++ {
		clear(l.hot[y*w+box.Min.X : y*w+box.Max.X])
	}
	return text, nil
}

// effort is more for a place that is small, and most for one that has come to rest.
func (l *lookout) effort(box image.Rectangle, large bool) qr.Effort {
	e := qr.Effort{Looks: 2, Samples: samples}
	if large && min(box.Dx(), box.Dy()) >= halfSide && l.turns%largeTurn != 0 {
		e.Looks = 1
	}
	if !large && !l.moving(box) {
		e.Looks = 4
		if l.count%patient == 0 {
			e.Looks = 5
		}
	}
	return e
}

// widen makes a large place wide and high enough to be looked at in half size, as far as the picture goes.
func widen(box, all image.Rectangle) image.Rectangle {
	if more := halfSide - box.Dx(); more > 0 {
		box.Min.X, box.Max.X = max(box.Min.X-more, 0), box.Max.X+max(more-box.Min.X, 0)
	}
	if more := halfSide - box.Dy(); more > 0 {
		box.Min.Y, box.Max.Y = max(box.Min.Y-more, 0), box.Max.Y+max(more-box.Min.Y, 0)
	}
	return box.Intersect(all)
}

func (l *lookout) moving(box image.Rectangle) bool {
	w := l.gate.blocks.Max.X
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if l.hot[y*w+x] == linger {
				return true
			}
		}
	}
	return false
}

// pixels is the part of the picture that a rectangle of blocks covers.
func (l *lookout) pixels(box image.Rectangle) image.Rectangle {
	return image.Rectangle{Min: box.Min.Mul(blockSize), Max: box.Max.Mul(blockSize)}.Intersect(image.Rect(0, 0, l.gate.width, l.gate.height))
}
