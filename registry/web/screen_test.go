package web_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// A door's decoder reads the code off the screen: on a phone, a small one, a desk, and in dark
// mode.
func TestScreenIsRead(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := tab(t)
	activated(t, r, ctx)
	dark := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}
	for name, prepare := range map[string]func(){
		"phone":   func() { phone(t, ctx) },
		"narrow":  func() { narrow(t, ctx) },
		"desktop": func() { desktop(t, ctx) },
		"dark": func() {
			phone(t, ctx)
			call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: dark})
		},
	} {
		prepare()
		// The code can change between reading it and taking the picture; then it is tried again.
		for {
			before := shown(t, ctx)
			keep(t, ctx, "citizen-"+name)
			screenshot := picture(t, ctx)
			if shown(t, ctx) != before {
				continue
			}
			if err := readBack(frameOf(screenshot), before); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			break
		}
		got := eval[surround](t, ctx, surroundScript)
		if got.Ground != "rgb(255, 255, 255)" {
			t.Errorf("%s: the code stands on %s, want white", name, got.Ground)
		}
		if got.Quiet < 4 {
			t.Errorf("%s: %v modules of white around the code, want 4", name, got.Quiet)
		}
		if want := 0.9; name != "desktop" && got.Share < want {
			t.Errorf("%s: the code takes %.2f of the screen's width, want %.2f", name, got.Share, want)
		}
		call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	}
}

// surround is what is around the code: colour, modules of white within the canvas, and its share of
// the screen's width.
type surround struct {
	Ground       string
	Quiet, Share float64
}

// A finder is 7 modules wide, so its first row tells the size of a module.
const surroundScript = `(() => {
	const canvas = document.querySelector("#qr");
	const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
	const dark = (i) => data[4 * i] === 0;
	let first = 0;
	while (!dark(first)) first++;
	let run = 0;
	while (dark(first + run)) run++;
	return {
		Ground: getComputedStyle(document.querySelector(".card")).backgroundColor,
		Quiet: Math.min(first % canvas.width, Math.floor(first / canvas.width)) / (run / 7),
		Share: canvas.getBoundingClientRect().width / Math.min(innerWidth, innerHeight),
	};
})()`
