package qr

import (
	"errors"
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

// scene is a pass held up in a doorway, upright or seen from the side.
func scene(text string, o qrdraw.Options, quad [4]image.Point) *image.Gray {
	img := qrdraw.Doorway(960, 720, 5)
	qrdraw.Paste(img, qrdraw.Draw(text, o), quad)
	return img
}

func imageOf(img *image.Gray) *Image {
	m := GrayImage(img)
	return &m
}

var upright = [4]image.Point{{300, 150}, {700, 155}, {695, 552}, {297, 548}}

func mirrored(img *image.Gray) *image.Gray {
	for y := range img.Rect.Dy() {
		slices.Reverse(img.Pix[y*img.Stride:][:img.Rect.Dx()])
	}
	return img
}

// bloomed lets light eat into the dark by a pixel on all sides, and lifts what is left.
func bloomed(img *image.Gray) *image.Gray {
	src := slices.Clone(img.Pix)
	for y := 2; y < img.Rect.Dy()-2; y++ {
		for x := 2; x < img.Rect.Dx()-2; x++ {
			light := byte(0)
			for dy := -2; dy <= 2; dy++ {
				light = max(light, slices.Max(src[(y+dy)*img.Stride+x-2:][:5]))
			}
			img.Pix[y*img.Stride+x] = 255 - (255-light)/3
		}
	}
	return img
}

// glowing adds the light around each pixel to it, so that thin dark lines turn grey while wide ones
// stay dark.
func glowing(img *image.Gray, radius float64) *image.Gray {
	qrdraw.Blur(img, 1)
	around := &image.Gray{Pix: slices.Clone(img.Pix), Stride: img.Stride, Rect: img.Rect}
	qrdraw.Blur(around, radius)
	for i, v := range img.Pix {
		img.Pix[i] = byte(min(.9*float64(v)+float64(around.Pix[i]), 255))
	}
	return img
}

// Bloom that makes the finder patterns' rings much lighter than their cores.
func TestGlowingScreen(t *testing.T) {
	text := strings.Repeat("AQ1:ABCDEFGH", 20)
	small := [4]image.Point{{300, 150}, {550, 155}, {546, 402}, {297, 398}}
	for _, radius := range []float64{2, 4, 8} {
		img := glowing(scene(text, qrdraw.Options{Module: 8}, small), radius)
		if got, err := NewReader().Read(imageOf(img), Thorough); string(got) != text {
			t.Errorf("radius %v: %q, %v", radius, got, err)
		}
	}
}

// swept is a picture blurred by a movement to the side.
func swept(img *image.Gray, n int) *image.Gray {
	src := slices.Clone(img.Pix)
	for i := range len(src) - n {
		sum := 0
		for _, v := range src[i : i+n] {
			sum += int(v)
		}
		img.Pix[i] = byte(sum / n)
	}
	return img
}

func TestReadScenes(t *testing.T) {
	blurred := func(sigma float64) *image.Gray {
		img := scene(passText, qrdraw.Options{}, upright)
		qrdraw.Blur(img, sigma)
		return img
	}
	noisy := scene(passText, qrdraw.Options{}, upright)
	qrdraw.Noise(noisy, 45, 3)
	dim := scene(passText, qrdraw.Options{}, upright)
	qrdraw.Light(dim, .12, 20)
	qrdraw.Noise(dim, 2, 3)
	for name, img := range map[string]*image.Gray{
		"plain":             scene(passText, qrdraw.Options{}, upright),
		"inverted":          scene(passText, qrdraw.Options{Inverted: true}, upright),
		"mirrored":          mirrored(scene(passText, qrdraw.Options{}, upright)),
		"mirrored inverted": mirrored(scene(passText, qrdraw.Options{Inverted: true}, upright)),
		"upside down":       scene(passText, qrdraw.Options{}, [4]image.Point{upright[2], upright[3], upright[0], upright[1]}),
		"on a corner":       scene(passText, qrdraw.Options{}, [4]image.Point{{480, 60}, {760, 340}, {480, 620}, {200, 340}}),
		"from the side":     scene(passText, qrdraw.Options{Level: qrdraw.M}, [4]image.Point{{300, 60}, {600, 190}, {600, 510}, {290, 640}}),
		"far from upright":  scene("SMALL", qrdraw.Options{}, [4]image.Point{{400, 300}, {620, 260}, {700, 400}, {420, 470}}),
		"out of focus":      blurred(2.4),
		"moved":             swept(scene(passText, qrdraw.Options{}, upright), 8),
		"bloom":             bloomed(scene(passText, qrdraw.Options{}, upright)),
		"noise":             noisy,
		"dim":               dim,
		"version 7":         scene(passText[:150], qrdraw.Options{Version: 7}, upright),
		"very close":        qrdraw.Draw("CLOSE", qrdraw.Options{Module: 90}),
		"version 25":        scene(passText, qrdraw.Options{Version: 25}, [4]image.Point{{100, 20}, {780, 30}, {785, 700}, {95, 690}}),
	} {
		want := passText
		switch name {
		case "version 7":
			want = passText[:150]
		case "very close":
			want = "CLOSE"
		case "far from upright":
			want = "SMALL"
		}
		if got, err := NewReader().Read(imageOf(img), Thorough); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A quick look suffices for what is held up to a door, and keeps to its budget where nothing is.
func TestQuick(t *testing.T) {
	r := NewReader()
	if got, err := r.Read(imageOf(scene(passText, qrdraw.Options{}, upright)), Quick); err != nil || string(got) != passText {
		t.Errorf("%q, %v", got, err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := &Image{Pix: make([]byte, 1280*720), Stride: 1280, Width: 1280, Height: 720}
	for i := range noise.Pix {
		noise.Pix[i] = byte(rnd.Uint32())
	}
	for _, effort := range []Effort{Quick, Thorough} {
		if got, err := r.Read(noise, effort); !errors.Is(err, ErrNoCode) {
			t.Errorf("%q, %v in noise", got, err)
		}
		if r.samples > 2*effort.Samples {
			t.Errorf("%d points taken, of a budget of %d", r.samples, effort.Samples)
		}
	}
}

// What a hand or a reflection covers is made up for, up to what the level of correction allows when
// one knows where it is.
func TestCovered(t *testing.T) {
	const px = 6
	read := 0
	for side := 1; side < 16; side += 2 {
		img := qrdraw.Draw(passText, qrdraw.Options{Module: px, Level: qrdraw.H})
		modules := img.Rect.Dx()/px - 8
		for y := range side * px * 2 {
			for x := range side * px * 2 {
				img.Pix[((modules/2-4)*px+y)*img.Stride+(modules/2-4)*px+x] = 140 // neither dark nor light
			}
		}
		got, err := NewReader().Read(imageOf(img), Thorough)
		switch {
		case err == nil && string(got) == passText:
			read++
		case err == nil:
			t.Errorf("with %d modules covered: %q", 4*side*side, got)
		}
	}
	if read < 6 {
		t.Errorf("read up to a square of %d modules a side", 4*read-2)
	}
}

func TestEach(t *testing.T) {
	img := scene("LEFT", qrdraw.Options{}, [4]image.Point{{100, 200}, {400, 200}, {400, 500}, {100, 500}})
	qrdraw.Paste(img, qrdraw.Draw("RIGHT", qrdraw.Options{}), [4]image.Point{{500, 200}, {800, 200}, {800, 500}, {500, 500}})
	r := NewReader()
	var texts []string
	r.Each(imageOf(img), Thorough, func(text []byte) bool {
		texts = append(texts, string(text))
		return true
	})
	slices.Sort(texts)
	if got := strings.Join(texts, " "); got != "LEFT RIGHT" {
		t.Errorf("read %q", got)
	}
	calls := 0
	r.Each(imageOf(img), Thorough, func([]byte) bool { calls++; return false })
	if calls != 1 {
		t.Errorf("%d calls after the first one said that it is enough", calls)
	}
}

// Nothing is allocated for a picture once one of its size has been seen.
func TestReadAllocatesNothing(t *testing.T) {
	r := NewReader()
	code, empty := imageOf(scene(passText, qrdraw.Options{}, upright)), imageOf(qrdraw.Doorway(960, 720, 5))
	for name, m := range map[string]*Image{"code": code, "empty": empty} {
		if n := testing.AllocsPerRun(5, func() { r.Each(m, Quick, func([]byte) bool { return false }) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Pictures of any size and content are looked at without harm.
func FuzzRead(f *testing.F) {
	small := qrdraw.Draw("A", qrdraw.Options{Module: 2})
	f.Add(small.Pix, uint16(small.Rect.Dx()))
	f.Add([]byte("\xff\x00\xff"), uint16(1))
	r := NewReader()
	f.Fuzz(func(t *testing.T, pix []byte, width uint16) {
		w := max(int(width), 1)
		m := &Image{Stride: w, Width: w, Height: len(pix) / w}
		m.Pix = pix[:m.Width*m.Height]
		if text, err := r.Read(m, Quick); err == nil && len(text) == 0 {
			t.Error("an empty text")
		}
	})
}
