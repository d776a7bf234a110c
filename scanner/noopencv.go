//go:build !gocv_videoio

package scanner

import (
	"errors"
	"fmt"
	"log/slog"
)

// errNoOpenCV is this build's error for a camera or a video.
var errNoOpenCV = errors.New("cameras and videos need a build with OpenCV: make build")

func captures(Settings, *slog.Logger) func(source) (Camera, error) {
	return func(src source) (Camera, error) {
		return nil, fmt.Errorf("open camera %q: %w", src.path, errNoOpenCV)
	}
}

func openFrames(path string) (Camera, error) {
	return nil, fmt.Errorf("open video %q: %w", path, errNoOpenCV)
}
