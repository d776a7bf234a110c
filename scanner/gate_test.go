package scanner

import (
	"image"
	"math/rand/v2"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

// noisy is an empty doorway as a sensor with this noise sees it, in brighter or darker light.
func noisy(sigma, gain float64, seed uint64) *Frame {
	img := image.NewGray(image.Rect(0, 0, 1280, 720))
	copy(img.Pix, emptyDoorway().Pix)
	qrdraw.Light(img, gain, 0)
	qrdraw.Noise(img, sigma, seed)
	return frameOf(img)
}

// changes counts the blocks that a gate finds changed in the last of the pictures since it first looked.
func changes(g *gate, f *Frame) (n int) {
	g.look(f)
	for _, changed := range g.changed {
		if changed {
			n++
		}
	}
	return n
}

// settled is a gate that knows the noise.
func settled(sigma float64) *gate {
	g := &gate{}
	for seed := range uint64(25) {
		g.look(noisy(sigma, 1, seed))
	}
	g.saw(image.Rect(0, 0, 1280, 720))
	return g
}

func TestGateIgnoresNoise(t *testing.T) {
	for _, sigma := range []float64{0, 2, 8, 16} {
		g := settled(sigma)
		for seed := range uint64(10) {
			if n := changes(g, noisy(sigma, 1, 100+seed)); n > 0 {
				t.Errorf("noise of %v levels: %d blocks changed", sigma, n)
			}
		}
	}
}

// In a second, automatic exposure or a cloud may change the light by a fifth.
func TestGateIgnoresExposure(t *testing.T) {
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

func TestGateSeesWhereSomethingIs(t *testing.T) {
	for _, sigma := range []float64{0, 2, 8} {
		g := settled(sigma)
		img := image.NewGray(image.Rect(0, 0, 1280, 720))
		copy(img.Pix, noisy(sigma, 1, 99).Pix)
		code := image.Rect(500, 300, 580, 380) // px
		qrdraw.Paste(img, qrdraw.Draw("SMALL", qrdraw.Options{}), qrdraw.Square(code.Min.X, code.Min.Y, code.Dx()))
		g.look(frameOf(img))
		for i, changed := range g.changed {
			block := image.Rect(0, 0, blockSize, blockSize).Add(image.Pt(i%40, i/40).Mul(blockSize))
			if inside := block.In(code); inside && !changed || changed && !block.Overlaps(code) {
				t.Errorf("noise of %v levels: block %v: changed %v", sigma, block, changed)
			}
		}
		g.saw(image.Rect(480, 288, 608, 384))
		if n := changes(g, frameOf(img)); n > 0 {
			t.Errorf("noise of %v levels: %d blocks changed since they were seen", sigma, n)
		}
	}
}

// Half of the picture moving must not pass for noise.
func TestGateLearnsNoiseSlowly(t *testing.T) {
	g := settled(2)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range uint64(5) {
		f := noisy(2, 1, 100+i)
		for y := range 720 {
			for x := range 900 {
				f.Pix[y*1280+x] = byte(r.IntN(2)*100 + x/16%2*50*int(i%2))
			}
		}
		g.look(f)
	}
	img := image.NewGray(image.Rect(0, 0, 1280, 720))
	copy(img.Pix, noisy(2, 1, 99).Pix)
	qrdraw.Paste(img, qrdraw.Draw("SMALL", qrdraw.Options{}), qrdraw.Square(1000, 300, 100))
	g.look(frameOf(img))
	if !g.changed[10*40+32] {
		t.Error("a code appeared and nothing changed")
	}
}

// Whatever its size, a picture is compared without a crash, and one of another size is all new.
func TestGateSizes(t *testing.T) {
	g := &gate{}
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

func BenchmarkGate(b *testing.B) {
	g := settled(3)
	pictures := []*Frame{noisy(3, 1, 1), noisy(3, 1, 2)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		g.look(pictures[i%2])
	}
}
