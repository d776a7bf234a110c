package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/config"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/enrol/enroltest"
	"ashyq-kiosk/kiosk/replica"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
	"ashyq-kiosk/scanner/qrdraw"
)

// TestEnrolmentEndToEnd is a door's life, with a registry and a door as processes: enrolled by a
// code shown to its camera, revoked, enrolled again, and started from an offline snapshot on its
// card.
func TestEnrolmentEndToEnd(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newEnrolWorld(t)
	w.write("boot/.keep", "")
	w.picture("1.png", "HELLO")
	file := w.config("kiosk.toml", "")
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", file)
	w.await("the door to wait for a code", func() bool { return w.shows("out of order: not-enrolled") })
	w.picture("2.png", w.code("North gate", "cinema"))
	w.await("the door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK })
	if state := w.door("North gate"); !state.Enrolled || state.Revoked {
		t.Errorf("the registry sees %+v", state)
	}

	t.Log("what it has seen is counted, and sent when it is on again: it identifies itself with its certificate")
	w.remove("2.png")
	w.picture("3.png", "NOT A PASS")
	w.await("a verdict", func() bool { return strings.Contains(w.kiosk.output(), "signal=code-problem") })
	w.kiosk.terminate()
	w.renew(file)
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", file)
	w.await("the counts", func() bool { return w.door("North gate").Counts["code-problem/none"] > 0 })
	if state := w.door("North gate"); state.Running == "" {
		t.Errorf("the registry does not know what the door runs: %+v", state)
	}
	if state := w.door("North gate"); state.SaidVenue != "cinema" || state.SaidZone != "green" || len(state.Config) != 16 || state.Differs {
		t.Errorf("the door says of itself: %+v", state)
	}

	w.await("the second hello", func() bool { h := w.door("North gate").Health; return h != nil && h.Restart == api.Ordered })
	if h := w.door("North gate").Health; h.Size == 0 || h.Up == 0 || h.Check() != nil {
		t.Errorf("the door's board says: %+v", h)
	}

	t.Log("revoked, it hears of it with the next call, and forgets")
	w.await("another verdict", func() bool { return strings.Contains(w.kiosk.output(), "signal=code-problem") })
	w.kiosk.terminate()
	w.post(server.PathRevokeDoor, w.admin, server.RevokeDoorRequest{Name: "North gate"}, nil)
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", file)
	w.await("the door to be nobody's", func() bool { return w.shows("out of order: not-enrolled") })
	if _, err := os.Stat(filepath.Join(w.dir, "state-of-kiosk.toml", "identity.pem")); err == nil {
		t.Error("the key is still there")
	}
	w.write("boot/ashyq-enrol.txt", w.code("North gate", "cinema")+"\n")
	w.kiosk.terminate()
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", file)
	w.await("the door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK })
	w.await("the door to keep its keys", w.hasKeys)
	w.kiosk.terminate()

	t.Log("without its list and without a network, a card with a snapshot")
	w.snapshot("boot/ashyq-offline-snapshot")
	w.registry.terminate()
	w.forget("cache.db")
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", file)
	w.await("the door to be in order without a registry", func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK })
	w.kiosk.terminate()
}

// hasKeys tells whether the door has stored its keys: it may be in order a moment before.
func (w *enrolWorld) hasKeys() bool {
	_, err := os.Stat(filepath.Join(w.dir, "state-of-kiosk.toml", "door-keys"))
	return err == nil
}

// forget removes a file of the door's state.
func (w *enrolWorld) forget(name string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.dir, "state-of-kiosk.toml", name)); err != nil {
		w.t.Fatal(err)
	}
}

