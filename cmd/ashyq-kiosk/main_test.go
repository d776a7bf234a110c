package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/enrol/enroltest"
	"ashyq-kiosk/scanner/qrdraw"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ashyq-kiosk": main})
}

// TestScripts runs the command as users do.
func TestScripts(t *testing.T) {
	t.Parallel() // it mostly waits
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SCREEN", freeAddress(t))
			e.Setenv("WINDOW", notNow(time.Now()))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"qr":       drawCode,
			"await":    awaitText,
			"expand":   expand,
			"serve":    serveFiles,
			"registry": func(ts *testscript.TestScript, _ bool, _ []string) { startRegistry(t, ts) },
			"code":     checkExitCode,
		},
	})
}

// startRegistry is "registry": a registry that enrols. $CODE and $OTHER are one-time codes, another
// device has used $USED, and $STRANGE names another registry's authority.
func startRegistry(t *testing.T, ts *testscript.TestScript) {
	registry := enroltest.New(t)
	code, used, strange := registry.Code(), registry.Code(), enroltest.New(t).Code()
	code.SSID, code.Passphrase = "venue", "correct horse"
	strange.URL = registry.URL
	used1 := &enrol.Enroller{Dir: ts.MkAbs("another"), Check: func([]byte) error { return nil }, Dial: func(c enrol.Code) (enrol.Registry, error) {
		return client.New(client.Config{URL: c.URL, Authority: c.Trusts})
	}}
	ts.Check(used1.Enrol(t.Context(), used))
	for name, c := range map[string]enrol.Code{"CODE": code, "OTHER": registry.Code(), "USED": used, "STRANGE": strange} {
		ts.Setenv(name, c.String())
	}
}

// checkExitCode is "code N COMMAND...": the output is for stdout and stderr, as after exec.
func checkExitCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	if failed, ok := errors.AsType[*exec.ExitError](err); !ok || failed.ExitCode() != want {
		ts.Fatalf("ended with %v, want exit code %d", err, want)
	}
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

// serveFiles is "serve ADDRESS DIR": serves the files of a directory until the script ends.
func serveFiles(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", args[0])
	ts.Check(err)
	server := &http.Server{Handler: http.FileServer(http.Dir(ts.MkAbs(args[1])))}
	go func() { _ = server.Serve(listener) }()
	ts.Defer(func() { _ = server.Close() })
}

// notNow is a time of day that is far from now.
func notNow(now time.Time) string {
	return now.Add(12*time.Hour).Format("15:04") + "-" + now.Add(12*time.Hour+time.Minute).Format("15:04")
}

// awaitText is "await FILE TEXT": waits until the text is in the file.
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
