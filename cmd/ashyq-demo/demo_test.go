package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	watch(t, "its enrolment code on its card", []string{"the door's screen", "hold it to the camera"}, "--camera",
		"dir:"+pictures+"?loop")
}

// watch builds the programs, runs the demo until its terminal has shown how the door is enrolled
// and all that is wanted, and ends it with Ctrl-C.
func watch(t *testing.T, enrolled string, wanted []string, args ...string) {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-buildvcs=false", "-tags", buildTags, "-o", bin+"/",
		"ashyq-kiosk/cmd/ashyq-kiosk", "ashyq-kiosk/cmd/ashyq-registry", "ashyq-kiosk/cmd/ashyq-demo")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "ashyq-demo"),
		append(args, "--registry", "127.0.0.1:0", "--doors", "127.0.0.1:0", "--screen", "127.0.0.1:0")...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stderr = os.Stderr
	keyboard, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := follow(t, terminal, keyboard, append(wanted, enrolled))
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(terminal)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v\n%s\n%s", err, seen, rest)
	}
}

// follow reads the terminal until all that is wanted has been there. At the first green it types 1.
func follow(t *testing.T, terminal io.Reader, keyboard io.Writer, list []string) string {
	t.Helper()
	wanted := map[string]bool{}
	for _, w := range list {
		wanted[w] = true
	}
	var all strings.Builder
	lines := bufio.NewScanner(terminal)
	for len(wanted) > 0 && lines.Scan() {
		all.WriteString(lines.Text() + "\n")
		line := strings.Join(strings.Fields(lines.Text()), " ")
		for w := range wanted {
			if strings.Contains(line, w) {
				delete(wanted, w)
			}
		}
		if strings.Contains(line, "green on") {
			if _, err := io.WriteString(keyboard, "1\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(wanted) > 0 {
		t.Fatalf("never seen: %v; the terminal showed\n%s", wanted, all.String())
	}
	return all.String()
}

func TestIIN(t *testing.T) {
	for digits, want := range map[string]string{"890214450123": "890214450129", "960307350321": "960307350321"} {
		if got := iin(digits); got != want {
			t.Errorf("iin(%s) = %s, want %s", digits, got, want)
		}
	}
}
