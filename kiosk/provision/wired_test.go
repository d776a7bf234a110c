package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A mistake in auth leaves 802.1X out as a whole, says what is wrong, and repeats no secret.
func TestWiredIsWholeOrNot(t *testing.T) {
	const x, all = "key-management: 802.1x, ", "key-management: 802.1x, identity: d, password: s3cret, " +
		"ca-certificate: ca.pem, "
	for auth, want := range map[string]string{
		`key-management: psk, password: s3cret`:                                        `"psk", want 802.1x`,
		all + `method: leap`:                                                           `method "leap"`,
		x + `method: peap, identity: d, password: s3cret`:                              "ca-certificate",
		x + `method: peap, identity: d, password: s3cret, ca-certificate: ../ca.pem`:   `"../ca.pem": want the name`,
		x + `method: peap, identity: d, password: s3cret, ca-certificate: /etc/ca.pem`: "in the folder 8021x",
		x + `method: peap, identity: d, ca-certificate: ca.pem`:                        "needs a password",
		x + `method: peap, password: s3cret, ca-certificate: ca.pem`:                   "identity is missing",
		x + `method: peap, identity: d, password: "s3cret\n", ca-certificate: ca.pem`:  "control characters",
		x + `method: peap, identity: d, password: [s3cret], ca-certificate: ca.pem`:    "cannot unmarshal",
		all + `method: peap, phase2-auth: pap`:                                         `phase2-auth "PAP"`,
		all + `method: peap, client-key: k.pem`:                                        "takes no client-certificate",
		all + `method: tls, client-certificate: c`:                                     "client-key",
		all + `method: tls, client-certificate: c, client-key: k`:                      "no password",
		all + `method: tls, client-key: k, client-key-password: s3cret`:                "without a password",
	} {
		w := readNetworkConfig([]byte("ethernets: {eth0: {auth: {" + auth + "}}}\n"))
		got := problems(w)
		if w.wired != nil || len(w.problems) != 1 || !strings.Contains(got, want) || strings.Contains(got, "s3cret") {
			t.Errorf("%s\nwas read as %+v, problems %q, want %q", auth, w.wired, got, want)
		}
	}
	w := readNetworkConfig([]byte("ethernets: {eth0: {auth: {key-management: none, fast: 1}}}\n"))
	if w.wired != nil || len(w.problems) != 0 || strings.Join(w.ignored, " ") != "eth0: auth.fast" {
		t.Errorf("without 802.1X: %+v", w)
	}
}

const peap = `
network:
  ethernets:
    eth0:
      auth:
        key-management: 802.1x
        method: peap
        identity: door-7
        password: s3cret
        ca-certificate: /boot/firmware/8021x/ca.pem
`

// What wpa_supplicant gets is for root only, and neither the log nor Check repeats the password.
func TestWiredIsSecret(t *testing.T) {
	ca := newAuthority(t)
	o, log := world(t, map[string]string{"boot/network-config": peap, "boot/8021x/ca.pem": string(ca.pem())})
	Apply(o)
	conf, err := os.ReadFile(filepath.Join(o.Root, wiredConf))
	if err != nil || !strings.Contains(string(conf), "\tpassword=733363726574\n") {
		t.Fatalf("%v\n%s\n%s", err, conf, log)
	}
	for _, name := range []string{wiredConf, wiredCA} {
		if info, err := os.Stat(filepath.Join(o.Root, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("the log tells the password: %s", log)
	}
	if err := Check(o); err != nil {
		t.Error(err)
	}
}

// A file that is not there, or is something else, leaves 802.1X out as a whole.
func TestWiredFiles(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue(t, "door-7", always)
	_, other := ca.issue(t, "door-8", always)
	tls := strings.NewReplacer("method: peap", "method: tls",
		"password: s3cret", "client-certificate: door.pem\n        client-key: door.key").Replace(peap)
	for name, c := range map[string]struct{ config, ca, cert, key, want string }{
		"no file":           {peap, "", "", "", "no such file"},
		"no certificate":    {peap, "s3cret", "", "", "8021x/ca.pem has no certificate"},
		"another one's key": {tls, string(ca.pem()), string(cert), string(other), "8021x/door.pem and 8021x/door.key"},
		"all there":         {tls, string(ca.pem()), string(cert), string(key), ""},
	} {
		files := map[string]string{"boot/network-config": c.config}
		for file, text := range map[string]string{"ca.pem": c.ca, "door.pem": c.cert, "door.key": c.key} {
			if text != "" {
				files["boot/8021x/"+file] = text
			}
		}
		o, log := world(t, files)
		err := Check(o)
		Apply(o)
		_, missing := os.Stat(filepath.Join(o.Root, wiredConf))
		if c.want == "" {
			if err != nil || missing != nil {
				t.Errorf("%s: %v, %v\n%s", name, err, missing, log)
			}
		} else if err == nil || !strings.Contains(err.Error(), c.want) || missing == nil ||
			!strings.Contains(log.String(), c.want) {
			t.Errorf("%s: checked %v, want %q; written: %v\n%s", name, err, c.want, missing == nil, log)
		}
	}
}
