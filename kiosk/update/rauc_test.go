package update

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A real RAUC makes a bundle, checks it and unpacks it; what it says of the bundle is what lies in
// it for Admit to read.
func TestRealRAUC(t *testing.T) {
	for _, program := range []string{"rauc", "mksquashfs", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no %s here: apt-get install rauc squashfs-tools openssl", program)
		}
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	for _, name := range []string{"key", "stranger"} {
		run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
			"/CN=updates",
			"-addext", "keyUsage=digitalSignature", "-keyout", in(name), "-out", in(name+".pem"))
	}
	rauc, err := exec.LookPath("rauc")
	must(t, err)
	must(t, os.Mkdir(in("bin"), 0o755))
	must(t, os.WriteFile(in("bin/rauc"), []byte("#!/bin/sh\nexec "+rauc+" --keyring="+in("key.pem")+" \"$@\"\n"), 0o755))
	t.Setenv("PATH", in("bin")+":"+os.Getenv("PATH"))

	pack := func(name, key, update string) (bundle string) {
		t.Helper()
		must(t, os.Mkdir(in(name), 0o755))
		image := [32 << 10]byte{}
		_, _ = rand.Read(image[:]) // never fails
		must(t, os.WriteFile(in(name+"/slot.img"), image[:], 0o600))
		manifest := "[update]\ncompatible=ashyq-kiosk-lean\n" + update +
			"[bundle]\nformat=verity\n[image.card]\nfilename=slot.img\n"
		must(t, os.WriteFile(in(name+"/manifest.raucm"), []byte(manifest), 0o600))
		run(rauc, "--cert", in(key+".pem"), "--key", in(key), "bundle", in(name), in(name+".raucb"))
		return in(name + ".raucb")
	}
	for name, x := range map[string]struct {
		update string
		want   Bundle
	}{
		"plain":       {"version=0~20261123093000.g0123456+dirty\n", Bundle{Version: "0~20261123093000.g0123456+dirty"}},
		"downgrade":   {"version=2020.01-1\ndescription=downgrade from 2026.12-5\n", Bundle{"2020.01-1", "2026.12-5"}},
		"description": {"description=for the shop\nversion=2\n", Bundle{Version: "2"}},
	} {
		bundle := pack(name, "key", x.update)
		if got, err := (RAUC{}).Inspect(t.Context(), bundle); err != nil || got != x.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, x.want)
		}
		run("rauc", "extract", bundle, in(name+".out"))
		data, err := os.ReadFile(in(name + ".out/manifest.raucm"))
		must(t, err)
		if got, err := ReadManifest(data); err != nil || got != x.want {
			t.Errorf("%s, unpacked: %+v, %v, want %+v of\n%s", name, got, err, x.want, data)
		}
	}
	if got, err := (RAUC{}).Inspect(t.Context(), pack("strange", "stranger", "version=9\n")); err == nil {
		t.Errorf("a stranger's bundle is %+v", got)
	}
	if got, err := (RAUC{}).Inspect(t.Context(), pack("nameless", "key", "")); err == nil ||
		!strings.Contains(err.Error(), "its version") {
		t.Errorf("a bundle without a version: %+v, %v", got, err)
	}
}
