package scanner

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A program's pictures arrive one by one, without the colours of I420.
func TestPipe(t *testing.T) {
	const w, h = 64, 48
	var grey, i420 []byte
	for n := range 3 {
		y := bytes.Repeat([]byte{byte(10 + n)}, w*h)
		grey = append(grey, y...)
		i420 = append(append(i420, y...), bytes.Repeat([]byte{200}, w*h/2)...)
	}
	for name, c := range map[string]struct {
		source string
		data   []byte
	}{
		"gray": {"pipe:64x48,gray cat ", grey},
		"i420": {"pipe:64x48 cat ", i420},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "raw")
			if err := os.WriteFile(file, append(c.data, 1, 2, 3), 0o644); err != nil { // and part of a fourth
				t.Fatal(err)
			}
			cam, err := OpenCamera(c.source+file, Settings{}, slog.Default())
			if err != nil {
				t.Fatal(err)
			}
			defer cam.Close()
			var f Frame
			for n := range 3 {
				if err := cam.Read(&f); err != nil {
					t.Fatal(err)
				}
				if f.Width != w || f.Height != h || len(f.Pix) != w*h || f.Pix[0] != byte(10+n) || f.Pix[w*h-1] != byte(10+n) {
					t.Errorf("picture %d is %dx%d of %d to %d", n, f.Width, f.Height, f.Pix[0], f.Pix[len(f.Pix)-1])
				}
			}
			if err := cam.Read(&f); err == nil || !strings.Contains(err.Error(), "has ended") {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

func TestPipeFails(t *testing.T) {
	if _, err := OpenCamera("pipe:64x48 no-such-program-anywhere -t 0", Settings{}, slog.Default()); err == nil || !strings.Contains(err.Error(), "hint: is its package installed?") {
		t.Errorf("a program that is not there: %v", err)
	}
	cam, err := OpenCamera("pipe:64x48 ls /no-such-directory", Settings{}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	var f Frame
	if err := cam.Read(&f); err == nil || !strings.Contains(err.Error(), "exit status 2") || !strings.Contains(err.Error(), "/no-such-directory") {
		t.Errorf("a program that fails: %v", err)
	}
	for source, want := range map[string]string{
		"pipe:":                    "want pipe:WIDTHxHEIGHT",
		"pipe:640 cat x":           "want pipe:WIDTHxHEIGHT",
		"pipe:0x48 cat x":          "want pipe:WIDTHxHEIGHT",
		"pipe:65535x65535 cat x":   "want pipe:WIDTHxHEIGHT",
		"pipe:640x480,rgb cat x":   "want pipe:WIDTHxHEIGHT",
		"pipe:640x480":             "the program is missing",
		"pipe:640x480,gray  ":      "the program is missing",
		"pipe:641x480 rpicam-vid":  "an even width",
		"pipe:641x480x3 rpicam-vi": "want pipe:WIDTHxHEIGHT",
	} {
		if err := CheckSource(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", source, err, want)
		}
	}
}

// A program that hangs is stopped immediately, together with its children.
func TestPipeCloseWhileReading(t *testing.T) {
	script := filepath.Join(t.TempDir(), "camera")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nsleep 600 &\nwait\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cam, err := OpenCamera("pipe:64x48 "+script, Settings{}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		var f Frame
		done <- cam.Read(&f)
	}()
	time.AfterFunc(50*time.Millisecond, func() { cam.Close() })
	if err := <-done; !errors.Is(err, errClosed) {
		t.Errorf("Read says %v", err)
	}
	if err := cam.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}
