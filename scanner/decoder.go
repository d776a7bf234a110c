package scanner

import (
	"errors"
	"fmt"

	"ashyq-kiosk/scanner/qr"
)

// ErrNoCode says that no code was read in a picture.
var ErrNoCode = errors.New("no QR code")

// Decoder reads the QR code in one picture at a time. It keeps its buffers, so each goroutine needs one of its own.
type Decoder struct {
	// Effort bounds the work for one picture; NewDecoder sets qr.Thorough.
	Effort qr.Effort

	reader *qr.Reader
	image  qr.Image
}

// NewDecoder makes a Decoder.
func NewDecoder() *Decoder { return &Decoder{Effort: qr.Thorough, reader: qr.NewReader()} }

// Decode gives the bytes of the QR code in the picture exactly as they are encoded in it, whatever their charset; they
// are good until the next call. Any error wraps ErrNoCode.
func (d *Decoder) Decode(f *Frame) (text []byte, err error) {
	if f.Width <= 0 || f.Height <= 0 || len(f.Pix) < f.Width*f.Height {
		return nil, fmt.Errorf("%w: a picture of %dx%d px with %d bytes", ErrNoCode, f.Width, f.Height, len(f.Pix))
	}
	d.image = qr.Image{Pix: f.Pix[:f.Width*f.Height], Width: f.Width, Height: f.Height}
	if text, err = d.reader.Read(&d.image, d.Effort); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCode, err)
	}
	return text, nil
}
