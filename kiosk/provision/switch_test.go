package provision

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a venue's, for the switch and for doors.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// span is for how long a certificate is valid.
type span struct{ from, to time.Time }

var (
	always  = span{time.Unix(0, 0), time.Now().AddDate(20, 0, 0)}
	expired = span{time.Unix(0, 0), time.Now().AddDate(-1, 0, 0)}
)

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "venue"},
		NotBefore: always.from, NotAfter: always.to, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &authority{c, key}
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func (a *authority) issue(t *testing.T, name string, valid span) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: valid.from, NotAfter: valid.to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth,
			x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: inner})
}

// switchScript makes two namespaces, the door's and the venue's, whose bridge has the door's port
// locked. The bridge forwards from a locked port what comes from a known address only (bridge(8),
// locked). hostapd's wired driver authenticates and controls no port, so hostapd_cli opens it here:
// it adds the door's address to the bridge, as a switch does.
const switchScript = `set -e
mount --make-rprivate /
mount -t tmpfs run /run
mkdir -p "$DIR/root/etc/wpa_supplicant"
mount --bind "$DIR/root/etc/wpa_supplicant" /etc/wpa_supplicant
ip link add port type veth peer name cable
ip link add uplink type veth peer name server
mkdir -p /run/netns
ip netns add door
ip link set cable netns door
ip link add switch type bridge
ip link set port master switch
ip link set uplink master switch
bridge link set dev port locked on learning off
ip addr add 192.0.2.1/24 dev server
for each in port uplink server switch; do ip link set $each up; done
ip netns exec door sh -c 'ip addr add 192.0.2.10/24 dev cable; ip link set lo up; ip link set cable up'
hostapd "$DIR/hostapd.conf" >"$DIR/hostapd.log" 2>&1 &
hostapd=$!
for i in $(seq 100); do [ ! -S /run/hostapd/port ] || break; sleep 0.1; done
hostapd_cli -p /run/hostapd -i port -a "$DIR/authenticated" >/dev/null &
cli=$!
reach() { ip netns exec door ping -c 1 -W 1 192.0.2.1 >/dev/null; }
if reach; then echo "before 802.1X the port is open"; fi
ip netns exec door wpa_supplicant -D wired -i cable -c /etc/wpa_supplicant/wired.conf -t >"$DIR/wpa.log" 2>&1 &
wpa=$!
if [ "$ASKS" = false ]; then kill -STOP $hostapd; bridge link set dev port locked off; fi
for i in $(seq 80); do
	[ "$ASKS" = true ] || [ $i -lt 40 ] || break
	! grep -q "EAP-SUCCESS\|EAP-FAILURE\|CERT-ERROR\|Failed" "$DIR/wpa.log" || break
	sleep 0.1
done
sleep 0.3
ASHYQ_ASK_SWITCH=1 "$SELF" -test.run '^TestSwitch$' || true
if reach; then echo "after 802.1X the port is open"; fi
kill $wpa $cli $hostapd || true
kill -CONT $hostapd
wait
`

// venue is the switch's end of the cable. Without an authority the switch does not ask for 802.1X.
type venue struct {
	authority *authority
	valid     span   // its certificate
	password  string // of door-7
}

