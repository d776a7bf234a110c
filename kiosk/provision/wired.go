package provision

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// authPlan is netplan's "auth" of a cable: how the door identifies itself to the switch.
type authPlan struct {
	Management string               `yaml:"key-management"`
	Method     string               `yaml:"method"`
	Identity   string               `yaml:"identity"`
	Anonymous  string               `yaml:"anonymous-identity"`
	Password   string               `yaml:"password"`
	Phase2     string               `yaml:"phase2-auth"`
	CA         string               `yaml:"ca-certificate"`
	Cert       string               `yaml:"client-certificate"`
	Key        string               `yaml:"client-key"`
	Other      map[string]yaml.Node `yaml:",inline"`
}

// wired is a valid authPlan. Its certificates and its key are names of files in wiredDir.
type wired struct {
	method    string // peap, ttls or tls
	identity  string
	anonymous string // the name that others on the cable see; "" is identity
	password  string // peap, ttls
	phase2    string // peap, ttls: MSCHAPV2 or PAP
	ca        string
	cert, key string // tls
}

// wiredDir on the boot partition has the certificates and the key. The unit of the daemon may not
// read it.
const wiredDir = "8021x"

// askWired takes the first cable with an auth. After a mistake the door does not identify itself:
// it works where the switch does not ask for it.
func (w *wishes) askWired(plans map[string]cablePlan) {
	for _, name := range slices.Sorted(maps.Keys(plans)) {
		node := plans[name].Auth
		if node.IsZero() {
			continue
		}
		a, ignored, err := readAuth(node)
		for _, key := range ignored {
			w.ignored = append(w.ignored, name+": auth."+key)
		}
		if err != nil {
			w.fail(fmt.Errorf("%s: auth: %w", name, err))
			continue
		}
		if a != nil {
			w.wired = a
			return
		}
	}
}

// readAuth never repeats a secret. It returns nil for "none".
func readAuth(node yaml.Node) (a *wired, ignored []string, err error) {
	var p authPlan
	if err := decodeNode(node, &p); err != nil {
		return nil, nil, err
	}
	if _, ok := p.Other["client-key-password"]; ok {
		return nil, nil, errors.New("client-key-password is not supported\n" +
			"hint: store the key without a password: beside the key it protects nothing")
	}
	ignored = slices.Sorted(maps.Keys(p.Other))
	switch p.Management {
	case "802.1x":
	case "none":
		return nil, ignored, nil
	default:
		return nil, ignored, fmt.Errorf("key-management %q, want 802.1x or none", p.Management)
	}
	a = &wired{method: p.Method, identity: p.Identity, anonymous: p.Anonymous, password: p.Password,
		phase2: strings.ToUpper(p.Phase2)}
	for _, each := range []struct {
		what, value string
		file        *string
		needed      bool
	}{
		{"ca-certificate", p.CA, &a.ca, true},
		{"client-certificate", p.Cert, &a.cert, p.Method == "tls"},
		{"client-key", p.Key, &a.key, p.Method == "tls"},
	} {
		if each.value == "" && !each.needed {
			continue
		}
		if *each.file, err = wiredFile(each.value); err != nil {
			return nil, ignored, fmt.Errorf("%s %q: %w", each.what, each.value, err)
		}
	}
	return a, ignored, a.check()
}

// wiredFile returns the name of a file in wiredDir, which may be written with its folder.
func wiredFile(text string) (string, error) {
	name := strings.TrimPrefix(strings.TrimPrefix(text, "/boot/firmware/"), wiredDir+"/")
	if name == "" || name != filepath.Base(name) || name == ".." || name == "." {
		return "", fmt.Errorf("want the name of a file in the folder %s of the boot partition", wiredDir)
	}
	return name, nil
}

