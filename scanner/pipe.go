package scanner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// pipeTimeout is how long a program may take for a picture before it is started again; for the
// first picture a sensor has to start.
const pipeTimeout = 10 * time.Second

// endGrace is for a program's last output and its exit status.
const endGrace = 50 * time.Millisecond

// piped is a camera behind a program that writes raw pictures, such as rpicam-vid or gst-launch-1.0
// for a Camera Module.
type piped struct {
	source
	cmd    *exec.Cmd
	out    *os.File
	errors lastLine
	chroma []byte // buffer for the colours after the brightness

	end  sync.Once
	exit error // of the program; set by end
}

// parsePipe reads "pipe:WIDTHxHEIGHT[,gray] PROGRAM ARGUMENT...".
func parsePipe(s string) (source, error) {
	shape, command, _ := strings.Cut(strings.TrimPrefix(s, "pipe:"), " ")
	shape, format, _ := strings.Cut(shape, ",")
	width, height, _ := strings.Cut(shape, "x")
	w, errW := strconv.ParseUint(width, 10, 16)
	h, errH := strconv.ParseUint(height, 10, 16)
	words := strings.Fields(command)
	switch {
	case errW != nil || errH != nil || w == 0 || h == 0 || w*h > maxPicture || (format != "" && format != "gray"):
		return source{}, fmt.Errorf("camera %q: want pipe:WIDTHxHEIGHT for pictures in I420 or pipe:WIDTHxHEIGHT,gray, then a program", s)
	case len(words) == 0:
		return source{}, fmt.Errorf("camera %q: the program is missing", s)
	case format == "" && (w%2 != 0 || h%2 != 0):
		return source{}, fmt.Errorf("camera %q: pictures in I420 have an even width and height", s)
	}
	return source{kind: pipe, path: strings.Join(words, " "), width: int(w), height: int(h), grey: format == "gray"}, nil
}

func openPipe(src source) (Camera, error) {
	words := strings.Fields(src.path)
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open camera: %w", err)
	}
	p := &piped{source: src, cmd: exec.Command(words[0], words[1:]...), out: r}
	if !src.grey {
		p.chroma = make([]byte, src.width*src.height/2)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, &p.errors
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that what it starts ends with it
	p.cmd.WaitDelay = time.Second
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("open camera: start %q: %w\nhint: is its package installed? Camera Modules need rpicam-apps", words[0], err)
	}
	return p, nil
}

// Read implements Camera.
func (p *piped) Read(f *Frame) error {
	if err := p.out.SetReadDeadline(time.Now().Add(pipeTimeout)); err != nil {
		return errClosed
	}
	f.Resize(p.width, p.height)
	_, err := io.ReadFull(p.out, f.Pix)
	f.Taken = time.Now()
	if err == nil {
		_, err = io.ReadFull(p.out, p.chroma)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrClosed):
		return errClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("read camera: %w for %v from %q", ErrSilent, pipeTimeout, Redacted(p.path))
	}
	time.Sleep(endGrace) // it has closed its output; wait for its last words and its exit
	p.stop()
	return fmt.Errorf("read camera: %q has ended (%v): %s", Redacted(p.path), p.exit, p.errors.String())
}

// Close implements Camera.
func (p *piped) Close() error {
	p.stop()
	return nil
}

// stop kills the program and its children, if they still run, and waits for its exit status.
func (p *piped) stop() {
	p.end.Do(func() {
		p.out.Close() // first, to wake a waiting Read
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		p.exit = p.cmd.Wait()
	})
}

// lastLine keeps the end of a program's messages for the error.
type lastLine struct {
	mu   sync.Mutex // guards text
	text []byte
}

func (l *lastLine) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	if len(l.text) > 400 {
		l.text = l.text[len(l.text)-400:]
	}
	return len(b), nil
}

func (l *lastLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(l.text)), "\n")
	return lines[len(lines)-1]
}
