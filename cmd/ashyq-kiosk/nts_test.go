package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ashyq-kiosk/kiosk/task"
)

// ntsCertificate makes an authority and a server's key and certificate, files in a new folder.
func ntsCertificate(t *testing.T) (ca, key, cert string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	newKey := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	caKey, serverKey := newKey(), newKey()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "time"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{{127, 0, 0, 1}},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, authority, authority, caKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, authority, serverKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		t.Fatal(err)
	}
	ca = write("ca.pem", "CERTIFICATE", caDER)
	return ca, write("key.pem", "PRIVATE KEY", keyDER), write("cert.pem", "CERTIFICATE", serverDER)
}

// ntsServer is a real chronyd that serves this machine's time with NTS.
type ntsServer struct {
	*testing.T
	ca, key, cert  string
	port, exchange string // of NTP, and of the keys' exchange
	stop           func()
}

func newNTSServer(t *testing.T) *ntsServer {
	s := &ntsServer{T: t, port: freePort(t), exchange: freePort(t)}
	s.ca, s.key, s.cert = ntsCertificate(t)
	s.start()
	return s
}

func (s *ntsServer) start() {
	_, s.stop = startChrony(s.T, fmt.Sprintf("port %s\nbindaddress 127.0.0.1\nntsport %s\nntsserverkey %s\n"+
		"ntsservercert %s\nntsdumpdir @DIR@\nallow 127.0.0.1\nlocal stratum 1\n"+
		"cmdport 0\nbindcmdaddress @DIR@/sock\n", s.port, s.exchange, s.key, s.cert))
}

// ntsDoor is a door beside a chronyd with the card's settings: a server with NTS before one that
// lies.
type ntsDoor struct {
	*clockDoor
	socket string
	said   strings.Builder
}

// ask runs the program of ashyq-clock.service until it says what the test waits for.
func (d *ntsDoor) ask(want string) {
	d.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		d.said.Reset()
		e := &env{ctx: d.Context(), out: &d.said, log: slog.New(slog.DiscardHandler)}
		if err := (clockCmd{Socket: d.socket, To: d.word}).Run(e); err != nil {
			d.said.WriteString(err.Error()) // chronyd is not up yet
		}
		if strings.Contains(d.said.String(), want) {
			d.wait(2500 * time.Millisecond) // the door looks each second
			return
		}
	}
	d.Fatalf("asked chronyd, it says %q, want %q", d.said.String(), want)
}

// raised is how far the door is sure that time has come, against the manifest's.
func (d *ntsDoor) raised() time.Duration {
	return d.store.NotBefore().Sub(d.state().AsOf).Round(time.Second)
}

// TestSignedTime has two real chronyds: a server with NTS, and the door's. Only what the first one
// signs tells the door for certain how late it is; a liar without NTS moves it by three days at
// most.
func TestSignedTime(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves real chronyds, which take half a minute, to make test")
	}
	t.Parallel() // it mostly waits
	if os.Getuid() != 0 {
		t.Skip("only root is believed here: the user of chronyd, who is too, cannot run tests")
	}
	const offline = 100 * 24 * time.Hour // since the list was made
	server, liar := newNTSServer(t), newLiar(t, "127.0.0.2")
	liar.ahead.Store(int64(wrongTick))
	dir, _ := startChrony(t, fmt.Sprintf("server localhost port %s ntsport %s nts trust prefer %s\n"+
		"server 127.0.0.2 port %d %s\nntstrustedcerts %s\nnocerttimecheck 1\nauthselectmode ignore\nport 0\ncmdport 0\n"+
		"bindcmdaddress @DIR@/sock\nmakestep 1 -1\nmaxjitter 1e12\n",
		server.port, server.exchange, often, liar.port(), often, server.ca))
	d := &ntsDoor{
		clockDoor: &clockDoor{T: t, dir: t.TempDir(), word: filepath.Join(dir, "signed")},
		socket:    filepath.Join(dir, "sock"),
	}
	d.start()
	t.Cleanup(func() { d.stop() })
	d.manifest(1, time.Now().Add(-offline))
	d.wait(2500 * time.Millisecond)
	d.expect("with unsigned time", true)
	if got := d.raised(); got > time.Minute {
		t.Errorf("unsigned time is certain, by %v", got)
	}

	d.ask("the time is signed by 127.0.0.1")
	if got := d.raised(); (got - offline).Abs() > time.Minute {
		t.Errorf("signed time has raised what is certain by %v, want %v", got, offline)
	}
	d.restart(0)
	if got := d.raised(); (got - offline).Abs() > time.Minute {
		t.Errorf("after a restart %v is certain, want %v", got, offline)
	}
	d.set(-offline / 2)
	d.wait(2500 * time.Millisecond)
	d.expect("50 days back, which the manifest's time allows", false)
	d.set(0)

	server.stop()
	d.ask("127.0.0.2, which does not sign")
	if _, err := os.Stat(d.word); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the word stays: %v", err)
	}
	d.set(wrongTick)
	d.wait(2500 * time.Millisecond)
	if got := d.raised(); (got - offline).Abs() > time.Minute {
		t.Errorf("the liar has raised what is certain by %v", got)
	}
	if seen, err := d.store.SeenTime(); err != nil || time.Until(seen) > task.Leeway || time.Until(seen) < task.Leeway/2 {
		t.Errorf("the liar has raised what was seen by %v, %v, want three days", time.Until(seen), err)
	}
	d.set(0)
	d.wait(2500 * time.Millisecond)
	d.expect("right after the lie", false)

	server.start()
	d.ask("the time is signed by 127.0.0.1")
	d.expect("when signed time disproves it", true)
}
