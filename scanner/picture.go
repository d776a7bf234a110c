package scanner

import (
	"fmt"
	"image"
	"image/draw"
	_ "image/jpeg" // the first bytes tell a picture's format
	_ "image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxPicture is the largest picture, in pixels: larger than any phone's, and small enough for a Pi.
const maxPicture = 64 << 20

func isPicture(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".png", ".jpg", ".jpeg":
		return true
	}
	return false
}

// readPicture loads a PNG or JPEG file into f as grey pixels.
func readPicture(name string, f *Frame) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	header, _, err := image.DecodeConfig(file)
	if err != nil {
		return fmt.Errorf("read picture %q: %w", name, err)
	}
	if int64(header.Width)*int64(header.Height) > maxPicture {
		return fmt.Errorf("read picture %q: %dx%d pixels are more than %d", name, header.Width, header.Height, maxPicture)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read picture %q: %w", name, err)
	}
	picture, _, err := image.Decode(file)
	if err != nil {
		return fmt.Errorf("read picture %q: %w", name, err)
	}
	f.Resize(picture.Bounds().Dx(), picture.Bounds().Dy())
	copyGrey(f, picture)
	f.Taken = time.Now()
	return nil
}

// copyGrey copies the picture's brightness to f, which has its size. The picture was just decoded,
// so it begins at 0, 0.
func copyGrey(f *Frame, picture image.Image) {
	pix, stride := []byte(nil), 0
	switch p := picture.(type) {
	case *image.Gray:
		pix, stride = p.Pix, p.Stride
	case *image.YCbCr: // Y is the brightness
		pix, stride = p.Y, p.YStride
	default:
		grey := image.Gray{Pix: f.Pix, Stride: f.Stride, Rect: image.Rect(0, 0, f.Width, f.Height)}
		draw.Draw(&grey, grey.Rect, image.White, image.Point{}, draw.Src) // transparent pixels become white
		draw.Draw(&grey, grey.Rect, picture, image.Point{}, draw.Over)
		return
	}
	for y := range f.Height {
		copy(f.Row(y), pix[y*stride:])
	}
}