func (a *wired) check() error {
	for what, text := range map[string]string{"identity": a.identity, "anonymous-identity": a.anonymous,
		"password": a.password} {
		if len(text) > 253 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%s: want at most 253 bytes without control characters", what)
		}
	}
	if a.identity == "" {
		return errors.New("identity is missing")
	}
	switch a.method {
	case "tls":
		if a.password != "" || a.phase2 != "" {
			return errors.New("method tls takes client-certificate and client-key, and no password or phase2-auth")
		}
		return nil
	case "peap", "ttls":
	default:
		return fmt.Errorf("method %q, want peap, ttls or tls", a.method)
	}
	if a.phase2 == "" {
		a.phase2 = "MSCHAPV2"
	}
	if a.phase2 != "MSCHAPV2" && (a.phase2 != "PAP" || a.method != "ttls") {
		return fmt.Errorf("phase2-auth %q, want mschapv2, or with ttls pap", a.phase2)
	}
	if a.password == "" {
		return fmt.Errorf("method %s needs a password", a.method)
	}
	if a.cert != "" || a.key != "" {
		return fmt.Errorf("method %s takes no client-certificate and no client-key", a.method)
	}
	return nil
}

// Where wpa_supplicant-wired@.service finds its configuration and its files.
const (
	wpaDir    = "etc/wpa_supplicant"
	wiredConf = wpaDir + "/wired.conf"
	wiredCA   = wpaDir + "/wired-ca.pem"
	wiredCert = wpaDir + "/wired-cert.pem"
	wiredKey  = wpaDir + "/wired-key.pem"
)

// wiredFiles reads what setWired writes: all of it, or an error.
func (o Options) wiredFiles(a *wired) (map[string][]byte, error) {
	files := map[string][]byte{wiredConf: a.supplicant()}
	for to, name := range map[string]string{wiredCA: a.ca, wiredCert: a.cert, wiredKey: a.key} {
		if name == "" {
			continue
		}
		data, err := readFile(filepath.Join(o.Boot, wiredDir, name))
		if err != nil {
			return nil, err
		}
		files[to] = data
	}
	if !x509.NewCertPool().AppendCertsFromPEM(files[wiredCA]) {
		return nil, fmt.Errorf("%s/%s has no certificate (-----BEGIN CERTIFICATE-----)", wiredDir, a.ca)
	}
	if a.method == "tls" {
		if _, err := tls.X509KeyPair(files[wiredCert], files[wiredKey]); err != nil {
			return nil, fmt.Errorf("%s/%s and %s/%s: %w", wiredDir, a.cert, wiredDir, a.key, err)
		}
	}
	return files, nil
}

// setWired writes what wpa_supplicant needs before udev starts it; the configuration last, because
// the unit waits for it. Only root can read the files.
func (o Options) setWired(a *wired) error {
	if a == nil {
		return nil
	}
	files, err := o.wiredFiles(a)
	if err != nil {
		return err
	}
	for _, name := range []string{wiredCA, wiredCert, wiredKey, wiredConf} {
		if files[name] == nil {
			continue
		}
		if err := o.place(name, files[name], 0o600, keepGroup); err != nil {
			return err
		}
	}
	o.Log.Info("set up 802.1X on the cable", "method", a.method)
	return nil
}

// supplicant is wpa_supplicant's configuration. Values from outside are written as hex digits
// (network.block says why). The dates of the switch's certificate are not checked, because a board
// gets the time over this very cable.
func (a *wired) supplicant() []byte {
	var b bytes.Buffer
	b.WriteString("ctrl_interface=/run/wpa_supplicant-wired\nap_scan=0\n\nnetwork={\n\tkey_mgmt=IEEE8021X\n\teapol_flags=0\n")
	fmt.Fprintf(&b, "\teap=%s\n\tidentity=%x\n", strings.ToUpper(a.method), a.identity)
	if a.anonymous != "" {
		fmt.Fprintf(&b, "\tanonymous_identity=%x\n", a.anonymous)
	}
	fmt.Fprintf(&b, "\tca_cert=\"/%s\"\n\tphase1=\"tls_disable_time_checks=1\"\n", wiredCA)
	if a.method == "tls" {
		fmt.Fprintf(&b, "\tclient_cert=\"/%s\"\n\tprivate_key=\"/%s\"\n", wiredCert, wiredKey)
	} else {
		fmt.Fprintf(&b, "\tphase2=\"auth=%s\"\n\tpassword=%x\n", a.phase2, a.password)
	}
	b.WriteString("}\n")
	return b.Bytes()
}
