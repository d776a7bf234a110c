package display_test

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
)

// TestDoorDrawing draws docs/door.png, the four colours side by side on the door. After a change of
// the page:
//
//	go test ./display -run TestDoorDrawing -update
func TestDoorDrawing(t *testing.T) {
	const path, width, height = "../docs/door.png", 640, 400
	if !*update {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		drawing, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil || drawing.Width != 2*width || drawing.Height != 2*height || len(data) > 300_000 {
			t.Errorf("%s is %d x %d in %d bytes (%v), want %d x %d in 300 kB", path, drawing.Width, drawing.Height, len(data), err, 2*width, 2*height)
		}
		return
	}
	hub := display.NewHub(display.Options{})
	server := serve(t, hub, "127.0.0.1:0")
	ctx := browse(t)
	do(t, ctx, chromedp.EmulateViewport(width, height), chromedp.Navigate(server.URL))
	drawing := image.NewRGBA(image.Rect(0, 0, 2*width, 2*height))
	for i, v := range []kiosk.Verdict{
		{Signal: kiosk.TurnedBack, Colour: kiosk.Red},
		{Signal: kiosk.AdmittedHere, Colour: kiosk.Yellow},
		{Signal: kiosk.Admitted, Colour: kiosk.Blue},
		{Signal: kiosk.Admitted, Colour: kiosk.Green},
	} {
		v.Seq = uint64(i + 1)
		hub.Show(v)
		await(t, ctx, fmt.Sprintf("document.body.dataset.seq == %d", v.Seq))
		shot, err := png.Decode(bytes.NewReader(photograph(t, ctx)))
		if err != nil {
			t.Fatal(err)
		}
		place := image.Pt(i%2*width, i/2*height)
		draw.Draw(drawing, shot.Bounds().Add(place), shot, image.Point{}, draw.Src)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, drawing); err != nil {
		t.Fatal(err)
	}
	save(t, path, out.Bytes())
}
