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
	half        Frame // the picture at half its size
	small, full binarizer
	hints       map[gozxing.DecodeHintType]any
	patterns    int // found in the picture at hand
	symbol      *decoder.Decoder
	text        []byte
}

// NewDecoder makes a Decoder.
func NewDecoder() *Decoder {
	d := &Decoder{symbol: decoder.NewDecoder()}
	d.hints = map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_NEED_RESULT_POINT_CALLBACK: gozxing.ResultPointCallback(d.countPattern),
	}
	return d
}

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
		if text, err := d.look(&d.half, &d.small); err == nil {
			return text, nil
		}
	}
	return d.look(f, &d.full)
}

// look tries one picture in one size.
func (d *Decoder) look(f *Frame, b *binarizer) ([]byte, error) {
	bits := b.binarize(f)
	if bits == nil {
		return nil, fmt.Errorf("%w: a picture of %dx%d px is too small", ErrNoCode, f.Width, f.Height)
	}
	if text, err := d.read(bits); err == nil {
		return text, nil
	}
	bits.FlipAll()
	return d.read(bits)
}

// maxPatterns bounds the finder patterns in one picture, real and supposed. The finder compares all threes of them, so
// its time grows with their third power: a sheet full of them, held up in front of the camera, would keep it busy for minutes.
const maxPatterns = 200

var errTooMany = errors.New("too many finder patterns")

// read finds a code among black and white pixels and reads it. The finder can only be stopped by a panic; and as what
// a camera sees may have been made to make a decoder stumble, any other panic of it means no code as well.
func (d *Decoder) read(bits *gozxing.BitMatrix) (text []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			text, err = nil, fmt.Errorf("%w: decoder gave up: %v", ErrNoCode, r)
		}
	}()
	d.patterns = 0
	found, err := detector.NewDetector(bits).Detect(d.hints)
	if err != nil {
		return nil, ErrNoCode
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

// countPattern is told of each finder pattern, and later of alignment patterns, of which there are few.
func (d *Decoder) countPattern(gozxing.ResultPoint) {
	if d.patterns++; d.patterns > maxPatterns {
		panic(errTooMany)
	}
}
