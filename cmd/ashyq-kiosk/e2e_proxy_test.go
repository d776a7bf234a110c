package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A venue: the door's namespace has a cable to the proxy's machine, no other route and no names.
// The registry listens on the loopback of that machine, where only the proxy reaches it.
const venueScript = `set -e
mount --make-rprivate /
mount -t tmpfs run /run
mkdir /run/netns
ip netns add door
ip link set lo up
ip link add uplink type veth peer name cable
ip link set cable netns door
ip addr add 10.77.0.1/24 dev uplink
ip link set uplink up
nsenter --net=/run/netns/door sh -c 'ip link set lo up; ip addr add 10.77.0.2/24 dev cable; ip link set cable up'
exec env ASHYQ_IN_VENUE=1 "$0" -test.v -test.run '^TestOnlyProxy$'
`

// TestOnlyProxy enrols a door that reaches nothing but a proxy, which asks for a password and knows
// the registry's name. The door follows the registry and reports through it.
func TestOnlyProxy(t *testing.T) {
	if os.Getenv("ASHYQ_IN_VENUE") != "" {
		onlyProxy(t)
		return
	}
	if testing.Short() {
		t.Skip("-short leaves registry and door as processes to make test")
	}
	if err := exec.Command("unshare", "--net", "--mount", "true").Run(); err != nil {
		t.Skip("no network namespace may be made here: ", err)
	}
	if out, err := exec.Command("unshare", "--net", "--mount", "sh", "-c", venueScript,
		os.Args[0]).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func onlyProxy(t *testing.T) {
	const host = "registry.venue.test"
	w := newEnrolWorldAt(t, host)
	proxy := newConnectProxy(t, "10.77.0.1:0", strings.TrimPrefix(w.direct, "https://"))
	w.picture("1.png", "HELLO")
	w.write("boot/proxy", "http://door:s3cret@"+proxy.address+"\n")
	w.write("boot/"+cardCode, w.code("North gate", "shop")+"\n")
	w.write("state/.keep", "")
	apply := exec.Command(filepath.Join(w.bin, "ashyq-kiosk"), "card", "apply",
		"--boot", filepath.Join(w.dir, "boot"), "--state", filepath.Join(w.dir,
			"state"), "--root", filepath.Join(w.dir, "root"))
	if out, err := apply.CombinedOutput(); err != nil || strings.Contains(string(out), "s3cret") {
		t.Fatalf("%v\n%s", err, out)
	}
	environment, err := os.ReadFile(filepath.Join(w.dir, "root/etc/environment"))
	if err != nil {
		t.Fatal(err)
	}
	file := w.config("kiosk.toml", "")
	door := func(environment []string, args ...string) *exec.Cmd {
		args = append([]string{"--net=/run/netns/door", filepath.Join(w.bin, "ashyq-kiosk")},
			append(args, "--config", file)...)
		cmd := exec.Command("nsenter", args...)
		cmd.Env = append(os.Environ(), environment...)
		return cmd
	}
	set := strings.Fields(string(environment))

	if out, err := door(nil, "doctor").CombinedOutput(); err == nil || !strings.Contains(string(out), "✗ network") {
		t.Errorf("without the proxy: %v\n%s", err, out)
	}
	w.kiosk = w.launch(door(set, "run"))
	w.await("the enrolment through the proxy", func() bool { return w.door("North gate").Enrolled })
	w.await("the door to be in order", func() bool { return door(nil, "status").Run() == nil })
	w.picture("2.png", "NOT A PASS")
	w.await("a verdict", func() bool { return strings.Contains(w.kiosk.output(), "signal=code-problem") })
	w.kiosk.terminate()
	w.kiosk = w.launch(door(set, "run")) // it sends what it has counted
	w.await("the door's counts", func() bool { return w.door("North gate").Counts["code-problem/none"] > 0 })
	out, err := door(set, "doctor").CombinedOutput()
	for _, want := range []string{"✓ network: there is a way to the proxy http://door:xxxxx@" + proxy.address,
		"✓ registry: " + w.direct} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("the doctor: %v, want %q\n%s", err, want, out)
		}
	}
	if out, err := door(nil, "doctor").CombinedOutput(); err == nil || !strings.Contains(string(out), "✗ network") {
		t.Errorf("the doctor without the proxy: %v\n%s", err, out)
	}
	if strings.Contains(w.kiosk.output()+string(out), "s3cret") {
		t.Errorf("the proxy's password is in\n%s\n%s", w.kiosk.output(), out)
	}
	asked := proxy.asked()
	t.Logf("the proxy was asked for %q", asked)
	if want := []string{"CONNECT " + strings.TrimPrefix(w.direct,
		"https://")}; !slices.Equal(slices.Compact(asked), want) {
		t.Errorf("the proxy was asked for %q, want %q only", asked, want)
	}
	w.kiosk.terminate()
}

// connectProxy opens tunnels (RFC 9110, 9.3.6) to one host, on this machine, for the user door.
type connectProxy struct {
	address string

	mu   sync.Mutex
	seen []string // guarded by mu
}

func newConnectProxy(t *testing.T, listen, host string) *connectProxy {
	t.Helper()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // the test is over
	p := &connectProxy{address: listener.Addr().String()}
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.mu.Lock()
			p.seen = append(p.seen, r.Method+" "+r.Host)
			p.mu.Unlock()
			ask := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
			user, password, _ := ask.BasicAuth()
			switch {
			case user != "door" || password != "s3cret":
				http.Error(w, "who is it?", http.StatusProxyAuthRequired)
			case r.Method != http.MethodConnect || r.Host != host:
				http.Error(w, "not from here", http.StatusForbidden)
			default:
				tunnel(w, "127.0.0.1:"+port)
			}
		}))
	}()
	return p
}

func tunnel(w http.ResponseWriter, to string) {
	far, err := net.Dial("tcp", to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer far.Close()
	w.WriteHeader(http.StatusOK)
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the door has gone
	}
	defer near.Close()
	go func() {
		_, _ = io.Copy(far, buffered) // either end may hang up
		_ = far.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(near, far)
}

func (p *connectProxy) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}
