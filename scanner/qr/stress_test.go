package qr

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

// curled is a picture of a card that is not flat: a wave along direction turn, in degrees, moves
// what it passes sideways by up to high px.
func curled(img *image.Gray, high, length, phase, turn float64) *image.Gray {
	src := GrayImage(&image.Gray{Pix: slices.Clone(img.Pix), Stride: img.Stride, Rect: img.Rect})
	along := point{math.Cos(turn * math.Pi / 180), math.Sin(turn * math.Pi / 180)}
	for i := range img.Pix {
		p := point{float64(i%img.Stride) + .5, float64(i/img.Stride) + .5}
		off := high * math.Sin(2*math.Pi*p.dot(along)/length+phase)
		img.Pix[i] = byte(src.at(p.x-off*along.y, p.y+off*along.x) + .5)
	}
	return img
}

// A card that is bent is read, in sizes with one alignment pattern and with many.
func TestCurled(t *testing.T) {
	const side = 400.
	behind := qrdraw.Doorway(960, 720, 5)
	reader := NewReader()
	for _, version := range []int{2, 4, 7, 10, 14} {
		text := strings.Repeat("CURLED ", map[int]int{2: 4, 4: 10, 7: 22, 10: 38, 14: 60}[version])
		code := qrdraw.Draw(text, qrdraw.Options{Version: version})
		module := side / float64(code.Rect.Dx()/8)
		for _, bend := range []float64{1, 2} { // modules
			for _, turn := range []float64{0, 40, 90} {
				img := &image.Gray{Pix: slices.Clone(behind.Pix), Stride: behind.Stride, Rect: behind.Rect}
				qrdraw.Paste(img, code, qrdraw.Square(300, 150, side))
				curled(img, bend*module, 2*side, 1, turn)
				if got, err := reader.Read(imageOf(img), Thorough); string(got) != text {
					t.Errorf("version %d, by %v modules along %v: %q, %v", version, bend, turn, got, err)
				}
			}
		}
	}
}

// Noise that is as strong as what it lies over.
func TestNoisy(t *testing.T) {
	behind := qrdraw.Doorway(960, 720, 5)
	qrdraw.Paste(behind, qrdraw.Draw(passText, qrdraw.Options{}), qrdraw.Square(400, 250, 230))
	qrdraw.Light(behind, .6, 0)
	reader := NewReader()
	for _, noise := range []float64{40, 45} {
		for seed := range uint64(4) {
			img := &image.Gray{Pix: slices.Clone(behind.Pix), Stride: behind.Stride, Rect: behind.Rect}
			qrdraw.Noise(img, noise, seed)
			if got, err := reader.Read(imageOf(img), Thorough); string(got) != passText {
				t.Errorf("noise %v, seed %d: %q, %v", noise, seed, got, err)
			}
		}
	}
}

// stresses are what befalls a picture, hard from 0 to 1; module is px.
var stresses = []func(img *image.Gray, r *rand.Rand, hard, module float64){
	func(img *image.Gray, r *rand.Rand, hard, _ float64) { qrdraw.Light(img, .5-.4*hard, 10*r.Float64()) }, // dim
	func(img *image.Gray, r *rand.Rand, hard, _ float64) { qrdraw.Noise(img, 8+20*hard, r.Uint64()) },
	func(img *image.Gray, r *rand.Rand, hard, module float64) { qrdraw.Blur(img, (.3+.4*hard)*module) },
	func(img *image.Gray, r *rand.Rand, hard, module float64) { swept(img, int((.6+1.2*hard)*module)) },
	func(img *image.Gray, r *rand.Rand, hard, module float64) { // curl
		curled(img, (.5+3*hard)*module, 300+500*r.Float64(), 6*r.Float64(), 360*r.Float64())
	},
	func(img *image.Gray, r *rand.Rand, hard, _ float64) { // light from tubes, row by row
		period, depth := 60+100*r.IntN(2), .3+.5*hard
		for i, v := range img.Pix {
			if i/img.Stride%period < period/2 {
				img.Pix[i] = byte(float64(v) * (1 - depth))
			}
		}
	},
	func(img *image.Gray, r *rand.Rand, hard, _ float64) { // moiré
		u, v := .5+2*r.Float64(), 2*r.Float64()
		for i, grey := range img.Pix {
			wave := math.Sin(u*float64(i%img.Stride)) * math.Cos(v*float64(i/img.Stride))
			img.Pix[i] = byte(min(float64(grey)*(1+(.15+.3*hard)*wave), 255))
		}
	},
	func(img *image.Gray, r *rand.Rand, hard, module float64) { // glare
		x, y := 400+200*r.Float64(), 280+160*r.Float64()
		for i, v := range img.Pix {
			far := math.Hypot(float64(i%img.Stride)-x, float64(i/img.Stride)-y) / ((4 + 6*hard) * module)
			img.Pix[i] = byte(min(float64(v)+255*math.Exp(-far*far), 255))
		}
	},
	func(img *image.Gray, r *rand.Rand, hard, _ float64) {
		var file bytes.Buffer
		if err := jpeg.Encode(&file, img, &jpeg.Options{Quality: 50 - int(35*hard)}); err != nil {
			panic(err)
		}
		back, err := jpeg.Decode(&file)
		if err != nil {
			panic(err)
		}
		copy(img.Pix, back.(*image.Gray).Pix)
	},
}

// Passes under three stresses at once: not all can be read, and no text is wrong. ASHYQ_STRESSED is
// how many pictures are drawn, ASHYQ_SEED where they begin.
func TestStressed(t *testing.T) {
	n, seed := 40, 0
	if more, err := strconv.Atoi(os.Getenv("ASHYQ_STRESSED")); err == nil {
		n = more
	}
	if other, err := strconv.Atoi(os.Getenv("ASHYQ_SEED")); err == nil {
		seed = other
	}
	behind := qrdraw.Doorway(960, 720, 5)
	reader := NewReader()
	read := 0
	for i := range n {
		r := rand.New(rand.NewPCG(15, uint64(seed+i)))
		text := make([]byte, []int{162, 348}[r.IntN(2)])
		for i := range text {
			text[i] = alphanumerics[r.IntN(len(alphanumerics))]
		}
		code := qrdraw.Draw(string(text), qrdraw.Options{Level: qrdraw.Level(r.IntN(2)), Module: 6})
		side := 200 + 150*r.Float64()
		img := &image.Gray{Pix: slices.Clone(behind.Pix), Stride: behind.Stride, Rect: behind.Rect}
		qrdraw.Paste(img, code, qrdraw.Held(480, 360, side, 3, 360*r.Float64(), 25*r.Float64(), 360*r.Float64()))
		hard := r.Float64()
		for _, which := range r.Perm(len(stresses))[:3] {
			stresses[which](img, r, hard, side*6/float64(code.Rect.Dx()))
		}
		switch got, err := reader.Read(imageOf(img), Thorough); {
		case err == nil && string(got) == string(text):
			read++
		case err == nil:
			t.Errorf("picture %d: read %q, want %q", seed+i, got, text)
		}
	}
	t.Logf("%d of %d read", read, n)
	if 2*read < n {
		t.Errorf("only %d of %d read", read, n)
	}
}
