package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ashyq-kiosk/scanner/qrdraw"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ashyq-kiosk": main})
}

// TestScripts runs the command as its users do.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SCREEN", freeAddress(t))
			e.Setenv("WINDOW", notNow(time.Now()))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"qr":     drawCode,
			"await":  awaitText,
			"expand": expand,
			"serve":  serveFiles,
		},
	})
}

// drawCode is "qr FILE TEXT": a PNG with a code.
func drawCode(ts *testscript.TestScript, _ bool, args []string) {
	var buf bytes.Buffer
	ts.Check(png.Encode(&buf, qrdraw.Draw(args[1], qrdraw.Options{Module: 6})))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), buf.Bytes(), 0o644))
}

// expand is "expand FILE": replaces $VARIABLES in the file.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(path, []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
}

// serveFiles is "serve ADDRESS DIR": answers with the files of a directory until the script ends.
func serveFiles(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", args[0])
	ts.Check(err)
	server := &http.Server{Handler: http.FileServer(http.Dir(ts.MkAbs(args[1])))}
	go func() { _ = server.Serve(listener) }()
	ts.Defer(func() { _ = server.Close() })
}

// notNow is a minute of the day that is far from now.
func notNow(now time.Time) string {
	return now.Add(12*time.Hour).Format("15:04") + "-" + now.Add(12*time.Hour+time.Minute).Format("15:04")
}

// awaitText is "await FILE TEXT": waits until the file has the text in it.
func awaitText(ts *testscript.TestScript, _ bool, args []string) {
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		data, err := os.ReadFile(filepath.Clean(ts.MkAbs(args[0])))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			ts.Fatalf("%v", err)
		}
		if bytes.Contains(data, []byte(args[1])) {
			return
		}
		if time.Since(start) > patience {
			ts.Fatalf("%s", fmt.Sprintf("waited for %q in %s, which says\n%s", args[1], args[0], data))
		}
	}
}
