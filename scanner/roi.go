package scanner

import (
	"image"
	"slices"
	"time"

	"ashyq-kiosk/scanner/qr"
)

const (
	// fullEvery is how often the whole picture is decoded even if nothing has changed, so that
	// nothing is missed for longer: a change hidden in the noise, or a code that comes into focus.
	fullEvery = time.Second

	// linger is for how many pictures a place stays of interest after its last change: a hand comes
	// to rest before the focus does. It is decoded in the first eager ones, then in one of patient,
	// each time in another way.
	linger  = 90
	eager   = 4
	patient = 8

	// wholeTurn: one of so many pictures with motion is decoded as a whole.
	wholeTurn = 8

	// reread is how long the place of a code is ignored after reading it. It is still the same
	// code; the next hand takes longer to get there.
	reread = 100 * time.Millisecond

	// samples limits the work for one place, see qr.Effort: a few milliseconds.
	samples = 80_000
)

// largePlace, in blocks, is a quarter of 1280x720 px. From there on, decoding in full size costs
// more than finding the code sooner is worth: of 320 drawn pictures of passes, half size alone
// reads 289 and both read 301.
const (
	largePlace = 230
	largeTurn  = 6               // one of so many looks at a large place is in full size
	halfSide   = 480 / blockSize // blocks; narrower places are too small in half size
)

// roi reads codes in the pictures of a video. It decodes the regions that have changed since it
// last decoded them, first the one with the last code, and sometimes the whole picture. A region
// that comes to rest unread is decoded in more ways than a moving one, spread over the next
// pictures.
type roi struct {
	decoder *Decoder
	motion  motion
	regions regions
	crop    qr.Image

	// If cpu is set, budget is the average CPU time for one picture: after a slower picture, the
	// next ones are only compared. cpu also counts what the camera's pictures cost before they come
	// here.
	budget time.Duration
	cpu    func() time.Duration
	spent  time.Duration // by cpu, after the last picture
	debt   time.Duration
	seq    uint64

	hot    []int8    // per block: for how many more pictures to decode it; linger: changed in this one
	marked []bool    // blocks to decode in this picture
	full   time.Time // when a whole picture was last due
	count  uint      // number of pictures
	turns  uint64    // number of decoded pictures
	place  image.Rectangle
	read   time.Time // when a code was last read in place
}

func newROI() *roi { return &roi{decoder: NewDecoder()} }

// limit sets the budget.
func (r *roi) limit(budget time.Duration, cpu func() time.Duration) {
	r.budget, r.cpu, r.spent = budget, cpu, cpu()
}

// next is the number of the next picture worth unpacking: the first one that the budget allows to
// decode, and of a doorway where nothing has changed for some time, every second one.
func (r *roi) next() uint64 {
	next := r.seq + 1
	if !slices.ContainsFunc(r.hot, func(heat int8) bool { return heat > 0 }) {
		next++
	}
	return max(next, r.seq+uint64((r.debt+r.budget-1)/r.budget))
}

// examine returns the bytes of a code in the picture, like Decode; the error is ErrNoCode itself if
// there is nothing to decode, or no time for it.
func (r *roi) examine(f *Frame) (text []byte, err error) {
	if r.cpu == nil {
		return r.search(f)
	}
	r.debt = max(r.debt-time.Duration(f.Seq-r.seq)*r.budget, 0)
	r.seq = f.Seq
	text, err = r.search(f)
	spent := r.cpu()
	r.debt += spent - r.spent
	r.spent = spent
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

// heat records which blocks have changed.
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

// mark returns the blocks to decode.
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

// decode decodes a part of the picture, in blocks.
func (r *roi) decode(f *Frame, box image.Rectangle) ([]byte, error) {
	large := box.Dx()*box.Dy() > largePlace
	if large {
		box = widen(box, r.motion.blocks)
	}
	part := r.pixels(box)
	r.decoder.Effort = r.effort(box, large)
	r.crop = f.Crop(part)
	text, err := r.decoder.Decode(&r.crop)
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

// effort is higher for a small region, and highest for one that has come to rest.
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

// widen makes a large region wide and high enough for half size, within the picture.
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

// pixels converts a rectangle of blocks to pixels.
func (r *roi) pixels(box image.Rectangle) image.Rectangle {
	return image.Rectangle{Min: box.Min.Mul(blockSize), Max: box.Max.Mul(blockSize)}.Intersect(image.Rect(0, 0, r.motion.width, r.motion.height))
}
