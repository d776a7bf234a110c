// Package qrdraw draws QR codes, and pictures of them as a camera at a door sees them: pasted in
// perspective into a scene, blurred, dimmed, noisy. It is for tests, measurements and the presenter
// of the demonstration; all of it is repeatable.
package qrdraw

import (
	"fmt"
	"image"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

// Level is how much of a code may be damaged: about 7, 15, 25 and 30 percent.
type Level uint8

// The levels. L is the zero value.
const (
	L Level = iota
	M
	Q
	H
)

// Options says how a code is drawn. The zero value is a usual one: 8 px per module, a margin of 4
// modules, level L.
type Options struct {
	Module   int   // px per module; 0: 8
	Margin   int   // quiet zone, in modules; 0: the standard's 4; negative: none
	Level    Level // error correction
	Version  int   // 1 to 40; 0: the smallest that fits
	Inverted bool  // light on dark
}

// Draw makes the picture of a QR code, black 0 and white 255. A text of capitals, digits and "
// $%*+-./:" is encoded as alphanumeric, digits alone as numeric, all else as bytes in UTF-8,
// without a mark of the charset. It panics when the text is empty or fits in no code, or not in the
// one asked for.
func Draw(text string, o Options) *image.Gray {
	hints := map[gozxing.EncodeHintType]any{}
	if o.Version != 0 {
		hints[gozxing.EncodeHintType_QR_VERSION] = o.Version
	}
	if text == "" {
		panic("qrdraw: no text")
	}
	code, err := encoder.Encoder_encode(text, levels[o.Level], hints)
	if err != nil {
		panic(fmt.Sprintf("qrdraw: %d bytes: %v", len(text), err))
	}
	return render(code.GetMatrix(), o)
}

var levels = [...]decoder.ErrorCorrectionLevel{
	L: decoder.ErrorCorrectionLevel_L,
	M: decoder.ErrorCorrectionLevel_M,
	Q: decoder.ErrorCorrectionLevel_Q,
	H: decoder.ErrorCorrectionLevel_H,
}

func render(modules *encoder.ByteMatrix, o Options) *image.Gray {
	px, margin := o.Module, max(o.Margin, 0)
	if px <= 0 {
		px = 8
	}
	if o.Margin == 0 {
		margin = 4
	}
	light, dark := byte(255), byte(0)
	if o.Inverted {
		light, dark = dark, light
	}
	n := modules.GetWidth()
	img := image.NewGray(image.Rect(0, 0, (n+2*margin)*px, (n+2*margin)*px))
	for i := range img.Pix {
		x, y := i%img.Stride/px-margin, i/img.Stride/px-margin
		img.Pix[i] = light
		if x >= 0 && x < n && y >= 0 && y < n && modules.Get(x, y) == 1 {
			img.Pix[i] = dark
		}
	}
	return img
}
