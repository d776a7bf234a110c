package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/phone"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// patience is how long the test waits for something that must happen. It is not a measurement.
const patience = 60 * time.Second

// world is a registry, a door in front of a camera, and a browser for everybody's phone.
type world struct {
	t       testing.TB
	dir     string
	bin     string
	browser *browser
	camera  *camera
	pins    *pins
	late    *lateness

	registry *process
	kiosk    *process
	proxy    *proxy       // between the kiosk and the registry
	direct   string       // URL of the registry's pages
	client   *http.Client // for that URL
	screen   string       // address of the door's screen

	admin, lab, centre string // keys
}

func newWorld(t testing.TB) *world {
	if testing.Short() {
		t.Skip("-short leaves registry and door as processes to make test")
	}
	w := &world{t: t, dir: t.TempDir(), bin: t.TempDir(), client: http.DefaultClient, late: new(lateness)}
	go w.late.watch(t.Context())
	w.build("ashyq-kiosk", "ashyq-registry")
	w.camera = newCamera(t)
	address, doors := freeAddress(t), freeAddress(t)
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.direct = "http://" + address
	w.registry = w.start("ashyq-registry", "serve", "--data", filepath.Join(w.dir, "registry"), "--listen", address,
		"--public-url", w.direct,
		"--doors-listen", doors, "--doors-url", "https://"+front.Addr().String())
	w.await("the registry", func() bool { return w.status(w.direct+"/healthz") == http.StatusOK })
	w.readAdminKey(filepath.Join(w.dir, "registry"))
	w.proxy = newProxy(t, front, "https://"+doors, filepath.Join(w.dir, "registry"),
		filepath.Join(w.dir, "state", "identity.pem"))
	var source server.SourceAnswer
	w.post(server.PathSources, w.admin, server.SourceRequest{Name: "Laboratory", Kind: "laboratory"}, &source)
	w.lab = source.Key
	w.post(server.PathSources, w.admin, server.SourceRequest{Name: "Centre", Kind: "covid-19-centre"}, &source)
	w.centre = source.Key
	return w
}

func (w *world) readAdminKey(registry string) {
	w.t.Helper()
	key, err := os.ReadFile(filepath.Join(registry, "admin.key"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.admin = strings.TrimSpace(string(key))
}

func (w *world) build(names ...string) {
	w.t.Helper()
	args := []string{"build", "-buildvcs=false", "-tags", buildTags, "-o", w.bin + "/"}
	for _, n := range names {
		args = append(args, "ashyq-kiosk/cmd/"+n)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		w.t.Fatalf("build: %v\n%s", err, out)
	}
}

// startKiosk starts a door with a code on its card and waits until it is idle: it is enrolled, and
// camera, clock, data and panel are in order.
func (w *world) startKiosk(venue string, again time.Duration) {
	w.t.Helper()
	w.screen = freeAddress(w.t)
	trace := filepath.Join(w.dir, "pins.tsv")
	w.write("boot/"+cardCode, w.code("Door", venue)+"\n")
	file := w.write("ashyq-kiosk.toml", fmt.Sprintf("[door]\nagain = \"%v\"\n[camera]\nsource = %q\n"+
		"[hardware]\npins = %q\n[screen]\nlisten = %q\n[state]\ndir = %q\ncard = %q\n[clock]\ntrust = \"always\"\n",
		again, w.camera.source, "sim:"+trace, w.screen, filepath.Join(w.dir, "state"), filepath.Join(w.dir, "boot")))
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", file)
	w.await("the door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK })
	w.pins = openPins(w.t, trace)
}

// code is a one-time code for a door.
func (w *world) code(name, venue string) string {
	w.t.Helper()
	var answer server.EnrolCodesAnswer
	w.post(server.PathEnrolCodes, w.admin, server.EnrolCodesRequest{Doors: []server.EnrolDoor{{Name: name,
		Venue: venue}}}, &answer)
	return answer.Codes[0].Code
}

// write writes a file below the world's folder and returns its path.
func (w *world) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) stateFile(name string) string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "state", name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// await polls until something is true.
func (w *world) await(what string, done func() bool) {
	w.t.Helper()
	for start := time.Now(); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > patience {
			w.t.Fatalf("waited %v for %s; the kiosk said:\n%s\nthe registry said:\n%s", patience, what, w.kiosk.output(),
				w.registry.output())
		}
	}
}

func (w *world) status(url string) int {
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// metrics is what Prometheus would read.
func (w *world) metrics() string {
	w.t.Helper()
	resp, err := http.Get("http://" + w.screen + "/metrics")
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(body)
}

// metric is the sum of all samples whose line begins like this.
func (w *world) metric(begins ...string) float64 {
	w.t.Helper()
	sum, found := 0.0, false
	for line := range strings.Lines(w.metrics()) {
		if !slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(line, b) }) {
			continue
		}
		fields := strings.Fields(line)
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			w.t.Fatalf("metric %q: %v", line, err)
		}
		sum, found = sum+v, true
	}
	if !found {
		w.t.Fatalf("no metric %q", begins)
	}
	return sum
}

func (w *world) kioskVersion() int { return int(w.metric("ashyq_data_version ")) }

// awaitVersion waits until the door has what the registry has published. An acknowledged record may
// still wait for the next publication, so the registry's version must not change meanwhile.
func (w *world) awaitVersion() {
	w.t.Helper()
	last := -1
	w.await("the door to follow the registry", func() bool {
		var o store.Overview
		w.get(server.PathOverview, w.admin, &o)
		still := int(o.Version) == last
		last = int(o.Version)
		if !still {
			time.Sleep(300 * time.Millisecond)
		}
		return still && w.kioskVersion() == last
	})
}

