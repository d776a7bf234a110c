//go:build hil

package card_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/scanner/qrdraw"
)

// gateway is this machine's address for the machine in QEMU.
const gateway = "10.0.2.2"

// world is everything around a door: registry, time server, what the camera sees, citizens.
type world struct {
	t        testing.TB
	dir      string
	registry *exec.Cmd
	url      string // of the registry, from this machine
	port     string
	http     *http.Client
	admin    string // the administrator's key
	time     string // port of the time server
	camera   *camera
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, dir: t.TempDir(), port: freePort(t)}
	bin := filepath.Join(w.dir, "ashyq-registry")
	run(t, "go", "build", "-buildvcs=false", "-o", bin, "ashyq-kiosk/cmd/ashyq-registry")
	log, err := os.Create(filepath.Join(w.dir, "registry.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	w.registry = exec.Command("sh", "-c", "exec "+command(t, "bin/ashyq-registry serve", "bin/ashyq-registry", bin,
		"--data registry", "--data "+w.dir+"/data", "0.0.0.0:8443", "127.0.0.1:"+w.port, "registry.example:8443", gateway+":"+w.port))
	w.registry.Stdout, w.registry.Stderr = log, log
	if err := w.registry.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.registry.Process.Signal(syscall.SIGTERM)
		_ = w.registry.Wait()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("the registry said:\n%s", said[max(0, len(said)-2000):])
		}
	})
	w.url = "https://127.0.0.1:" + w.port
	await(t, "the registry", 30*time.Second, func() string { return "" }, func() bool {
		ca, err := os.ReadFile(w.dir + "/data/ca.pem")
		if err != nil {
			return false
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(ca)
		w.http = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
		resp, err := w.http.Get(w.url + "/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	key, err := os.ReadFile(w.dir + "/data/admin.key")
	if err != nil {
		t.Fatal(err)
	}
	w.admin = strings.TrimSpace(string(key))
	w.time = serveTime(t)
	w.camera = newCamera(t)
	return w
}

// ask posts a request, or makes a GET if request is nil, and decodes the answer into answer.
func (w *world) ask(path, key string, request, answer any) {
	w.t.Helper()
	method, body := http.MethodGet, []byte(nil)
	if request != nil {
		method = http.MethodPost
		var err error
		if body, err = json.Marshal(request); err != nil {
			w.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, w.url+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	_, _ = text.ReadFrom(resp.Body) // its end is checked by the decoder
	if resp.StatusCode >= 300 {
		w.t.Fatalf("%s: %s: %s", path, resp.Status, text.String())
	}
	if answer != nil {
		if err := json.Unmarshal(text.Bytes(), answer); err != nil {
			w.t.Fatalf("%s: %v", path, err)
		}
	}
}

// enrolCode creates a door and returns its code.
func (w *world) enrolCode(name, venue string) string {
	w.t.Helper()
	var answer server.EnrolCodesAnswer
	w.ask(server.PathEnrolCodes, w.admin, server.EnrolCodesRequest{Doors: []server.EnrolDoor{{Name: name, Venue: venue}}}, &answer)
	return answer.Codes[0].Code
}

// door is how the registry sees one.
func (w *world) door(name string) store.DoorState {
	w.t.Helper()
	var page store.DoorsPage
	w.ask(server.PathDoors, w.admin, nil, &page)
	for _, k := range page.Doors {
		if k.Name == name {
			return k
		}
	}
	return store.DoorState{}
}

// citizen is a person with a phone, who has been tested.
type citizen struct{ *phone.Phone }

func (w *world) citizen(iin, result string) citizen {
	w.t.Helper()
	var code server.CitizenAnswer
	w.ask(server.PathCitizens, w.admin, server.CitizenRequest{IIN: iin}, &code)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	c := citizen{phone.New(key)}
	w.ask(server.PathActivate, "", server.ActivateRequest{Code: code.Code, Key: c.Key()}, nil)
	ask, err := c.TopUp(time.Now(), pass.MaxDays)
	if err != nil {
		w.t.Fatal(err)
	}
	var answer server.TopUpAnswer
	w.ask(server.PathTopUp, "", server.TopUpRequest{TopUp: ask}, &answer)
	if err := c.Take(answer.Credentials); err != nil {
		w.t.Fatal(err)
	}
	var lab server.SourceAnswer
	w.ask(server.PathSources, w.admin, server.SourceRequest{Name: "laboratory of " + iin, Kind: "laboratory"}, &lab)
	w.ask(server.PathResults, lab.Key, server.ResultRequest{IIN: iin, Sample: iin, Result: result, Taken: time.Now().Add(-time.Hour)}, nil)
	return c
}

// code is the code on the phone now.
func (c citizen) code() string {
	text, err := c.Code(time.Now().Truncate(pass.Period))
	if err != nil {
		panic(err) // this phone's clock is right
	}
	return text
}

// camera sends raw grey pictures to whoever connects. The door uses it as a "pipe:" camera, through
// bash.
type camera struct {
	mu       sync.Mutex
	text     func() string // guarded by mu; nil: an empty doorway
	stopped  bool          // guarded by mu
	listener net.Listener
}

const width, height = 640, 480

func newCamera(t testing.TB) *camera {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &camera{listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.send(conn)
		}
	}()
	return c
}

// source is the door's camera.source.
func (c *camera) source() string {
	_, port, _ := net.SplitHostPort(c.listener.Addr().String()) // it has one
	return fmt.Sprintf("pipe:%dx%d,gray bash -c cat</dev/tcp/%s/%s", width, height, gateway, port)
}

// show holds a code to the camera; nil takes it away.
func (c *camera) show(text func() string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = text
}

// stop stops the camera, or starts it again.
func (c *camera) stop(stopped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = stopped
}

func (c *camera) send(conn net.Conn) {
	defer conn.Close()
	for n := uint64(0); ; n++ {
		c.mu.Lock()
		text, stopped := c.text, c.stopped
		c.mu.Unlock()
		if stopped {
			return
		}
		img := qrdraw.Doorway(width, height, 3)
		if text != nil {
			code := qrdraw.Draw(text(), qrdraw.Options{Module: 5})
			side := code.Bounds().Dx()
			qrdraw.Paste(img, code, qrdraw.Square((width-side)/2, max(0, (height-side)/2), min(side, height)))
		}
		qrdraw.Noise(img, 2, n)
		if _, err := conn.Write(img.Pix); err != nil {
			return
		}
		time.Sleep(300 * time.Millisecond) // three pictures a second are enough for an emulated processor
	}
}

// serveTime answers NTP requests (RFC 5905) with this machine's time, and returns its port.
func serveTime(t testing.TB) string {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		request := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(request)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			now := time.Now()
			seconds := uint64(now.Unix()+2208988800)<<32 | uint64(now.Nanosecond())<<32/1e9
			answer := make([]byte, 48)
			answer[0], answer[1], answer[2], answer[3] = 4<<3|4, 1, request[2], 0xec // version 4, server; stratum 1
			copy(answer[12:], "TEST")
			binary.BigEndian.PutUint64(answer[16:], seconds) // reference
			copy(answer[24:32], request[40:48])              // origin
			binary.BigEndian.PutUint64(answer[32:], seconds) // received
			binary.BigEndian.PutUint64(answer[40:], seconds) // sent
			_, _ = conn.WriteTo(answer, from)                // a lost answer is asked for again
		}
	}()
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String()) // it has one
	return port
}
