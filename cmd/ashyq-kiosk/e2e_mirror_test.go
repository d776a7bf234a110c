package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/mirror"
	"ashyq-kiosk/registry/server"
)

// nginxPath is where Debian installs nginx.
const nginxPath = "/usr/sbin/nginx"

// mirrorWorld is a registry, its export, Debian's nginx over the exported files, and a door that
// follows it.
type mirrorWorld struct {
	*enrolWorld
	export  *process
	nginx   *process
	address string // of nginx
	config  string // of the door
}

// newMirrorWorld starts all of it, and waits until the door follows the mirror.
func newMirrorWorld(t *testing.T) *mirrorWorld {
	if _, err := os.Stat(nginxPath); err != nil && !testing.Short() {
		t.Skip("there is no nginx to serve a mirror: apt-get install nginx-light")
	}
	w := &mirrorWorld{enrolWorld: newEnrolWorld(t), address: freeAddress(t)}
	w.picture("1.png", "HELLO")
	w.certificates()
	w.startExport()
	w.serve("")
	w.write("boot/ashyq-enrol.txt", w.code("North gate", "cinema")+"\n")
	w.config = w.enrolWorld.config("door.toml", fmt.Sprintf("[registry]\nmirrors = [\"https://%s\"]\nmirrors_ca = %q\n",
		w.address, filepath.Join(w.dir, "mirror-ca.pem")))
	w.startDoor()
	w.await("the door to follow the mirror", func() bool { return w.shows("mirrors: " + w.address + " followed") })
	return w
}

func (w *mirrorWorld) startDoor() {
	w.t.Helper()
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", w.config)
	w.await("the door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == 200 })
}

func (w *mirrorWorld) startExport() {
	w.t.Helper()
	authority := filepath.Join(w.dir, "registry", "ca.pem")
	key, err := exec.Command(filepath.Join(w.bin, "ashyq-registry"), "key", "--data", filepath.Join(w.dir, "registry")).Output()
	if err != nil {
		w.t.Fatal(err)
	}
	w.export = w.start("ashyq-registry", "export", "--from", w.direct, "--ca", authority, "--key", strings.TrimSpace(string(key)),
		filepath.Join(w.dir, "mirror"))
	w.await("the export", func() bool { return strings.Contains(w.export.output(), "the copy is complete") })
}

// certificates are of the mirror's own authority, which is not the registry's.
func (w *mirrorWorld) certificates() {
	w.t.Helper()
	key, err := server.NewAuthorityKey()
	if err != nil {
		w.t.Fatal(err)
	}
	certificate, err := server.SelfSign(key)
	if err != nil {
		w.t.Fatal(err)
	}
	authority, err := server.LoadAuthority(key, certificate)
	if err != nil {
		w.t.Fatal(err)
	}
	config, err := authority.TLS("127.0.0.1")
	if err != nil {
		w.t.Fatal(err)
	}
	own, err := config.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("mirror-ca.pem", string(certificate))
	w.write("mirror.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]})))
	w.write("mirror.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

var serverBlock = regexp.MustCompile("(?s)```nginx\n(.*?)```")

// serve runs nginx with the lines of docs/mirrors.md, or with those that a bad mirror has for
// blobs.
func (w *mirrorWorld) serve(blobs string) {
	w.t.Helper()
	doc, err := os.ReadFile("../../docs/mirrors.md")
	if err != nil {
		w.t.Fatal(err)
	}
	found := serverBlock.FindSubmatch(doc)
	if found == nil {
		w.t.Fatal("docs/mirrors.md has no lines for nginx")
	}
	lines := strings.NewReplacer("listen 443 ssl", "listen "+w.address+" ssl", "/etc/ssl/", w.dir+"/", "/srv/ashyq", w.dir+"/mirror").
		Replace(string(found[1]))
	if blobs != "" {
		lines = strings.Replace(lines, "location /v1/blob/ {", "location /v1/blob/ { "+blobs, 1)
	}
	temporary := ""
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += fmt.Sprintf("%s_temp_path %s/nginx-%s;\n", name, w.dir, name)
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n" // nobody else reads the test's folder
	}
	file := w.write("nginx.conf", fmt.Sprintf("%sdaemon off;\nmaster_process off;\npid %s/nginx.pid;\nerror_log stderr;\n"+
		"events {}\nhttp {\n%slog_format door '$status $request_uri $http_user_agent $ssl_client_s_dn';\naccess_log %s/access.log door;\n%s}\n",
		user, w.dir, temporary, w.dir, lines))
	if w.nginx != nil {
		w.nginx.terminate()
	}
	w.nginx = w.launch(exec.Command(nginxPath, "-c", file, "-e", "stderr"))
	w.await("nginx", func() bool {
		conn, err := net.Dial("tcp", w.address)
		return err == nil && conn.Close() == nil
	})
}

// served counts the lines of nginx's log that begin like this.
func (w *mirrorWorld) served(begin string) (n int) {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "access.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, begin) {
			n++
		}
	}
	return n
}

// says waits until the door names the mirror with this fault: on its page, in its log and metrics.
func (w *mirrorWorld) says(fault string) {
	w.t.Helper()
	w.await("the door to say that the mirror "+fault, func() bool {
		return w.shows("mirrors: "+w.address+" "+fault+" since ") && strings.Contains(w.kiosk.output(), "mirror="+w.address+" fault="+fault)
	})
	if n := w.metric(fmt.Sprintf("ashyq_mirror_faults_total{fault=%q,mirror=%q}", fault, w.address)); n < 1 {
		w.t.Errorf("the metrics count %v faults", n)
	}
}

// TestMirrorEndToEnd has a door follow a real mirror, which then goes wrong in every way.
func TestMirrorEndToEnd(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newMirrorWorld(t)
	iins := numbers(10)
	w.change(iins[9])
	w.await("the door to have the change", w.isUpToDate)
	w.await("the door to look again", func() bool { return w.served("304 "+api.PathManifest+" ashyq-kiosk -") > 0 })
	if n := w.served("200 " + api.PathBlob); n < 3 {
		t.Errorf("the door loaded %d blobs from the mirror", n)
	}
	if all, own := w.served(""), w.served("200 ")+w.served("304 "); all != own {
		t.Errorf("the door asked the mirror %d times, and got the list %d times", all, own)
	}
	out, err := exec.Command(filepath.Join(w.bin, "ashyq-kiosk"), "doctor", "--config", w.config).CombinedOutput()
	if !strings.Contains(string(out), w.address+", version ") {
		t.Errorf("the doctor said (%v)\n%s", err, out)
	}

	w.write("mirror/other", strings.Repeat("x", 1<<20))
	w.write("mirror/short", "x")
	w.write("mirror/long", strings.Repeat("x", 3<<20))
	for i, c := range []struct{ fault, blobs string }{
		{"lies", "rewrite ^ /other break;"},
		{"incomplete", "rewrite ^ /short break;"},
		{"incomplete", "return 404;"},
		{"huge", "rewrite ^ /long break;"},
		{"fails", "return 500;"},
		{"slow", "limit_rate 1;"},
	} {
		w.kiosk.terminate() // it would stay away for long
		w.serve(c.blobs)
		w.startDoor()
		w.change(iins[i])
		w.await("the door to have the change", w.isUpToDate)
		w.says(c.fault)
	}

	w.kiosk.terminate()
	w.serve("")
	w.startDoor()
	w.await("the door to follow the mirror", func() bool { return w.shows("mirrors: " + w.address + " followed") })
	w.nginx.kill()
	w.nginx = nil
	w.change(iins[8])
	w.await("the door to have the change", w.isUpToDate)
	w.says("fails")
	w.serve("")
	w.await("the door to come back", func() bool { return strings.Contains(w.kiosk.output(), "the door follows the mirror again") })
	w.kiosk.terminate()
	w.export.terminate()
}

// TestMirrorAlone has a door load everything from the mirror while there is no registry. Then the
// mirror itself stops following, and the door says so.
func TestMirrorAlone(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newMirrorWorld(t)
	w.change(numbers(1)[0])
	w.await("the door to have the change", w.isUpToDate)
	version := w.overview().Version
	w.kiosk.terminate()
	if err := w.export.cmd.Process.Signal(syscall.SIGSTOP); err != nil { // no newer manifest from now on
		t.Fatal(err)
	}
	stopped := time.Now()
	w.registry.terminate()
	w.emptyCache()
	w.startDoor()
	w.await("the door to have the list", func() bool { return w.shows(fmt.Sprintf("data: version %d,", version)) })

	w.registry = w.start("ashyq-registry", "serve", "--data", filepath.Join(w.dir, "registry"), "--listen",
		strings.TrimPrefix(w.direct, "https://"), "--public-url", w.direct, "--tls-own")
	w.await("the registry", func() bool { return strings.Contains(w.registry.output(), "msg=listening") })
	w.change(numbers(2)[1])
	time.Sleep(time.Until(stopped.Add(mirror.MaxLag))) // until then it is not late
	// The door asked the registry while that was gone, and asks again within two minutes.
	for end := stopped.Add(3 * time.Minute); !w.isUpToDate() && time.Now().Before(end); {
		time.Sleep(time.Second)
	}
	w.await("the door to have the change", w.isUpToDate)
	w.says("lags")
	if err := w.export.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.await("the door to come back", func() bool { return strings.Contains(w.kiosk.output(), "the door follows the mirror again") })
	w.kiosk.terminate()
	w.export.terminate()
}

// emptyCache removes the list from the door's card. Its enrolment stays.
func (w *mirrorWorld) emptyCache() {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.dir, "state-of-door.toml", "cache.db")); err != nil {
		w.t.Fatal(err)
	}
}

