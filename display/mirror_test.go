package display_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/display"
	"ashyq-kiosk/kiosk"
)

// mirrored is a hub with a camera.
func mirrored(o display.Options, mirror func(*image.Gray) bool) *display.Hub {
	hub := display.NewHub(o)
	hub.SetMirror(mirror)
	return hub
}

func TestMirrorSendsSmallGreyPictures(t *testing.T) {
	hub := mirrored(display.Options{}, somebody)
	server := serve(t, hub, "127.0.0.1:0")
	response, err := http.Get(server.URL + "/mirror")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "multipart/x-mixed-replace; boundary=frame" {
		t.Fatalf("Content-Type %q", got)
	}
	parts := multipart.NewReader(response.Body, "frame")
	for range 2 {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		picture, err := jpeg.Decode(part)
		if err != nil {
			t.Fatal(err)
		}
		grey, ok := picture.(*image.Gray)
		if !ok || grey.Rect.Dx() != 320 || grey.Rect.Dy() != 240 {
			t.Fatalf("%T %v, want grey 320 x 240", picture, picture.Bounds())
		}
		if head, wall := grey.GrayAt(160, 96).Y, grey.GrayAt(10, 10).Y; head < wall+60 {
			t.Errorf("head %d, wall %d", head, wall)
		}
	}
	hub.Show(kiosk.Verdict{Signal: kiosk.TurnedBack, Colour: kiosk.Red})
	for err == nil {
		_, err = parts.NextPart()
	}
	if err == io.EOF {
		t.Error("the mirror ended well during a verdict: the page would keep the last picture")
	}
}

func TestMirrorWorksOnlyWhileItIsWatchedAndNobodyIsToldAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var looked atomic.Int64
		hub := mirrored(display.Options{}, func(dst *image.Gray) bool { looked.Add(1); return blank(dst) })
		during := func(d time.Duration) int64 {
			before := looked.Load()
			time.Sleep(d) // of the bubble's clock
			synctest.Wait()
			return looked.Load() - before
		}
		if n := during(time.Minute); n != 0 {
			t.Errorf("%d pictures made while nobody watched", n)
		}
		body, stop := call(t, hub, "/mirror")
		defer stop()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = io.Copy(io.Discard, body) // ends with the mirror
		}()
		if n := during(10 * time.Second); n < 79 || n > 81 {
			t.Errorf("%d pictures in 10 s, want 8 a second", n)
		}
		hub.Show(kiosk.Verdict{Signal: kiosk.Working})
		if n := during(time.Second); n != 8 {
			t.Errorf("%d pictures in 1 s of working, want 8", n)
		}
		for _, s := range kiosk.Signals {
			shown := time.Now()
			hub.Show(kiosk.Verdict{Signal: s, Colour: kiosk.Green})
			if s == kiosk.Idle || s == kiosk.Working {
				continue
			}
			if <-ended; !time.Now().Equal(shown) {
				t.Errorf("%v: the mirror ended after %v, want at once", s, time.Since(shown))
			}
			recorder := httptest.NewRecorder()
			hub.ServeHTTP(recorder, httptest.NewRequest("GET", "/mirror", nil))
			if n := during(time.Second); n != 0 || recorder.Code != http.StatusServiceUnavailable {
				t.Errorf("%v: %d pictures, %d; want none, 503", s, n, recorder.Code)
			}
		}
	})
}

func TestMirrorWithoutPictures(t *testing.T) {
	for name, mirror := range map[string]func(*image.Gray) bool{
		"no mirror": nil, "no picture": func(*image.Gray) bool { return false },
	} {
		recorder := httptest.NewRecorder()
		mirrored(display.Options{}, mirror).ServeHTTP(recorder, httptest.NewRequest("GET", "/mirror", nil))
		if recorder.Code != http.StatusServiceUnavailable || bytes.Contains(recorder.Body.Bytes(), []byte("image/jpeg")) {
			t.Errorf("%s: %d", name, recorder.Code)
		}
	}
}

// One watched second costs eight of these.
func BenchmarkMirrorPicture(b *testing.B) {
	picture := image.NewGray(image.Rect(0, 0, 320, 240))
	somebody(picture)
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: 60}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len()), "bytes/picture")
}
