package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/kiosk/client"
	"ashyq-kiosk/kiosk/doorkeys"
	"ashyq-kiosk/kiosk/enrol"
	"ashyq-kiosk/kiosk/pass"
	"ashyq-kiosk/registry/server"
	"ashyq-kiosk/registry/store"
)

// called runs the program and returns its exit code and what it said.
func called(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	code = run(t.Context(), args, &out, &out)
	return code, out.String()
}

// enrolDoor makes a door of a running registry and returns its identity.
func enrolDoor(t *testing.T, p *process, admin, name string) *enrol.Identity {
	t.Helper()
	body, err := json.Marshal(server.EnrolCodesRequest{Doors: []server.EnrolDoor{{Name: name, Venue: "shop"}}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, p.url+server.PathEnrolCodes, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+admin)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var codes server.EnrolCodesAnswer
	if err := json.NewDecoder(res.Body).Decode(&codes); err != nil || len(codes.Codes) != 1 {
		t.Fatalf("%d: %v", res.StatusCode, err)
	}
	code, err := enrol.Parse(codes.Codes[0].Code)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	e := &enrol.Enroller{Dir: dir, Device: "00112233aabbccdd", Check: func([]byte) error { return nil },
		Dial: func(c enrol.Code) (enrol.Registry, error) {
			return client.New(client.Config{URL: c.URL, Authority: c.Trusts})
		}}
	if err := e.Enrol(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	identity, err := enrol.Open(filepath.Join(dir, "identity.pem"), filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// A stick for doors: made with the command, taken in by the door's own ring, and by no other
// door's.
func TestSnapshotForDoors(t *testing.T) {
	p := &process{T: t, data: filepath.Join(t.TempDir(), "data")}
	p.serve()
	defer p.kill()
	adminPath := filepath.Join(p.data, adminFile)
	raw, err := os.ReadFile(adminPath)
	if err != nil {
		t.Fatal(err)
	}
	_, key := called(t, "key", "--data", p.data)
	key = strings.TrimSpace(key)
	registryKey, err := api.ParseKey(key)
	if err != nil {
		t.Fatal(err)
	}
	admin := strings.TrimSpace(string(raw))
	north, south := enrolDoor(t, p, admin, "Shop, North"), enrolDoor(t, p, admin, "Shop, South")
	third := enrolDoor(t, p, admin, "North")
	stick := filepath.Join(t.TempDir(), "ashyq-offline-snapshot")
	args := []string{"offline-snapshot", "--from", p.url, "--key", key, "--admin", adminPath, "--door",
		"Shop, North", "--door", "Shop, South"}
	code, said := called(t, append(args, stick)...)
	if code != 0 || !strings.Contains(said, "keys of 2 doors in ") {
		t.Fatalf("%d: %s", code, said)
	}
	for _, door := range []struct {
		name     string
		identity *enrol.Identity
		want     bool
	}{{"north", north, true}, {"south", south, true}, {"a third", third, false}} {
		ring := doorkeys.OpenRing(t.TempDir(), registryKey, door.identity.DoorKey(), time.Now,
			slog.New(slog.DiscardHandler))
		changed, err := ring.Take(stick)
		if _, ok := ring.PlaceKeys().Day(pass.DayOf(time.Now())); err != nil || changed != door.want ||
			ok != door.want {
			t.Errorf("%s: %v, key of today %v, %v", door.name, changed, ok, err)
		}
	}
	for _, path := range []string{stick, filepath.Join(stick, "keys")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}

	refused := func(what, want string, code int, args ...string) {
		t.Helper()
		empty := filepath.Join(t.TempDir(), "empty")
		got, said := called(t, append(append([]string{"offline-snapshot", "--key", key}, args...), empty)...)
		if got != code || !strings.Contains(said, want) || !strings.Contains(said, "hint: ") {
			t.Errorf("%s: %d %s", what, got, said)
		}
		if _, err := os.Stat(filepath.Join(empty, "manifest")); err == nil {
			t.Errorf("%s: the list was written", what)
		}
	}
	refused("an unknown door", `door "Shop": there is no door of this name`, 1, "--from", p.url, "--admin",
		adminPath, "--door", "Shop", "--door", "North")
	refused("no administrator", "--door without --admin", 2, "--from", p.url, "--door", "North")
	refused("a wrong file", "--admin: ", 2, "--from", p.url, "--admin", filepath.Join(p.data, caFile), "--door",
		"North")
	refused("a key in clear", "others could read", 2, "--from", "http://registry.example", "--admin", adminPath,
		"--door", "North")
	refused("the doors' address", "this address may be the one for doors only", 1, "--from", p.doors, "--ca",
		filepath.Join(p.data, caFile), "--admin", adminPath, "--door", "North")
}

// A server that is no registry, or a hostile one, writes no file where it likes.
func TestSnapshotKeysFromStrangers(t *testing.T) {
	dir := t.TempDir()
	for name, answer := range map[string]any{
		"a path": server.StickKeysAnswer{File: "../../../../evil",
			Envelope: "AAAA"}, "no name": server.StickKeysAnswer{Envelope: "AAAA"},
		"no envelope": server.StickKeysAnswer{File: "0123456789abcdef"}, "not base64": server.StickKeysAnswer{File: "0123456789abcdef", Envelope: "=="},
		"another thing": "hello",
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/keys") {
					_ = json.NewEncoder(w).Encode(answer)
					return
				}
				_ = json.NewEncoder(w).Encode(store.DoorsPage{Doors: []store.DoorState{{ID: 7, Name: "door"}},
					Total: 1})
			}))
			defer s.Close()
			k := stickKeys{s.URL, "key", s.Client()}
			if err := k.write(t.Context(), "door", dir); err == nil {
				t.Error("taken")
			}
		})
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	for name, handler := range map[string]http.HandlerFunc{
		"a web page": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!doctype html>") },
		"elsewhere":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/evil", http.StatusFound) },
	} {
		s := httptest.NewServer(handler)
		k := stickKeys{s.URL, "key", &http.Client{CheckRedirect: func(*http.Request,
			[]*http.Request) error {
			return http.ErrUseLastResponse
		}}}
		if err := k.write(t.Context(), "door", dir); err == nil {
			t.Errorf("%s: taken", name)
		}
		s.Close()
	}
}
