package server

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/registry/store"
)

func TestUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if err := os.WriteFile(filepath.Join(r.bundles, "ashyq_1.3-rc.1.raucb"), []byte("0123456789"), 0o600); err != nil {
			t.Fatal(err)
		}
		b := r.newBox(r.serveTLS(), boardA)
		b.enrol(codesFor(r, "door")[0])
		var all EnrolCodesAnswer
		r.post(PathEnrolCodes, adminKey, EnrolCodesRequest{Doors: []EnrolDoor{{Name: "of all", Venue: "shop", Ring: "all"}}}, &all)
		code, err := enrol.Parse(all.Codes[0].Code)
		if err != nil {
			t.Fatal(err)
		}
		other := r.newBox(b.network, boardB)
		other.enrol(code)

		r.post(PathReleases, adminKey, store.ReleaseRequest{Ring: "early", Bundle: "ashyq_1.3-rc.1.raucb", Version: "1.3-rc.1"}, nil)
		var u api.UpdateAnswer
		if status, refused := b.ask(http.MethodGet, api.PathUpdate, nil, &u); status != 200 || u.Version != "1.3-rc.1" || u.Bundle != "/v1/bundle/ashyq_1.3-rc.1.raucb" {
			t.Fatalf("update: %d %+v, %+v", status, refused, u)
		}
		status, refused := other.update()
		is(t, "a door of another ring", status, refused, 204, "")
		if w := r.call(http.MethodGet, u.Bundle, "", ""); w.Code != http.StatusOK || w.Body.String() != "0123456789" {
			t.Errorf("the bundle: %d %s", w.Code, w.Body)
		}
		part := httptest.NewRequest(http.MethodGet, u.Bundle, nil)
		part.Header.Set("Range", "bytes=4-")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, part)
		if w.Code != http.StatusPartialContent || w.Body.String() != "456789" {
			t.Errorf("the rest of the bundle: %d %s", w.Code, w.Body)
		}
		if metrics := r.figures(); !strings.Contains(metrics, `code="206",method="GET",path="/v1/bundle/{name}"} 1`) {
			t.Error("a partial answer is not counted as one")
		}
		r.post(PathReleases, adminKey, store.ReleaseRequest{Ring: "early"}, nil)
		status, refused = b.update()
		is(t, "taken back", status, refused, 204, "")
	})
}

// A bundle over a slow line takes longer than the HTTP server gives other answers.
func TestSlowDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		const size = 1 << 20
		if err := os.WriteFile(filepath.Join(r.bundles, "large"), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		front := &http.Server{Handler: r, WriteTimeout: time.Second}
		done := make(chan error, 1)
		go func() { done <- front.Serve(p) }()
		defer func() {
			if err := front.Close(); err != nil {
				t.Error(err)
			}
			<-done
		}()
		transport := &http.Transport{DialContext: p.dial}
		defer transport.CloseIdleConnections()
		res, err := (&http.Client{Transport: transport}).Get("http://registry.example" + api.PathBundle + "/large")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		time.Sleep(time.Minute)
		if n, err := io.Copy(io.Discard, res.Body); err != nil || n != size {
			t.Errorf("%d bytes: %v", n, err)
		}
	})
}

// Nothing but the files of the directory itself gets out.
func TestBundlesStayInTheirDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		outside := filepath.Join(t.TempDir(), "secret")
		for file, text := range map[string]string{outside: "secret", filepath.Join(r.bundles, ".hidden"): "secret"} {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(outside, filepath.Join(r.bundles, "link")); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(r.bundles, "folder"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"link", "folder", ".hidden", "..%2Fsecret", "folder%2F..%2Flink", "%2Fetc%2Fpasswd", "nothing", "a%20b"} {
			if w := r.call(http.MethodGet, api.PathBundle+"/"+name, "", ""); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
	})
}
