//go:build gocv_videoio

package scanner

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCameraIsFoundAgain(t *testing.T) {
	at := func(number int, bus, card string) node {
		return node{path: fmt.Sprint("/dev/video", number), id: identity{bus: bus, card: card}}
	}
	infrared := at(1, "usb-1", "Eye")
	infrared.id.nth = 1
	door, other := at(0, "usb-1", "Eye"), at(2, "usb-2", "Eye")
	for _, test := range []struct {
		name   string
		path   string
		before []node // when path was last opened; nil: it never was
		now    []node
		want   string
	}{
		{"nothing has changed", "/dev/video0", []node{door, other}, []node{door, other}, "/dev/video0"},
		{"another number", "/dev/video0", []node{door, other}, []node{other, at(3, "usb-1", "Eye")}, "/dev/video3"},
		{"numbers changed places", "/dev/video0", []node{door, other},
			[]node{at(0, "usb-2", "Eye"), at(2, "usb-1", "Eye")}, "/dev/video2"},
		{"another socket", "/dev/video0", []node{door, other}, []node{other, at(1, "usb-3", "Eye")}, "/dev/video1"},
		{"another camera instead", "/dev/video0", []node{door}, []node{at(1, "usb-1", "Lens")}, "/dev/video1"},
		{"another camera with the number", "/dev/video0", []node{door}, []node{at(0, "usb-1", "Lens")}, "/dev/video0"},
		{"gone, the other one is not ours", "/dev/video0", []node{door, other}, []node{other}, "/dev/video0"},
		{"gone, its number is another camera's", "/dev/video0", []node{door, other},
			[]node{at(0, "usb-2", "Eye")}, "is gone, and another camera has its number"},
		{"two new ones", "/dev/video0", []node{door}, []node{at(1, "usb-3", "Eye"), at(2, "usb-4", "Eye")}, "/dev/video0"},
		{"two lenses", "/dev/video1", []node{door, infrared},
			[]node{at(4, "usb-1", "Eye"), {"/dev/video5", infrared.id}}, "/dev/video5"},
		{"first start", "/dev/video0", nil, []node{door, other}, "/dev/video0"},
		{"first start, another number", "/dev/video0", nil, []node{other}, "/dev/video2"},
		{"first start, no way to know", "/dev/video0", nil, []node{infrared, other}, "/dev/video0"},
		{"no camera", "/dev/video0", []node{door}, nil, "/dev/video0"},
		{"udev's name", "/dev/v4l/by-id/usb-Eye-video-index0", []node{door}, []node{other}, "/dev/v4l/by-id/usb-Eye-video-index0"},
	} {
		var f finder
		if test.before != nil {
			f.found(test.path, test.before)
		}
		got, err := f.find(test.path, test.now)
		if err != nil && strings.Contains(err.Error(), test.want) {
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%s: %s, %v, want %s", test.name, got, err, test.want)
		}
	}
}

func TestControls(t *testing.T) {
	for _, test := range []struct {
		mains int
		want  []string
	}{
		{50, []string{"9a0903=0", "980918=1"}},
		{60, []string{"9a0903=0", "980918=2"}},
		{0, []string{"9a0903=0"}},
	} {
		var asked []string
		var log bytes.Buffer
		adjustControls(func(id uint32, value int32) (int32, error) {
			asked = append(asked, fmt.Sprintf("%x=%d", id, value))
			if id == exposureDynamicFramerate {
				return 0, unix.EINVAL
			}
			return value, nil
		}, Settings{Mains: test.mains}, slog.New(slog.NewTextHandler(&log, nil)))
		if !slices.Equal(asked, test.want) {
			t.Errorf("%d Hz: %q, want %q", test.mains, asked, test.want)
		}
		refused := `"the camera does not have this setting" setting=exposure_dynamic_framerate asked=0`
		if !strings.Contains(log.String(), refused) ||
			test.mains == 60 && !strings.Contains(log.String(), "setting=power_line_frequency asked=2 now=2") {
			t.Errorf("%d Hz: the log says\n%s", test.mains, log.String())
		}
	}
}

func TestChoiceOfCameras(t *testing.T) {
	_, err := OpenCamera("/dev/video199", Settings{}, slog.Default())
	if err == nil || !strings.Contains(err.Error(), "\nhint: ") {
		t.Errorf("%v, want one with a hint", err)
	}
	if got := choice([]node{{"/dev/video2", identity{card: "Eye"}}, {"/dev/video4", identity{card: "Lens"}}}); got !=
		"hint: set camera.source to one of these cameras: /dev/video2 (Eye), /dev/video4 (Lens)" {
		t.Error(got)
	}
}