// plug has the door's files applied, plugs the door in, and returns what was seen.
func plug(t *testing.T, config string, ca *authority, v venue) (seen, log string) {
	t.Helper()
	server := cmp.Or(v.authority, ca)
	cert, key := server.issue(t, "switch", v.valid)
	doorCert, doorKey := ca.issue(t, "door-7", always)
	o, applied := world(t, map[string]string{"boot/network-config": config,
		"boot/8021x/ca.pem": string(ca.pem()), "boot/8021x/door.pem": string(doorCert), "boot/8021x/door.key": string(doorKey)})
	Apply(o)
	dir := filepath.Dir(o.Root)
	for name, text := range map[string]string{
		"switch-ca.pem": string(server.pem()), "switch.pem": string(cert), "switch.key": string(key),
		"users": fmt.Sprintf("* PEAP,TTLS,TLS\n\"door-7\" MSCHAPV2,TTLS-MSCHAPV2,TTLS-PAP %x [2]\n",
			cmp.Or(v.password, "x")),
		"authenticated": "#!/bin/sh\n[ \"$2\" != AP-STA-CONNECTED ] || bridge fdb add \"$3\" dev port master static\n",
		"hostapd.conf": strings.ReplaceAll("driver=wired\ninterface=port\nbridge=switch\nctrl_interface=/run/hostapd\nieee8021x=1\nuse_pae_group_addr=1\neap_server=1\n"+
			"eap_user_file=DIR/users\nca_cert=DIR/switch-ca.pem\nserver_cert=DIR/switch.pem\nprivate_key=DIR/switch.key\n", "DIR", dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--net", "--mount", "sh", "-c", switchScript)
	cmd.Env = append(os.Environ(), "DIR="+dir, "SELF="+os.Args[0], fmt.Sprint("ASKS=", v.authority != nil))
	out, err := cmd.CombinedOutput()
	for _, name := range []string{"wpa.log", "hostapd.log"} {
		text, _ := os.ReadFile(filepath.Join(dir, name)) // without it there is less to read
		log += name + ":\n" + string(text)
	}
	if err != nil {
		t.Fatalf("%v\n%s\n%s\n%s", err, out, log, applied)
	}
	return string(out), log
}

// TestSwitch plugs a door into a port that forwards nothing before 802.1X (hostapd's EAP server).
func TestSwitch(t *testing.T) {
	if os.Getenv("ASHYQ_ASK_SWITCH") != "" { // inside, for the doctor
		found, err := Switch(t.Context())
		fmt.Printf("the doctor: %q, %v\n", found, err)
		return
	}
	if testing.Short() {
		t.Skip("-short: it takes 17 seconds")
	}
	for _, program := range []string{"hostapd", "wpa_supplicant", "bridge", "ping"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no %s in PATH: make test installs it", program)
		}
	}
	if err := exec.Command("unshare", "--net", "--mount", "true").Run(); err != nil {
		t.Skip("no network namespace may be made here: ", err)
	}
	ca, stranger := newAuthority(t), newAuthority(t)
	auth := func(text string) string {
		return "ethernets: {eth0: {auth: {key-management: 802.1x, identity: door-7, ca-certificate: ca.pem, " + text + "}}}\n"
	}
	type outcome struct {
		open  bool
		says  string // wpa_supplicant
		found string // the doctor
	}
	letIn := outcome{true, "EAP-SUCCESS", "the switch let the door in"}
	for _, c := range []struct {
		name, config string
		venue        venue
		want         outcome
	}{
		{"peap", auth(`method: peap, anonymous-identity: anybody, password: 's3cret "#}\'`),
			venue{ca, always, `s3cret "#}\`}, letIn},
		{"ttls", auth("method: ttls, phase2-auth: pap, password: s3cret"), venue{ca, always, "s3cret"}, letIn},
		{"ttls with mschapv2", auth("method: ttls, password: s3cret"), venue{ca, always, "s3cret"}, letIn},
		{"tls", auth("method: tls, client-certificate: door.pem, client-key: 8021x/door.key"), venue{ca, always, "x"}, letIn},
		{"a board without the time", auth("method: peap, password: s3cret"), venue{ca, expired, "s3cret"}, letIn},
		{"wrong password", auth("method: peap, password: s3cret"), venue{ca, always, "other"},
			outcome{false, "EAP-FAILURE", "refused by"}},
		{"a stranger's switch", auth("method: peap, password: s3cret"), venue{stranger, always, "s3cret"},
			outcome{false, "CERT-ERROR", "refused by"}},
		{"a switch without 802.1X", auth("method: peap, password: s3cret"), venue{},
			outcome{true, "Associated with", "nobody on the cable asks"}},
		{"a door without 802.1X", "ethernets: {eth0: {dhcp4: true}}\n", venue{ca, always, "x"},
			outcome{false, "Failed to open", `"", <nil>`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seen, log := plug(t, c.config, ca, c.venue)
			before := strings.Contains(seen, "before 802.1X the port is open")
			after := strings.Contains(seen, "after 802.1X the port is open")
			if before || after != c.want.open || !strings.Contains(log, c.want.says) || !strings.Contains(seen, c.want.found) {
				t.Errorf("want %+v\n%s\n%s", c.want, seen, log)
			}
			if strings.Contains(log, "s3cret") {
				t.Errorf("a log tells the password:\n%s", log)
			}
		})
	}
}
