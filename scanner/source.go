package scanner

import (
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// source is a camera's address, parsed.
type source struct {
	kind sourceKind
	path string  // device, file, folder, URL, or a program with its arguments
	fps  float64 // dir: pictures a second
	loop bool    // file and dir: start again at the end

	width, height int  // pipe: of a picture, px
	grey          bool // pipe: brightness only, not I420
}

type sourceKind uint8

const (
	device sourceKind = iota
	video
	folder
	network
	pipe
)

const defaultFolderFPS = 10

// CheckSource reports whether OpenCamera accepts the source, without opening it.
func CheckSource(s string) error {
	_, err := parseSource(s)
	return err
}

// OpenCamera opens a camera, a video or a folder of pictures, in the forms of the package comment.
// A network camera may take some seconds. What a V4L2 camera makes of its settings goes to log.
func OpenCamera(s string, settings Settings, log *slog.Logger) (Camera, error) {
	return opener(settings, log)(s)
}

// opener returns a function that opens cameras and remembers what it has opened.
func opener(settings Settings, log *slog.Logger) func(s string) (Camera, error) {
	capture := captures(settings, log)
	return func(s string) (Camera, error) {
		src, err := parseSource(s)
		if err != nil {
			return nil, err
		}
		switch src.kind {
		case folder:
			return openFolder(src)
		case pipe:
			return openPipe(src)
		}
		return capture(src)
	}
}

func parseSource(s string) (source, error) {
	switch {
	case strings.HasPrefix(s, "/dev/"):
		return source{kind: device, path: filepath.Clean(s)}, nil
	case strings.HasPrefix(s, "file:"):
		return parseOptions(video, s, "loop")
	case strings.HasPrefix(s, "pipe:"):
		return parsePipe(s)
	case strings.HasPrefix(s, "dir:"):
		return parseOptions(folder, s, "loop", "fps")
	}
	if n, err := strconv.ParseUint(s, 10, 8); err == nil {
		return source{kind: device, path: "/dev/video" + strconv.FormatUint(n, 10)}, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "rtsp") {
		return source{}, fmt.Errorf("camera %q: want /dev/videoN, file:PATH, dir:PATH, pipe:SIZE PROGRAM, http://, https:// or rtsp://, then HOST/PATH", s)
	}
	return source{kind: network, path: s}, nil
}

// parseOptions reads "kind:PATH?key=value&...". A path may have question marks; the last one begins
// the options.
func parseOptions(kind sourceKind, s string, known ...string) (source, error) {
	_, path, _ := strings.Cut(s, ":")
	src := source{kind: kind, fps: defaultFolderFPS}
	var query string
	if i := strings.LastIndexByte(path, '?'); i >= 0 {
		path, query = path[:i], path[i+1:]
	}
	if src.path = path; path == "" {
		return source{}, fmt.Errorf("camera %q: the path is missing", s)
	}
	options, err := url.ParseQuery(query)
	if err != nil {
		return source{}, fmt.Errorf("camera %q: options: %w", s, err)
	}
	for key, values := range options {
		value := values[len(values)-1]
		switch {
		case !slices.Contains(known, key):
			return source{}, fmt.Errorf("camera %q: unknown option %q, want %s", s, key, strings.Join(known, " or "))
		case key == "fps":
			if src.fps, err = strconv.ParseFloat(value, 64); err != nil || !(src.fps >= 0.1 && src.fps <= 240) {
				return source{}, fmt.Errorf("camera %q: fps %q is not between 0.1 and 240", s, value)
			}
		case value != "":
			return source{}, fmt.Errorf("camera %q: option %q takes no value", s, key)
		default:
			src.loop = true
		}
	}
	return src, nil
}

// Redacted is a source for logs: without the password of a network camera, even in a program's
// argument.
func Redacted(s string) string {
	words := strings.Split(s, " ")
	for i, word := range words {
		if u, err := url.Parse(word); err == nil && u.User != nil {
			words[i] = u.Redacted()
		}
	}
	return strings.Join(words, " ")
}
