package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ashyq-kiosk/registry/server"
)

// TestReplacedDevice puts another device in a door's place, with the registry and both devices as
// processes. The second one runs where /etc/machine-id is its own, so that it is another board.
func TestReplacedDevice(t *testing.T) {
	t.Parallel() // it mostly waits
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("no process gets a machine-id of its own here: unshare --mount: %v %s", err, out)
	}
	w := newEnrolWorld(t)
	w.picture("1.png", "HELLO")
	w.write("boot/ashyq-enrol.txt", w.code("North gate", "cinema")+"\n")
	oldScreen, newScreen := w.screen, freeAddress(t)
	oldFile := w.config("old.toml", "")
	old := w.start("ashyq-kiosk", "run", "--config", oldFile)
	inOrder := func() bool { return w.status("http://"+w.screen+"/healthz") == http.StatusOK }
	w.await("the first device to be in order", inOrder)

	t.Log("a code for the next device changes nothing for the first one")
	var sheet server.VenueSheet
	w.post(server.PathReplaceDoor, w.admin, server.ReplaceDoorRequest{Name: "North gate"}, &sheet)
	old.terminate()
	old = w.start("ashyq-kiosk", "run", "--config", oldFile)
	w.await("the first device to be in order again", inOrder)
	if state := w.door("North gate"); !state.Enrolled || state.Copied {
		t.Errorf("with a code for the next device: %+v", state)
	}

	w.screen = newScreen
	w.write("boot/ashyq-enrol.txt", sheet.Doors[0].Code+"\n")
	id := w.write("machine-id", "00112233445566778899aabbccddeeff\n")
	next := w.launch(exec.Command("unshare", "--mount", "sh", "-c",
		`mount --bind "$0" /etc/machine-id && exec "$@"`, id,
		filepath.Join(w.bin, "ashyq-kiosk"), "run", "--config", w.config("new.toml", "")))
	w.await("the second device to be in order", inOrder)
	if err := os.Remove(filepath.Join(w.dir, "boot",
		"ashyq-enrol.txt")); err != nil { // each device has a card of its own
		t.Fatal(err)
	}

	t.Log("the first device hears of it with its next call, and forgets")
	old.terminate()
	w.screen = oldScreen
	old = w.start("ashyq-kiosk", "run", "--config", oldFile)
	w.await("the first device to be nobody's", func() bool { return w.shows("out of order: not-enrolled") })
	if _, err := os.Stat(filepath.Join(w.dir, "state-of-old.toml", "identity.pem")); err == nil {
		t.Error("its key is still there")
	}
	w.screen = newScreen
	if state := w.door("North gate"); !inOrder() || !state.Enrolled || state.Copied || state.Revoked ||
		state.Venue != "cinema" {
		t.Errorf("after the replacement: %+v", state)
	}
	old.terminate()
	next.terminate()
}
