package qr

import (
	"bytes"
	"image"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

// A part of a picture is read as a picture of its own would be, in all sizes.
func TestCrop(t *testing.T) {
	m := imageOf(scene("CROPPED", qrdraw.Options{}, upright))
	crop := m.Crop(image.Rect(231, 90, 231+531, 90+533))
	apart := new(Image)
	apart.Resize(crop.Width, crop.Height)
	for y := range crop.Height {
		copy(apart.Row(y), crop.Row(y))
	}
	var a, b Image
	for name, change := range map[string]func(m, src *Image){"half": (*Image).halve, "double": (*Image).double, "darkened": (*Image).darken,
		"smooth": (*Image).smoothen} {
		change(&a, &crop)
		change(&b, apart)
		if !bytes.Equal(a.Pix, b.Pix) {
			t.Errorf("%s: another picture", name)
		}
	}
	if got, err := NewReader().Read(&crop, Quick); err != nil || string(got) != "CROPPED" {
		t.Errorf("%q, %v", got, err)
	}
	if !crop.Valid() {
		t.Error("a part of a picture is not valid")
	}
	if crop.Height += 98; crop.Valid() {
		t.Error("a picture that lacks a row is valid")
	}
}
