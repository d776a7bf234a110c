package scanner

import (
	"strings"
	"testing"
)

func TestParseSource(t *testing.T) {
	for _, test := range []struct {
		in   string
		want source
	}{
		{"0", source{kind: device, path: "/dev/video0"}},
		{"/dev/video2", source{kind: device, path: "/dev/video2"}},
		{"/dev/v4l/by-id/usb-cam-video-index0", source{kind: device, path: "/dev/v4l/by-id/usb-cam-video-index0"}},
		{"file:/a b/c.mp4", source{kind: video, path: "/a b/c.mp4", fps: 10}},
		{"file:c.mp4?loop", source{kind: video, path: "c.mp4", fps: 10, loop: true}},
		{"dir:spool", source{kind: folder, path: "spool", fps: 10}},
		{"dir:/what?/is?fps=2.5&loop", source{kind: folder, path: "/what?/is", fps: 2.5, loop: true}},
		{"pipe:1280x720 rpicam-vid -t 0  -o -", source{kind: pipe, path: "rpicam-vid -t 0 -o -", width: 1280, height: 720}},
		{"pipe:640x480,gray cat x", source{kind: pipe, path: "cat x", width: 640, height: 480, grey: true}},
		{"http://door-cam.example:8080/video", source{kind: network, path: "http://door-cam.example:8080/video"}},
		{"https://door-cam.example/video?q=1", source{kind: network, path: "https://door-cam.example/video?q=1"}},
		{"rtsp://user:secret@door-cam.example/1", source{kind: network, path: "rtsp://user:secret@door-cam.example/1"}},
	} {
		if got, err := parseSource(test.in); err != nil || got != test.want {
			t.Errorf("%q: %+v, %v; want %+v", test.in, got, err, test.want)
		}
	}
}

func TestCheckSourceErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "want /dev/videoN",
		"-1":                 "want /dev/videoN",
		"300":                "want /dev/videoN",
		"video0":             "want /dev/videoN",
		"ftp://host/x":       "want /dev/videoN",
		"http://":            "want /dev/videoN",
		"dir:":               "the path is missing",
		"file:?loop":         "the path is missing",
		"file:x?fps=3":       `unknown option "fps", want loop`,
		"dir:x?speed=3":      `unknown option "speed", want loop or fps`,
		"dir:x?fps=0":        `fps "0" is not between`,
		"dir:x?fps=NaN":      `fps "NaN" is not between`,
		"dir:x?fps=fast":     `fps "fast" is not between`,
		"dir:x?loop=perhaps": `option "loop" takes no value`,
		"dir:x?loop=%zz":     "options:",
	} {
		if err := CheckSource(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", in, err, want)
		}
	}
}

func TestPasswordIsNotLogged(t *testing.T) {
	for _, s := range []string{"rtsp://user:secret@door-cam.example/1", "pipe:64x48,gray ffmpeg -i rtsp://user:secret@door-cam.example/1 -"} {
		if got := New(Config{Source: s}).String(); strings.Contains(got, "secret") || !strings.Contains(got, "door-cam") {
			t.Error(got)
		}
	}
}
