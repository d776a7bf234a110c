package export_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/api"
	"ashyq-kiosk/registry/export"
)

// TestFolderStaysInside has somebody who may write to a mirror's folder, a web server for instance,
// lead the export elsewhere: it neither opens nor removes anything there.
func TestFolderStaysInside(t *testing.T) {
	for _, link := range []string{"v1", "v1/blob", ".incoming"} {
		dir, elsewhere := t.TempDir(), t.TempDir()
		secret := filepath.Join(elsewhere, api.HashOf(nil).String())
		err := errors.Join(os.WriteFile(secret, nil, 0o600), os.Chmod(elsewhere, 0o700),
			os.MkdirAll(filepath.Dir(filepath.Join(dir, link)), 0o755), os.Symlink(elsewhere, filepath.Join(dir, link)))
		if err != nil {
			t.Fatal(err)
		}
		if f, err := export.OpenFolder(dir); err == nil || !strings.Contains(err.Error(), "\nhint: ") {
			if err == nil {
				_ = f.Close()
			}
			t.Errorf("%s leads elsewhere: %v, want an error with a hint", link, err)
		}
		if info, err := os.Stat(elsewhere); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s leads elsewhere, and that has mode %v, %v", link, info.Mode(), err)
		}
		if _, err := os.Stat(secret); err != nil {
			t.Errorf("%s leads elsewhere, and what is there was removed: %v", link, err)
		}
	}
}

// TestFolderWithWrongFiles has names in the folder that are no files: a link out of it, and a pipe
// that nobody writes to.
func TestFolderWithWrongFiles(t *testing.T) {
	r, dir := newRegistry(t), t.TempDir()
	place := openFolder(t, dir)
	r.once(place)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.WriteFile(elsewhere, []byte("as before"), 0o600); err != nil {
		t.Fatal(err)
	}
	blob := filepath.Join(dir, api.PathBlob, r.current().Sections[0].Blob.String())
	for what, put := range map[string]func() error{
		"a link": func() error { return os.Symlink(elsewhere, blob) },
		"a pipe": func() error { return syscall.Mkfifo(blob, 0o644) },
	} {
		if err := errors.Join(os.Remove(blob), put()); err != nil {
			t.Fatal(err)
		}
		done := inBackground(func() error { _, err := export.New(r.options(place)).Once(t.Context()); return err })
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s in place of a blob: %v", what, err)
				continue
			}
		case <-time.After(90 * time.Second):
			t.Fatalf("%s in place of a blob holds the export up", what)
		}
		if info, err := os.Lstat(blob); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s is still in place of a blob: %v, %v", what, info, err)
		}
	}
	if err := errors.Join(os.Remove(blob), os.Symlink(elsewhere, blob)); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	r.publish()
	r.once(place) // and notes that the former section is not needed
	if after, err := os.Stat(elsewhere); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the file that the link names was changed: %v", err)
	}
	if data, err := os.ReadFile(elsewhere); err != nil || string(data) != "as before" {
		t.Errorf("the file that the link names has %q, %v", data, err)
	}
}

// TestFolderIsReadByAnotherUser reads a mirror as a web server does, who is another user: also
// where the export has made the folders above it. Those that were there stay as they are.
func TestFolderIsReadByAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	const nobody = 65534
	top, err := os.MkdirTemp("", "export-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	mine := filepath.Join(top, "mine")
	if err := errors.Join(os.Chmod(top, 0o755), os.Mkdir(mine, 0o711), os.Chmod(mine, 0o711)); err != nil {
		t.Fatal(err)
	}
	old := syscall.Umask(0o077) // as the program does
	defer syscall.Umask(old)
	dir := filepath.Join(mine, "srv", "www", "ashyq")
	newRegistry(t).once(openFolder(t, dir))
	reads := func(command, name string) bool {
		read := exec.Command(command, filepath.Join(dir, name))
		read.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		read.Dir = "/"
		out, err := read.CombinedOutput()
		t.Logf("%s %s: %.100q", command, name, out)
		return err == nil
	}
	if !reads("cat", "v1/manifest") || !reads("ls", "v1/blob") {
		t.Error("a web server cannot read the mirror")
	}
	if reads("ls", ".incoming") {
		t.Error("a web server reads what is not complete")
	}
	if info, err := os.Stat(mine); err != nil || info.Mode().Perm() != 0o711 {
		t.Errorf("a folder that was there has mode %v, %v", info.Mode(), err)
	}
}

func inBackground(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}