func (w *world) post(path, key string, body, answer any) {
	w.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(http.MethodPost, path, key, data, answer)
}

func (w *world) get(path, key string, answer any) {
	w.t.Helper()
	w.do(http.MethodGet, path, key, nil, answer)
}

func (w *world) do(method, path, key string, body []byte, answer any) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.direct+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 400 {
		w.t.Fatalf("%s %s: %s %v %s", method, path, resp.Status, err, got)
	}
	if answer != nil {
		if err := json.Unmarshal(got, answer); err != nil {
			w.t.Fatalf("%s: %v in %s", path, err, got)
		}
	}
}

func (w *world) result(c *citizen, result string, taken time.Time) (sample string) {
	w.t.Helper()
	sample = fmt.Sprintf("S-%d", time.Now().UnixNano())
	w.post(server.PathResults, w.lab, server.ResultRequest{IIN: c.iin, Sample: sample, Result: result, Taken: taken}, nil)
	return sample
}

// phone enrols somebody without a browser.
func (w *world) phone(iin string) *aPhone {
	w.t.Helper()
	var code server.CitizenAnswer
	w.post(server.PathCitizens, w.admin, server.CitizenRequest{IIN: iin}, &code)
	p := &aPhone{w.t, phone.New(newKey(w.t))}
	w.post(server.PathActivate, "", server.ActivateRequest{Code: code.Code, Key: p.Key()}, nil)
	ask, err := p.TopUp(time.Now(), 2)
	if err != nil {
		w.t.Fatal(err)
	}
	var answer server.TopUpAnswer
	w.post(server.PathTopUp, "", server.TopUpRequest{TopUp: ask}, &answer)
	if err := p.Take(answer.Credentials); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// aPhone is a pass without a browser.
type aPhone struct {
	t testing.TB
	*phone.Phone
}

func (p *aPhone) code() string {
	p.t.Helper()
	text, err := p.Code(time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// process is one of the programs, running.
type process struct {
	t   testing.TB
	cmd *exec.Cmd
	end chan error

	mu  sync.Mutex
	log bytes.Buffer // guarded by mu
}

func (w *world) start(name string, args ...string) *process {
	w.t.Helper()
	return w.launch(exec.Command(filepath.Join(w.bin, name), args...))
}

func (w *world) launch(cmd *exec.Cmd) *process {
	w.t.Helper()
	p := &process{t: w.t, cmd: cmd, end: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() { p.end <- p.cmd.Wait() }()
	w.t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // it may have ended already
	return p
}

// Write collects what the process prints.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) output() string {
	if p == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.end
}

// terminate asks the process to end and expects it to do so cleanly.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.end:
		if err != nil {
			p.t.Errorf("after SIGTERM: %v\n%s", err, p.output())
		}
	case <-time.After(patience):
		p.t.Fatalf("still there after SIGTERM\n%s", p.output())
	}
}

// proxy stands between the door and the registry. It opens TLS with the registry's own authority,
// and while it is told to tear, cuts every blob in half.
type proxy struct {
	t testing.TB

	mu     sync.Mutex
	cut    bool // guarded by mu
	pieces int  // guarded by mu: blobs torn
}

// newProxy passes on what comes to the listener. It speaks for the door with the identity on the
// door's card, where there is one.
func newProxy(t testing.TB, listener net.Listener, to, registry, identity string) *proxy {
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	authority := readAuthority(t, registry)
	config, err := authority.TLS("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority.Certificate)
	p := &proxy{t: t}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.Transport = &http.Transport{
		DisableKeepAlives: true, // a connection that was made before the door was enrolled speaks for nobody
		TLSClientConfig: &tls.Config{RootCAs: pool, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			certificate, err := tls.LoadX509KeyPair(identity, identity)
			if errors.Is(err, os.ErrNotExist) {
				return &tls.Certificate{}, nil
			}
			return &certificate, err
		}},
	}
	forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	forward.ModifyResponse = func(resp *http.Response) error {
		if !strings.HasPrefix(resp.Request.URL.Path, api.PathBlob) || !p.tears() {
			return nil
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		body = body[:len(body)/2]
		resp.Body = io.NopCloser(bytes.NewReader(body))
		resp.ContentLength = int64(len(body))
		resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return nil
	}
	server := &httptest.Server{Listener: tls.NewListener(listener, config), Config: &http.Server{Handler: forward}}
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return p
}

// readAuthority is the registry's own, out of its data directory.
func readAuthority(t testing.TB, dir string) *server.Authority {
	t.Helper()
	var parts [2][]byte
	for i, name := range []string{"ca.key", "ca.pem"} {
		var err error
		if parts[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	authority, err := server.LoadAuthority(parts[0], parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func (p *proxy) tear(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.pieces = on, 0
}

func (p *proxy) tears() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		p.pieces++
	}
	return p.cut
}

// awaitTorn waits until the door has received two torn blobs: the delta and the whole section.
func (p *proxy) awaitTorn() {
	p.t.Helper()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		p.mu.Lock()
		n := p.pieces
		p.mu.Unlock()
		if n >= 2 {
			return
		}
		if time.Since(start) > patience {
			p.t.Fatalf("the door asked for %d blobs, want 2", n)
		}
	}
}
