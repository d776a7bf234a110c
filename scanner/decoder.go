package scanner

import (
	"encoding/hex"
	"errors"
	"fmt"

	"ashyq-kiosk/scanner/qr"
)

// ErrNoCode says that a picture has no readable code.
var ErrNoCode = errors.New("no QR code")

// Decoder reads the QR code in one picture at a time. It keeps its buffers, so each goroutine needs
// a separate one.
type Decoder struct {
	// Effort limits the work for one picture; NewDecoder sets qr.Thorough.
	Effort qr.Effort

	reader *qr.Reader
}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder { return &Decoder{Effort: qr.Thorough, reader: qr.NewReader()} }

// Decode returns the bytes of the QR code in the picture exactly as encoded, in any charset; they
// are valid until the next call. Every error wraps ErrNoCode.
func (d *Decoder) Decode(picture *qr.Image) (text []byte, err error) {
	if !picture.Valid() {
		return nil, fmt.Errorf("%w: the picture has %dx%d px and %d bytes", ErrNoCode, picture.Width, picture.Height, len(picture.Pix))
	}
	text, err = d.reader.Read(picture, d.Effort)
	switch {
	case err == qr.ErrNoCode: // nearly always, so do not allocate
		return nil, ErrNoCode
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoCode, err)
	}
	return text, nil
}

// all is Decode for pictures with several codes; it returns them in hexadecimal.
func (d *Decoder) all(picture *qr.Image) (texts []string) {
	if picture.Valid() {
		d.reader.Each(picture, d.Effort, func(text []byte) bool {
			texts = append(texts, hex.EncodeToString(text))
			return true
		})
	}
	return texts
}
