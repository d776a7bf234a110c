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

// noisy is an empty doorway, 640x360 px, as a sensor with this noise sees it, in brighter or darker light.
func noisy(sigma, gain float64, seed uint64) *Frame {
	img := &image.Gray{Pix: bytes.Clone(smallDoorway().Pix), Stride: 640, Rect: image.Rect(0, 0, 640, 360)}
	qrdraw.Light(img, gain, 0)
	qrdraw.Noise(img, sigma, seed)
	return frameOf(img)
}

// changes counts the blocks that motion finds changed in the last of the pictures since it first looked.
func changes(g *motion, f *Frame) (n int) {
	g.look(f)
	for _, changed := range g.changed {
		if changed {
			n++
		}
	}
	return n
}

// settled is motion that knows the noise.
func settled(sigma float64) *motion {
	g := &motion{}
	for seed := range uint64(25) {
		g.look(noisy(sigma, 1, seed))
	}
	g.saw(image.Rect(0, 0, 640, 360))
	return g
}

func TestMotionIgnoresNoise(t *testing.T) {
	for _, sigma := range []float64{0, 2, 8, 12} {
		g := settled(sigma)
		for seed := range uint64(10) {
			if n := changes(g, noisy(sigma, 1, 100+seed)); n > 0 {
				t.Errorf("noise of %v levels: %d blocks changed", sigma, n)
			}
		}
	}
}

// In a second, automatic exposure or a cloud may change the light by a fifth.
func TestMotionIgnoresExposure(t *testing.T) {
	for _, perFrame := range []float64{-.006, .006} {
		g, gain := settled(3), 1.0
		for i := range uint64(30) {
			gain += perFrame
			if n := changes(g, noisy(3, gain, 100+i)); n > 0 {
				t.Fatalf("picture %d, light %.2f: %d blocks changed", i, gain, n)
			}
		}
	}
}

func TestMotionSeesWhereSomethingIs(t *testing.T) {
	for _, sigma := range []float64{0, 2, 8} {
		g := settled(sigma)
		img := &image.Gray{Pix: noisy(sigma, 1, 99).Pix, Stride: 640, Rect: image.Rect(0, 0, 640, 360)}
		code := image.Rect(260, 140, 340, 220) // px
		qrdraw.Paste(img, qrdraw.Draw("SMALL", qrdraw.Options{}), qrdraw.Square(code.Min.X, code.Min.Y, code.Dx()))
		g.look(frameOf(img))
		for i, changed := range g.changed {
			block := image.Rect(0, 0, blockSize, blockSize).Add(image.Pt(i%20, i/20).Mul(blockSize))
			if inside := block.In(code); inside && !changed || changed && !block.Overlaps(code) {
				t.Errorf("noise of %v levels: block %v: changed %v", sigma, block, changed)
			}
		}
		g.saw(image.Rect(256, 128, 352, 224))
		if n := changes(g, frameOf(img)); n > 0 {
			t.Errorf("noise of %v levels: %d blocks changed since they were seen", sigma, n)
		}
	}
}

// Half of the picture moving must not pass for noise.
func TestMotionLearnsNoiseSlowly(t *testing.T) {
	g := settled(2)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range uint64(5) {
		f := noisy(2, 1, 100+i)
		for y := range 360 {
			for x := range 450 {
				f.Pix[y*640+x] = byte(r.IntN(2)*100 + x/16%2*50*int(i%2))
			}
		}
		g.look(f)
	}
	img := &image.Gray{Pix: noisy(2, 1, 99).Pix, Stride: 640, Rect: image.Rect(0, 0, 640, 360)}
	qrdraw.Paste(img, qrdraw.Draw("SMALL", qrdraw.Options{}), qrdraw.Square(500, 150, 100))
	g.look(frameOf(img))
	if !g.changed[6*20+17] {
		t.Error("a code appeared and nothing changed")
	}
}

// Whatever its size, a picture is compared without a crash, and one of another size is all new.
func TestMotionSizes(t *testing.T) {
	g := &motion{}
	for _, size := range []image.Point{{1, 1}, {7, 9}, {33, 20}, {100, 61}, {1280, 720}, {0, 0}} {
		f := &Frame{Pix: make([]byte, size.X*size.Y), Width: size.X, Height: size.Y}
		if g.look(f) {
			t.Errorf("%v: compared with another size", size)
		}
		g.saw(image.Rect(0, 0, size.X, size.Y))
		if !g.look(f) || changes(g, f) > 0 {
			t.Errorf("%v: not the same as itself", size)
		}
	}
}

func BenchmarkMotion(b *testing.B) {
	g := &motion{}
	pictures := []*Frame{doorway(1280, 720, 1), doorway(1280, 720, 1)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		g.look(pictures[i%2])
	}
}
