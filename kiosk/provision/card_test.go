package provision

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// aKey is a public key that nobody has the private half of.
var aKey = "ssh-ed25519 " + base64.StdEncoding.EncodeToString([]byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"+strings.Repeat("k", 32)))

func problems(w wishes) string {
	var b strings.Builder
	for _, err := range w.problems {
		b.WriteString(err.Error() + "\n")
	}
	return b.String()
}

func TestKeys(t *testing.T) {
	for _, c := range []struct{ name, file, problem string }{
		{"comment and blank lines", "# mine\n\n" + aKey + " aigerim@almaty\r\n", ""},
		{"options", `command="sh" ` + aKey, "does not begin with its type"},
		{"private half", "-----BEGIN OPENSSH PRIVATE KEY-----", "does not begin with its type"},
		{"cut", aKey[:40], "not complete"},
		{"other type inside", strings.Replace(aKey, "ssh-ed25519", "ssh-rsa", 1), "not complete"},
		{"no blob", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "not complete"},
		{"bytes behind", "ssh-ed25519 " + base64.StdEncoding.EncodeToString([]byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x01k\x00\x00")), "not complete"},
		{"huge length", "ssh-ed25519 /////w==", "not complete"},
	} {
		w := readKeys([]byte(c.file))
		if c.problem == "" {
			if !slices.Equal(w.keys, []string{aKey}) || len(w.problems) != 0 {
				t.Errorf("%s: read as %q, %v", c.name, w.keys, w.problems)
			}
		} else if len(w.keys) != 0 || !strings.Contains(problems(w), c.problem) {
			t.Errorf("%s: read as %q, %v, want %q", c.name, w.keys, w.problems, c.problem)
		}
	}
}

func TestUserData(t *testing.T) {
	w := readUserData([]byte("users:\n- ssh_authorized_keys: [" + aKey + "]\n  passwd: x\nssh_import_id: [gh:x]\n"))
	if len(w.keys) != 1 || !slices.Equal(w.ignored, []string{"a user's password; SSH takes keys only", "ssh_import_id"}) {
		t.Errorf("read as %+v", w)
	}
	w = readUserData([]byte("hostname: [a, b]\ntimezone: Asia/Almaty\n"))
	if w.timeZone != "Asia/Almaty" || !strings.Contains(problems(w), "hostname") {
		t.Errorf("one bad value took the others with it: %+v", w)
	}
	if w := readUserData([]byte("#!/bin/sh\nhostname: x\n")); w.hostName != "" ||
		!strings.Contains(problems(w), "script") {
		t.Errorf("a script was read as %+v", w)
	}
	w = readUserData([]byte("users: [{passwd: [s3cret, x], ssh_authorized_keys: [[s3cret]]}]\ntimezone: {s3cret: " +
		"x}\nhostname: {a: s3cret}\n"))
	w.problems = append(w.problems, readUserData([]byte("users: a`s3cret\n")).problems...)
	w.problems = append(w.problems, readNetworkConfig([]byte("a: *s3cret\n")).problems...)
	if len(w.problems) != 5 || strings.Contains(problems(w), "s3cret") {
		t.Errorf("the report is %q", problems(w))
	}
}

func TestHostNames(t *testing.T) {
	for name, want := range map[string]string{
		"door-7\n": "door-7", "DOOR": "door", "7": "7", "-a": "", "a-": "", "a.b": "", "a b": "", "дверь": "", "a\nb": "",
		strings.Repeat("a", 63): strings.Repeat("a", 63), strings.Repeat("a", 64): "",
	} {
		if w := readHostName([]byte(name)); w.hostName != want || (want == "") == (len(w.problems) == 0) {
			t.Errorf("%q was read as %q, %v, want %q", name, w.hostName, w.problems, want)
		}
	}
}

func TestNetworkConfig(t *testing.T) {
	const bare = `
ethernets: {eth0: {dhcp4: true, optional: true}, eth1: {addresses: [10.0.0.3/24]}}
wifis:
  wlan0:
    addresses: [10.0.0.2/24]
    access-points:
      1234: {}
      office: {auth: {key-management: eap, password: s3cret}}
      shop: {auth: {key-management: sae, password: "long enough"}}
`
	w := readNetworkConfig([]byte(bare))
	want := []network{{ssid: "1234"}, {ssid: "shop", secret: "long enough"}}
	if !slices.Equal(w.networks, want) || len(w.links) != 2 || !strings.Contains(problems(w), `key-management "eap"`) ||
		strings.Contains(problems(w), "s3cret") {
		t.Errorf("read as %+v", w)
	}
}

func TestNetworkCheck(t *testing.T) {
	for _, c := range []struct {
		n    network
		good bool
	}{
		{network{ssid: "a"}, true},
		{network{ssid: "a\nnetwork={\x00\"", secret: "12345678"}, true}, // in hex it means nothing
		{network{ssid: ""}, false},
		{network{ssid: strings.Repeat("a", 33)}, false},
		{network{ssid: "a", secret: "1234567"}, false},
		{network{ssid: "a", secret: strings.Repeat("1", 63)}, true},
		{network{ssid: "a", secret: strings.Repeat("1", 64)}, true},
		{network{ssid: "a", secret: strings.Repeat("g", 64)}, false},
		{network{ssid: "a", secret: "12345678\"\n}"}, false},
	} {
		if err := c.n.check(); (err == nil) != c.good {
			t.Errorf("%q with %q: %v", c.n.ssid, c.n.secret, err)
		}
	}
}

// The first valid value counts, and every network.
func TestPrecedence(t *testing.T) {
	o, _ := world(t, map[string]string{
		"boot/hostname":                "bad name",
		"boot/user-data":               "hostname: cloud\ntimezone: Asia/Oral\n",
		"boot/network-config":          "network: {wifis: {wlan0: {access-points: {a: {}, b: {}}}}}",
		"state/ashyq-kiosk/wifi.json":  `{"ssid":"c"}`,
		"boot/authorized_keys":         aKey + " one",
		"state/ashyq-kiosk/ignore.txt": "",
	})
	w := o.gather()
	if w.hostName != "cloud" || w.timeZone != "Asia/Oral" ||
		!slices.Equal(w.networks, []network{{ssid: "a"}, {ssid: "b"}, {ssid: "c", enrolled: true}}) {
		t.Errorf("gathered %+v", w)
	}
}

// A link that the daemon makes is not followed, and nothing that it makes stops the boot.
func TestHostileState(t *testing.T) {
	o, log := world(t, map[string]string{"secret": `{"ssid":"stolen"}`})
	path := filepath.Join(o.State, enrolledWiFi.file)
	for _, make := range []func() error{
		func() error { return os.Symlink("../../secret", path) },
		func() error { return unix.Mkfifo(path, 0o600) },
		func() error { return os.Mkdir(path, 0o700) },
		func() error { return os.WriteFile(path, bytes.Repeat([]byte(" "), maxFile+1), 0o600) },
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := make(); err != nil {
			t.Fatal(err)
		}
		log.Reset()
		if w := o.gather(); len(w.networks) != 0 || !strings.Contains(log.String(), "left out a file") {
			t.Errorf("gathered %+v\n%s", w, log)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConfigGroup(t *testing.T) {
	o, log := world(t, map[string]string{"boot/ashyq-kiosk.toml": "x",
		"root/etc/group": "root:x:0:\nashyq-kiosk:x:1234:\n"})
	if os.Getuid() != 0 {
		t.Skip("not root: nothing can be given to another group")
	}
	o.CheckConfig = func([]byte) error { return nil }
	Apply(o)
	var info unix.Stat_t
	if err := unix.Stat(filepath.Join(o.Root, "etc/ashyq-kiosk/ashyq-kiosk.toml"), &info); err != nil ||
		info.Gid != 1234 || info.Mode&0o777 != 0o640 {
		t.Errorf("group %d, mode %o, %v\n%s", info.Gid, info.Mode, err, log)
	}
}

// The boot partition is writable only for the moment in which the file that asked for the reset is
// removed.
func TestResetReadOnly(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: nothing was mounted read-only")
	}
	o, log := world(t, map[string]string{"state/a/b/c": "", "state/.hidden": ""})
	if err := unix.Mount("tmpfs", o.Boot, "tmpfs", unix.MS_NODEV, "size=1m"); err != nil {
		t.Skipf("this machine lets nobody mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(o.Boot, 0); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(o.Boot, resetFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", o.Boot, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NODEV, ""); err != nil {
		t.Fatal(err)
	}
	Apply(o)
	if _, err := os.Stat(filepath.Join(o.Boot, resetFile)); !os.IsNotExist(err) {
		t.Errorf("the file that asked for the reset is still there: %v\n%s", err, log)
	}
	if _, flags, err := mountPoint(o.Boot); err != nil || flags&unix.ST_RDONLY == 0 || flags&unix.ST_NODEV == 0 {
		t.Errorf("mounted with flags %x afterwards, %v", flags, err)
	}
	if left, err := os.ReadDir(o.State); err != nil || len(left) != 1 || left[0].Name() != "a" {
		t.Errorf("left are %v, %v", left, err)
	}
}

// The file stays until the state is empty, or a power cut would leave half of the state to the next
// owner.
func TestResetNotDone(t *testing.T) {
	o, log := world(t, map[string]string{"boot/" + resetFile: ""})
	if err := os.RemoveAll(o.State); err != nil {
		t.Fatal(err)
	}
	Apply(o)
	if _, err := os.Stat(filepath.Join(o.Boot, resetFile)); err != nil {
		t.Errorf("the file was removed without a reset: %v\n%s", err, log)
	}
}

// A door that is as new installs no older version than before.
func TestResetKeepsLowest(t *testing.T) {
	o, log := world(t, map[string]string{"boot/" + resetFile: "", "state/lowest": "2026.12-5\n",
		"state/update.json": "{}", "state/a/lowest": ""})
	o.Keep = []string{"lowest"}
	Apply(o)
	if got, err := os.ReadFile(filepath.Join(o.State, "lowest")); err != nil || string(got) != "2026.12-5\n" {
		t.Errorf("%q, %v\n%s", got, err, log)
	}
	for _, name := range []string{"update.json", "a/lowest"} {
		if _, err := os.Stat(filepath.Join(o.State, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v\n%s", name, err, log)
		}
	}
}

// world makes files in a fresh boot partition, state partition and system.
func world(t *testing.T, files map[string]string) (Options, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	log := new(bytes.Buffer)
	o := Options{
		Boot: filepath.Join(dir, "boot"), State: filepath.Join(dir, "state"), Root: filepath.Join(dir, "root"),
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	for _, d := range []string{o.Boot, o.State, o.Root} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return o, log
}
