package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDemo runs the demo as `make demo` does, until all four lamps have shone, and has the laboratory find somebody
// positive. Its camera is a network stream, so it needs a build with OpenCV.
func TestDemo(t *testing.T) {
	if !withOpenCV {
		t.Skip("this build has no OpenCV, and the demo's camera is a network stream: `make test` builds with it")
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-tags", buildTags, "-o", bin+"/", "ashyq-kiosk/cmd/...").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "ashyq-demo"), "--registry", "127.0.0.1:0", "--doors", "127.0.0.1:0", "--screen", "127.0.0.1:0")
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
	seen := follow(t, terminal, keyboard)
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

// follow reads the terminal until everything that a visitor is promised has been there.
func follow(t *testing.T, terminal io.Reader, keyboard io.Writer) string {
	t.Helper()
	wanted := map[string]bool{"red on": true, "yellow on": true, "blue on": true, "green on": true, "relay on": true,
		"the door's screen": true, "citizen's page": true, "a positive result for Aigerim": true}
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
