package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/cache"
)

// command runs ashyq-kiosk and wants that exit code. It returns what was printed.
func (w *enrolWorld) command(code int, args ...string) string {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(w.bin, "ashyq-kiosk"), args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		w.t.Fatalf("%q: %v, want exit code %d\n%s", args, err, code, out)
	}
	return string(out)
}

func (w *enrolWorld) says(out string, words ...string) {
	w.t.Helper()
	for _, word := range words {
		if !strings.Contains(out, word) {
			w.t.Errorf("printed\n%swant %q in it", out, word)
		}
	}
}

// TestCacheCommands looks at the list of a door that runs, and brings it to another door.
func TestCacheCommands(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newEnrolWorld(t)
	w.picture("1.png", "HELLO")
	first := w.config("kiosk.toml", "")
	w.says(w.command(1, "cache", "verify", "--config", first), "cache.db", "hint: the door has no cache before its first start")

	w.change("011399500018")
	w.write("boot/"+cardCode, w.code("North gate", "shop")+"\n")
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", first)
	w.await("the door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK })
	w.await("the positive result on the card", func() bool {
		return strings.Contains(w.command(0, "cache", "stat", "--config", first), "\n  red                     1\n")
	})

	t.Log("while the daemon runs")
	w.says(w.command(0, "cache", "verify", "--config", first), "version ", "1 section: everything is as it was written")
	w.says(w.command(0, "cache", "stat", "--config", first), "on the card               version ", "1 of 1048576 entries\n",
		"blue, or not given out  1048575\n", "reports that wait         0\n", "versions that wait        0\n")
	file := filepath.Join(w.dir, "list")
	w.says(w.command(0, "cache", "export", "--config", first, file), "1 section, in", "delete it when")
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	w.says(w.command(1, "cache", "export", "--config", first, file), "file exists")
	w.says(w.command(1, "cache", "import", "--config", first, file), "another process has it open", "systemctl stop ashyq-kiosk")
	w.kiosk.terminate()
	w.says(w.command(1, "cache", "import", "--config", first, file), "the door has a list already")
	w.says(w.command(0, "cache", "stat", "--config", first), "versions that wait        unknown, no daemon answers\n")

	t.Log("on another card")
	second := w.config("second.toml", "")
	w.says(w.command(1, "cache", "import", "--config", second, file), "the door is not enrolled", "hint: ashyq-kiosk enrol")
	w.command(0, "enrol", "--config", second, w.code("South gate", "shop"))
	spoilt := w.write("spoilt", strings.Replace(w.read("list"), "AQLIST1", "AQLIST2", 1))
	w.says(w.command(1, "cache", "import", "--config", second, spoilt), "not an exported list", "hint: ashyq-kiosk cache export")
	bit := []byte(w.read("list"))
	bit[len(bit)/2] ^= 1
	w.says(w.command(1, "cache", "import", "--config", second, w.write("bit", string(bit))), "damaged on the way",
		"hint: ashyq-kiosk cache export")
	w.says(w.command(1, "cache", "import", "--config", second, w.altered("list")), "not the registry's", "hint: the file was altered")
	w.endsWhileItReads("cache", "import", "--config", second)
	w.says(w.command(0, "cache", "import", "--config", second, file), "proven by the registry")
	w.says(w.command(0, "cache", "stat", "--config", second), "\n  red                     1\n")
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", second)
	w.await("the other door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK })
	w.kiosk.terminate()

	t.Log("damaged")
	path := cache.Path(filepath.Join(w.dir, "state-of-second.toml"))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(data[len(data)/4 : len(data)/2])
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	w.says(w.command(1, "cache", "verify", "--config", second), "cache file is damaged", "hint: ", "systemctl restart ashyq-kiosk")
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, data) {
		t.Errorf("verify changed the file: %v", err)
	}
}

// endsWhileItReads ends a command that reads from a pipe to which nobody writes.
func (w *enrolWorld) endsWhileItReads(args ...string) {
	w.t.Helper()
	pipe := filepath.Join(w.dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(w.bin, "ashyq-kiosk"), append(args, pipe)...)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits until the command reads
	if err == nil {
		err = cmd.Process.Signal(syscall.SIGTERM)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	defer writer.Close()
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		w.t.Errorf("%q after SIGTERM: %v, want exit code 1", args, err)
	}
}

// altered makes everybody in an exported list red, with the right hash.
func (w *enrolWorld) altered(name string) string {
	w.t.Helper()
	file, err := os.Open(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	list, err := cache.ReadExport(file)
	if err != nil {
		w.t.Fatal(err)
	}
	data := []byte(w.read(name))
	head := 8 + 4 + 8 + 2 + len(list.List) + 4
	for i := range data[head+8 : len(data)-32] {
		data[head+8+i] = 0xCC
	}
	sum := sha256.Sum256(data[:len(data)-32])
	copy(data[len(data)-32:], sum[:])
	return w.write("altered", string(data))
}
