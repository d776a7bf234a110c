package qr

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrNoCode says that no code was read.
var ErrNoCode = errors.New("no QR code")

// Effort bounds the work for one picture.
type Effort struct {
	Looks   int // how many of the ways to look at the picture are tried, see looks; 0: all
	Samples int // points of brightness that may be taken, some 30 ns each; each way to look has an eighth of them
}

var (
	Quick    = Effort{Looks: 2, Samples: 400_000}   // for each frame of a video
	Thorough = Effort{Looks: 0, Samples: 8_000_000} // for a single picture
)

// look is one way to look at the picture.
type look struct {
	size int // 0: as it is, 1: half, -1: double
	how  threshold
	with filter
}

// filter is what is done to the picture before it is looked at.
type filter int

const (
	nothing  filter = iota
	darken          // dark pixels are spread out, against bloom
	smoothen        // against noise and moiré
)

var looks = []look{
	{size: 1, how: byMean},
	{size: 0, how: byMean},
	{size: 1, how: byExtremes},
	{size: 0, how: byFaintMean, with: darken},
	{size: 0, how: byExtremes},
	{size: 1, how: byFaintMean, with: darken},
	{size: -1, how: byMean},
	{size: -1, how: byExtremes},
	{size: 0, how: byExtremes, with: smoothen},
	{size: 0, how: byMean, with: smoothen},
}

// shares is into how many parts an effort is divided; each look has one.
const shares = 8

// Reader reads QR codes. It keeps its buffers, so each goroutine needs one of its own.
type Reader struct {
	picture *Image
	levels  [4]Image // 0: the picture, 1: half, 2: a quarter; 3: double
	changed Image    // one of them after a filter
	has     [4]bool
	bits    bitmap
	search  search
	triples []triple
	layouts [41]*layout
	grid    grid
	mesh    mesh
	symbol  symbol
	view    view
	fits    []scored
	samples int // taken so far in this picture
	enough  int // when so many are taken, this look ends
	budget  int
}

// NewReader makes a Reader.
func NewReader() *Reader {
	return &Reader{}
}

// Read gives the bytes of a code in the picture exactly as they are encoded; they are good until
// the next call. Any error wraps ErrNoCode and says why, when a code was there but cannot be used
// alone.
func (r *Reader) Read(picture *Image, effort Effort) (text []byte, err error) {
	err = ErrNoCode
	r.Each(picture, effort, func(found []byte) bool {
		text, err = found, nil
		return false
	})
	if err != nil && r.symbol.refused != nil {
		err = fmt.Errorf("%w: %w", err, r.symbol.refused)
	}
	return text, err
}

// Each calls found with the bytes of one code after the other, good until it returns, until it
// returns false. The picture is looked at in one way after the other only until a code is found:
// all that show in that way are read, and no finder pattern twice.
func (r *Reader) Each(picture *Image, effort Effort, found func(text []byte) bool) {
	r.picture, r.has = picture, [4]bool{}
	r.search.found = r.search.found[:0]
	r.samples, r.budget = 0, effort.Samples
	r.symbol.refused = nil
	steps := looks
	if effort.Looks > 0 {
		steps = looks[:effort.Looks]
	}
	for _, step := range steps {
		if r.look(step, found) {
			return
		}
	}
}

// level is the picture at another size.
func (r *Reader) level(size int) *Image {
	if size == 0 {
		return r.picture
	}
	i := (size + 4) % 4
	m := &r.levels[i]
	if !r.has[i] {
		switch size {
		case -1:
			m.double(r.picture)
		default:
			m.halve(r.level(size - 1))
		}
		r.has[i] = true
	}
	return m
}

// minHalf is the shorter side, in px, from which on a code in half the picture's size can still
// have two pixels per module.
const minHalf = 240

// another is how many points may be taken for the next code in a picture after one has been read.
const another = 30_000

// samplesPerCheck: for so many points of an effort, one cut of each row through what may be a
// finder pattern is followed. In twice as many, 3 of 20 noisy pictures of passes are lost at the
// daemon's effort; without a bound a picture of noise takes 37 ms of it, not 7.
const samplesPerCheck = 5_000

// look says whether it has found anything.
func (r *Reader) look(how look, found func(text []byte) bool) (any bool) {
	side := min(r.picture.Width, r.picture.Height)
	if how.size > 0 && side < minHalf<<how.size || how.size < 0 && r.picture.Width*r.picture.Height > 2<<20 {
		return false
	}
	image := r.level(how.size)
	switch how.with {
	case darken:
		r.changed.darken(image)
		image = &r.changed
	case smoothen:
		r.changed.smoothen(image)
		image = &r.changed
		r.search.found = r.search.found[:0] // what was seen through the noise is measured anew
	}
	if !r.bits.binarize(image, how.how) {
		return false
	}
	before := len(r.search.found)
	r.enough = r.samples + r.budget/shares
	r.search.scan(&r.bits, 1, math.Pow(2, float64(how.size)), max(r.budget/samplesPerCheck, 1))
	r.search.keepBest(before)
	r.triples = r.search.triples(r.triples[:0], before)
	slices.SortFunc(r.triples, func(a, b triple) int { return cmp.Compare(a.cost, b.cost) })
	for i := range 2 * len(r.triples) { // once more, with other guesses, what stays unread
		if r.samples > r.enough {
			break
		}
		t := r.triples[i%len(r.triples)]
		a, b, c := &r.search.found[t.corner], &r.search.found[t.right], &r.search.found[t.below]
		if a.read || b.read || c.read {
			continue
		}
		if text, ok := r.triple(a, b, c, how, i >= len(r.triples)); ok {
			any, a.read, b.read, c.read = true, true, true, true
			if !found(text) {
				break
			}
			r.enough = r.samples + another
		}
	}
	return any
}

