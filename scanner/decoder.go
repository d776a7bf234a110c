package scanner

import (
	"errors"
	"fmt"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/detector"
)

// ErrNoCode says that no code was read in a picture.
var ErrNoCode = errors.New("no QR code")

// Decoder reads the QR code in one picture at a time. It keeps its buffers, so each goroutine needs one of its own.
type Decoder struct {
	half   Frame // the picture at half its size
	symbol *decoder.Decoder
	text   []byte
}

// NewDecoder makes a Decoder.
func NewDecoder() *Decoder { return &Decoder{symbol: decoder.NewDecoder()} }

// minHalf is the shorter side, in px, from which on a code in half the picture's size can still have two pixels per module.
const minHalf = 240

// Decode gives the bytes of the QR code in the picture exactly as they are encoded in it, whatever their charset; they
// are good until the next call. Any error wraps ErrNoCode.
//
// A person holds a code up close, so nearly all are read at half the size, in a quarter of the time; the whole picture
// comes second. Each is tried as it is and inverted, for phones with a dark screen.
func (d *Decoder) Decode(f *Frame) ([]byte, error) {
	if f.Width <= 0 || f.Height <= 0 || len(f.Pix) < f.Width*f.Height {
		return nil, fmt.Errorf("%w: a picture of %dx%d px with %d bytes", ErrNoCode, f.Width, f.Height, len(f.Pix))
	}
	if min(f.Width, f.Height) >= 2*minHalf {
		halve(&d.half, f)
		if text, err := d.look(&d.half); err == nil {
			return text, nil
		}
	}
	return d.look(f)
}

// look tries one picture in one size.
func (d *Decoder) look(f *Frame) ([]byte, error) {
	src, err := gozxing.NewPlanarYUVLuminanceSource(f.Pix, f.Width, f.Height, 0, 0, f.Width, f.Height, false)
	if err != nil {
		return nil, err
	}
	bits, err := gozxing.NewHybridBinarizer(src).GetBlackMatrix()
	if err != nil {
		return nil, err
	}
	if text, err := d.read(bits); err == nil {
		return text, nil
	}
	bits.FlipAll()
	return d.read(bits)
}

// read finds a code among black and white pixels and reads it. What a camera sees may have been made to make a decoder
// stumble, and this one is not ours: where it panics there is no code.
func (d *Decoder) read(bits *gozxing.BitMatrix) (text []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			text, err = nil, fmt.Errorf("%w: decoder panicked: %v", ErrNoCode, r)
		}
	}()
	found, err := detector.NewDetector(bits).Detect(nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCode, err)
	}
	modules := found.GetBits()
	result, err := d.symbol.Decode(modules, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCode, err)
	}
	version := (modules.GetHeight() - 17) / 4
	if d.text, err = parseSegments(d.text[:0], result.GetRawBytes(), version); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCode, err)
	}
	return d.text, nil
}
