package scanner

import (
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"ashyq-kiosk/scanner/qrdraw"
)

// doorScene draws a code as a phone shows it that is far from the camera: so many px wide, somewhat
// out of focus, tilted and in weak light. The same seed draws the same scene, whatever the code.
func doorScene(text string, width float64, seed uint64) *image.Gray {
	r := rand.New(rand.NewPCG(seed, 9))
	img := image.NewGray(image.Rect(0, 0, 320, 320))
	for i := range img.Pix {
		img.Pix[i] = 90
	}
	quad := qrdraw.Held(160, 160, width, 3, 360*r.Float64(), 40*r.Float64(), 360*r.Float64())
	qrdraw.Paste(img, qrdraw.Draw(text, qrdraw.Options{Module: 8}), quad)
	qrdraw.Light(img, .5+.4*r.Float64(), 20)
	qrdraw.Blur(img, .9)
	qrdraw.Noise(img, 2+2*r.Float64(), seed)
	return img
}

// narrowest is how many px wide a code has to be in a scene to be read.
func narrowest(t *testing.T, text string, seed uint64) int {
	t.Helper()
	not, read := 60, 240
	for read-not > 2 {
		width := (not + read) / 2
		got, err := NewDecoder().Decode(&frameOf(doorScene(text, float64(width), seed)).Image)
		switch {
		case err != nil:
			not = width
		case string(got) != text:
			t.Fatalf("scene %d: read %q", seed, got)
		default:
			read = width
		}
	}
	return read
}

// TestSmallerCode: the rotating code, 330 characters in version 9-L, is read from farther away than
// one that needs version 10-L. ASHYQ_SCENES=40 measures the figure of docs/scanner.md.
func TestSmallerCode(t *testing.T) {
	scenes := 6
	if text := os.Getenv("ASHYQ_SCENES"); text != "" {
		var err error
		if scenes, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	small, large := 0, 0
	for seed := range uint64(scenes) {
		small += narrowest(t, "AQ1:"+randomText(330-4, seed), seed)
		large += narrowest(t, "AQ1:"+randomText(340-4, seed), seed)
	}
	t.Logf("narrowest in %d scenes, on average: 9-L %d px, 10-L %d px", scenes, small/scenes, large/scenes)
	if small >= large {
		t.Errorf("narrowest in %d scenes: 9-L %d px, 10-L %d px; want less with 9-L", scenes, small/scenes, large/scenes)
	}
}

func randomText(n int, seed uint64) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, "%c", alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}