// TestMirrorTurnover turns the list key over while a door follows a mirror.
func TestMirrorTurnover(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newMirrorWorld(t)
	w.write("boot/ashyq-enrol.txt", w.code("South gate", "cinema")+"\n")
	screen := w.screen
	w.screen = freeAddress(t)
	other := w.start("ashyq-kiosk", "run", "--config", w.enrolWorld.config("other.toml", ""))
	w.await("the other door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == 200 })
	other.terminate()
	w.screen = screen
	w.post(server.PathRevokeDoor, w.admin, server.RevokeDoorRequest{Name: "South gate"}, nil)
	w.await("the next key", func() bool { return w.database(`SELECT COUNT(*) FROM list_keys`) == 2 })
	loads := w.served("200 " + api.PathBlob)
	w.turnOverIn(40 * time.Second)
	w.change(numbers(1)[0])
	w.await("the door to fetch it", func() bool { return strings.Contains(w.kiosk.output(), "the door has new keys") })
	w.await("the turnover", func() bool { return strings.Contains(w.registry.output(), "the list key was turned over") })
	w.change(numbers(2)[1])
	w.await("the door to have the change", w.isUpToDate)
	if said := w.kiosk.output(); strings.Contains(said, "does not have the key") || strings.Contains(said, "a mirror ") {
		t.Errorf("the door missed the key, or the mirror:\n%s", said)
	}
	if n := w.served("200 "+api.PathBlob) - loads; n < 2 {
		t.Errorf("the door loaded %d blobs from the mirror meanwhile", n)
	}
	w.kiosk.terminate()
}
