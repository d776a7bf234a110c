package display_test

import (
	"fmt"
	"image/color"
	"math"
	"regexp"
	"testing"

	"ashyq-kiosk/display"
)

// palette reads the colours from the style sheet.
func palette(t *testing.T) map[string]color.RGBA {
	t.Helper()
	css, err := display.Files.ReadFile("style.css")
	if err != nil {
		t.Fatal(err)
	}
	colours := map[string]color.RGBA{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllSubmatch(css, -1) {
		c := color.RGBA{A: 255}
		if _, err := fmt.Sscanf(string(m[2]), "%02x%02x%02x", &c.R, &c.G, &c.B); err != nil {
			t.Fatal(err)
		}
		colours[string(m[1])] = c
	}
	return colours
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(c color.RGBA) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

func contrast(a, b color.RGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// WCAG 2.2 requires 4.5 for text (1.4.3, level AA) and 3 for signs (1.4.11). The words here get
// half as much again, for sunlight.
func TestContrast(t *testing.T) {
	const text, sign = 5.6, 3
	colours := palette(t)
	for _, pair := range []struct {
		ground, ink string
		want        float64
	}{
		{"red", "light", text}, {"yellow", "dark", text}, {"blue", "light", text}, {"green", "light", text}, {"night", "light", text},
		{"housing", "lamp-red", sign}, {"housing", "lamp-yellow", sign}, {"housing", "lamp-blue", sign}, {"housing", "lamp-green", sign},
		{"yellow", "night", sign}, // the disc on a blinking field; on red and blue its white drawing tells
	} {
		ground, ok1 := colours[pair.ground]
		ink, ok2 := colours[pair.ink]
		if got := contrast(ground, ink); !ok1 || !ok2 || got < pair.want {
			t.Errorf("%s on %s: %.2f (%v, %v), want %.1f", pair.ink, pair.ground, got, ok1, ok2, pair.want)
		}
	}
}
