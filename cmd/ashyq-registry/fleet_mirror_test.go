package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"ashyq-kiosk/kiosk/api"
)

// nginxPath is where Debian installs nginx.
const nginxPath = "/usr/sbin/nginx"

// mirrorConf has the lines of docs/mirrors.md, and room for a fleet.
const mirrorConf = `daemon off;
pid %[1]s/pid;
error_log %[1]s/error.log;
events { worker_connections 16384; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	keepalive_requests 1000000;
	server {
		listen %[2]s ssl;
		ssl_certificate %[1]s/mirror.pem;
		ssl_certificate_key %[1]s/mirror.key;
		root %[3]s;
		location = /v1/manifest {
			default_type application/cose;
			add_header Cache-Control no-cache;
		}
		location /v1/blob/ {
			default_type application/octet-stream;
			add_header Cache-Control "public, max-age=31536000, immutable";
		}
	}
}
`

// serveMirror exports the first registry's list, and serves it with nginx and a certificate of the
// registry's authority.
func (f *fleet) serveMirror() {
	f.Helper()
	if _, err := os.Stat(nginxPath); err != nil {
		f.Skip("there is no nginx to serve a mirror: apt-get install nginx-light")
	}
	dir, tree, user := f.TempDir(), filepath.Join(f.TempDir(), "tree"), ""
	if os.Getuid() == 0 {
		user = "user root;\n" // nobody else reads the test's folder
	}
	f.certify(dir)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		f.Fatal(err)
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf([]byte(user), mirrorConf, dir, address, tree), 0o600); err != nil {
		f.Fatal(err)
	}
	f.mirror, f.tree = "https://"+address, tree
	f.runs(exec.Command(nginxPath, "-c", conf, "-e", filepath.Join(dir, "error.log")))
}

// export copies the list of the registry's present process to the mirror.
func (f *fleet) export() {
	f.Helper()
	if f.mirror == "" {
		return
	}
	first := f.members[0].now()
	f.runs(command("export", "--from", first.doors, "--ca", filepath.Join(first.data, caFile),
		"--key", api.FormatKey(f.witness.key), f.tree))
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(f.tree, api.PathManifest)); err == nil {
			return
		} else if time.Now().After(end) {
			f.Fatal(err)
		}
	}
}

// runs starts a program that ends with the test.
func (f *fleet) runs(cmd *exec.Cmd) {
	f.Helper()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // "signal: interrupt"
	})
}

// certify writes the mirror's key and certificate.
func (f *fleet) certify(dir string) {
	f.Helper()
	authority, err := (&dataDir{name: f.members[0].data}).authority()
	if err != nil {
		f.Fatal(err)
	}
	config, err := authority.TLS("127.0.0.1")
	if err != nil {
		f.Fatal(err)
	}
	leaf, err := config.GetCertificate(nil)
	if err != nil {
		f.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		f.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"mirror.pem": {Type: "CERTIFICATE", Bytes: leaf.Certificate[0]}, "mirror.key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			f.Fatal(err)
		}
	}
}
