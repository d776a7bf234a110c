package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ashyq-kiosk/kiosk/api"
)

// TestKeyThatWouldBeAFlag passes a key on the command line whose base64url begins with a dash, as
// that of one registry in 64 does.
func TestKeyThatWouldBeAFlag(t *testing.T) {
	p := &process{T: t, data: filepath.Join(t.TempDir(), "data")}
	dir, err := lock(p.data)
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.create(); err != nil {
		t.Fatal(err)
	}
	dir.unlock()
	var public ed25519.PublicKey
	for !strings.HasPrefix(base64.RawURLEncoding.EncodeToString(public), "-") {
		var private ed25519.PrivateKey
		if public, private, err = ed25519.GenerateKey(nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir.path(registryFile), []byte(api.FormatKey(private.Seed())+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.serve()
	defer p.kill()
	printed, err := command("key", "--data", p.data).Output()
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(string(printed))
	if !strings.HasPrefix(key, "k1-") {
		t.Fatalf("the key is printed as %q", key)
	}
	to := filepath.Join(t.TempDir(), "copy")
	if out, err := command("offline-snapshot", "--from", p.url, "--key", key, to).CombinedOutput(); err != nil {
		t.Fatalf("--key %s: %v\n%s", key, err, out)
	}
	if _, err := os.Stat(filepath.Join(to, "manifest")); err != nil {
		t.Error(err)
	}
}
