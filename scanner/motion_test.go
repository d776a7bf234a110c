package scanner

import (
	"bytes"
	"image"
	"math/rand/v2"
	"sync"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

var smallDoorway = sync.OnceValue(func() *Frame { return doorway(640, 360, 1) })

// noisy is an empty doorway, 640x360 px, on a sensor with this noise, in brighter or darker light.
func noisy(sigma, gain float64, seed uint64) *Frame {
	img := &image.Gray{Pix: bytes.Clone(smallDoorway().Pix), Stride: 640, Rect: image.Rect(0, 0, 640, 360)}
	qrdraw.Light(img, gain, 0)
	qrdraw.Noise(img, sigma, seed)
	return frameOf(img)
}

// changes counts the blocks that m finds changed in f.
func changes(m *motion, f *Frame) (n int) {
	m.look(f)
	for _, changed := range m.changed {
		if changed {
			n++
		}
	}
	return n
}

// settled is a motion that has learnt the noise.
func settled(sigma float64) *motion {
	m := &motion{}
	for seed := range uint64(25) {
		m.look(noisy(sigma, 1, seed))
	}
	m.saw(image.Rect(0, 0, 640, 360))
	return m
}

func TestMotionIgnoresNoise(t *testing.T) {
	for _, sigma := range []float64{0, 2, 8, 12} {
		m := settled(sigma)
		for seed := range uint64(10) {
			if n := changes(m, noisy(sigma, 1, 100+seed)); n > 0 {
				t.Errorf("noise of %v levels: %d blocks changed", sigma, n)
			}
		}
	}
}

// Within a second, automatic exposure or a cloud may change the light by a fifth.
func TestMotionIgnoresExposure(t *testing.T) {
	for _, perFrame := range []float64{-.006, .006} {
		m, gain := settled(3), 1.0
		for i := range uint64(30) {
			gain += perFrame
			if n := changes(m, noisy(3, gain, 100+i)); n > 0 {
				t.Fatalf("picture %d, light %.2f: %d blocks changed", i, gain, n)
			}
		}
	}
}

func TestMotionSeesWhereSomethingIs(t *testing.T) {
	for _, sigma := range []float64{0, 2, 8} {
		m := settled(sigma)
		img := &image.Gray{Pix: noisy(sigma, 1, 99).Pix, Stride: 640, Rect: image.Rect(0, 0, 640, 360)}
		code := image.Rect(260, 140, 340, 220) // px
		qrdraw.Paste(img, qrdraw.Draw("SMALL", qrdraw.Options{}), qrdraw.Square(code.Min.X, code.Min.Y, code.Dx()))
		m.look(frameOf(img))
		for i, changed := range m.changed {
			block := image.Rect(0, 0, blockSize, blockSize).Add(image.Pt(i%20, i/20).Mul(blockSize))
			if inside := block.In(code); inside && !changed || changed && !block.Overlaps(code) {
				t.Errorf("noise of %v levels: block %v: changed %v", sigma, block, changed)
			}
		}
		m.saw(image.Rect(256, 128, 352, 224))
		if n := changes(m, frameOf(img)); n > 0 {
			t.Errorf("noise of %v levels: %d blocks changed since they were seen", sigma, n)
		}
	}
}

// Motion in half of the picture must not count as noise.
func TestMotionLearnsNoiseSlowly(t *testing.T) {
	m := settled(2)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range uint64(5) {
		f := noisy(2, 1, 100+i)
		for y := range 360 {
			for x := range 450 {
				f.Pix[y*640+x] = byte(r.IntN(2)*100 + x/16%2*50*int(i%2))
			}
		}
		m.look(f)
	}
	img := &image.Gray{Pix: noisy(2, 1, 99).Pix, Stride: 640, Rect: image.Rect(0, 0, 640, 360)}
	qrdraw.Paste(img, qrdraw.Draw("SMALL", qrdraw.Options{}), qrdraw.Square(500, 150, 100))
	m.look(frameOf(img))
	if !m.changed[6*20+17] {
		t.Error("a code appeared and nothing changed")
	}
}

// Pictures of any size are compared without a crash, and a picture of another size is all new.
func TestMotionSizes(t *testing.T) {
	m := &motion{}
	for _, size := range []image.Point{{1, 1}, {7, 9}, {33, 20}, {100, 61}, {1280, 720}, {0, 0}} {
		f := frameOf(image.NewGray(image.Rectangle{Max: size}))
		if m.look(f) {
			t.Errorf("%v: compared with another size", size)
		}
		m.saw(image.Rect(0, 0, size.X, size.Y))
		if !m.look(f) || changes(m, f) > 0 {
			t.Errorf("%v: not the same as itself", size)
		}
	}
}

func BenchmarkMotion(b *testing.B) {
	m := &motion{}
	pictures := []*Frame{doorway(1280, 720, 1), doorway(1280, 720, 1)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.look(pictures[i%2])
	}
}
