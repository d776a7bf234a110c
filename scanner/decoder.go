package scanner

import (
	"encoding/hex"
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
}

// NewDecoder makes a Decoder.
func NewDecoder() *Decoder { return &Decoder{Effort: qr.Thorough, reader: qr.NewReader()} }

// Decode gives the bytes of the QR code in the picture exactly as they are encoded in it, whatever their charset; they
// are good until the next call. Any error wraps ErrNoCode.
func (d *Decoder) Decode(picture *qr.Image) (text []byte, err error) {
	if !picture.Valid() {
		return nil, fmt.Errorf("%w: a picture of %dx%d px with %d bytes", ErrNoCode, picture.Width, picture.Height, len(picture.Pix))
	}
	text, err = d.reader.Read(picture, d.Effort)
	switch {
	case err == qr.ErrNoCode: // nearly always, so nothing is allocated for it
		return nil, ErrNoCode
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoCode, err)
	}
	return text, nil
}

// all is Decode for pictures that may show several codes; it gives them in hexadecimal.
func (d *Decoder) all(picture *qr.Image) (texts []string) {
	if picture.Valid() {
		d.reader.Each(picture, d.Effort, func(text []byte) bool {
			texts = append(texts, hex.EncodeToString(text))
			return true
		})
	}
	return texts
}
