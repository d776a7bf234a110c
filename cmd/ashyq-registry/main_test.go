package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/store"
)

// filesVariable lets a registry of a test divide more descriptors than the machine allows: it
// counts on them, and does not open as many.
const filesVariable = "ASHYQ_TEST_FILES"

func TestMain(m *testing.M) {
	if files, err := strconv.ParseUint(os.Getenv(filesVariable), 10, 64); err == nil {
		openFiles = func() (uint64, error) { return files, nil }
	}
	testscript.Main(m, map[string]func(){"ashyq-registry": main, "http": request})
}

// TestScripts runs the program as an administrator does.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"listening": listening,
			"notified":  notified,
			"capture":   capture,
			"terminate": terminate,
		},
		Setup: func(env *testscript.Env) error {
			socket := filepath.Join(env.WorkDir, "notify")
			conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
			if err != nil {
				return err
			}
			env.Defer(func() { conn.Close() })
			env.Values["notify"] = conn
			env.Setenv("NOTIFY_SOCKET", socket)
			return nil
		},
	})
}

var listeningOn = regexp.MustCompile(`msg=listening addr=(\S+) .*doors_url=(\S+)`)

// listening waits until the registry says in its log, the file of that name, where it listens, and
// sets $URL, and $DOORS, which is the URL in doors' codes.
func listening(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: listening FILE")
	}
	file := ts.MkAbs(args[0])
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			ts.Fatalf("read the log: %v", err)
		}
		if found := listeningOn.FindSubmatch(text); found != nil {
			ts.Setenv("URL", "http://"+string(found[1]))
			ts.Setenv("DOORS", string(found[2]))
			return
		}
	}
	ts.Fatalf("the registry does not listen")
}

// notified waits for a message to systemd.
func notified(ts *testscript.TestScript, neg bool, args []string) {
	conn := ts.Value("notify").(*net.UnixConn)
	message := make([]byte, 100)
	if err := conn.SetReadDeadline(time.Now().Add(90 * time.Second)); err != nil {
		ts.Fatalf("%v", err)
	}
	n, err := conn.Read(message)
	if err != nil || string(message[:n]) != args[0] {
		ts.Fatalf("systemd was told %q (%v), want %q", message[:n], err, args[0])
	}
}

// terminate sends SIGTERM to the first program in the background.
func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if err := ts.BackgroundCmds()[0].Process.Signal(syscall.SIGTERM); err != nil {
		ts.Fatalf("terminate: %v", err)
	}
}

// capture sets a variable to a field of the JSON in a file or, without FIELD, to the first line of
// the file.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: capture VARIABLE FILE [FIELD]")
	}
	text := ts.ReadFile(args[1])
	if len(args) == 2 {
		first, _, _ := strings.Cut(text, "\n")
		ts.Setenv(args[0], first)
		return
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		ts.Fatalf("read %s: %v", args[1], err)
	}
	ts.Setenv(args[0], fmt.Sprint(fields[args[2]]))
}

// request is the program "http" of the scripts: METHOD URL [KEY [BODY]]. It prints the answer and
// fails from 400 on.
func request() {
	args := append(os.Args[1:], "", "")
	req, err := http.NewRequest(args[0], args[1], strings.NewReader(args[3]))
	if err == nil {
		req.Header.Set("Authorization", "Bearer "+args[2])
		var res *http.Response
		if res, err = http.DefaultClient.Do(req); err == nil {
			_, err = io.Copy(os.Stdout, res.Body)
			if res.StatusCode >= 400 {
				os.Exit(1)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// command is the real program, which testscript.Main has put into the PATH.
func command(args ...string) *exec.Cmd { return exec.Command("ashyq-registry", args...) }

// process is a running registry.
type process struct {
	*testing.T
	data  string
	db    string // --database; empty: SQLite
	url   string // of the pages
	doors string // URL for doors
	cmd   *exec.Cmd

	keys     *pass.PlaceKeys
	keysOnce sync.Once // makes keys
}

// places opens the codes of the registry, as its doors can.
func (p *process) places() *pass.PlaceKeys {
	p.keysOnce.Do(func() {
		db, err := store.Open(p.Context(), (&dataDir{name: p.data}).database(p.db))
		if err != nil {
			p.Error(err)
			return
		}
		defer db.Close()
		keys, err := db.PlaceKeys(p.Context(), time.Now())
		if err != nil {
			p.Error(err)
			return
		}
		p.keys = keys.Ciphers()
	})
	return p.keys
}

// serve starts the real program on free ports and waits until it says where it listens.
func (p *process) serve() {
	p.Helper()
	p.cmd = p.program()
	log, err := p.cmd.StderrPipe()
	if err != nil {
		p.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	for p.url = ""; p.url == "" && lines.Scan(); {
		if found := listeningOn.FindStringSubmatch(lines.Text()); found != nil {
			p.url, p.doors = "http://"+found[1], found[2]
		}
	}
	if p.url == "" {
		p.Fatal("the registry does not listen")
	}
	go io.Copy(io.Discard, log)
}

func (p *process) program() *exec.Cmd {
	return command("serve", "--data", p.data, "--listen", "127.0.0.1:0", "--public-url", "http://127.0.0.1",
		"--doors-listen", "127.0.0.1:0",
		"--database", p.db)
}

func (p *process) kill() {
	p.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.Fatal(err)
	}
	p.cmd.Wait() // "signal: killed"
}

// post returns the status code, or an error when the registry was killed before it answered.
func (p *process) post(path, key string, body, answer any) (int, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequest(http.MethodPost, p.url+path, bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if answer != nil {
		return res.StatusCode, json.NewDecoder(res.Body).Decode(answer)
	}
	return res.StatusCode, nil
}

func (p *process) get(path string) ([]byte, error) {
	res, err := http.Get(p.url + path)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, res.Status)
	}
	return data, err
}

func (p *process) blob(h api.Hash) []byte {
	p.Helper()
	data, err := p.get(api.PathBlob + "/" + h.String())
	if err != nil || api.HashOf(data) != h {
		p.Fatalf("blob %v: %d bytes, %v", h, len(data), err)
	}
	return data
}
