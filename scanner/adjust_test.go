//go:build gocv_videoio

package scanner

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

// fakeProperties is a camera with an exposure of at most 20 ms and no focus.
type fakeProperties struct {
	value map[gocv.VideoCaptureProperties]float64
	order []string
}

func (f *fakeProperties) Set(property gocv.VideoCaptureProperties, value float64) {
	f.order = append(f.order, fmt.Sprint(int(property), "=", value))
	switch property {
	case gocv.VideoCaptureFocus:
	case gocv.VideoCaptureExposure:
		f.value[property] = min(value, 200)
	default:
		f.value[property] = value
	}
}

func (f *fakeProperties) Get(property gocv.VideoCaptureProperties) float64 { return f.value[property] }

func TestAdjust(t *testing.T) {
	camera := &fakeProperties{value: map[gocv.VideoCaptureProperties]float64{}}
	var log bytes.Buffer
	adjust(camera, Settings{Exposure: 40 * time.Millisecond, Gain: 12, Focus: 30, FPS: 30}, slog.New(slog.NewTextHandler(&log, nil)))
	// FPS, automatic exposure before exposure, gain, automatic focus before focus: OpenCV's
	// numbers.
	if want := []string{"5=30", "21=1", "15=400", "14=12", "39=0", "28=30"}; !slices.Equal(camera.order, want) {
		t.Errorf("%q, want %q", camera.order, want)
	}
	for _, line := range []string{`setting="exposure, 100 us" asked=400 now=200`, "setting=focus asked=30 now=0", "setting=gain asked=12 now=12"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log does not say %s:\n%s", line, log.String())
		}
	}
	untouched := &fakeProperties{}
	if adjust(untouched, Settings{}, slog.Default()); untouched.order != nil {
		t.Errorf("%q although nothing was asked for", untouched.order)
	}
}