// From how many px to a module on half the size is looked at: to measure a code, and to bend a fit,
// for which a module must not be as even as to look the same wherever in it one looks.
const (
	comfortable = 10
	plain       = 5
)

func (r *Reader) triple(a, b, c *pattern, how look, alike bool) ([]byte, bool) {
	r.view = view{image: &r.changed, zoom: math.Pow(.5, float64(how.size)), inverted: a.light, samples: &r.samples}
	if how.with == nothing {
		r.scale((a.module+b.module+c.module)/3, comfortable)
	}
	f, ok := r.view.place(a, b, c, alike)
	if !ok {
		return nil, false
	}
	r.versions(&f)
	for i := range r.fits {
		if text, ok := r.decode(&r.fits[i].fit); ok {
			return text, true
		}
	}
	return nil, false
}

// scale lets the view look at the size in which modules of so many px have fewer than most.
func (r *Reader) scale(module, most float64) {
	size := 0
	for ; size < 2 && module >= most; module /= 2 {
		size++
	}
	r.view.image, r.view.zoom = r.level(size), math.Pow(.5, float64(size))
}

// scored is a fit and how well the timing patterns show where it has them.
type scored struct {
	fit   fit
	score float32
}

// Correlations from which on it is worth to look closer: of the finder patterns as first measured,
// of the better timing pattern, and of all known modules when the fourth handle has been found.
const (
	minFinders    = .4
	minTimingSeen = .25
	minKnown      = .35
)

// maxVersions is how many versions are tried for a triple.
const maxVersions = 2

// versions fills r.fits with those whose timing patterns show best.
func (r *Reader) versions(f *frame) {
	r.fits = r.fits[:0]
	guess := int(math.Round((f.modules + 7 - 17) / 4))
	spread := 1 + guess/8
	for v := max(guess-spread, 1); v <= min(guess+spread, 40); v++ {
		t, ok := newFit(&r.view, r.layout(v), f)
		if !ok || t.correlation(t.layout.known[:finderMarks]) < minFinders {
			continue
		}
		across, down := t.correlation(t.layout.across), t.correlation(t.layout.down)
		if max(across, down) > minTimingSeen {
			r.fits = append(r.fits, scored{t, max(across, 0) + max(down, 0)})
		}
	}
	slices.SortFunc(r.fits, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	r.fits = r.fits[:min(len(r.fits), maxVersions)]
}

func (r *Reader) layout(version int) *layout {
	if r.layouts[version] == nil {
		r.layouts[version] = newLayout(version)
	}
	return r.layouts[version]
}

func (r *Reader) decode(t *fit) ([]byte, bool) {
	t.align(2 + t.layout.size/16)
	if t.correlation(t.layout.known) > minKnown {
		if text, ok := r.attempt(t, nil); ok {
			return text, true
		}
		if r.grid.timing(t.layout) >= .6 {
			t.refine(.5, .05)
			if text, ok := r.attempt(t, nil); ok {
				return text, true
			}
		}
	}
	if r.samples > r.enough {
		return nil, false
	}
	sharp := r.view
	if r.view.image != &r.changed {
		r.scale(t.pixels[0].distance(t.pixels[1])/(t.modules[1].x-t.modules[0].x), plain)
	}
	bent := r.mesh.bend(t)
	r.view = sharp
	if !bent {
		return nil, false
	}
	return r.attempt(t, &r.mesh)
}

// minKnownToErase is the part of the known modules that must have their colour before codewords are
// given up: the rest of the code is then in its place too, and what is wrong is damage.
const minKnownToErase = .85

// meanRadius is how many modules around one its threshold comes from.
const meanRadius = 6

// attempt reads the code where the fit has it, then with more and more blur taken off.
func (r *Reader) attempt(t *fit, bend *mesh) ([]byte, bool) {
	r.grid.sample(t, bend)
	for i := range 3 {
		if i > 0 {
			r.grid.sharpen(.15)
		}
		r.grid.thresholds(meanRadius)
		erase := r.grid.right(t.layout.known) > minKnownToErase
		if text, ok := r.symbol.read(&r.grid, t.layout, erase); ok {
			return text, true
		}
	}
	return nil, false
}
