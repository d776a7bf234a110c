package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/scanner/qrdraw"
)

// TestDemo runs the demo as `make demo` does: the door enrols, all four lamps shine, and the
// laboratory finds somebody positive. Its camera is a network stream, so it needs a build with
// OpenCV.
func TestDemo(t *testing.T) {
	if !withOpenCV {
		t.Skip("this build has no OpenCV, and the demo's camera is a network stream: `make test` builds with it")
	}
	watch(t, "its enrolment code to its camera", []string{"red on", "yellow on", "blue on", "green on", "relay on",
		"the door's screen", "citizen's page", "a positive result for Aigerim"})
}

// TestDemoWithCamera looks through another camera than the drawn one, as `make demo CAMERA=...`
// does. The door finds its enrolment code on its card.
func TestDemoWithCamera(t *testing.T) {
	watch(t, "its enrolment code on its card", []string{"the door's screen", "hold it to the camera"}, "--camera", doorway(t))
}

// doorway is a camera in front of which nobody stands.
func doorway(t *testing.T) string {
	t.Helper()
	pictures := t.TempDir()
	for n := range uint64(4) {
		picture := qrdraw.Doorway(640, 480, 3)
		qrdraw.Noise(picture, 4, n)
		var data bytes.Buffer
		if err := png.Encode(&data, picture); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(pictures, fmt.Sprint(n, ".png")), data.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "dir:" + pictures + "?loop"
}

// watch runs the demo until its terminal has shown how the door is enrolled and all that is wanted,
// and ends it with Ctrl-C.
func watch(t *testing.T, enrolled string, wanted []string, args ...string) {
	t.Helper()
	d := start(t, args...)
	seen := d.follow(append(wanted, enrolled))
	d.end(seen)
}

// demo is the demo as a process.
type demo struct {
	*testing.T
	cmd      *exec.Cmd
	keyboard io.Writer
	terminal io.Reader
}

// programs builds them once for all tests.
var programs = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "ashyq-demo-test-"); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-tags", buildTags, "-o", dir+"/",
		"ashyq-kiosk/cmd/ashyq-kiosk", "ashyq-kiosk/cmd/ashyq-registry", "ashyq-kiosk/cmd/ashyq-demo")
	if out, err := build.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("build: %w\n%s", err, out)
	}
	return dir, nil
})

var clean = func() error { return nil }

func TestMain(m *testing.M) {
	status := m.Run()
	if err := clean(); err != nil {
		fmt.Fprintln(os.Stderr, "remove the programs:", err)
	}
	os.Exit(status)
}

// start starts the demo.
func start(t *testing.T, args ...string) *demo {
	t.Helper()
	bin, err := programs()
	clean = func() error { return os.RemoveAll(bin) }
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 6*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "ashyq-demo"),
		append(args, "--registry", "127.0.0.1:0", "--doors", "127.0.0.1:0", "--screen", "127.0.0.1:0")...)
	d := &demo{T: t, cmd: cmd}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stderr = os.Stderr
	if d.keyboard, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if d.terminal, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return d
}

// end ends the demo with Ctrl-C. It leaves nothing behind.
func (d *demo) end(seen string) {
	d.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		d.Fatal(err)
	}
	rest, err := io.ReadAll(d.terminal)
	if err != nil {
		d.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		d.Errorf("after Ctrl-C: %v\n%s\n%s", err, seen, rest)
	}
	folder := regexp.MustCompile(`logs +(/\S+)/\*\.log`).FindStringSubmatch(seen + string(rest))
	if folder == nil {
		d.Fatalf("the demo does not say where its logs are:\n%s", seen)
	}
	if _, err := os.Stat(folder[1]); !errors.Is(err, os.ErrNotExist) {
		d.Errorf("the demo has left %s behind (%v)", folder[1], err)
	}
}

// follow reads the terminal until all that is wanted has been there. At the first green it types 1.
func (d *demo) follow(list []string) string {
	d.Helper()
	wanted := map[string]bool{}
	for _, w := range list {
		wanted[w] = true
	}
	var all strings.Builder
	lines := bufio.NewScanner(d.terminal)
	for len(wanted) > 0 && lines.Scan() {
		all.WriteString(lines.Text() + "\n")
		line := strings.Join(strings.Fields(lines.Text()), " ")
		for w := range wanted {
			if strings.Contains(line, w) {
				delete(wanted, w)
			}
		}
		if strings.Contains(line, "green on") {
			if _, err := io.WriteString(d.keyboard, "1\n"); err != nil {
				d.Fatal(err)
			}
		}
	}
	if len(wanted) > 0 {
		d.Fatalf("never seen: %v; the terminal showed\n%s", wanted, all.String())
	}
	return all.String()
}

// TestCalledWrongly: the demo says what it would take, and starts nothing.
func TestCalledWrongly(t *testing.T) {
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"--venue", "moon"}, []string{`--venue: unknown kind of venue "moon"`, "cinema, ", "\nhint: "}},
		{[]string{"--screen", "8081"}, []string{`--screen: "8081" is not an address`, "\nhint: "}},
		{[]string{"--moon"}, []string{"--moon", "\nhint: "}},
	} {
		var said strings.Builder
		dir := filepath.Join(t.TempDir(), "data")
		args := append(c.args, "--dir", dir, "--bin", dir)
		code := mainCode(t.Context(), args, strings.NewReader(""), os.Stdout, &said)
		if code != 2 {
			t.Errorf("%q: exit code %d", c.args, code)
		}
		for _, want := range c.says {
			if !strings.Contains(said.String(), want) {
				t.Errorf("%q says %q, not %q", c.args, said.String(), want)
			}
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q has begun: %v", c.args, err)
		}
	}
}

func TestIIN(t *testing.T) {
	for digits, want := range map[string]string{"890214450123": "890214450129", "960307350321": "960307350321"} {
		if got := iin(digits); got != want {
			t.Errorf("iin(%s) = %s, want %s", digits, got, want)
		}
	}
}