// TestDoorsOnlySnapshotOnStick plugs sticks with an offline snapshot into a running door that has
// lost its list and its keys, and has no network. With the keys of another door it reads nothing.
func TestDoorsOnlySnapshotOnStick(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newEnrolWorld(t)
	w.picture("1.png", "HELLO")
	w.write("stick/.keep", "")
	enrolled := func(name string) (file, keys string) {
		w.write("boot/ashyq-enrol.txt", w.code(name, "shop")+"\n")
		file = w.config("kiosk.toml", "")
		w.kiosk = w.start("ashyq-kiosk", "run", "--config", file)
		w.await("the door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK })
		w.await("the door to keep its keys", w.hasKeys)
		w.kiosk.terminate()
		cfg, err := config.Load(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		identity, err := enrol.Open(cfg.Registry.Identity, cfg.Registry.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		return file, filepath.Join(doorkeys.FolderName, doorkeys.FileName(identity.DoorKey().PublicKey()))
	}
	_, other := enrolled("South gate")
	w.write("other", string(w.keysOf("South gate")))
	if err := os.RemoveAll(filepath.Join(w.dir, "state-of-kiosk.toml")); err != nil {
		t.Fatal(err)
	}
	file, own := enrolled("North gate")
	w.snapshot("prepared")
	w.write(filepath.Join("prepared", other), w.read("other"))
	w.write("own", string(w.keysOf("North gate")))
	w.registry.terminate()
	w.forget("cache.db")
	w.forget("door-keys")

	w.kiosk = w.start("ashyq-kiosk", "run", "--config", file)
	w.await("the door to have no data", func() bool { return w.shows("out of order: no-data") })
	w.rename("prepared", "stick/ashyq-offline-snapshot")
	w.await("the door to say that it has no key", func() bool { return strings.Contains(w.kiosk.output(), replica.ErrNoListKey.Error()) })
	w.write(filepath.Join("stick/ashyq-offline-snapshot", own), w.read("other"))
	w.await("the door to refuse another door's keys", func() bool { return strings.Contains(w.kiosk.output(), doorkeys.ErrOther.Error()) })
	if !w.shows("out of order: no-data") {
		t.Error("a door reads the list with the keys of another one")
	}
	w.write(filepath.Join("stick/ashyq-offline-snapshot", own), w.read("own"))
	w.await("the door to be in order", func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK })
	w.kiosk.terminate()
}

func (w *enrolWorld) read(name string) string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// keysOf gets the envelope of a door, as for a stick.
func (w *enrolWorld) keysOf(name string) []byte {
	w.t.Helper()
	var a server.StickKeysAnswer
	w.get(fmt.Sprintf("%s/%d/keys", server.PathDoors, w.door(name).ID), w.admin, &a)
	data, err := base64.RawURLEncoding.DecodeString(a.Envelope)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

// TestOutOfTheBox looks at the screen of a new door in a browser, and checks what the daemon tells
// systemd when it starts again after its enrolment.
func TestOutOfTheBox(t *testing.T) {
	registry := enroltest.New(t)
	w := &enrolWorld{world: &world{t: t, dir: t.TempDir(), bin: t.TempDir(), screen: freeAddress(t)}}
	w.browser = newBrowser(t)
	w.build("ashyq-kiosk")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	t.Setenv("NOTIFY_SOCKET", systemd.LocalAddr().String()) // without WATCHDOG_USEC it pulses at its start only
	w.picture("1.png", "HELLO")
	w.kiosk = w.start("ashyq-kiosk", "run", "--config", w.config("kiosk.toml", ""))
	w.await("the door to wait for a code", func() bool { return w.shows("out of order: not-enrolled") })
	page := w.browser.tab(false)
	w.browser.do(page, chromedp.Navigate("http://"+w.screen+"/"))
	for _, words := range []string{"Hold the enrolment code to the camera", "✓ Camera", "✓ Лампы и звук", "✗ Тіркеу", "✗ Data"} {
		w.browser.until(page, fmt.Sprintf(`document.body.innerText.includes(%q)`, words))
	}
	registry.Set(func(s *enroltest.Settings) { s.Refuse = &api.Error{Error: "the door was deleted"} })
	w.picture("2.png", registry.Code().String())
	w.browser.until(page, `document.body.innerText.includes("«the door was deleted»")`)
	registry.Set(func(s *enroltest.Settings) { s.Refuse = nil })
	w.remove("2.png")
	w.picture("3.png", registry.Code().String())
	host := strings.TrimPrefix(registry.URL, "https://")
	w.browser.until(page, fmt.Sprintf(`document.body.innerText.includes("about to join") && document.body.innerText.includes(%q)`, "«"+host+"»"))
	w.browser.until(page, `document.body.innerText.includes("✓ Enrolment")`)
	w.browser.until(page, `document.body.innerText.includes("The registry does not answer")`) // it has no manifest
	w.kiosk.terminate()
	var heard []string
	for message := make([]byte, 256); !slices.Contains(heard, "STOPPING=1"); {
		n, err := systemd.Read(message)
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, string(message[:n]))
	}
	const ready = "READY=1\nSTATUS=watching the door"
	if want := []string{ready, "WATCHDOG=1", ready, "STOPPING=1"}; !slices.Equal(heard, want) {
		t.Errorf("systemd heard %q, want %q", heard, want)
	}
}

// enrolWorld is a registry whose pages and doors share one address, and a door that sees a folder
// of pictures.
type enrolWorld struct{ *world }

func newEnrolWorld(t *testing.T) *enrolWorld { return newEnrolWorldAt(t, "127.0.0.1") }

// newEnrolWorldAt gives the registry a host name, which only the test's own requests need not
// resolve.
func newEnrolWorldAt(t *testing.T, host string) *enrolWorld {
	if testing.Short() {
		t.Skip("-short leaves registry and door as processes to make test")
	}
	w := &enrolWorld{world: &world{t: t, dir: t.TempDir(), bin: t.TempDir(), screen: freeAddress(t)}}
	w.build("ashyq-kiosk", "ashyq-registry")
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address) // our own address
	w.direct = "https://" + net.JoinHostPort(host, port)
	w.registry = w.start("ashyq-registry", "serve", "--data", filepath.Join(w.dir, "registry"), "--listen", address,
		"--public-url", w.direct, "--tls-own")
	pool := x509.NewCertPool()
	w.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	w.await("the registry", func() bool {
		ca, err := os.ReadFile(filepath.Join(w.dir, "registry", "ca.pem"))
		if err != nil || !pool.AppendCertsFromPEM(ca) {
			return false
		}
		resp, err := w.client.Get(w.direct + "/healthz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	w.readAdminKey(filepath.Join(w.dir, "registry"))
	return w
}

// renew does what the daemon does after half of its certificate's life, with the files on its card.
func (w *enrolWorld) renew(file string) {
	w.t.Helper()
	cfg, err := config.Load(file, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	identity, err := enrol.Open(cfg.Registry.Identity, cfg.Registry.CAFile)
	if err != nil {
		w.t.Fatal(err)
	}
	remote, err := registryClient(cfg, identity)
	if err != nil {
		w.t.Fatal(err)
	}
	defer remote.Close()
	before := identity.Certificate()
	if err := identity.Renew1(w.t.Context(), remote); err != nil {
		w.t.Fatal(err)
	}
	if _, _, err := remote.Update(w.t.Context()); err != nil || identity.Certificate().Equal(before) {
		w.t.Fatalf("with the new certificate: %v", err)
	}
}

// config writes a configuration file and returns its name, for start.
func (w *enrolWorld) config(name, begin string) string {
	return w.write(name, fmt.Sprintf("%s[camera]\nsource = \"dir:%s?loop\"\nfrozen_after = \"5m\"\n[hardware]\npins = \"sim\"\n[screen]\nlisten = %q\n"+
		"[state]\ndir = %q\ncard = %q\nstick = %q\n[clock]\ntrust = \"always\"\n",
		begin, filepath.Join(w.dir, "pictures"), w.screen, filepath.Join(w.dir, "state-of-"+name), filepath.Join(w.dir, "boot"), filepath.Join(w.dir, "stick")))
}

func (w *enrolWorld) picture(name, text string) {
	w.t.Helper()
	var buf bytes.Buffer
	if err := png.Encode(&buf, qrdraw.Draw(text, qrdraw.Options{Module: 6})); err != nil {
		w.t.Fatal(err)
	}
	w.write("pictures/."+name, buf.String())
	w.rename("pictures/."+name, "pictures/"+name)
}

func (w *enrolWorld) rename(from, to string) {
	w.t.Helper()
	if err := os.Rename(filepath.Join(w.dir, from), filepath.Join(w.dir, to)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *enrolWorld) remove(name string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.dir, "pictures", name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *enrolWorld) shows(text string) bool {
	resp, err := http.Get("http://" + w.screen + "/healthz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return err == nil && strings.Contains(string(body), text)
}

func (w *enrolWorld) door(name string) store.DoorState {
	w.t.Helper()
	var page store.DoorsPage
	w.get(server.PathDoors, w.admin, &page)
	for _, k := range page.Doors {
		if k.Name == name {
			return k
		}
	}
	w.t.Fatalf("the registry has no door %q", name)
	return store.DoorState{}
}

// snapshot writes what the registry serves into a folder.
func (w *enrolWorld) snapshot(folder string) {
	w.t.Helper()
	program, data := filepath.Join(w.bin, "ashyq-registry"), filepath.Join(w.dir, "registry")
	run := func(args ...string) string {
		out, err := exec.Command(program, args...).Output()
		if err != nil {
			w.t.Fatalf("%s: %v", args[0], err)
		}
		return strings.TrimSpace(string(out))
	}
	key := run("key", "--data", data)
	run("offline-snapshot", "--from", w.direct, "--ca", filepath.Join(data, "ca.pem"), "--key", key, filepath.Join(w.dir, folder))
}
